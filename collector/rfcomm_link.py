"""Classic Bluetooth adapters: an RFCOMM socket behind one injectable opener."""

import asyncio
import socket
from collections.abc import Callable

from collector.errors import AdapterLostError
from collector.stream_link import StreamLink

SPP_CHANNEL = 1  # the serial port profile of every ELM327 seen sits on channel 1


def connect_rfcomm(address: str, channel: int) -> socket.socket:
    """Connect by the kernel's Bluetooth stack; blocks. Some builds of Python have no AF_BLUETOOTH."""
    if not hasattr(socket, "AF_BLUETOOTH"):
        raise AdapterLostError("adapter.no_bluetooth", "this Python was built without Bluetooth sockets")
    sock = socket.socket(socket.AF_BLUETOOTH, socket.SOCK_STREAM, socket.BTPROTO_RFCOMM)
    try:
        sock.connect((address, channel))
    except OSError:
        sock.close()
        raise
    return sock


async def open_rfcomm(
    address: str, connect_timeout_s: float, connect: Callable[[str, int], socket.socket] = connect_rfcomm
) -> StreamLink:
    """Connect to a paired adapter ``AA:BB:CC:DD:EE:FF``; raise AdapterLostError when it is out of reach."""
    try:
        async with asyncio.timeout(connect_timeout_s):
            sock = await asyncio.to_thread(connect, address, SPP_CHANNEL)
        sock.settimeout(0)
        reader, writer = await asyncio.open_connection(sock=sock)
    except TimeoutError as error:
        raise AdapterLostError("adapter.no_connection", f"{address}: no answer in {connect_timeout_s:g} s") from error
    except OSError as error:
        raise AdapterLostError("adapter.no_connection", error) from error
    return StreamLink(f"rfcomm:{address}", reader, writer)
