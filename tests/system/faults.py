"""One run of real processes under faults drawn from a seed: broker, back office, a busy box, an agent with its cars.

What comes of it is judged from outside: the numbers that a box was promised, and the rows of the back office's file.
"""

import asyncio
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.simulated import SimulatedLot
from tests.sync.broker import Broker, BrokerProcess, Rumqttd
from tests.system.fault_cars import Visits
from tests.system.fault_clock import FakeClock, clear_up
from tests.system.fault_proxy import FaultProxy, Line, fault_proxy
from tests.system.fault_store import FaultStore, FileStore, children_of, send

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
DRAIN_S = 180.0
START_S = 2.0  # a process younger than this is left alone, so that a run gets anywhere
YEARS = (-30, -1, 0, 1, 40)
DISK_BYTES = 24 << 20
FILE_LIMIT = 4096

MORE_BYTES = (0, 1 << 20, 8 << 20)  # what a process short of memory still gets beyond what it has

FAULTS = (
    "kill", "kill", "broker_restarts", "stop", "cut", "bad_line", "clock_jumps", "disk_full", "write_errors",
    "no_descriptors", "no_memory",
)  # fmt: skip

OFFICE = """\
[database]
{database}
[mqtt]
url = "mqtt://127.0.0.1:{port}"
protocol = "{protocol}"
connect_timeout_s = 2
ack_timeout_s = 2
backoff_first_s = 0.05
backoff_max_s = 0.3
"""


@dataclass(slots=True)
class Judged:
    """What came of one run."""

    seed: int
    promised: int = 0
    visits: int = 0
    declared: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    stuck: bool = False
    faults: Counter[str] = field(default_factory=Counter)
    tracebacks: int = 0

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.reordered or self.stuck or self.tracebacks)


