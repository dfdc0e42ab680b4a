"""Looks at the machine for `agent.doctor`: ports, radio, broker, clock, disk. Reads only, and every wait is short."""

import asyncio
import grp
import os
import platform
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from agent.premises import place_of
from collector.discovery import adapters_in, likely_adapters
from collector.paired import NoBluetoothServiceError, paired_adapters
from config.errors import SettingsError
from config.settings import MqttSettings, Settings, StorageSettings
from evidence.snapshot import ClockQuality
from sync.clock import clock_quality
from sync.errors import UpstreamLostError, UpstreamRefusedError
from sync.mqtt import Session, connect
from sync.seal import examine, has_proof
from sync.storage_key import read_key

BROKER_TIMEOUT_S = 5.0
_FAMILY_BLUETOOTH = 31  # AF_BLUETOOTH of Linux, which some builds of Python do not name
_RFCOMM = 3
# brokers differ in which of the two they say to a wrong password; before any topic both mean the login
_LOGIN_REFUSED = ("mqtt.refused_login", "mqtt.refused_topic")


class BrokerState(StrEnum):
    """How the broker answered one CONNECT."""

    OK = "ok"
    OLD = "old"
    LOST = "lost"
    LOGIN = "login"
    REFUSED = "refused"


class Bluetooth(StrEnum):
    """What stands between us and a Bluetooth adapter."""

    OK = "ok"
    NO_KERNEL = "no_kernel"
    NO_RADIO = "no_radio"


