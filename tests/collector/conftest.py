"""Links to a scripted peer, one for each kind of transport: the peer's end is always a pair of plain callables."""

import asyncio
import os
import socket
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from collector.ble_link import open_ble
from collector.pyserial_link import open_pyserial
from collector.rfcomm_link import open_rfcomm
from collector.serial_link import open_serial
from collector.tcp_link import open_tcp
from collector.transport import Transport

PEER_TIMEOUT_S = 5.0


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


class Heard:
    """What a radio peer received, handed out in pieces as they came."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()

    def take(self, data: bytes) -> None:
        self._pieces.put_nowait(data)

    async def next(self) -> bytes:
        async with asyncio.timeout(PEER_TIMEOUT_S):
            return await self._pieces.get()


@asynccontextmanager
async def rfcomm_peer() -> AsyncIterator[Peer]:
    """Real RFCOMM frames and credits over a virtual air; the opener is injected, what is behind it the product's."""
    from simulator.radio import Radio  # bumble takes long to load, and most files here need no radio
    from simulator.radio_ports import SerialPortServer
    from tests.on_air import rfcomm_opener

    radio, heard = Radio(), Heard()
    theirs, ours = await radio.adapter("OBDII", ""), await radio.adapter("bay", "")
    server = SerialPortServer(theirs.device, heard.take, lambda: None)
    transport = await open_rfcomm(theirs.address, PEER_TIMEOUT_S, rfcomm_opener(ours.device))
    try:
        yield Peer(transport, server.write, heard.next, theirs.leave)
    finally:
        await transport.close()


def ble_peer(gatt: str) -> Callable[[], AbstractAsyncContextManager[Peer]]:
    """Unmodified bleak and a real GATT server over a virtual air."""

    @asynccontextmanager
    async def peer() -> AsyncIterator[Peer]:
        from simulator.radio import Radio
        from simulator.radio_ports import GATTS, GattUartServer, advertise
        from tests.on_air import BumbleClient

        radio, heard = Radio(), Heard()
        theirs, ours = await radio.adapter("OBDBLE", ""), await radio.adapter("bay", "")
        server = GattUartServer(theirs.device, GATTS[gatt], heard.take, lambda: None)
        await advertise(theirs.device, "OBDBLE")
        transport = await open_ble(theirs.address, PEER_TIMEOUT_S, BumbleClient.on(ours.device))
        try:
            yield Peer(transport, server.write, heard.next, theirs.leave)
        finally:
            await transport.close()

    return peer


@asynccontextmanager
async def _socket_peer(transport: Transport, ours: socket.socket) -> AsyncIterator[Peer]:
    async def heard() -> bytes:
        return await asyncio.to_thread(ours.recv, 4096)

    try:
        yield Peer(transport, ours.sendall, heard, ours.close)
    finally:
        ours.close()
        await transport.close()


PEERS = {
    "serial": native_serial_peer,
    "pyserial": pyserial_peer,
    "tcp": tcp_peer,
    "rfcomm": rfcomm_peer,
    "ble": ble_peer("fff0"),
    "ble-smallest-packets": ble_peer("ffe0"),
}


@pytest.fixture(params=sorted(PEERS))
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    async with PEERS[request.param]() as connected:
        yield connected
