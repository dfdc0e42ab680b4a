"""Reads TOML strictly: every value is asked for by key, type and range, and an error names file, line and key."""

import re
import tomllib
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from simulator.errors import ScenarioError

Where = tuple[str | int, ...]

SIZE_LIMIT = 256 * 1024

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"]*\")\s*=")


# What TOML calls the things that Python names otherwise.
_KINDS: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


def locate(text: str) -> dict[Where, int]:
    """Line numbers of table headers and keys, by path; good enough to point a person at the place."""
    found: dict[Where, int] = {}
    counts: dict[Where, int] = {}
    here: Where = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            here = _enter(header[2], counts, is_array=header[1] == "[[")
            found[here] = number
            continue
        key = _KEY.match(line)
        if key:
            found.setdefault((*here, key[1].strip('"')), number)
    return found


def _enter(name: str, counts: dict[Where, int], *, is_array: bool) -> Where:
    path: Where = ()
    parts = [part.strip().strip('"') for part in name.split(".")]
    for place, part in enumerate(parts):
        path = (*path, part)
        if is_array and place == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


class Table:
    """One table of a file. Ask for each key once, then call ``finish`` to refuse what nobody asked for."""

    def __init__(self, file: Path, lines: dict[Where, int], values: dict[str, Any], path: Where = ()) -> None:
        self.file = file
        self._lines = lines
        self._values = values
        self._path = path
        self._asked: set[str] = set()

    def fail(self, key: str, reason: str) -> ScenarioError:
        """An error at ``key`` of this table, to be raised by the caller."""
        place: Where = (*self._path, key) if key else self._path
        name = ".".join(str(part) if isinstance(part, str) else str(part + 1) for part in place)
        while place and place not in self._lines:
            place = place[:-1]
        return ScenarioError(self.file, self._lines.get(place, 0), name, reason)

    def has(self, key: str) -> bool:
        """Whether the file names ``key`` here."""
        return key in self._values

    def text(self, key: str, default: str | None = None, *, among: Collection[str] = ()) -> str:
        """A text; one of ``among`` if that is given."""
        value = self._value(key, str, "a text", default)
        if among and value not in among:
            raise self.fail(key, f"{value!r} is not one of: {', '.join(among)}")
        return str(value)

    def whole(self, key: str, default: int | None = None, *, low: int = 0, high: int = 10**9) -> int:
        """A whole number within ``low`` and ``high``."""
        value = self._value(key, int, "a whole number", default)
        if isinstance(value, bool):
            raise self.fail(key, "wanted a whole number, found true or false")
        return int(self._within(key, value, low, high))

    def number(self, key: str, default: float | None = None, *, low: float = 0.0, high: float = 1e9) -> float:
        """A number within ``low`` and ``high``."""
        value = self._value(key, (int, float), "a number", default)
        if isinstance(value, bool):
            raise self.fail(key, "wanted a number, found true or false")
        return float(self._within(key, value, low, high))

    def flag(self, key: str, default: bool | None = None) -> bool:  # noqa: FBT001 - a default like the others
        """True or false."""
        return bool(self._value(key, bool, "true or false", default))

    def texts(self, key: str, default: Collection[str] | None = None) -> tuple[str, ...]:
        """A list of texts."""
        value = self._value(key, list, "a list of texts", None if default is None else list(default))
        if not all(isinstance(item, str) for item in value):
            raise self.fail(key, "wanted a list of texts")
        return tuple(value)

    def table(self, key: str) -> "Table | None":
        """A table within this one, if there is one."""
        value = self._value(key, dict, "a table", {})
        return Table(self.file, self._lines, value, (*self._path, key)) if self.has(key) else None

    def tables(self, key: str) -> "list[Table]":
        """A list of tables within this one."""
        value = self._value(key, list, "a list of tables", [])
        if not all(isinstance(item, dict) for item in value):
            raise self.fail(key, "wanted a list of tables")
        return [Table(self.file, self._lines, item, (*self._path, key, place)) for place, item in enumerate(value)]

    def free(self, key: str) -> dict[str, Any]:
        """A table whose keys are data of their own."""
        return dict(self._value(key, dict, "a table", {}))

    def finish(self) -> None:
        """Refuse keys that were never asked for, with the likeliest right one."""
        for key in self._values:
            if key not in self._asked:
                close = get_close_matches(key, self._asked, n=1, cutoff=0.5)
                raise self.fail(key, "unknown key" + (f", did you mean {close[0]}?" if close else ""))

    def _value(self, key: str, kind: type | tuple[type, ...], wanted: str, default: Any) -> Any:
        self._asked.add(key)
        if key not in self._values:
            if default is None:
                raise self._missing(key)
            return default
        value = self._values[key]
        if not isinstance(value, kind):
            raise self.fail(key, f"wanted {wanted}, found {_KINDS.get(type(value), 'a date or time')}")
        return value

    def _missing(self, key: str) -> ScenarioError:
        """Names the key that stands there with another unit, if one does: odometer_mi for odometer_km."""
        stem = key.rpartition("_")[0]
        other = next((name for name in self._values if stem and name.rpartition("_")[0] == stem), "")
        return self.fail(other or key, f"has another unit, wanted {key}" if other else "is missing")

    def _within(self, key: str, value: float, low: float, high: float) -> float:
        if not low <= value <= high:
            raise self.fail(key, f"{value:.10g} is outside {low:.10g} to {high:.10g}")
        return value


def read(file: Path) -> Table:
    """The root table of a file; ScenarioError when it cannot be read or is not TOML."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ScenarioError(file, 0, "", f"cannot be read: {error.strerror or error}") from None
    if len(raw) > SIZE_LIMIT:
        raise ScenarioError(file, 0, "", f"is larger than {SIZE_LIMIT // 1024} kB")
    try:
        text = raw.decode("utf-8")
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ScenarioError(file, raw[: error.start].count(b"\n") + 1, "", "is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r" \(at line (\d+), column \d+\)", str(error))
        reason = str(error)[: at.start()] if at else str(error)
        raise ScenarioError(file, int(at[1]) if at else 0, "", f"is not TOML: {reason}") from None
    return Table(file, locate(text), values)