class LowEnergy(StrEnum):
    """What stands between us and a Bluetooth LE adapter, beside what every Bluetooth one needs."""

    OK = "ok"
    NO_LIBRARY = "no_library"
    NO_SERVICE = "no_service"


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port, there or not; ``group`` may use it."""

    path: str
    there: bool
    usable: bool
    group: str = ""


class Key(StrEnum):
    """What becomes of the storage key."""

    OFF = "off"
    ON = "store"
    BESIDE = "key_beside"
    ELSEWHERE = "elsewhere"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Store:
    """Where records wait. ``encrypted`` is the disk, None where it cannot be told; ``key`` what we encrypt with.

    ``closed`` is a folder that whoever asks may not look into, and nothing else is known of it.
    """

    directory: str
    free_mb: int
    writable: bool
    encrypted: bool | None
    key: Key = Key.OFF
    key_source: str = ""
    refusal: SettingsError | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the check-up judges, gathered before anything is judged."""

    versions: dict[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    bluetooth: Bluetooth = Bluetooth.OK
    low_energy: LowEnergy = LowEnergy.OK
    broker: BrokerState = BrokerState.OK
    broker_detail: str = ""
    clock: ClockQuality = ClockQuality.NTP
    store: Store = Store("", 0, writable=True, encrypted=None)


def gather(settings: Settings) -> Facts:
    """Look at everything once; takes at most about ten seconds, when the broker does not answer."""
    state, detail = asyncio.run(ask_broker(settings.mqtt, settings.device.id))
    low_energy = asyncio.run(look_at_low_energy())
    return Facts(
        versions={"forecourt": own_version(), "python": platform.python_version(), "sqlite": sqlite3.sqlite_version},
        ports=tuple(look_at_port(path) for path in port_paths(settings)),
        bluetooth=look_at_bluetooth(),
        low_energy=low_energy,
        broker=state,
        broker_detail=detail,
        clock=clock_quality(),
        store=look_at_key(look_at_store(settings.storage.directory), settings.storage),
    )


def own_version() -> str:
    try:
        return version("forecourt")
    except PackageNotFoundError:
        return "?"


def port_paths(settings: Settings) -> list[str]:
    """The configured serial ports first, then those that are plugged in; each once."""
    configured = [bay.adapter for bay in settings.bay]
    usb_ids = settings.adapter.usb_ids
    found = [*adapters_in(settings.adapter.hotplug_dir, usb_ids), *likely_adapters(usb_ids)]
    paths = [
        url.removeprefix("serial:").partition("?")[0] for url in [*configured, *found] if url.startswith("serial:")
    ]
    seen: dict[str, str] = {}
    for path in paths:
        seen.setdefault(os.path.realpath(path), path)
    return list(seen.values())


def look_at_port(path: str) -> Port:
    try:
        status = Path(path).stat()
    except OSError:
        return Port(path, there=False, usable=False)
    return Port(path, there=True, usable=os.access(path, os.R_OK | os.W_OK), group=group_name(status.st_gid))


def group_name(group_id: int) -> str:
    try:
        return grp.getgrgid(group_id).gr_name
    except KeyError:
        return str(group_id)


def look_at_bluetooth(radios: Path = Path("/sys/class/bluetooth")) -> Bluetooth:
    """Kernel first, then a radio, which is useless without it."""
    try:
        socket.socket(_FAMILY_BLUETOOTH, socket.SOCK_STREAM, _RFCOMM).close()
    except OSError:
        return Bluetooth.NO_KERNEL
    return Bluetooth.OK if radios.is_dir() and any(radios.iterdir()) else Bluetooth.NO_RADIO


async def look_at_low_energy(bus_address: str | None = None) -> LowEnergy:
    """The library first, then the Bluetooth service it speaks to (Linux; other systems have theirs built in)."""
    if find_spec("bleak") is None:
        return LowEnergy.NO_LIBRARY
    if sys.platform == "linux":
        try:
            await paired_adapters(bus_address)
        except NoBluetoothServiceError:
            return LowEnergy.NO_SERVICE
    return LowEnergy.OK


async def ask_broker(settings: MqttSettings, device: str) -> tuple[BrokerState, str]:
    """Connect once under a name of our own, so that a running agent keeps its session."""
    quick = settings.model_copy(update={"connect_timeout_s": min(settings.connect_timeout_s, BROKER_TIMEOUT_S)})
    try:
        async with connect(quick, Session(client_id=f"{device}-doctor", username=device)) as link:
            return (BrokerState.OLD if link.degraded and settings.protocol == "5" else BrokerState.OK), ""
    except UpstreamRefusedError as error:
        return (BrokerState.LOGIN if error.key in _LOGIN_REFUSED else BrokerState.REFUSED), str(error)
    except UpstreamLostError as error:
        return BrokerState.LOST, str(error)


def look_at_store(directory: Path) -> Store:
    """The storage folder, or the nearest folder above it that exists (the agent makes the rest)."""
    try:
        existing = next(folder for folder in (directory, *directory.parents) if folder.exists())
    except PermissionError:  # a link into what only root and the service may enter
        return Store(str(directory), 0, writable=False, encrypted=None, closed=True)
    free_mb = shutil.disk_usage(existing).free // 1_000_000
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    return Store(str(directory), free_mb, writable, is_encrypted(existing))


def look_at_key(store: Store, storage: StorageSettings) -> Store:
    """Whether what is stored is encrypted, with a key that fits, and where that key lies. Makes nothing."""
    if store.closed:
        return store
    folder = storage.directory
    try:
        key, place = read_key(storage.key_file), place_of(folder)
        if key is None and has_proof(place):  # the service's credential, as it should be
            return replace(store, key=Key.ELSEWHERE)
        examine(place, key)
        if key is None:
            return store
        existing = next(one for one in (folder, *folder.parents) if one.exists())
        beside = key.source.stat().st_dev == existing.stat().st_dev
    except SettingsError as error:
        return replace(store, key=Key.UNUSABLE, refusal=error)
    except OSError:  # the folder is the service's: what lies in it cannot be told
        return replace(store, closed=True)
    return replace(store, key=Key.BESIDE if beside else Key.ON, key_source=str(key.source))


def is_encrypted(folder: Path, block_devices: Path = Path("/sys/dev/block")) -> bool | None:
    """Whether the folder's block device is, or stands on, a dm-crypt volume; None where there is no block device."""
    number = folder.stat().st_dev
    device = block_devices / f"{os.major(number)}:{os.minor(number)}"
    if not device.exists():
        return None
    return any(_kind(layer).startswith("CRYPT-") for layer in _layers(device))


def _layers(device: Path) -> Iterable[Path]:
    """The device, what it is a part of, and all it is built on."""
    yield device
    yield device.resolve().parent
    for below in sorted((device / "slaves").glob("*")):
        yield from _layers(below)


def _kind(device: Path) -> str:
    try:
        return (device / "dm" / "uuid").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
