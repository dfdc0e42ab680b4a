"""``forecourt scan``: one car read once, shown, and kept when asked to."""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from agent import intake as intakes
from agent.answers import NOTHING_SAID, Answers, parse_answers
from agent.errors import WorldError
from agent.ledger import Intake, Known
from agent.logs import log_to_stderr
from agent.memory_store import remembering
from agent.moments import wall_time
from agent.tables import verdict_table
from agent.wording import said
from collector.depth import Depth
from collector.discovery import Finder
from collector.errors import AdapterLostError, CarSilentError
from collector.events import ScanProgress, VinSeen
from collector.memory import Memory
from collector.scan import scan_once
from config.catalogue import Language, render
from config.errors import SettingsError
from config.profiles import load_profiles
from config.settings import ADAPTER_URL, Settings
from evidence.snapshot import Snapshot
from protocols.readings import CarReading
from sync.clock import SystemClock

if TYPE_CHECKING:
    from agent.desk import Desk

SCAN_BAY = "scan"
DONE = 0
WORLD_FAILED = 3


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """What the user asked ``scan`` for; ``typed`` as the bay page would post it."""

    adapter: str
    depth: str
    typed: dict[str, str]
    save: bool
    as_json: bool


def scan_car_once(order: ScanOrder, settings: Settings, language: Language) -> int:
    """Scan the car once and print what was found; 3 when the car answered nothing and nobody named it."""
    if not ADAPTER_URL.match(order.adapter):
        raise SettingsError(render("cli.asks_adapter", language, url=order.adapter[:80]))
    if order.depth not in list(Depth):
        raise SettingsError(f"--depth: '{order.depth[:20]}' is not quick or full")
    typed = {name: value for name, value in order.typed.items() if value}
    answers = parse_answers(typed) if typed else NOTHING_SAID
    log_to_stderr()
    return asyncio.run(_scan(order, answers, settings, language))


async def _scan(order: ScanOrder, answers: Answers, settings: Settings, language: Language) -> int:
    url = await _address(order.adapter, settings)
    async with _desk(settings) if order.save else nullcontext() as desk, remembering(settings.storage) as memory:
        try:
            reading, silent = await _read(url, Depth(order.depth), settings, language, memory)
        except CarSilentError as error:
            raise WorldError("scan.unplugged") from error
        if silent and not answers.vin:
            raise WorldError("scan.silent" if reading.battery_v else "scan.ignition_off")
        if desk is None:
            snapshot = _judged_alone(reading, answers)
        else:
            snapshot = await _save(reading, answers, desk, silent=silent)
    _show(order, snapshot, language)
    return DONE


async def _address(adapter: str, settings: Settings) -> str:
    if adapter != "auto:":
        return adapter
    found = await Finder(settings.adapter, every_port=True).look_once()
    if not found:
        raise AdapterLostError("adapter.not_found")
    return found[0]


async def _read(
    url: str, depth: Depth, settings: Settings, language: Language, memory: Memory
) -> tuple[CarReading, bool]:
    """Scan with progress on standard error: a bar for a person, a line a step for a log."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(render("step.connect", language), total=None)

        async def tell(event: ScanProgress | VinSeen) -> None:
            if not isinstance(event, ScanProgress):
                return
            words = said(event.step, language)
            progress.update(bar, description=words, completed=event.done, total=event.total)
            if not console.is_terminal:
                print(words, file=sys.stderr)

        return await scan_once(url, settings.adapter, load_profiles(), depth=depth, tell=tell, memory=memory)


def _judged_alone(reading: CarReading, answers: Answers) -> Snapshot:
    """The snapshot judged by itself: nothing is looked up and nothing kept."""
    stamp = SystemClock().stamp()
    current = Intake(uuid.uuid4().hex, SCAN_BAY, wall_time(stamp), answers=answers)
    circumstances = intakes.Circumstances(wall_time(stamp), stamp.tq)
    change = intakes.read(current, reading, Known(), circumstances, although_unknown=True)
    return change.intake.snapshot or Snapshot()


@asynccontextmanager
async def _desk(settings: Settings) -> AsyncIterator["Desk"]:
    """The box's own files, opened before the car is asked: held by another program, they would cost the reading."""
    from agent.desk import Desk
    from agent.stores import open_stores
    from agent.terms import rules_of, terms_of

    clock, terms = SystemClock(), terms_of(settings, rules_of(settings).rules)
    async with open_stores(settings, clock) as (outbox, store):
        yield Desk(store, outbox, clock, settings.device.purpose_notice, terms)


async def _save(reading: CarReading, answers: Answers, desk: "Desk", *, silent: bool) -> Snapshot:
    """The same through the ledger and the outbox, as the daemon would."""
    from agent.bay import BayState, KeepReading

    intake_id = uuid.uuid4().hex
    await desk.recover()
    if answers != NOTHING_SAID:
        await desk.answer(intake_id, answers, BayState(SCAN_BAY))
    kept = await desk.keep(SCAN_BAY, KeepReading(intake_id, reading, silent))
    return kept.snapshot or Snapshot()


def _show(order: ScanOrder, snapshot: Snapshot, language: Language) -> None:
    if order.as_json:
        print(snapshot.model_dump_json(by_alias=True))
    else:
        Console().print(verdict_table(snapshot, language))
    if order.save:
        key = "cli.saved" if snapshot.vehicle.vin else "cli.kept_without_vin"
        print(render(key, language), file=sys.stderr)
