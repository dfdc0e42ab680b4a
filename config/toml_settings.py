"""Settings from a TOML file with the environment above it; every mistake is one line that names file and key."""

import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from config.errors import SettingsError


class TomlSettings(BaseSettings):
    """Base of the settings of one program. ``load`` is the way to make them."""

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Read ``path`` (None: no file) and the environment; raise SettingsError with key and reason in one line."""
        try:
            return cls(**_read_toml(path))
        except ValidationError as error:
            raise SettingsError(_first_reason(error, path)) from error

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
        raise SettingsError(f"{path}: no such file; give --config a file that exists") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: not readable as TOML: {error}") from error


def _first_reason(error: ValidationError, path: Path | None) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    where = f"{path}: " if path else ""
    if first["type"] == "extra_forbidden":
        return f"{where}unknown setting '{key}'; remove it or correct its name"
    reason = first["msg"].removeprefix("Value error, ")
    return f"{where}setting '{key}': {reason}" if key else f"{where}{reason}"
