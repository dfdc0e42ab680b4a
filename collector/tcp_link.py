"""WiFi adapters: a TCP stream to ``host:port``, without Nagle and with keep-alive."""

import asyncio
import socket
from functools import partial
from ipaddress import ip_address

from collector.errors import AdapterLostError
from collector.own_thread import in_own_thread
from collector.stream_link import StreamLink


async def open_tcp(address: str, connect_timeout_s: float) -> StreamLink:
    """Connect to ``host:port``; raise AdapterLostError when nobody listens within ``connect_timeout_s``."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise AdapterLostError("adapter.unknown_url", address)
    try:
        async with asyncio.timeout(connect_timeout_s):
            numeric = await _resolved(host, int(port), connect_timeout_s)
            reader, writer = await asyncio.open_connection(numeric, int(port))
    except TimeoutError as error:
        raise AdapterLostError("adapter.no_connection", f"{address}: no answer in {connect_timeout_s:g} s") from error
    except OSError as error:
        raise AdapterLostError("adapter.no_connection", error) from error
    _prepare(writer)
    return StreamLink(f"tcp:{address}", reader, writer)


async def _resolved(host: str, port: int, timeout_s: float) -> str:
    """The host's first address. A name server that does not answer blocks a thread, which may not be the pool's."""
    if _is_numeric(host):
        return host
    find = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await in_own_thread(find, timeout_s, give_back=lambda late: None)
    return str(found[0][4][0])


def _is_numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _prepare(writer: asyncio.StreamWriter) -> None:
    """A half-open WiFi link shows only as silence: keep-alive lets the kernel notice it."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
