"""Opens the link that a URL names; each kind of link imports its library only when it is asked for."""

from collections.abc import Awaitable, Callable
from importlib.util import find_spec

from collector.errors import AdapterLostError
from collector.transport import Transport
from config.catalogue import texts
from config.errors import SettingsError

RADIO_PATIENCE = 3.0  # a radio is paged or looked for first, and its services are listed: that takes seconds

Opener = Callable[[str, float], Awaitable[Transport]]


async def open_transport(url: str, *, connect_timeout_s: float) -> Transport:
    """Open ``serial:/dev/x?baud=n``, ``tcp:host:port``, ``rfcomm:AA:..`` or ``ble:AA:..``.

    A radio is given `RADIO_PATIENCE` times as long. Raises AdapterLostError with the reason, and SettingsError when
    this kind of link needs a library that is not installed.
    """
    kind, _, address = url.partition(":")
    opener = OPENERS.get(kind)
    if opener is None:
        raise AdapterLostError("adapter.unknown_url", url)
    need_library(url)
    return await opener(address, connect_timeout_s)


def has_library(url: str) -> bool:
    """Whether the library that a link of this kind needs is installed."""
    return not url.startswith("ble:") or find_spec("bleak") is not None


def need_library(url: str) -> None:
    """Raise SettingsError when ``url`` can only be opened by an extra that is not installed."""
    if not has_library(url):
        said = texts("adapter.no_bleak")
        raise SettingsError(said["en"], said["zh"])


async def _serial(address: str, connect_timeout_s: float) -> Transport:
    from collector.serial_link import open_serial

    return await open_serial(address, connect_timeout_s)


async def _tcp(address: str, connect_timeout_s: float) -> Transport:
    from collector.tcp_link import open_tcp

    return await open_tcp(address, connect_timeout_s)


async def _rfcomm(address: str, connect_timeout_s: float) -> Transport:
    from collector.rfcomm_link import open_rfcomm

    return await open_rfcomm(address, connect_timeout_s * RADIO_PATIENCE)


async def _ble(address: str, connect_timeout_s: float) -> Transport:
    from collector.ble_link import open_ble

    return await open_ble(address, connect_timeout_s * RADIO_PATIENCE)


OPENERS: dict[str, Opener] = {"serial": _serial, "tcp": _tcp, "rfcomm": _rfcomm, "ble": _ble}
"""The kinds of link. Another Bluetooth stack than the system's is put here (the tests do)."""
