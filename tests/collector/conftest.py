"""Links to a scripted peer, one for each kind of transport: the peer's end is always a pair of plain callables."""

import asyncio
import os
import socket
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from collector.pyserial_link import open_pyserial
from collector.rfcomm_link import open_rfcomm
from collector.serial_link import open_serial
from collector.tcp_link import open_tcp
from collector.transport import Transport


@dataclass
class Peer:
    """The adapter's end of a link: ``say`` sends to us, ``heard`` returns what we wrote, ``unplug`` pulls it."""

    transport: Transport
    say: Callable[[bytes], None]
    heard: Callable[[], Awaitable[bytes]]
    unplug: Callable[[], None]


@asynccontextmanager
async def serial_peer(opener: Callable[[str, float], Awaitable[Transport]]) -> AsyncIterator[Peer]:
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    transport = await opener(f"{os.ttyname(slave)}?baud=115200", 2.0)
    os.close(slave)

    def unplug() -> None:
        with suppress(OSError):
            os.close(master)

    async def heard() -> bytes:
        return await asyncio.to_thread(os.read, master, 4096)

    def say(data: bytes) -> None:
        os.write(master, data)

    try:
        yield Peer(transport, say, heard, unplug)
    finally:
        unplug()
        await transport.close()


@asynccontextmanager
async def native_serial_peer() -> AsyncIterator[Peer]:
    async with serial_peer(open_serial) as peer:
        yield peer


@asynccontextmanager
async def pyserial_peer() -> AsyncIterator[Peer]:
    async with serial_peer(open_pyserial) as peer:
        yield peer


@asynccontextmanager
async def tcp_peer() -> AsyncIterator[Peer]:
    listener = socket.create_server(("127.0.0.1", 0))
    transport = await open_tcp(f"127.0.0.1:{listener.getsockname()[1]}", 2.0)
    ours, _ = listener.accept()
    listener.close()
    async with _socket_peer(transport, ours) as peer:
        yield peer


@asynccontextmanager
async def rfcomm_peer() -> AsyncIterator[Peer]:
    """A socket pair stands for the radio: the opener is injected, everything behind it is the product's."""
    theirs, ours = socket.socketpair()
    transport = await open_rfcomm("AA:BB:CC:DD:EE:FF", 2.0, lambda address, channel, radio: theirs)
    async with _socket_peer(transport, ours) as peer:
        yield peer


@asynccontextmanager
async def _socket_peer(transport: Transport, ours: socket.socket) -> AsyncIterator[Peer]:
    async def heard() -> bytes:
        return await asyncio.to_thread(ours.recv, 4096)

    try:
        yield Peer(transport, ours.sendall, heard, ours.close)
    finally:
        ours.close()
        await transport.close()


PEERS = {"serial": native_serial_peer, "pyserial": pyserial_peer, "tcp": tcp_peer, "rfcomm": rfcomm_peer}


@pytest.fixture(params=sorted(PEERS))
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    async with PEERS[request.param]() as connected:
        yield connected
