"""A USB adapter: a pseudo-terminal behind a link; without power it hangs up and its link is gone."""

import asyncio
import errno
import fcntl
import os
import pty
import tty
from contextlib import suppress
from pathlib import Path

from simulator.errors import SimulatorError
from simulator.notices import tell
from simulator.ports import READ_SIZE, MakeAdapter
from simulator.pump import Pump


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
