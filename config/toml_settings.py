"""Settings from a TOML file with the environment above it; every mistake is one line that names file and key."""

import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from config.catalogue import texts
from config.errors import SettingsError

LIMITS = ("gt", "ge", "lt", "le", "pattern", "min_length", "max_length")
REASONS = {
    "missing": "settings.missing",
    "string_pattern_mismatch": "settings.form",
    "greater_than": "settings.above",
    "greater_than_equal": "settings.least",
    "less_than": "settings.below",
    "less_than_equal": "settings.most",
    "int_parsing": "settings.number",
    "int_type": "settings.number",
    "float_parsing": "settings.number",
    "float_type": "settings.number",
    "string_type": "settings.text",
    "no_such_zone": "settings.zone",
}
"""Sentence for each kind of mistake that pydantic tells."""


class TomlSettings(BaseSettings):
    """Base of the settings of one program. ``load`` is the way to make them."""

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Read ``path`` (None: no file) and the environment; raise SettingsError with key and reason in one line."""
        try:
            return cls(**_read_toml(path))
        except ValidationError as error:
            raise _first_fault(error, path) from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment outranks the file."""
        return env_settings, init_settings


def _read_toml(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _fault("settings.no_file", path=str(path)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _fault("settings.not_toml", path=str(path), detail=str(error)) from error


def _first_fault(error: ValidationError, path: Path | None) -> SettingsError:
    """The first mistake, in both languages; pydantic's own words only where ours have none for its kind."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    where = f"{path}: " if path else ""
    if first["type"] == "extra_forbidden":
        return _fault("settings.unknown", where=where, setting=key)
    sentence = REASONS.get(first["type"])
    limits = {name: str(value) for name, value in first.get("ctx", {}).items() if name in LIMITS}
    if key and sentence and (not limits or len(limits) == 1):
        return _fault(sentence, where=where, setting=key, limit=next(iter(limits.values()), ""))
    return _fault("settings.wrong", where=where, setting=key or "-", detail=first["msg"].removeprefix("Value error, "))


def _fault(sentence: str, **params: str) -> SettingsError:
    said = texts(sentence, **params)
    return SettingsError(said["en"], said["zh"])
