"""The processes of a fault run, started again whenever they have ended, as a service manager does."""

import asyncio
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SERVES = {"office": "ingest connected", "box": "upstream connected", "agent": "upstream connected"}
SLOW_S = 15.0  # one that serves nobody after so long may be kept from it: it is no longer waited for
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class _Life:
    process: subprocess.Popen[bytes]
    begun_s: float
    log_bytes: int


@dataclass(slots=True)
class Processes:
    """``commands`` says how to start each; ``environment`` is what all of them are started with."""

    folder: Path
    environment: dict[str, str]
    commands: dict[str, list[str]] = field(default_factory=dict)
    _lives: dict[str, _Life] = field(default_factory=dict)

    def start_missing(self) -> None:
        for name, command in self.commands.items():
            if name not in self._lives or self._lives[name].process.poll() is not None:
                with self._log_of(name).open("ab") as log:
                    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=self.environment)
                    self._lives[name] = _Life(process, time.monotonic(), log.tell())

    def process(self, name: str) -> subprocess.Popen[bytes]:
        return self._lives[name].process

    def log(self, name: str) -> str:
        path = self._log_of(name)
        return path.read_text(errors="replace") if path.exists() else ""

    def serves(self, name: str) -> bool:
        """Whether this life of it has got anywhere, so that it has something to lose."""
        life = self._lives[name]
        with self._log_of(name).open("rb") as log:
            log.seek(life.log_bytes)
            return SERVES[name].encode() in log.read() or time.monotonic() > life.begun_s + SLOW_S

    async def serving(self) -> None:
        """Wait until all of them serve."""
        while not all(self.serves(name) for name in self.commands):  # noqa: ASYNC110 - they only write logs
            await asyncio.sleep(LOOK_S)

    def end(self) -> None:
        """Kill all, with what they have started."""
        for life in self._lives.values():
            children = children_of(life.process.pid)
            life.process.kill()
            life.process.wait()
            for child in children:
                send(child, signal.SIGKILL)

    def _log_of(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def children_of(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