class FaultRun:
    """``run`` lets faults happen for ``seconds``, heals everything, waits until the box owes nothing, and judges."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        seconds: float,
        control: str = "",
        disk: Path | None = None,
        lot: SimulatedLot | None = None,
        plan: Sequence[str] = (),
        store: FaultStore | None = None,
    ) -> None:
        """``plan`` names the faults to have instead of drawn ones; a ``lot`` brings an agent with cars along."""
        self.judged = Judged(seed)
        self._store = store or FileStore(folder)
        self._visits = Visits(lot) if lot else None
        self._plan = list(plan)
        self._folder = folder
        self._disk = disk or folder
        self._clock = FakeClock(folder)
        self._chance = random.Random(seed)
        self._seconds = seconds
        self._control = control
        self._protocol = "3.1.1" if seed % 3 == 2 else "5"
        self._broker = self._make_broker(seed)
        self._commands: dict[str, list[str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._born: dict[str, float] = {}
        self._proxies: list[FaultProxy] = []

    def _make_broker(self, seed: int) -> BrokerProcess:
        version = {"5": "v5", "3.1.1": "v4"}[self._protocol]
        return Rumqttd(self._folder, version=version) if seed % 5 == 4 else Broker(self._folder)

    async def run(self) -> Judged:
        async with AsyncExitStack() as stack:
            stack.callback(self._end)
            self._proxies = [await stack.enter_async_context(fault_proxy(self._broker.port)) for _ in range(2)]
            await asyncio.to_thread(self._broker.start)
            self._prepare(*(proxy.port for proxy in self._proxies))
            self._start_missing()
            await self._flowing()
            cars = asyncio.create_task(self._visits.go_on(self._chance)) if self._visits else None
            await self._have_faults()
            if cars:
                cars.cancel()
                await asyncio.wait([cars])
            await self._heal_and_drain()
        await self._judge()
        return self.judged

    def _prepare(self, box_port: int, office_port: int) -> None:
        config = self._folder / "office.toml"
        config.write_text(OFFICE.format(database=self._store.settings, port=office_port, protocol=self._protocol))
        box = [sys.executable, "-m", "tests.system.fault_box", str(self._folder), str(self._disk), str(box_port)]
        self._commands = {
            "office": [str(BIN / "forecourt-office"), "ingest", *self._store.options, "--config", str(config)],
            "box": [*box, self._protocol, *([self._control] if self._control else [])],
        }
        if self._visits:
            self._commands["agent"] = self._visits.command(self._folder, box_port)

    def _start_missing(self) -> None:
        """What a service manager does."""
        for name, command in self._commands.items():
            if name not in self._running or self._running[name].poll() is not None:
                with (self._folder / f"{name}.log").open("ab") as log:
                    clock = self._clock.environment
                    self._running[name] = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=clock)
                self._born[name] = time.monotonic()

    async def _flowing(self) -> None:
        """Faults begin once records are on their way; a process that never gets there is a defect of its own."""
        async with asyncio.timeout(DRAIN_S):
            while not (self._any_promise() and "ingest connected" in self._log("office")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def _any_promise(self) -> bool:
        return bool(_promises(self._folder / "promised"))

    def _log(self, name: str) -> str:
        log = self._folder / f"{name}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    async def _have_faults(self) -> None:
        ends = time.monotonic() + self._seconds
        possible = FAULTS + self._store.faults
        while self._plan or time.monotonic() < ends:
            name = await self._next_planned() if self._plan else self._chance.choice(possible)
            self.judged.faults[name] += 1
            await getattr(self, name)()
            self._start_missing()
            await asyncio.sleep(self._chance.uniform(0.2, 0.8))

    async def _next_planned(self) -> str:
        """A planned fault finds every process old enough to suffer it."""
        await asyncio.sleep(max(self._born.values()) + START_S - time.monotonic())
        return self._plan.pop(0)

    def _victim(self, *names: str) -> subprocess.Popen[bytes] | None:
        name = self._chance.choice(names or sorted(self._commands))
        return self._running[name] if time.monotonic() - self._born[name] > START_S else None

    async def kill(self, *names: str) -> None:
        if victim := self._victim(*names):
            victim.kill()
            await asyncio.to_thread(victim.wait)

    async def kill_box(self) -> None:
        await self.kill("box")

    async def kill_office(self) -> None:
        await self.kill("office")

    async def database_restarts(self) -> None:
        """Its processes are killed with transactions under way, and start over what they left."""
        await self._store.restart(self._chance.choice([0.0, 1.0]))

    async def kill_worker(self) -> None:
        for worker in self._some_worker():
            send(worker, signal.SIGKILL)

    async def stop_worker(self) -> None:
        """One is held up, also amid a transaction, while the other goes on."""
        for worker in self._some_worker():
            send(worker, signal.SIGSTOP)
            await asyncio.sleep(self._chance.uniform(0.2, 1.5))
            send(worker, signal.SIGCONT)

    def _some_worker(self) -> list[int]:
        workers = children_of(self._running["office"].pid)
        return [self._chance.choice(workers)] if workers else []

    async def broker_restarts(self) -> None:
        """It forgets everything; now and then while the office is held up and batches lie with it."""
        office = self._running["office"] if self._chance.random() < 0.5 else None
        if office:
            office.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.3)
        self._broker.kill()
        if office:
            office.send_signal(signal.SIGCONT)
        await asyncio.sleep(self._chance.choice([0.0, 0.5]))
        await asyncio.to_thread(self._broker.start)

    async def stop(self) -> None:
        if victim := self._victim():
            victim.send_signal(signal.SIGSTOP)
            await asyncio.sleep(self._chance.uniform(0.2, 1.5))
            victim.send_signal(signal.SIGCONT)

    async def cut(self) -> None:
        self._chance.choice(self._proxies).cut()

    async def bad_line(self) -> None:
        proxy = self._chance.choice(self._proxies)
        proxy.line = self._chance.choice([Line.REFUSE, Line.BLACKHOLE, Line.SLOW])
        if proxy.line is Line.REFUSE:
            proxy.cut()
        await asyncio.sleep(self._chance.uniform(0.3, 1.5))
        proxy.line = Line.PASS

    async def clock_jumps(self) -> None:
        self._clock.jump(self._chance.choice(YEARS))

    async def disk_full(self) -> None:
        """Somebody else takes all the room on the box's disk, if that is a small one of its own."""
        if self._disk == self._folder:
            return
        room = os.statvfs(self._disk)
        other = self._disk / "other"
        with suppress(OSError):
            other.write_bytes(bytes(room.f_bavail * room.f_frsize))
        await asyncio.sleep(self._chance.uniform(0.3, 1.0))
        other.unlink(missing_ok=True)

    async def write_errors(self) -> None:
        """Every write beyond a few pages fails, as on a dying disk: the box must end and go on in its next life."""
        if victim := self._victim("box"):
            with suppress(ProcessLookupError):
                resource.prlimit(victim.pid, resource.RLIMIT_FSIZE, (FILE_LIMIT, resource.RLIM_INFINITY))
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(victim.wait, 2.0)
            with suppress(ProcessLookupError):
                resource.prlimit(victim.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

    async def no_descriptors(self) -> None:
        """No new file or connection may be opened for a while; the present line breaks too."""
        if victim := self._victim():
            with suppress(ProcessLookupError):
                _, hard = resource.prlimit(victim.pid, resource.RLIMIT_NOFILE)
                resource.prlimit(victim.pid, resource.RLIMIT_NOFILE, (8, hard))
                self._proxies[0].cut()
                await asyncio.sleep(0.6)
                resource.prlimit(victim.pid, resource.RLIMIT_NOFILE, (min(1024, hard), hard))

    async def no_memory(self) -> None:
        """A process gets next to no more memory than it has; what it cannot do now it does later, or its next life."""
        victims = [victim.pid for victim in [self._victim()] if victim] + self._some_worker()
        if not victims:
            return
        pid = self._chance.choice(victims)
        with suppress(ProcessLookupError, FileNotFoundError):
            before = resource.prlimit(pid, resource.RLIMIT_AS)
            limit = _address_space_bytes(pid) + self._chance.choice(MORE_BYTES)
            resource.prlimit(pid, resource.RLIMIT_AS, (limit, before[1]))
            await asyncio.sleep(self._chance.uniform(0.5, 1.5))
            resource.prlimit(pid, resource.RLIMIT_AS, before)

    async def _heal_and_drain(self) -> None:
        (self._folder / "calm").touch()
        if isinstance(self._broker, Rumqttd):
            await self.broker_restarts()  # one whose thread panicked listens on and never serves again
        deadline = time.monotonic() + DRAIN_S
        while not (drained := await self._drained()) and time.monotonic() < deadline:
            self._start_missing()
            await asyncio.sleep(0.2)
        self.judged.stuck = not drained

    async def _drained(self) -> bool:
        """The box ends with 0 once nothing is owed; it is not started again then."""
        if self._running["box"].poll() != 0:
            return False
        self._commands.pop("box", None)
        return not (self._visits and await self._visits.missing(self._store))

    def _end(self) -> None:
        for process in self._running.values():
            workers = children_of(process.pid)
            process.kill()
            process.wait()
            for worker in workers:
                send(worker, signal.SIGKILL)
        self._broker.kill()
        clear_up()

    async def _judge(self) -> None:
        judged = self.judged
        promised = _promises(self._folder / "promised")
        stored, gaps = await _upstream(self._store)
        numbers = Counter(number for _, number in stored)
        missing = [(number, at) for number, at in promised.items() if number not in numbers]
        judged.promised = len(promised)
        lost = [number for number, at in missing if not _is_declared(at, gaps)]
        judged.lost, judged.declared = len(lost), len(missing) - len(lost)
        judged.doubled = sum(times - 1 for times in numbers.values())
        if self._visits:
            judged.visits = len(self._visits.read)
            judged.lost += len(await self._visits.missing(self._store))
        judged.reordered = _out_of_order(stored)
        judged.tracebacks = sum(self._log(name).count("Traceback") for name in ("box", "office", "agent"))


Place = tuple[str, int]


def _address_space_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


def _promises(path: Path) -> dict[int, Place]:
    """Number -> (stream, seq); a line that a kill tore is no promise."""
    lines = path.read_text(encoding="ascii").splitlines(keepends=True) if path.exists() else []
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {int(number): (stream, int(seq)) for number, stream, seq in whole}


async def _upstream(store: FaultStore) -> tuple[list[tuple[Place, int]], list[tuple[str, int, int]]]:
    """Rows of the busy box in the order of their streams, and the ranges that were given up or refused."""
    rows = await store.query("SELECT stream, seq, record FROM records WHERE device = 'bay-1' ORDER BY stream, seq")
    numbers = [((str(stream), int(str(seq))), _number(str(text))) for stream, seq, text in rows]
    gaps = await store.query("SELECT stream, first_seq, last_seq FROM gaps WHERE cause != 'hole'")
    ranges = [(str(stream), int(str(first)), int(str(last))) for stream, first, last in gaps]
    return [(place, number) for place, number in numbers if number is not None], ranges


def _number(text: str) -> int | None:
    body = json.loads(text)["body"]
    match body["kind"]:
        case "reading":
            return int(body["value"])
        case "dtc":
            return int(body["ecu"])
    return None


def _is_declared(at: Place, gaps: list[tuple[str, int, int]]) -> bool:
    return any(stream == at[0] and first <= at[1] <= last for stream, first, last in gaps)


def _out_of_order(stored: list[tuple[Place, int]]) -> int:
    return sum(a[0] == b[0] and one >= other for (a, one), (b, other) in pairwise(stored))
