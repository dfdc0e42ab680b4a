"""What the reference pages must say, taken from the code they describe."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

ROW = re.compile(r"(?m)^\| `([^`]+)` \|(.*)\|$")
BOUNDS: dict[type, tuple[str, str]] = {Gt: ("gt", "> "), Ge: ("ge", ""), Lt: ("lt", "< "), Le: ("le", "")}


def rows(page: Path) -> dict[str, list[str]]:
    """First cell (without its back ticks) -> the other cells of each table row on the page."""
    found = ROW.findall(page.read_text(encoding="utf-8"))
    return {first: [cell.strip() for cell in re.split(r"(?<!\\)\|", rest)] for first, rest in found}


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Name, default and allowed range of every setting, sections walked through."""
    for name, field in model.model_fields.items():
        section = section_of(field.annotation)
        if section is not None:
            yield from settings_of(section, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", shown_default(field), shown_range(field)


def section_of(annotation: object) -> type[BaseModel] | None:
    """The model of a section, or of the entries of a list of sections."""
    if get_origin(annotation) is tuple:
        annotation = get_args(annotation)[0]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def shown_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "by platform"
    return shown(field.default)


def shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str | PurePath):
        return f"`{value}`" if str(value) else "empty"
    if isinstance(value, tuple):
        return "empty" if not value else ", ".join(map(shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def shown_range(field: FieldInfo) -> str:
    """`0.5 to 60`, `> 0 to 60`, or nothing where no number is bounded."""
    low = next((_bound(item) for item in field.metadata if isinstance(item, Gt | Ge)), "")
    high = next((_bound(item) for item in field.metadata if isinstance(item, Lt | Le)), "")
    return f"{low} to {high}" if low and high else low or high


def _bound(item: Gt | Ge | Lt | Le) -> str:
    attribute, sign = BOUNDS[type(item)]
    return f"{sign}{getattr(item, attribute):g}"
