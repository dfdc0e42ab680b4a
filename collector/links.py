"""Opens the link that a URL names; each kind of link imports its library only when it is asked for."""

from collections.abc import Awaitable, Callable

from collector.errors import AdapterLostError
from collector.transport import Transport

Opener = Callable[[str, float], Awaitable[Transport]]


async def open_transport(url: str, *, connect_timeout_s: float) -> Transport:
    """Open ``serial:/dev/x?baud=n``, ``tcp:host:port`` or ``rfcomm:AA:..``; raise AdapterLostError with the reason."""
    kind, _, address = url.partition(":")
    opener = _openers().get(kind)
    if opener is None:
        raise AdapterLostError("adapter.unknown_url", url)
    return await opener(address, connect_timeout_s)


def _openers() -> dict[str, Opener]:
    from collector.rfcomm_link import open_rfcomm
    from collector.serial_link import open_serial
    from collector.tcp_link import open_tcp

    return {"serial": open_serial, "tcp": open_tcp, "rfcomm": open_rfcomm}
