"""Settings of the back office: ``office.toml``, then environment ``FORECOURT_OFFICE_``; unknown keys are refused."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from platformdirs import user_state_path
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.errors import SettingsError
from config.settings import MqttSettings, Section

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class HttpSettings(Section):
    """Where the pages and the API are served; loopback until people and TLS exist. Port 0 asks for any free one."""

    host: str = Field("127.0.0.1", min_length=1, max_length=253)
    port: int = Field(8780, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=64)


class DatabaseSettings(Section):
    """SQLAlchemy address of the store; empty means a SQLite file in ``directory``. ``busy_timeout_s`` bounds a wait."""

    url: Annotated[str, Field(pattern=r"^$|^sqlite\+aiosqlite:///.+|^postgresql\+asyncpg://.+")] = ""
    directory: Path = Field(default_factory=lambda: user_state_path("forecourt-office", appauthor=False))
    busy_timeout_s: float = Field(10.0, gt=0, le=300)


class IngestSettings(Section):
    """How often cars are judged again because time has passed."""

    review_every_s: float = Field(900.0, ge=1, le=86400)


class AlertSettings(Section):
    """Who is told outside the pages. ``public_url`` is what links in messages start with."""

    apprise_urls: tuple[str, ...] = ()
    webhook_url: Annotated[str, Field(pattern=r"^$|^https?://.+")] = ""
    public_url: Annotated[str, Field(pattern=r"^$|^https?://.+")] = ""
    language: Annotated[str, Field(pattern=r"^(en|zh|both)$")] = "both"
    send_timeout_s: float = Field(15.0, gt=0, le=120)


class OfficeSettings(BaseSettings):
    """All settings of one back office."""

    model_config = SettingsConfigDict(
        env_prefix="FORECOURT_OFFICE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    http: HttpSettings = HttpSettings()
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    mqtt: MqttSettings = MqttSettings()
    ingest: IngestSettings = IngestSettings()
    alerts: AlertSettings = AlertSettings()
    language: Annotated[str, Field(pattern=r"^(en|zh)$")] = "zh"
    timezone: str = Field("Asia/Shanghai", min_length=1, max_length=64)
    market: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "CN"

    @property
    def database_url(self) -> str:
        """Address of the store, the default file filled in."""
        return self.database.url or f"sqlite+aiosqlite:///{self.database.directory / 'office.db'}"

    @model_validator(mode="after")
    def _one_worker_on_sqlite(self) -> "OfficeSettings":
        """Two connections that write one SQLite file can corrupt it before SQLite 3.51.3."""
        if self.http.workers > 1 and self.database_url.startswith("sqlite"):
            raise ValueError("http.workers above 1 needs PostgreSQL; set database.url or http.workers = 1")
        if self.http.workers > 1:
            raise ValueError("http.workers: set 1, and start further `forecourt-office ingest` processes beside it")
        return self

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


def load_office_settings(path: Path | None = None) -> OfficeSettings:
    """Read settings from ``path`` and the environment; raise SettingsError with the key and the reason in one line."""
    try:
        return OfficeSettings(**_read_toml(path))
    except ValidationError as error:
        raise SettingsError(_first_reason(error, path)) from error


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
