"""Rule files an owner edits: TOML read strictly; every refusal names the file, the line and the key."""

import re
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from config.errors import SettingsError

FILE_MAX_BYTES = 1_000_000
_File = TypeVar("_File", bound=BaseModel)


def files_of(directory: Path) -> list[Path]:
    """The rule files of a directory by name; SettingsError when there is none: no rules at all is never meant."""
    if files := sorted(directory.glob("*.toml")):
        return files
    raise SettingsError(f"{directory}: no .toml file in this folder; put one there or take the setting out")


def read_rules(path: Path, model: type[_File]) -> tuple[_File, str]:
    """The file as ``model`` and its text; raise SettingsError for the first thing that is wrong with it."""
    try:
        data = path.read_bytes()
        if len(data) > FILE_MAX_BYTES:
            raise SettingsError(f"{path}: larger than {FILE_MAX_BYTES} bytes; split it")
        text = data.decode()
        table = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, no TOML, or a number without end
        raise SettingsError(f"{path}: not readable as TOML: {error}") from error
    try:
        return model.model_validate(table), text
    except ValidationError as error:
        raise SettingsError(_first_reason(error, path, text)) from error


def line_of(text: str, table: str, place: int, key: str = "") -> int:
    """Line, from 1, of ``key`` (or of the heading) in ``[[table]]`` number ``place``, from 0; 1 when not found."""
    heading = re.compile(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]")
    begins = [number for number, line in enumerate(text.splitlines(), 1) if heading.match(line)]
    if place >= len(begins):
        return 1
    lines = text.splitlines()
    ends = begins[place + 1] - 1 if place + 1 < len(begins) else len(lines)
    named = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*=""")
    found = (number for number in range(begins[place], ends + 1) if key and named.match(lines[number - 1]))
    return next(found, begins[place])


def _first_reason(error: ValidationError, path: Path, text: str) -> str:
    # a misspelt key is also a missing one: its own line is where to look
    first = min(error.errors(), key=lambda mistake: mistake["type"] != "extra_forbidden")
    place = [part for part in first["loc"] if not str(part).startswith(("function-", "list[", "str", "literal"))]
    key = ".".join(str(part) for part in place)
    line = 1
    if len(place) >= 2 and isinstance(place[1], int):
        line = line_of(text, str(place[0]), place[1], str(place[2]) if len(place) > 2 else "")
    if first["type"] == "extra_forbidden":
        return f"{path}:{line}: unknown key '{key}'; remove it or correct its name"
    return f"{path}:{line}: key '{key}': {first['msg'].removeprefix('Value error, ').lower()}"
