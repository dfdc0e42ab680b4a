"""Every sentence a person reads, in English and Simplified Chinese, from one pair of files.

A sentence is a whole one: the files hold patterns like ``{dash_m}``, never fragments to be glued together.
How a parameter looks follows from the unit in its name (``_m``, ``_s``, ``_v``, ``_pct``, ``_days``, ``_hours``,
``_kmh``, ``_date``); a ``_date`` may be an instant in ISO 8601, whose day depends on the reader's zone (`dates_in`); a
text ``@key`` is another entry of the catalogue, shown in the same language,
and any other text is shown as it is.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

MESSAGES = Path(__file__).parent / "messages"


class Language(StrEnum):
    """The languages everything exists in."""

    EN = "en"
    ZH = "zh"


class MessageError(LookupError):
    """A sentence, or a parameter it needs, does not exist: a mistake of the programmer, named by key."""


def render(key: str, language: Language | str, **params: object) -> str:
    """The sentence ``key`` in ``language``; raise MessageError naming the key or the missing parameter."""
    chosen = Language(language)
    pattern = _catalogue(chosen).get(key)
    if pattern is None:
        raise MessageError(f"no message '{key}' in config/messages/{chosen}.toml")
    return "".join(_pieces(key, pattern, chosen, params))


def texts(key: str, **params: object) -> dict[str, str]:
    """The sentence ``key`` in every language, by language code."""
    return {str(language): render(key, language, **params) for language in Language}


def dates_in(zone: tzinfo, params: Mapping[str, Any]) -> dict[str, Any]:
    """``params`` with each instant among the ``_date`` ones as the day it was in ``zone``."""
    return {name: _day(value, zone) if name.endswith("_date") else value for name, value in params.items()}


def _day(value: object, zone: tzinfo) -> object:
    """The day of an instant; anything else as it is."""
    if isinstance(value, str) and "T" in value:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return value
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(zone).date().isoformat()


def text_of(key: str, **params: object) -> dict[str, str]:
    """The same as `texts`."""
    return texts(key, **params)


def has(key: str) -> bool:
    """Whether the sentence exists."""
    return key in _catalogue(Language.EN)


def keys(language: Language | str = Language.EN) -> frozenset[str]:
    """All keys of one language."""
    return frozenset(_catalogue(Language(language)))


def placeholders(key: str, language: Language | str) -> frozenset[str]:
    """The parameters the sentence needs."""
    return frozenset(name for _, name in _parsed(_catalogue(Language(language))[key]) if name)


@cache
def _parsed(pattern: str) -> tuple[tuple[str, str | None], ...]:
    """Each literal of a pattern with the name of the parameter behind it."""
    return tuple((literal, name) for literal, name, _, _ in Formatter().parse(pattern))


@cache
def _catalogue(language: Language) -> Mapping[str, str]:
    path = MESSAGES / f"{language}.toml"
    with path.open("rb") as file:
        return dict(_flat(tomllib.load(file), ""))


def _flat(table: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            yield f"{prefix}{name}", value
        else:
            raise MessageError(f"message '{prefix}{name}' is not a text")


def _pieces(key: str, pattern: str, language: Language, params: Mapping[str, object]) -> Iterable[str]:
    for literal, name in _parsed(pattern):
        yield literal
        if name is None:
            continue
        if name not in params:
            raise MessageError(f"message '{key}' needs the parameter '{name}'")
        yield shown(name, params[name], language)


def shown(name: str, value: object, language: Language | str) -> str:
    """One parameter as a person reads it; the unit is in the end of its name."""
    chosen = Language(language)
    if value is None:
        return render("value.unknown", chosen)
    if isinstance(value, str) and value.startswith("@") and _stands_alone(value[1:], chosen):
        return render(value[1:], chosen)
    if isinstance(value, bool):
        return render("value.yes" if value else "value.no", chosen)
    if isinstance(value, int | float):
        return _number(name, value, chosen)
    return _other(name, value, chosen)


def _stands_alone(key: str, language: Language) -> bool:
    return has(key) and not placeholders(key, language)


def _other(name: str, value: object, language: Language) -> str:
    if name.endswith("_date"):
        value = _day(value, UTC)
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        separator = "、" if language is Language.ZH else ", "
        return separator.join(shown(name, item, language) for item in value)
    return str(value)


def _number(name: str, value: float, language: Language) -> str:
    for suffix, form in _FORMS.items():
        if name.endswith(suffix):
            return form(value, language)
    return str(value) if isinstance(value, int) else f"{value:g}"


def _distance(metres: float, language: Language) -> str:
    kilometres = metres / 1000
    # a car with less than ten kilometres between two values deserves the decimal, nobody else does
    number = f"{kilometres:,.1f}" if abs(kilometres) < 10 and metres % 1000 else f"{kilometres:,.0f}"
    return _with_unit(number, "km", "公里", language)


def _duration(seconds: float, language: Language) -> str:
    minutes = round(seconds / 60)
    if abs(seconds) < 60:
        return _with_unit(f"{seconds:g}", "s", "秒", language)
    if abs(minutes) < 120:
        return _with_unit(str(minutes), "min", "分钟", language)
    return _with_unit(f"{seconds / 3600:,.0f}", "h", "小时", language)


def _days(days: float, language: Language) -> str:
    return _with_unit(f"{days:,.0f}", "day" if abs(days) == 1 else "days", "天", language)


def _with_unit(number: str, english: str, chinese: str, language: Language) -> str:
    return f"{number} {chinese if language is Language.ZH else english}"


_FORMS: dict[str, Callable[[float, Language], str]] = {
    "_m": _distance,
    "_s": _duration,
    "_v": lambda value, _: f"{value:.1f} V",
    "_pct": lambda value, _: f"{value:.1f} %",
    "_days": _days,
    "_hours": lambda value, language: _with_unit(f"{value:,.0f}", "h", "小时", language),
    "_kmh": lambda value, language: _with_unit(f"{value:,.0f}", "km/h", "公里/小时", language),
}
