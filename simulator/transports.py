"""The edges where a simulated adapter touches the machine: a TCP port and a pseudo-terminal, on asyncio.

A socket in which no car-powered adapter lives refuses connections; a pty without power hangs up and its link is gone.
"""

import asyncio
import errno
import os
import pty
import socket
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from simulator.adapter import Adapter
from simulator.clock import VirtualClock, WallClock
from simulator.errors import SimulatorError
from simulator.notices import tell

READ_SIZE = 4096
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
        self._loop = asyncio.get_running_loop()
        self._clock = adapter.bus.clock or WallClock()
        self._jumps = isinstance(self._clock, VirtualClock)
        self._timer: asyncio.TimerHandle | None = None
        self._unended = 0

    def endless(self, data: bytes) -> bool:
        """Whether with these bytes a line has just become longer than any can be."""
        before = self._unended
        self._unended = 0 if b"\r" in data else before + len(data)
        return before <= ENDLESS_BYTES < self._unended

    def feed(self, data: bytes) -> None:
        """Bytes from the host."""
        self.adapter.receive(self._clock.now_s(), data)
        if self._jumps:
            self._jump()
        else:
            self._flush()

    def stop(self) -> None:
        """Let nothing more leave."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _flush(self) -> None:
        self.stop()
        now_s = self._clock.now_s()
        ready = self.adapter.due(now_s)
        if ready:
            self._write(ready)
        moment = self.adapter.next_s
        if moment is not None:
            self._timer = self._loop.call_later(moment - now_s, self._flush)

    def _jump(self) -> None:
        while (moment := self.adapter.next_s) is not None:
            self._clock.skip(max(moment - self._clock.now_s(), 0.0))
            ready = self.adapter.due(self._clock.now_s())
            if ready:
                self._write(ready)


class TcpPort:
    """A WiFi adapter: one client at a time, many in turn, none while it has no power."""

    def __init__(self, host: str, port: int, make_adapter: MakeAdapter) -> None:
        self._host = host
        self._port = port
        self._make_adapter = make_adapter
        self._adapter: Adapter | None = None
        self._server: asyncio.Server | None = None
        self._client: asyncio.StreamWriter | None = None
        self._free = asyncio.Event()
        self._free.set()

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
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port, reuse_address=True)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise SimulatorError(f"--tcp {self._host}:{self._port}: cannot listen: {reason}") from None
        self._port = self._server.sockets[0].getsockname()[1]

    async def power_off(self) -> None:
        """The adapter is gone: clients are cut off, new ones refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Break the link to the present client, as a lost radio link does."""
        client = self._client
        if client is not None:
            client.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(TAKEOVER_S):
                await self._free.wait()
        if not self._free.is_set() or self._server is None or self._adapter is None:
            if not self._free.is_set():
                tell(f"{self.url}: a second client was refused, the adapter serves one at a time")
            writer.transport.abort()
            return
        self._free.clear()
        self._client = writer
        adapter = self._adapter
        pump = Pump(adapter, lambda data: _write_bounded(writer, data))
        try:
            await self._read(reader, writer, pump)
        finally:
            pump.stop()
            adapter.host_left()
            self._client = None
            self._free.set()
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pump: Pump) -> None:
        sock = writer.get_extra_info("socket")
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(asyncio.CancelledError):
            try:
                while data := await reader.read(READ_SIZE):
                    if pump.endless(data):
                        tell(f"{self.url}: a line without an end is dropped")
                    pump.feed(data)
            except ConnectionError:
                tell(f"{self.url}: the client reset the connection")


def _write_bounded(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing() and writer.transport.get_write_buffer_size() < BACKLOG_BYTES:
        writer.write(data)


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
