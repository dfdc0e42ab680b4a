"""Child processes of the demo: started by their console scripts, watched by their first line, ended by SIGTERM."""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from agent.errors import WorldError

FIRST_LINE_S = 30.0  # a Raspberry Pi needs several seconds to import the back office
END_S = 8.0
LINE_MAX = 256 * 1024


class Child:
    """One process whose standard output is lines; what it logs goes to a file of its own."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    async def line(self) -> str:
        """The next line it says; raise WorldError, with the end of its log, when it says nothing more."""
        stdout = self._process.stdout
        try:
            async with asyncio.timeout(FIRST_LINE_S):
                line = await stdout.readline() if stdout else b""
        except TimeoutError:
            line = b""
        if not line:
            raise WorldError("demo.child_failed", name=self.name, detail=self.last_words())
        return line.decode("utf-8", "replace").strip()

    async def end(self) -> list[str]:
        """Ask it to stop, wait, and return the lines it said meanwhile; one that does not stop is killed."""
        if self.alive:
            self._process.terminate()
        try:
            async with asyncio.timeout(END_S):
                out, _ = await self._process.communicate()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            return []
        return out.decode("utf-8", "replace").splitlines()

    def last_words(self) -> str:
        """The last line of its log."""
        with suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return lines[-1][:200] if lines else ""
        return ""


async def start(name: str, command: Sequence[str], folder: Path) -> Child:
    """Start ``command``; its log is ``folder/name.log``. The user's own FORECOURT_ settings do not reach it."""
    log = folder / f"{name}.log"
    with log.open("ab") as sink:
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, stderr=sink, stdin=asyncio.subprocess.DEVNULL,
                env=_environment(), cwd=folder, limit=LINE_MAX, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise WorldError("demo.child_failed", name=name, detail=str(error)) from error
    return Child(name, process, log)


def script(name: str) -> str:
    """Where our console script lies: beside the interpreter that runs us."""
    return str(Path(sys.executable).parent / name)


def _environment() -> dict[str, str]:
    """A new session keeps Ctrl-C for us alone; PYTHONSAFEPATH keeps stray modules out of the children."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")}
    return kept | {"PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}
