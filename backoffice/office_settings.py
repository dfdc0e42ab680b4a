"""Settings of the back office: ``office.toml``, then environment ``FORECOURT_OFFICE_``; unknown keys are refused."""

import re
from pathlib import Path
from typing import Annotated

from platformdirs import user_state_path
from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from config.settings import ChecksSettings, MqttSettings, RuleFolders, Section
from config.toml_settings import TomlSettings
from config.zones import TimeZone

_POSTGRESQL = re.compile(
    r"postgresql\+asyncpg://([^@:/?#]+(:[^@:/?#]*)?@)?([^@:/?#]*|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?/[^@/?#]+"
    r"(\?((ssl|host|passfile)=[^@#&]+(&|\Z))+)?\Z"
)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class HttpSettings(Section):
    """Where the pages and the API are served; loopback until people and TLS exist. Port 0 asks for any free one."""

    host: str = Field("127.0.0.1", min_length=1, max_length=253)
    port: int = Field(8780, ge=0, le=65535)


class DatabaseSettings(Section):
    """SQLAlchemy address of the store; empty means a SQLite file in ``directory``, encrypted with the key there is.

    ``busy_timeout_s`` bounds a wait.
    """

    url: Annotated[str, Field(pattern=r"^$|^sqlite\+aiosqlite:///.+|^postgresql\+asyncpg://.+")] = ""
    directory: Path = Field(default_factory=lambda: user_state_path("forecourt-office", appauthor=False))
    key_file: Path | None = None
    busy_timeout_s: float = Field(10.0, gt=0, le=300)

    @field_validator("url")
    @classmethod
    def _can_be_read(cls, url: str) -> str:
        """Refuse an address that would be taken apart wrongly; the reason never repeats it, it holds a password."""
        if url.startswith("postgresql") and not _POSTGRESQL.match(url):
            raise ValueError(
                "must be postgresql+asyncpg://name:password@host:port/database;"
                " in a password write @ : / ? # as %40 %3A %2F %3F %23; options are ssl, host and passfile"
            )
        return url


class IngestSettings(Section):
    """How often cars are judged again because time has passed."""

    review_every_s: float = Field(900.0, ge=1, le=86400)


class CommandSettings(Section):
    """How often waiting commands are looked at, and after how long without an answer one is sent again."""

    look_every_s: float = Field(1.0, ge=0.05, le=60)
    send_again_s: float = Field(30.0, ge=0.1, le=3600)


class RulesSettings(RuleFolders):
    """The folders, and how often they are looked at."""

    look_every_s: float = Field(5.0, gt=0, le=3600)


class AlertSettings(Section):
    """Who is told outside the pages. ``public_url`` is what links in messages start with."""

    apprise_urls: tuple[str, ...] = ()
    webhook_url: Annotated[str, Field(pattern=r"^$|^https?://.+")] = ""
    public_url: Annotated[str, Field(pattern=r"^$|^https?://.+")] = ""
    language: Annotated[str, Field(pattern=r"^(en|zh|both)$")] = "both"
    send_timeout_s: float = Field(15.0, gt=0, le=120)


class OfficeSettings(TomlSettings):
    """All settings of one back office."""

    model_config = SettingsConfigDict(
        env_prefix="FORECOURT_OFFICE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    http: HttpSettings = HttpSettings()
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    mqtt: MqttSettings = MqttSettings()
    ingest: IngestSettings = IngestSettings()
    commands: CommandSettings = CommandSettings()
    alerts: AlertSettings = AlertSettings()
    checks: ChecksSettings = ChecksSettings()
    rules: RulesSettings = RulesSettings()
    language: Annotated[str, Field(pattern=r"^(en|zh)$")] = "zh"
    timezone: TimeZone = "Asia/Shanghai"
    market: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "CN"

    @property
    def database_url(self) -> str:
        """Address of the store, the default file filled in."""
        return self.database.url or f"sqlite+aiosqlite:///{self.database.directory / 'office.db'}"


def load_office_settings(path: Path | None = None) -> OfficeSettings:
    """Read settings from ``path`` and the environment; raise SettingsError with the key and the reason in one line."""
    return OfficeSettings.load(path)
