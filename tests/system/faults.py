"""One run of real processes under faults drawn from a seed: broker, back office, a busy box, an agent with its cars."""

import asyncio
import random
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from tests.simulated import SimulatedLot
from tests.sync.broker import Broker, BrokerProcess, Rumqttd
from tests.system.fault_cars import Visits
from tests.system.fault_kinds import Faults
from tests.system.fault_processes import Processes, send
from tests.system.fault_proxy import FaultProxy, fault_proxy
from tests.system.fault_store import FaultStore, FileStore
from tests.system.fault_system import FaultShim
from tests.system.fault_verdict import Judged, judge_numbers, promises

BIN = Path(sys.executable).parent
START_S = DRAIN_S = 180.0
DISK_BYTES = 24 << 20
LEAST_VISITS = 3
MORE_S = 90.0  # so much longer are cars waited for, with fewer faults meanwhile
STARVED = ("MemoryError", "can't start new thread", "Cannot allocate memory")
PAUSE_S, LONGER_PAUSE_S = (0.2, 0.8), (1.0, 4.0)

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
        self.judged = Judged(seed, LEAST_VISITS if lot else 0)
        self._store = store or FileStore(folder)
        self._visits = Visits(lot, folder, random.Random(seed)) if lot else None
        self._plan = list(plan)
        self._folder = folder
        self._disk = disk or folder
        self._chance = random.Random(seed)
        self._seconds = seconds
        self._control = control
        self._protocol = "3.1.1" if seed % 3 == 2 else "5"
        self._broker = self._make_broker(seed)
        self._panics = 0
        self._shim = FaultShim(folder)
        self._processes = Processes(folder, self._shim.environment)

    def _make_broker(self, seed: int) -> BrokerProcess:
        version = {"5": "v5", "3.1.1": "v4"}[self._protocol]
        return Rumqttd(self._folder, version=version) if seed % 5 == 4 else Broker(self._folder)

    async def run(self) -> Judged:
        async with AsyncExitStack() as stack:
            stack.callback(self._end)
            proxies = [await stack.enter_async_context(fault_proxy(self._broker.port)) for _ in range(2)]
            await asyncio.to_thread(self._broker.start)
            self._prepare(*(proxy.port for proxy in proxies))
            self._processes.start_missing()
            await self._flowing()
            cars = asyncio.create_task(self._visits.go_on()) if self._visits else None
            starved = await self._have_faults(proxies)
            if cars:
                cars.cancel()
                await asyncio.wait([cars])
            await self._heal_and_drain(starved)
        await self._judge()
        return self.judged

    def _prepare(self, box_port: int, office_port: int) -> None:
        config = self._folder / "office.toml"
        config.write_text(OFFICE.format(database=self._store.settings, port=office_port, protocol=self._protocol))
        box = [sys.executable, "-m", "tests.system.fault_box", str(self._folder), str(self._disk), str(box_port)]
        self._processes.commands = {
            "office": [str(BIN / "forecourt-office"), "ingest", *self._store.options, "--config", str(config)],
            "box": [*box, self._protocol, *([self._control] if self._control else [])],
        }
        if self._visits:
            self._processes.commands["agent"] = self._visits.command(box_port)

    async def _flowing(self) -> None:
        """Faults begin once records are on their way; a process that never gets there is a defect of its own."""
        async with asyncio.timeout(START_S):
            await self._processes.serving()
            while not promises(self._folder / "promised"):  # noqa: ASYNC110 - another process makes them
                await asyncio.sleep(0.05)

    async def _have_faults(self, proxies: list[FaultProxy]) -> set[int]:
        """Return the processes that may hang for want of memory that they have again."""
        faults = Faults(
            self._folder, self._disk, self._processes, proxies, self._broker, self._shim, self._store, self._chance
        )
        ends = time.monotonic() + self._seconds
        while self._plan or time.monotonic() < ends or self._wants_cars(ends):
            if self._plan:
                await self._processes.serving()  # a planned fault finds every process with something to lose
            name = self._plan.pop(0) if self._plan else self._chance.choice(faults.possible)
            if what := await faults.happen(name):
                self.judged.faults[what] += 1
            self._processes.start_missing()
            await asyncio.sleep(self._chance.uniform(*(PAUSE_S if time.monotonic() < ends else LONGER_PAUSE_S)))
        return faults.starved

    def _wants_cars(self, ends: float) -> bool:
        """On a busy machine reading takes its time: a run without cars would prove nothing about them."""
        if self._visits is None or len(self._visits.read) >= LEAST_VISITS:
            return False
        return time.monotonic() < ends + MORE_S

    async def _heal_and_drain(self, starved: set[int]) -> None:
        (self._folder / "calm").touch()
        for pid in starved:
            send(pid, signal.SIGKILL)
        if self._visits:
            await asyncio.to_thread(self._visits.ask_the_ledger, self._processes.process("agent"))
        deadline = time.monotonic() + DRAIN_S
        while not (drained := await self._drained()) and time.monotonic() < deadline:
            self._processes.start_missing()
            await self._revive_broker()
            await asyncio.sleep(0.2)
        self.judged.stuck = not drained

    async def _revive_broker(self) -> None:
        """One whose thread panicked listens on and never serves again."""
        panics = (self._folder / "broker.log").read_text(errors="replace").count("rust_begin_unwind")
        if panics > self._panics:
            self._panics = panics
            self._broker.kill()
            await asyncio.to_thread(self._broker.start)

    async def _drained(self) -> bool:
        """The box ends with 0 once nothing is owed; it is not started again then."""
        if self._processes.process("box").poll() != 0:
            return False
        self._processes.commands.pop("box", None)
        return not (self._visits and await self._visits.missing(self._store))

    def _end(self) -> None:
        self._processes.end()
        self._broker.kill()

    async def _judge(self) -> None:
        judged = self.judged
        if self._visits:
            judged.visits = len(self._visits.read)
            judged.lost += len(await self._visits.missing(self._store))
            judged.doubled += await self._visits.doubled(self._store)
        await judge_numbers(judged, promises(self._folder / "promised"), self._store)
        logs = [self._processes.log(name) for name in ("box", "office", "agent")]
        # one that got no memory may end as it likes
        judged.tracebacks = sum(log.count("Traceback") for log in logs if not any(word in log for word in STARVED))
