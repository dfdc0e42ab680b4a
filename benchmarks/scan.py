"""How long an intake takes against the simulator, beside what the wire allows and what python-OBD takes.

    python benchmarks/scan.py [--runs 5] [--peer-runs 1] [--only 38400 115200 bluetooth clone full eight] [--json FILE]

Warm is the second intake of the same car on the same adapter with the memory kept on disk; cold is the first one that
anybody made. The floor is the formula of ``wire.py`` for the shortest plan of lines, with this car's own answers. Of
several runs the fastest counts, on every side: whatever else a machine does can only add. Exit 1 when a goal is missed.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent))

from agent.memory_store import MemoryStore
from benchmarks.floor import floor_lines
from benchmarks.python_obd import intake_of_python_obd
from benchmarks.wire import Line, Wire, intake_s
from collector.adapter import Adapter
from collector.car import Car
from collector.depth import Depth
from collector.events import ScanProgress, VinSeen
from collector.links import open_transport
from collector.memory import Memory, ShortMemory
from collector.notebook import Notebook
from collector.scan import Reader, scan_once
from collector.standard import LIVE_PIDS, read_support, read_values
from collector.transport import Transport
from config.profiles import load_profiles
from config.settings import AdapterSettings
from protocols.readings import CarReading
from simulator.profiles import PROFILES as MODELS

SCENARIO = "clean"
TABLE = "{:34} {:>9} {:>9} {:>7} {:>7}  {}"
EIGHT = 8
PROFILES = load_profiles()
WAITS = AdapterSettings()


@dataclass(frozen=True, slots=True)
class Setting:
    """One adapter and how it is reached."""

    name: str
    wire: Wire
    profile: str = "elm-2.2"

    @property
    def options(self) -> list[str]:
        link_ms = str(self.wire.link_s * 1000)
        return ["--baud", str(self.wire.baud), "--link-ms", link_ms, "--search-ms", "0", "--profile", self.profile]


SETTINGS = (
    Setting("38400", Wire()),
    Setting("115200", Wire(baud=115_200)),
    Setting("bluetooth", Wire(link_s=0.015)),
    Setting("clone", Wire(), "elm-2.1-clone"),
)


@dataclass(slots=True)
class Report:
    """Rows as printed, and the goals that were missed."""

    rows: list[dict[str, object]] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def row(self, what: str, took_s: float, floor_s: float, *, goal: float, note: str = "") -> None:
        """One figure against the floor; ``goal`` is the ratio that may not be passed, 0 for none."""
        ratio = took_s / floor_s
        self.rows.append({"what": what, "took_s": took_s, "floor_s": floor_s, "ratio": ratio, "goal": goal})
        shown = f"{goal:.2f}" if goal else "-"
        print(TABLE.format(what, f"{took_s:.3f} s", f"{floor_s:.3f} s", f"{ratio:.2f}", shown, note), flush=True)
        if goal and ratio > goal:
            self.missed.append(f"{what}: {ratio:.2f} times the floor, {goal:.2f} wanted")

    def least(self, what: str, value: float, goal: float) -> None:
        """A ratio that must reach ``goal``."""
        self.rows.append({"what": what, "ratio": value, "goal": goal})
        print(TABLE.format(what, "", "", f"{value:.2f}", f">{goal:g}", ""), flush=True)
        if value < goal:
            self.missed.append(f"{what}: {value:.2f}, {goal:g} wanted")


class RecordingLink:
    """A Transport that remembers every line that passed it."""

    def __init__(self, link: Transport) -> None:
        self.url = link.url
        self._link = link
        self.lines: list[tuple[bytes, bytearray]] = []

    async def write(self, data: bytes) -> None:
        self.lines.append((data, bytearray()))
        await self._link.write(data)

    async def read(self) -> bytes:
        data = await self._link.read()
        if self.lines:
            self.lines[-1][1].extend(data)
        return data

    async def close(self) -> None:
        await self._link.close()

    def as_lines(self) -> list[Line]:
        """What was sent and received, as the formula wants it."""
        first = next((sent for sent, _ in self.lines if sent.startswith(b"01")), b"")
        return [
            Line(sent, bytes(said), counted=sent[:1].isdigit() and len(sent) % 2 == 0, first=sent is first)
            for sent, said in self.lines
        ]


@asynccontextmanager
async def simulator(setting: Setting, ports: int = 1) -> AsyncIterator[list[str]]:
    """Serial adapters of one simulated car, each at a pseudo-terminal of its own."""
    with TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"adapter{number}") for number in range(ports)]
        served = [word for path in paths for word in ("--pty", path)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulator.cli", "--scenario", SCENARIO, *served, *setting.options,
            cwd=Path(__file__).parent.parent, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        await process.stdout.readline()
        try:
            yield paths
        finally:
            process.terminate()
            await process.communicate()


def url_of(path: str, wire: Wire) -> str:
    return f"serial:{path}?baud={wire.baud}"


async def told(event: ScanProgress | VinSeen) -> None:
    """Nobody looks at the progress of a benchmark."""


async def scan(url: str, memory: Memory, depth: Depth = Depth.QUICK) -> tuple[CarReading, list[Line]]:
    """One intake, and the lines that it took."""
    links: list[RecordingLink] = []

    async def recording(url: str, *, connect_timeout_s: float) -> Transport:
        links.append(RecordingLink(await open_transport(url, connect_timeout_s=connect_timeout_s)))
        return links[-1]

    reading, _ = await scan_once(url, WAITS, PROFILES, depth=depth, tell=told, memory=memory, opener=recording)
    return reading, links[-1].as_lines()


async def reset(url: str) -> None:
    """Send the chip into a reset and leave at once, as a supply that comes back would."""
    link = await open_transport(url, connect_timeout_s=2.0)
    await link.write(b"ATZ\r")
    await asyncio.sleep(0.01)
    await link.close()


async def measure_setting(setting: Setting, runs: int, peer_runs: int, report: Report) -> None:
    """Cold, warm and after a reset, and python-OBD beside them."""
    floor_s = intake_s(floor_lines(SCENARIO, setting.profile), setting.wire)
    async with simulator(setting) as (path,):
        url = url_of(path, setting.wire)
        await scan(url, ShortMemory())  # loads the libraries
        cold, warm, reset_s, last = await _times(url, runs)
    report.row(f"{setting.name} cold", cold, floor_s, goal=0)
    report.row(f"{setting.name} warm", warm, floor_s, goal=1.10, note=_cost(last))
    report.row(f"{setting.name} after a reset", reset_s, floor_s + MODELS[setting.profile].reset_s, goal=1.10)
    if setting.profile == "elm-2.2" and last.timing.requests > 24:
        report.missed.append(f"{setting.name}: {last.timing.requests} lines, 24 wanted")
    if peer_runs:
        await _beside_peer(setting, warm, peer_runs, report)


async def _times(url: str, runs: int) -> tuple[float, float, float, CarReading]:
    """Cold, warm and after a reset, with a memory on disk as the agent keeps it; and the last warm reading."""
    cold, warm, after_reset = [], [], []
    for _ in range(runs):
        with TemporaryDirectory() as state:
            store = await MemoryStore.open(Path(state) / "memory.db", keep=timedelta(days=30))
            first, _ = await scan(url, store)
            second, _ = await scan(url, store)
            await reset(url)
            third, _ = await scan(url, store)
            await store.close()
        cold.append(first.timing.total_s)
        warm.append(second.timing.total_s)
        after_reset.append(third.timing.total_s)
    return min(cold), min(warm), min(after_reset), second


def _cost(reading: CarReading) -> str:
    timing = reading.timing
    return f"{timing.requests} lines, {timing.bytes_sent}/{timing.bytes_received} bytes"


async def _beside_peer(setting: Setting, warm_s: float, peer_runs: int, report: Report) -> None:
    async with simulator(setting) as (path,):
        found = [await asyncio.to_thread(intake_of_python_obd, path, setting.wire.baud) for _ in range(peer_runs)]
        took_s, sweep_s = (min(times) for times in zip(*found, strict=True))
        own_s = await _sweep_s(url_of(path, setting.wire))
    print(f"{'':34} python-OBD: intake {took_s:.3f} s, the live 20 again {sweep_s:.3f} s; ours {own_s:.3f} s")
    if setting.name == "38400":
        report.least("38400 warm: times faster than python-OBD", took_s / warm_s, 7)
        report.least("38400 live 20: times faster", sweep_s / own_s, 3)


async def _sweep_s(url: str) -> float:
    """The live values of a car that was just read, once more."""
    reader = Reader(PROFILES, WAITS)
    adapter = Adapter(await open_transport(url, connect_timeout_s=2.0), reader.allow, WAITS)
    car = Car(adapter, await reader.set_up(adapter), WAITS)
    book = Notebook()
    await read_support(car, await car.connect(), book)
    await read_values(car, book, LIVE_PIDS)
    began_s = perf_counter()
    await read_values(car, book, LIVE_PIDS)
    took_s = perf_counter() - began_s
    await adapter.close()
    return took_s


async def measure_full(runs: int, report: Report) -> None:
    """A full intake against the formula for its own lines."""
    setting = SETTINGS[0]
    async with simulator(setting) as (path,):
        memory = ShortMemory()
        for name in ("cold", "warm"):
            found = [await scan(url_of(path, setting.wire), memory, Depth.FULL) for _ in range(runs)]
            reading, lines = found[0] if name == "cold" else found[-1]
            own_s = intake_s(lines, setting.wire)
            took_s = reading.timing.total_s if name == "cold" else min(r.timing.total_s for r, _ in found)
            report.row(f"full, {name}, own lines", took_s, own_s, goal=1.25, note=_cost(reading))


async def measure_eight(runs: int, report: Report) -> None:
    """Eight adapters at once, each against its own time alone."""
    setting = SETTINGS[0]
    async with simulator(setting, EIGHT) as paths:
        memory = ShortMemory()
        urls = [url_of(path, setting.wire) for path in paths]
        alone: dict[str, float] = {}
        together: dict[str, list[float]] = {}
        for url in urls:
            await scan(url, memory)
            alone[url] = min([(await scan(url, memory))[0].timing.total_s for _ in range(runs)])
        for _ in range(runs):
            for url, (reading, _) in zip(urls, await asyncio.gather(*(scan(u, memory) for u in urls)), strict=True):
                together.setdefault(url, []).append(reading.timing.total_s)
    worst = max(urls, key=lambda url: min(together[url]) / alone[url])
    report.row("8 at once, the slowest, to alone", min(together[worst]), alone[worst], goal=1.10)


async def measure(arguments: argparse.Namespace) -> Report:
    report = Report()
    print(TABLE.format("intake", "took", "floor", "ratio", "goal", ""))
    for setting in SETTINGS:
        if setting.name in arguments.only:
            await measure_setting(setting, arguments.runs, arguments.peer_runs, report)
    if "full" in arguments.only:
        await measure_full(arguments.runs, report)
    if "eight" in arguments.only:
        await measure_eight(arguments.runs, report)
    return report


def main() -> int:
    names = [*(setting.name for setting in SETTINGS), "full", "eight"]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peer-runs", type=int, default=1, help="0 leaves python-OBD out")
    parser.add_argument("--only", nargs="+", default=names, choices=names)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    report = asyncio.run(measure(arguments))
    if arguments.json:
        arguments.json.write_text(json.dumps(report.rows, indent=1), encoding="utf-8")
    for missed in report.missed:
        print(f"missed: {missed}")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
