"""The one seam between us and an adapter: a byte stream opened by URL, used once and thrown away."""

import re
from collections.abc import Awaitable, Callable
from typing import Protocol

from collector.errors import AdapterLostError

DEFAULT_BAUD = 38_400  # ELM327 data sheet: factory rate with pin 6 high


class Transport(Protocol):
    """A byte stream to one adapter. After any error it is dead: close it and open another."""

    url: str

    async def read(self) -> bytes:
        """Return what has come, at least one byte; raise AdapterLostError when the link ended."""

    async def write(self, data: bytes) -> None:
        """Hand ``data`` over whole; raise AdapterLostError when the link ended."""

    async def close(self) -> None:
        """Release the link; never raises."""


Opener = Callable[[str, float], Awaitable[Transport]]


async def open_transport(url: str, *, connect_timeout_s: float) -> Transport:
    """Open ``serial:/dev/x?baud=n``, ``tcp:host:port`` or ``rfcomm:AA:..``; raise AdapterLostError with the reason."""
    kind, _, address = url.partition(":")
    opener = _openers().get(kind)
    if opener is None:
        raise AdapterLostError("adapter.unknown_url", url)
    return await opener(address, connect_timeout_s)


def _openers() -> dict[str, Opener]:
    """Each kind of link imports its library only when it is asked for."""
    from collector.rfcomm_link import open_rfcomm
    from collector.serial_link import open_serial
    from collector.tcp_link import open_tcp

    return {"serial": open_serial, "tcp": open_tcp, "rfcomm": open_rfcomm}


def split_serial_address(address: str) -> tuple[str, int]:
    """Part ``/dev/ttyUSB0?baud=115200`` into device and baud rate."""
    device, _, query = address.partition("?")
    match = re.fullmatch(r"baud=(\d{3,7})", query)
    if query and match is None:
        raise AdapterLostError("adapter.unknown_url", address)
    return device, int(match[1]) if match else DEFAULT_BAUD
