"""Bays, desk and ledger together: whatever the day was, at its end every answer is with the car it was typed for."""

import asyncio
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.answers import Answers
from agent.bays import Bays
from agent.board import Board
from agent.desk import Desk
from agent.errors import AnswerError
from agent.ledger import Intake, Status
from agent.ledger_store import LedgerStore
from collector.events import AdapterMissing, BayEvent, CarPlugged, CarUnplugged, ScanDone, ScanFailed, VinSeen
from tests.agent.cars import CAR_A, CAR_B, NOW, reading_of, silent_reading
from tests.agent.test_desk import CLOCK, Sink

PLATES = {CAR_A: "沪A00001", CAR_B: "沪B00002"}
ENDS: dict[str, tuple[BayEvent, ...]] = {
    "unplugged": (CarUnplugged(),),
    "link lost": (ScanFailed("scan.link_lost", ""), CarUnplugged(), AdapterMissing("adapter.link_lost", "", 0.5)),
    "swapped": (ScanFailed("scan.vin_changed", ""),),
    "replugged at once": (),
}


@dataclass(frozen=True)
class Visit:
    """One car at one plug: how far its scan came, how it ended, and when the technician typed the answers."""

    bay: str
    vin: str
    vin_seen: bool
    complete: bool
    silent: bool
    end: str
    typed: str  # "while reading", "at the plug", "afterwards", "never"


VISITS = st.builds(
    Visit,
    bay=st.sampled_from(["Bay 1", "Bay 2"]),
    vin=st.sampled_from([CAR_A, CAR_B]),
    vin_seen=st.booleans(),
    complete=st.booleans(),
    silent=st.booleans(),
    end=st.sampled_from(sorted(ENDS)),
    typed=st.sampled_from(["while reading", "at the plug", "afterwards", "never"]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(VISITS, min_size=1, max_size=5))
def test_no_day_loses_an_answer_or_gives_it_to_another_car(day: list[Visit]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        accepted, intakes = asyncio.run(lived_through(day, Path(folder)))

    for intake in intakes:
        if intake.vin and intake.status is not Status.MERGED:
            assert intake.answers.plate in ("", PLATES[intake.vin])
    kept = [intake.answers.plate for intake in intakes]
    assert set(accepted) <= set(kept)


async def lived_through(day: list[Visit], folder: Path) -> tuple[list[str], tuple[Intake, ...]]:
    """The plates whose answers were accepted, and what the ledger holds at the end of the day."""
    store, ids = await LedgerStore.open(folder / "ledger.db"), count(1)
    bays = Bays(Desk(store, Sink(), CLOCK), Board(), now=lambda: NOW, new_id=lambda: f"i{next(ids)}")
    accepted: list[str] = []
    late: list[tuple[str, Visit]] = []
    for name in ("Bay 1", "Bay 2"):
        bays.add(name)
    for visit in day:
        late += await lived(visit, bays, accepted)
    for intake_id, visit in late:
        await answered(intake_id, visit, bays, accepted)
    intakes = await store.intakes(*Status)
    await store.close()
    return accepted, intakes


async def lived(visit: Visit, bays: Bays, accepted: list[str]) -> list[tuple[str, Visit]]:
    """One visit; what remains to be typed after it."""
    await bays.happened(visit.bay, CarPlugged(12.6))
    if visit.vin_seen and not visit.silent:
        await bays.happened(visit.bay, VinSeen(visit.vin))
    if visit.typed == "while reading":
        await answered(at(bays, visit), visit, bays, accepted)
    if visit.complete:
        reading = silent_reading() if visit.silent else reading_of(visit.vin)
        await bays.happened(visit.bay, ScanDone(reading, visit.silent))
    intake_id = at(bays, visit)
    if visit.typed == "at the plug":
        await answered(intake_id, visit, bays, accepted)
    for event in ENDS[visit.end]:
        await bays.happened(visit.bay, event)
    return [(intake_id, visit)] if visit.typed == "afterwards" and visit.complete else []


def at(bays: Bays, visit: Visit) -> str:
    """The intake id that the page shows for the car at the plug."""
    (state,) = [state for state in bays.states if state.name == visit.bay]
    assert state.car is not None
    return state.car.intake_id


async def answered(intake_id: str, visit: Visit, bays: Bays, accepted: list[str]) -> None:
    """The technician types what stands on the car in front of them; its VIN only where the page asks for it."""
    vin = visit.vin if visit.silent and visit.complete and visit.typed != "while reading" else ""
    plate = PLATES[visit.vin]
    try:
        await bays.answer(intake_id, Answers(plate=plate, dash_m=52_340_000, operator="Li Lei", vin=vin))
    except AnswerError:
        return
    accepted.append(plate)


async def test_a_bay_that_hotplug_found_can_go_again(tmp_path: Path) -> None:
    store = await LedgerStore.open(tmp_path / "ledger.db")
    bays = Bays(Desk(store, Sink(), CLOCK), Board(), now=lambda: NOW, new_id=lambda: "i1")

    bays.add("usb-one")
    bays.remove("usb-one")

    assert bays.states == ()
    await store.close()
