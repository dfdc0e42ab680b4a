"""Settings of the edge agent: ``forecourt.toml``, then environment ``FORECOURT_``; unknown keys are refused."""

import re
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from config.toml_settings import TomlSettings
from config.zones import TimeZone

_MAC = r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}"
_UUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"  # what Apple's systems give instead of an address
ADAPTER_URL = re.compile(rf"^(serial:.+|tcp:[^:]+:\d+|(rfcomm:{_MAC}|ble:({_MAC}|{_UUID}))(\?[a-zA-Z0-9=&:]+)?|auto:)$")
AdapterUrl = Annotated[str, Field(pattern=ADAPTER_URL.pattern)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeviceSettings(Section):
    """Who this box is. ``id`` is also its MQTT user name and its place in every topic."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] = "bay-box"
    language: Annotated[str, Field(pattern=r"^(en|zh)$")] = "zh"
    purpose_notice: str = "intake-inspection/1"
    timezone: TimeZone = "Asia/Shanghai"


class BaySettings(Section):
    """One bay and the adapter that hangs there."""

    name: str = Field(min_length=1, max_length=40)
    adapter: AdapterUrl


class AdapterSettings(Section):
    """Waits of the adapter link, all in seconds."""

    connect_timeout_s: float = Field(4.0, gt=0, le=60)
    reply_timeout_s: float = Field(6.0, gt=0, le=60)
    search_timeout_s: float = Field(30.0, gt=0, le=120)
    reopen_first_s: float = Field(0.5, gt=0, le=60)
    reopen_max_s: float = Field(3.0, gt=0, le=300)
    presence_every_s: float = Field(0.5, gt=0, le=30)
    scan_timeout_s: float = Field(90.0, gt=0, le=600)
    rest_voltage_floor_v: float = Field(11.8, ge=9, le=13)
    hotplug_dir: Path | None = Path("/dev/serial/by-id")
    usb_ids: tuple[Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{4}(:[0-9A-Fa-f]{4})?$")], ...] = ()
    paired_bluetooth: bool = True


class MqttSettings(Section):
    """Where the broker is and how patient we are. ``password_file`` keeps the secret out of this file."""

    url: Annotated[str, Field(pattern=r"^mqtts?://[^/]+$")] = "mqtt://127.0.0.1:1883"
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    protocol: Annotated[str, Field(pattern=r"^(5|3\.1\.1)$")] = "5"
    keepalive_s: int = Field(30, ge=5, le=600)
    connect_timeout_s: float = Field(10.0, gt=0, le=120)
    ack_timeout_s: float = Field(20.0, gt=0, le=600)
    backoff_first_s: float = Field(0.5, gt=0, le=60)
    backoff_max_s: float = Field(60.0, gt=0, le=3600)
    batch_records: int = Field(50, ge=1, le=200)
    window_batches: int = Field(8, ge=1, le=64)


class PageSettings(Section):
    """The bay page: loopback only until people and TLS exist."""

    host: Annotated[str, Field(pattern=r"^(127\.0\.0\.1|::1|localhost)$")] = "127.0.0.1"
    port: int = Field(8765, ge=0, le=65535)


class ChecksSettings(Section):
    """What of the verdict an owner leaves out: K2 and K7 compare control units with one another."""

    off: tuple[Literal["K2", "K7"], ...] = ()


class RuleFolders(Section):
    """Folders of service plans and of severities that take the place of ours."""

    plans: Path | None = None
    severities: Path | None = None


class StorageSettings(Section):
    """Where the edge keeps what it owes, and how much of it; with a key it is kept encrypted."""

    directory: Path = Field(default_factory=lambda: user_state_path("forecourt", appauthor=False))
    key_file: Path | None = None
    outbox_max_mb: int = Field(256, ge=1, le=65536)
    forget_acknowledged_after_days: int = Field(30, ge=0, le=3650)


class Settings(TomlSettings):
    """All settings of one edge agent."""

    model_config = SettingsConfigDict(env_prefix="FORECOURT_", env_nested_delimiter="__", extra="forbid", frozen=True)

    device: DeviceSettings = DeviceSettings()
    bay: tuple[BaySettings, ...] = ()
    adapter: AdapterSettings = AdapterSettings()
    mqtt: MqttSettings = MqttSettings()
    page: PageSettings = PageSettings()
    checks: ChecksSettings = ChecksSettings()
    rules: RuleFolders = RuleFolders()
    storage: StorageSettings = Field(default_factory=StorageSettings)


def load_settings(path: Path | None = None) -> Settings:
    """Read settings from ``path`` and the environment; raise SettingsError with the key and the reason in one line."""
    return Settings.load(path)
