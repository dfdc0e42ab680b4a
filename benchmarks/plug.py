"""From the plug to the verdict on a phone: the real agent, a simulated bay, and Chromium slowed down four times.

    python benchmarks/plug.py [--plugs 200] [--seed 1] [--json FILE]

Cars come in a seeded order: every CAN car for the first time once, then known ones, a K-line car now and then. The
adapter has a supply of its own, so that each plug begins at a look for a car. Where the time goes is what the page
itself saw: the card that says "reading", the VIN, the verdict. Exit 1 when a 95th percentile is above its goal.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Page, ViewportSize, async_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.needs import find_chromium

ROOT = Path(__file__).parent.parent
KNOWN, FIRST, KLINE = "known", "first on CAN", "K-line"
GOALS_S = {KNOWN: 5.0, FIRST: 10.0, KLINE: 30.0}
CAN_CARS = (
    "clean", "engine-fault", "codes-cleared", "rolled-back", "service-overdue", "can29", "ev", "ford", "honda-no-a6",
    "hyundai-no-a6", "toyota-no-a6", "vw-no-a6", "plug-in-hybrid",
)  # fmt: skip
KLINE_CARS = ("kwp", "iso9141")
KLINE_EVERY = 10
CPU_SLOWER = 4
PHONE = ViewportSize(width=390, height=844)
PATIENCE_MS = 60_000
ASK_EVERY_MS = 100  # the default is every frame, which keeps a slow processor busy with nothing else
WATCH_PAGE = """
() => {
  window.seen = {};
  const look = () => {
    const card = document.querySelector('#bays .card');
    if (!card) return;
    const now = Date.now();
    const note = (name, there) => { if (there && !(name in window.seen)) window.seen[name] = now; };
    note('reading', card.querySelector('.badge.reading'));
    note('vin', card.querySelector('.vin code'));
    note('verdict', card.querySelector('.verdict'));
    window.empty = !card.querySelector('.vin');
  };
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true, attributes: true});
  look();
}
"""


@dataclass(frozen=True, slots=True)
class Plug:
    """One plug: seconds from the plug until the page showed each thing."""

    car: str
    kind: str
    reading_s: float
    vin_s: float
    verdict_s: float


class Lot:
    """The simulator's standard input and output: cars come and go."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> dict[str, object]:
        assert self._process.stdout is not None
        word: dict[str, object] = json.loads(await self._process.stdout.readline())
        return word

    async def act(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode() + b"\n")
        word = await self.line()
        assert word.get("ok"), word


@asynccontextmanager
async def started(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child process, ended with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        await process.communicate()


@asynccontextmanager
async def bay(folder: Path) -> AsyncIterator[tuple[Lot, str]]:
    """A simulated lot with one adapter, and the agent that watches it: how cars are plugged, and the page's address."""
    async with AsyncExitStack() as stack:
        served = ("--tcp", "127.0.0.1:0", "--power", "usb", "--control")
        lot = Lot(await stack.enter_async_context(started("-m", "simulator.cli", "--scenario", "clean", *served)))
        first = await lot.line()
        await lot.act("unplug")
        urls = first["adapters"]
        assert isinstance(urls, list)
        config = folder / "forecourt.toml"
        config.write_text(settings_text(str(urls[0]), folder), encoding="utf-8")
        agent = await stack.enter_async_context(
            started("-c", "from agent.cli import main; main()", "run", "--config", str(config), "--lang", "en")
        )
        assert agent.stdout is not None
        said = (await agent.stdout.readline()).decode()
        yield lot, next(word for word in said.split() if word.startswith("http"))


def settings_text(adapter: str, folder: Path) -> str:
    """A box with one bay, its files below ``folder``."""
    return (
        f'[device]\nlanguage = "zh"\n[[bay]]\nname = "1"\nadapter = "{adapter}"\n'
        f'[storage]\ndirectory = "{folder / "state"}"\n[page]\nport = 0\n[adapter]\nhotplug_dir = "{folder / "none"}"\n'
    )


@asynccontextmanager
async def phone(address: str) -> AsyncIterator[Page]:
    """The bay page on a small, slow screen."""
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("chromium is missing: apt install chromium")
    async with async_playwright() as library:
        browser = await library.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport=PHONE, device_scale_factor=3, bypass_csp=True)
        session = await page.context.new_cdp_session(page)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWER})
        await page.goto(address)
        await page.wait_for_selector("#bays .card")
        await page.evaluate(WATCH_PAGE)
        yield page
        await browser.close()


def order_of_cars(plugs: int, seed: int) -> list[tuple[str, str]]:
    """Which car comes when, and whether it is a first one, a known one or one on K-line; never one twice in a row."""
    chance = random.Random(seed)
    met: set[str] = set()
    order: list[tuple[str, str]] = []
    for number in range(plugs):
        fresh = [car for car in CAN_CARS if car not in met]
        pool = KLINE_CARS if number % KLINE_EVERY == KLINE_EVERY - 1 else (fresh[:1] or CAN_CARS)
        car = chance.choice([car for car in pool if not order or car != order[-1][0]])
        order.append((car, KLINE if car in KLINE_CARS else KNOWN if car in met else FIRST))
        met.add(car)
    return order


async def plug_in(lot: Lot, page: Page, car: str, kind: str) -> Plug:
    """Plug one car in, wait for its verdict, and pull it out again."""
    await page.wait_for_function("window.empty", timeout=PATIENCE_MS, polling=ASK_EVERY_MS)
    await page.evaluate("window.seen = {}")
    began_ms = time.time() * 1000
    await lot.act(f"plug {car}")
    await page.wait_for_function("window.seen.verdict", timeout=PATIENCE_MS, polling=ASK_EVERY_MS)
    seen = await page.evaluate("window.seen")
    await lot.act("unplug")
    after = {name: round((moment - began_ms) / 1000, 3) for name, moment in seen.items()}
    return Plug(car, kind, after.get("reading", after["verdict"]), after.get("vin", after["verdict"]), after["verdict"])


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of all do not pass."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def show(plugs: list[Plug]) -> list[str]:
    """Print the table; return the goals that were missed."""
    row = "{:14} {:>6} {:>9} {:>9} {:>9} {:>9} {:>7}"
    print(row.format("car", "plugs", "reading", "VIN", "verdict", "p95", "goal"))
    missed = []
    for kind, goal_s in GOALS_S.items():
        some = [plug for plug in plugs if plug.kind == kind]
        if not some:
            continue
        middle = [
            percentile([getattr(plug, name) for plug in some], 0.5) for name in ("reading_s", "vin_s", "verdict_s")
        ]
        p95_s = percentile([plug.verdict_s for plug in some], 0.95)
        print(row.format(kind, len(some), *(f"{value:.2f} s" for value in (*middle, p95_s)), f"{goal_s:g} s"))
        if p95_s > goal_s:
            missed.append(f"{kind}: p95 {p95_s:.2f} s, {goal_s:g} s wanted")
    return missed


async def measure(plugs: int, seed: int) -> list[Plug]:
    found = []
    with TemporaryDirectory() as folder:
        async with bay(Path(folder)) as (lot, address), phone(address) as page:
            for car, kind in order_of_cars(plugs, seed):
                found.append(await plug_in(lot, page, car, kind))
                print(f"\r{len(found)}/{plugs} {car} {found[-1].verdict_s:.2f} s   ", end="", file=sys.stderr)
    print(file=sys.stderr)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--plugs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.plugs, arguments.seed))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(plug) for plug in found]), encoding="utf-8")
    missed = show(found)
    for text in missed:
        print(f"missed: {text}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
