"""Classic Bluetooth adapters: an RFCOMM socket behind one injectable opener."""

import asyncio
import ctypes
import os
import socket
import struct
from collections.abc import Callable
from functools import partial

from collector.errors import AdapterLostError
from collector.own_thread import in_own_thread
from collector.radio_address import split_radio_address
from collector.stream_link import StreamLink

# Linux <bluetooth/bluetooth.h>, for builds of Python that were made without it
AF_BLUETOOTH = 31
BTPROTO_RFCOMM = 3

# Device address, channel, address of our radio (empty: the system's choice) -> a connected socket. Blocks.
Connect = Callable[[str, int, str], socket.socket]


def connect_rfcomm(address: str, channel: int, radio: str) -> socket.socket:
    """Connect by the kernel's Bluetooth stack; blocks for as long as it pages. Raises OSError."""
    sock = _rfcomm_socket()
    try:
        if radio:  # with two radios an unbound connect may be sent to one that knows no classic Bluetooth
            _at_address(sock, "bind", radio, 0)
        _at_address(sock, "connect", address, channel)
    except OSError:
        sock.close()
        raise
    return sock


async def open_rfcomm(address: str, connect_timeout_s: float, connect: Connect = connect_rfcomm) -> StreamLink:
    """Connect to a paired adapter ``AA:BB:CC:DD:EE:FF``; raise AdapterLostError when it is out of reach."""
    to = split_radio_address(address)
    if to.radio.startswith("hci"):  # a socket is bound to our radio's address
        raise AdapterLostError("adapter.unknown_url", address)
    call = partial(connect, to.device, to.channel, to.radio)
    try:
        sock = await in_own_thread(call, connect_timeout_s, give_back=socket.socket.close)
        sock.settimeout(0)
        reader, writer = await asyncio.open_connection(sock=sock)
    except TimeoutError as error:
        raise AdapterLostError("adapter.no_connection", f"{address}: no answer in {connect_timeout_s:g} s") from error
    except OSError as error:
        raise AdapterLostError("adapter.no_connection", error) from error
    return StreamLink(f"rfcomm:{address}", reader, writer)


def _rfcomm_socket() -> socket.socket:
    try:
        return socket.socket(AF_BLUETOOTH, socket.SOCK_STREAM, BTPROTO_RFCOMM)
    except OSError as error:  # the system was built without Bluetooth
        raise AdapterLostError("adapter.no_bluetooth", error) from error


def _at_address(sock: socket.socket, call: str, address: str, channel: int) -> None:
    """``bind`` or ``connect``; through libc where this Python knows no Bluetooth addresses. Raises OSError."""
    if hasattr(socket, "AF_BLUETOOTH"):
        getattr(sock, call)((address, channel))
        return
    packed = struct.pack("<H6sBx", AF_BLUETOOTH, bytes.fromhex(address.replace(":", ""))[::-1], channel)
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, call)(sock.fileno(), packed, len(packed)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
