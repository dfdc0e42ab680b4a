"""A WiFi adapter: a TCP port that serves one client at a time and refuses connections while it has no power."""

import asyncio
import os
import socket
from typing import cast

from simulator.adapter import Adapter
from simulator.errors import SimulatorError
from simulator.notices import tell
from simulator.ports import BACKLOG_BYTES, READ_SIZE, MakeAdapter
from simulator.pump import ENDLESS_BYTES, Pump

TAKEOVER_S = 0.2


class Client(asyncio.BufferedProtocol):
    """One TCP connection to a port; without a pump it waits for its turn, and what it says meanwhile is kept."""

    def __init__(self, port: "TcpPort") -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._pump: Pump | None = None
        self._early = b""

    def get_buffer(self, sizehint: int) -> memoryview:
        """Called by asyncio: all clients of a port share one buffer, which is read at once."""
        return self._port.heard

    def buffer_updated(self, nbytes: int) -> None:
        """Called by asyncio with the length of what the host sent."""
        self._hear(bytes(self._port.heard[:nbytes]))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self._port.arrived(self)

    def _hear(self, data: bytes) -> None:
        if self._pump is None:
            self._early += data[: ENDLESS_BYTES - len(self._early)]
            return
        if self._pump.endless(data):
            tell(f"{self._port.url}: a line without an end is dropped")
        self._pump.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio when the link has ended, for whatever reason."""
        if isinstance(error, ConnectionError) and self._pump is not None:
            tell(f"{self._port.url}: the client reset the connection")
        if self._pump is not None:
            self._pump.stop()
            self._pump.adapter.host_left()
        self._port.left(self)

    def begin(self, adapter: Adapter) -> None:
        """Speak to the adapter from now on, first of all what was said while waiting."""
        self._pump = Pump(adapter, self._write)
        if self._early:
            self._pump.feed(self._early)

    def cut(self) -> None:
        """End the link at once."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() >= BACKLOG_BYTES:
            return
        transport.write(data)


class TcpPort:
    """A WiFi adapter: one client at a time, many in turn, none while it has no power."""

    def __init__(self, host: str, port: int, make_adapter: MakeAdapter) -> None:
        self._host = host
        self._port = port
        self._make_adapter = make_adapter
        self._adapter: Adapter | None = None
        self._server: asyncio.Server | None = None
        self._client: Client | None = None
        self._waiting: dict[Client, asyncio.TimerHandle] = {}
        self.heard = memoryview(bytearray(READ_SIZE))

    @property
    def url(self) -> str:
        """The adapter URL of this port."""
        return f"tcp:{self._host}:{self._port}"

    async def power_on(self) -> None:
        """Start an adapter and listen; SimulatorError when the port cannot be had."""
        self._adapter = self._make_adapter()
        await self.listen()

    async def listen(self) -> None:
        """Accept clients (again)."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        try:
            bare = self._host.removeprefix("[").removesuffix("]")
            self._server = await loop.create_server(lambda: Client(self), bare, self._port, reuse_address=True)
        except socket.gaierror:
            raise SimulatorError(f"--tcp {self._host}:{self._port}: cannot listen: no such host") from None
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise SimulatorError(f"--tcp {self._host}:{self._port}: cannot listen: {reason}") from None
        self._port = self._server.sockets[0].getsockname()[1]

    async def power_off(self) -> None:
        """The adapter is gone: clients are cut off, new ones refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for client in list(self._waiting):
            self._dismiss(client)
        self.cut()

    def cut(self) -> None:
        """Break the link to the present client, as a lost radio link does."""
        if self._client is not None:
            self._client.cut()

    def arrived(self, client: Client) -> None:
        """Give the adapter to a client, or let it wait a moment: the one before may just be leaving."""
        if self._server is None or self._adapter is None:
            client.cut()
        elif self._client is None:
            self._client = client
            client.begin(self._adapter)
        else:
            loop = asyncio.get_running_loop()
            self._waiting[client] = loop.call_later(TAKEOVER_S, self._refuse, client)

    def left(self, client: Client) -> None:
        """A client has gone; the next one that waits is served."""
        self._dismiss(client)
        if client is not self._client:
            return
        self._client = None
        if self._waiting:
            following = next(iter(self._waiting))
            self._waiting.pop(following).cancel()
            self.arrived(following)

    def _refuse(self, client: Client) -> None:
        tell(f"{self.url}: a second client was refused, the adapter serves one at a time")
        self._dismiss(client)

    def _dismiss(self, client: Client) -> None:
        timer = self._waiting.pop(client, None)
        if timer is not None:
            timer.cancel()
            client.cut()
