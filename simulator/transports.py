"""The edges where a simulated adapter touches the machine: a TCP port and a pseudo-terminal, on asyncio.

A socket in which no car-powered adapter lives refuses connections; a pty without power hangs up and its link is gone.
"""

import asyncio
import errno
import fcntl
import os
import pty
import socket
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

from simulator.adapter import Adapter
from simulator.clock import WallClock
from simulator.departures import GATHER_S, Departure
from simulator.errors import SimulatorError
from simulator.notices import tell

READ_SIZE = 1 << 16
TAKEOVER_S = 0.2
BACKLOG_BYTES = 1 << 20
# No command is longer; whoever sends more without a CR is told once, and the adapter drops it as a real one does.
ENDLESS_BYTES = 1 << 16

MakeAdapter = Callable[[], Adapter]


class Pump:
    """Moves bytes between one adapter and whatever carries them, at the moments the adapter names.

    In a virtual time nothing waits: the time jumps to each of those moments.
    """

    def __init__(self, adapter: Adapter, write: Callable[[bytes], None]) -> None:
        self.adapter = adapter
        self._write = write
        self._clock = adapter.bus.clock or WallClock()
        self._wall = self._clock if isinstance(self._clock, WallClock) else None
        self._departure = Departure(self._send)
        self._unended = 0

    def endless(self, data: bytes) -> bool:
        """Whether with these bytes a line has just become longer than any can be."""
        before = self._unended
        self._unended = 0 if b"\r" in data else before + len(data)
        return before <= ENDLESS_BYTES < self._unended

    def feed(self, data: bytes) -> None:
        """Bytes from the host."""
        self.adapter.receive(self._clock.now_s(), data)
        if self._wall is None:
            self._jump()
        else:
            self._wait(self._wall)

    def stop(self) -> None:
        """Let nothing more leave."""
        self._departure.plan(None)

    def _wait(self, wall: WallClock) -> None:
        """Come back when something leaves, which may be sooner than was planned before."""
        moment = self.adapter.next_s
        self._departure.plan(None if moment is None else wall.wall_s(moment))

    def _send(self) -> None:
        ready = self.adapter.due(self._clock.now_s() + GATHER_S)
        if ready:
            self._write(ready)
        if self._wall is not None:
            self._wait(self._wall)

    def _jump(self) -> None:
        while (moment := self.adapter.next_s) is not None:
            self._clock.skip(max(moment - self._clock.now_s(), 0.0))
            ready = self.adapter.due(self._clock.now_s())
            if ready:
                self._write(ready)
        # What was sent took its time even where nothing answers it: else the input buffer would stay full for ever.
        self._clock.skip(max(self.adapter.heard_s - self._clock.now_s(), 0.0))


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


def _is_lived_in(terminal: Path) -> bool:
    """Whether a running simulator holds this terminal; one that was killed left only its link."""
    try:
        handle = os.open(terminal, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


class PtyPort:
    """A USB adapter: a pseudo-terminal behind a link that comes and goes with the plug."""

    def __init__(self, path: Path, make_adapter: MakeAdapter) -> None:
        self._path = path
        self._make_adapter = make_adapter
        self._master = -1
        self._slave = -1
        self._pump: Pump | None = None

    @property
    def url(self) -> str:
        """The adapter URL of this port."""
        return f"serial:{self._path}"

    async def power_on(self) -> None:
        """Make the terminal and its link, and start an adapter behind it."""
        if self._master >= 0:
            return
        self._refuse_a_file()
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        # Tells another simulator that somebody lives here; readers lock terminals in another way (flock).
        fcntl.lockf(self._slave, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.set_blocking(self._master, False)
        try:
            # No renaming into place: whoever watches the folder must see exactly one name appear.
            self._path.unlink(missing_ok=True)
            self._path.symlink_to(os.ttyname(self._slave))
        except OSError as error:
            raise SimulatorError(f"--pty {self._path}: cannot make the link: {error.strerror}") from None
        self._pump = Pump(self._make_adapter(), self._write)
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    async def power_off(self) -> None:
        """Hang up and remove the link."""
        if self._master < 0:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        if self._pump is not None:
            self._pump.stop()
        if self._path.is_symlink() and str(self._path.readlink()) == os.ttyname(self._slave):
            self._path.unlink()
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    async def listen(self) -> None:
        """Nothing to do: a terminal is open as long as it has power."""

    def cut(self) -> None:
        """Hang up and come back at once, as a USB adapter that resets itself."""
        loop = asyncio.get_running_loop()
        self._again = loop.create_task(self._replug())

    async def _replug(self) -> None:
        await self.power_off()
        await self.power_on()

    def _refuse_a_file(self) -> None:
        if self._path.exists() and not self._path.is_symlink():
            raise SimulatorError(f"--pty {self._path}: something else is there already")
        if self._path.is_symlink() and self._path.exists() and not str(self._path.readlink()).startswith("/dev/pts/"):
            raise SimulatorError(f"--pty {self._path}: a link to something else is there already")
        if self._path.is_symlink() and _is_lived_in(self._path):
            raise SimulatorError(f"--pty {self._path}: another simulator is there already")

    def _readable(self) -> None:
        try:
            data = os.read(self._master, READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return
        if data and self._pump is not None:
            if self._pump.endless(data):
                tell(f"{self.url}: a line without an end is dropped")
            self._pump.feed(data)

    def _write(self, data: bytes) -> None:
        # A full terminal buffer means that nobody reads; a UART loses such bytes too.
        with suppress(BlockingIOError):
            os.write(self._master, data)


class Port(Protocol):
    """One way to an adapter, whatever carries its bytes."""

    @property
    def url(self) -> str:
        """The adapter URL of this port."""

    async def power_on(self) -> None:
        """Start a fresh adapter and be reachable; does nothing while it has power."""

    async def power_off(self) -> None:
        """Break every link and be gone."""

    def cut(self) -> None:
        """Break the link to the present client; the adapter stays."""
