"""What can happen to a fault run's processes, lines, disk and clock: each fault does its harm and ends."""

import asyncio
import os
import random
import resource
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.sync.broker import BrokerProcess
from tests.system.fault_processes import Processes, children_of, send
from tests.system.fault_proxy import FaultProxy, Line
from tests.system.fault_store import FaultStore
from tests.system.fault_system import FaultShim

YEARS = (-30, -1, 1, 40)
FILE_LIMIT = 4096
MORE_BYTES = (0, 1 << 20, 8 << 20)  # what a process short of memory still gets beyond what it has
YOUNG = 0.25  # how often a process is hit though it serves nobody yet
ENDS_S = 2.0
BRIMFUL_S = 15.0

FAULTS = (
    "kill", "kill", "broker_restarts", "stop", "cut", "bad_line", "clock_jumps", "disk_full", "quota_full",
    "write_errors", "sync_errors", "no_descriptors", "no_memory",
)  # fmt: skip


@dataclass(slots=True)
class Faults:
    """``happen`` lets one fault happen and returns what it was, '' when it could not be had."""

    folder: Path
    disk: Path
    processes: Processes
    proxies: list[FaultProxy]
    broker: BrokerProcess
    shim: FaultShim
    store: FaultStore
    chance: random.Random
    starved: set[int] = field(default_factory=set)
    """Processes that memory was withheld from; Python waits for ever for a thread that had none to begin with."""

    @property
    def possible(self) -> tuple[str, ...]:
        return FAULTS + self.store.faults

    async def happen(self, name: str) -> str:
        what: str = await getattr(self, name)()
        return what

    async def kill(self, *names: str) -> str:
        name, victim = self._victim(*names)
        if victim:
            victim.kill()
            await asyncio.to_thread(victim.wait)
        return f"kill {name}" if victim else ""

    async def kill_box(self) -> str:
        return await self.kill("box")

    async def kill_office(self) -> str:
        return await self.kill("office")

    async def database_restarts(self) -> str:
        """Its processes are killed with transactions under way, and start over what they left."""
        await self.store.restart(self.chance.choice([0.0, 1.0]))
        return "kill database"

    async def kill_worker(self) -> str:
        workers = self._some_worker()
        for worker in workers:
            send(worker, signal.SIGKILL)
        return "kill worker" if workers else ""

    async def stop_worker(self) -> str:
        """One is held up, also amid a transaction, while the other goes on."""
        workers = self._some_worker()
        for worker in workers:
            send(worker, signal.SIGSTOP)
            await asyncio.sleep(self.chance.uniform(0.2, 1.5))
            send(worker, signal.SIGCONT)
        return "stop worker" if workers else ""

    async def broker_restarts(self) -> str:
        """It forgets everything; now and then while the office is held up and batches lie with it."""
        office = self.processes.process("office") if self.chance.random() < 0.5 else None
        if office:
            office.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.3)
        self.broker.kill()
        if office:
            office.send_signal(signal.SIGCONT)
        await asyncio.sleep(self.chance.choice([0.0, 0.5]))
        await asyncio.to_thread(self.broker.start)
        return "kill broker"

    async def stop(self) -> str:
        name, victim = self._victim()
        if victim:
            victim.send_signal(signal.SIGSTOP)
            await asyncio.sleep(self.chance.uniform(0.2, 1.5))
            victim.send_signal(signal.SIGCONT)
        return f"stop {name}" if victim else ""

    async def cut(self) -> str:
        self.chance.choice(self.proxies).cut()
        return "cut"

    async def bad_line(self) -> str:
        proxy = self.chance.choice(self.proxies)
        line = proxy.line = self.chance.choice([Line.REFUSE, Line.BLACKHOLE, Line.SLOW])
        if line is Line.REFUSE:
            proxy.cut()
        await asyncio.sleep(self.chance.uniform(0.3, 1.5))
        proxy.line = Line.PASS
        return f"line {line}"

    async def clock_jumps(self) -> str:
        self.shim.jump(self.chance.choice(YEARS))
        return "clock jumps" if self.shim.works else ""

    async def disk_full(self) -> str:
        """Somebody else takes all the room on the box's disk, if that is a small one of its own."""
        if self.disk == self.folder:
            return ""
        room = os.statvfs(self.disk)
        other = self.disk / "other"
        with suppress(OSError):
            other.write_bytes(bytes(room.f_bavail * room.f_frsize))
        await asyncio.sleep(self.chance.uniform(0.3, 1.0))
        other.unlink(missing_ok=True)
        return "disk full"

    async def quota_full(self) -> str:
        """The line is away and the box takes so much in that its quota is used up."""
        brimful, burst = self.folder / "brimful", self.folder / "burst"
        brimful.unlink(missing_ok=True)
        self.proxies[0].line = Line.REFUSE
        self.proxies[0].cut()
        burst.touch()
        with suppress(TimeoutError):
            async with asyncio.timeout(BRIMFUL_S):
                while not brimful.exists():  # noqa: ASYNC110 - another process makes it
                    await asyncio.sleep(0.05)
                await asyncio.sleep(self.chance.uniform(0.1, 0.5))
        burst.unlink()
        self.proxies[0].line = Line.PASS
        return "quota full" if brimful.exists() else ""

    async def write_errors(self) -> str:
        """Every write beyond a few pages fails, as on a dying disk: the box must end and go on in its next life."""
        _, victim = self._victim("box")
        if victim:
            with suppress(ProcessLookupError):
                resource.prlimit(victim.pid, resource.RLIMIT_FSIZE, (FILE_LIMIT, resource.RLIM_INFINITY))
            await _ended(victim)
            with suppress(ProcessLookupError):
                resource.prlimit(victim.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        return "writes fail" if victim else ""

    async def sync_errors(self) -> str:
        """The disk takes what is written and cannot say that it has it, for whoever keeps a file there."""
        name, victim = self._victim("box", "agent", *self.store.on_files)
        if not victim or not self.shim.works:
            return ""
        flag = self.shim.sync_flag(victim.pid)
        flag.touch()
        await _ended(victim)
        flag.unlink()
        return f"fdatasync fails for {name}"

    async def no_descriptors(self) -> str:
        """No new file or connection may be opened for a while; the present line breaks too."""
        _, victim = self._victim()
        if victim:
            with suppress(ProcessLookupError):
                _, hard = resource.prlimit(victim.pid, resource.RLIMIT_NOFILE)
                resource.prlimit(victim.pid, resource.RLIMIT_NOFILE, (8, hard))
                self.proxies[0].cut()
                await asyncio.sleep(0.6)
                resource.prlimit(victim.pid, resource.RLIMIT_NOFILE, (min(1024, hard), hard))
        return "no descriptors" if victim else ""

    async def no_memory(self) -> str:
        """A process gets next to no more memory than it has; what it cannot do now it does later, or its next life."""
        victims = [victim.pid for victim in [self._victim()[1]] if victim] + self._some_worker()
        if not victims:
            return ""
        pid = self.chance.choice(victims)
        self.starved.add(pid)
        with suppress(ProcessLookupError, FileNotFoundError):
            before = resource.prlimit(pid, resource.RLIMIT_AS)
            limit = _address_space_bytes(pid) + self.chance.choice(MORE_BYTES)
            resource.prlimit(pid, resource.RLIMIT_AS, (limit, before[1]))
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))
            resource.prlimit(pid, resource.RLIMIT_AS, before)
        return "no memory"

    def _victim(self, *names: str) -> tuple[str, subprocess.Popen[bytes] | None]:
        """One that serves: a machine so slow that none ever does would have nothing to lose."""
        name = self.chance.choice(names or sorted(self.processes.commands))
        spared = self.chance.random() > YOUNG and not self.processes.serves(name)
        return name, None if spared else self.processes.process(name)

    def _some_worker(self) -> list[int]:
        workers = children_of(self.processes.process("office").pid)
        return [self.chance.choice(workers)] if workers else []


async def _ended(victim: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        await asyncio.to_thread(victim.wait, ENDS_S)


def _address_space_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
