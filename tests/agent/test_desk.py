"""The desk's one promise: what it accepted is neither lost nor doubled, wherever the process dies."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from agent.answers import Answers
from agent.bay import BayState, DropReading, KeepDrive, KeepReading
from agent.desk import Desk
from agent.errors import AnswerError, UnknownIntakeError, UnknownVehicleError
from agent.intake import asks_after
from agent.ledger import Status, StockState
from agent.ledger_store import LedgerStore
from collector.events import DriveDone
from evidence.snapshot import CheckPart, ClockQuality, Purpose, Result, Snapshot
from sync.clock import SystemClock
from sync.errors import OutboxError
from sync.outbox import Outbox
from sync.records import AnyBody
from tests.agent.cars import CAR_A, reading_of, silent_reading

CLOCK = SystemClock(boot="boot-1", wall_ns=lambda: 1_780_306_200_000_000_000, quality=lambda: ClockQuality.NTP)
ANSWERS = Answers(plate="沪A12345", dash_m=52_340_000, operator="Li Lei")
BAY = BayState("Bay 1")


@dataclass
class Sink:
    """Remembers what came; ``trouble`` is what it answers with instead."""

    sets: dict[str, tuple[AnyBody, ...]] = field(default_factory=dict)
    trouble: OutboxError | None = None

    async def append(self, bodies: tuple[AnyBody, ...], *, once: str) -> object:
        if self.trouble:
            raise self.trouble
        return self.sets.setdefault(once, bodies)


@dataclass
class Office:
    desk: Desk
    store: LedgerStore
    sink: Sink


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    store, sink = await LedgerStore.open(tmp_path / "ledger.db"), Sink()
    yield Office(Desk(store, sink, CLOCK), store, sink)
    await store.close()


async def test_a_reading_goes_to_the_ledger_and_to_the_outbox(office: Office) -> None:
    kept = await office.desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))

    assert await office.store.intake("i1") == kept
    assert [body.kind for body in office.sink.sets["i1/snapshot"]] == ["snapshot", "mileage"]
    assert await office.store.owed() == ()


async def test_answers_typed_while_reading_are_durable_and_enter_the_snapshot(office: Office) -> None:
    await office.desk.answer("i1", ANSWERS, BAY)
    stored = await office.store.intake("i1")
    assert stored is not None
    assert stored.status is Status.OPEN

    kept = await office.desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))

    assert kept.status is Status.COMPLETE
    assert kept.snapshot is not None
    assert kept.snapshot.operator == "Li Lei"


async def test_a_reading_is_sent_once_even_when_it_is_handed_in_twice(office: Office) -> None:
    first = await office.desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))

    second = await office.desk.keep("Bay 1", KeepReading("i1", reading_of(odometer_m=1_000), silent=False))

    assert second == first
    assert list(office.sink.sets) == ["i1/snapshot"]


async def test_answers_of_a_failed_scan_wait_visibly_and_go_on_when_the_car_is_plugged_again(office: Office) -> None:
    await office.desk.answer("i1", ANSWERS, BAY)
    await office.desk.drop(DropReading("i1", CAR_A))
    (waiting,) = await office.store.intakes(Status.AWAITING_IDENTITY)
    assert waiting.answers == ANSWERS

    await office.desk.identified("i2", "Bay 1", CAR_A)
    kept = await office.desk.keep("Bay 1", KeepReading("i2", reading_of(), silent=False))

    assert kept.answers == ANSWERS
    assert await office.store.intakes(Status.AWAITING_IDENTITY) == ()


async def test_answers_posted_late_to_an_interrupted_intake_reach_the_one_that_took_over(office: Office) -> None:
    await office.desk.answer("i1", ANSWERS, BAY)
    await office.desk.drop(DropReading("i1", CAR_A))
    await office.desk.identified("i2", "Bay 1", CAR_A)
    await office.desk.keep("Bay 1", KeepReading("i2", reading_of(), silent=False))

    answered = await office.desk.answer("i1", Answers(stock_number="S-9"), None)

    assert (answered.id, answered.answers.stock_number) == ("i2", "S-9")


async def test_a_dropped_scan_without_answers_leaves_nothing(office: Office) -> None:
    await office.desk.identified("i1", "Bay 1", CAR_A)

    await office.desk.drop(DropReading("i1", CAR_A))

    assert await office.store.intakes(*Status) == ()


async def test_a_scan_interrupted_before_the_vin_can_be_completed_by_typing_it(office: Office) -> None:
    await office.desk.answer("i1", ANSWERS, BAY)
    await office.desk.drop(DropReading("i1", ""))

    done = await office.desk.answer("i1", Answers(vin=CAR_A), None)

    assert done.status is Status.COMPLETE
    assert "i1/snapshot" in office.sink.sets


async def test_a_silent_car_stays_until_its_vin_is_typed(office: Office) -> None:
    await office.desk.keep("Bay 1", KeepReading("i1", silent_reading(), silent=True))
    assert office.sink.sets == {}

    done = await office.desk.answer("i1", Answers(vin=CAR_A, dash_m=5_000_000, operator="A"), None)

    assert (done.status, done.vin) == (Status.COMPLETE, CAR_A)
    assert "i1/snapshot" in office.sink.sets


async def test_a_silent_car_that_speaks_after_all_replaces_its_silent_reading(office: Office) -> None:
    await office.desk.keep("Bay 1", KeepReading("i1", silent_reading(), silent=True))
    await office.desk.identified("i1", "Bay 1", CAR_A)

    kept = await office.desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))

    assert kept.sent
    assert list(office.sink.sets) == ["i1/snapshot"]


async def test_refused_answers_touch_nothing(office: Office) -> None:
    kept = await office.desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))

    with pytest.raises(AnswerError):
        await office.desk.answer("i1", Answers(dash_m=1), None)
    with pytest.raises(UnknownIntakeError):
        await office.desk.answer("i9", ANSWERS, None)

    assert await office.store.intake("i1") == kept


async def test_an_outbox_that_takes_nothing_loses_nothing(office: Office) -> None:
    office.sink.trouble = OutboxError("full")
    await office.desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))
    assert len(await office.store.owed()) == 1
    with pytest.raises(OutboxError):
        await office.desk.hand_over()

    office.sink.trouble = None
    await office.desk.hand_over()

    assert list(office.sink.sets) == ["i1/snapshot"]


async def test_the_clock_is_told_once_a_boot_when_it_can_be_believed(office: Office) -> None:
    doubtful = Desk(office.store, office.sink, SystemClock(boot="boot-1", quality=lambda: ClockQuality.RTC))
    assert not await doubtful.note_clock()

    assert await office.desk.note_clock()
    assert await office.desk.note_clock()

    assert list(office.sink.sets) == ["clock/boot-1"]


async def test_a_sold_car_comes_for_a_delivery_check(office: Office) -> None:
    kept = await office.desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))
    assert kept.purpose is Purpose.INTAKE

    await office.desk.set_stock_state("i1", StockState.SOLD)
    seen = await office.desk.identified("i2", "Bay 1", CAR_A)

    assert seen.purpose is Purpose.DELIVERY
    with pytest.raises(UnknownVehicleError):
        await office.desk.set_stock_state("i9", StockState.SOLD)


async def test_only_an_intake_without_identity_can_be_put_aside(office: Office) -> None:
    await office.desk.keep("Bay 1", KeepReading("i1", silent_reading(), silent=True))
    await office.desk.keep("Bay 1", KeepReading("i2", reading_of(), silent=False))

    await office.desk.withdraw("i1")

    withdrawn = await office.store.intake("i1")
    assert withdrawn is not None
    assert withdrawn.status is Status.WITHDRAWN
    with pytest.raises(AnswerError, match=r"answers\.already_sent"):
        await office.desk.withdraw("i2")


CRASHING = """
import asyncio, os, signal, sys
from pathlib import Path
from agent.bay import KeepReading
from agent.desk import Desk
from agent.ledger_store import LedgerStore
from sync.outbox import Outbox
from tests.agent.cars import reading_of
from tests.agent.test_desk import CLOCK

die_before, die_after = sys.argv[2] == "before", sys.argv[2] == "after"

class Dying:
    def __init__(self, outbox):
        self.outbox = outbox

    async def append(self, bodies, *, once):
        if die_before:
            os.kill(os.getpid(), signal.SIGKILL)
        await self.outbox.append(bodies, once=once)
        if die_after:
            os.kill(os.getpid(), signal.SIGKILL)

async def main():
    folder = Path(sys.argv[1])
    outbox = await Outbox.open(folder / "outbox.db", clock=CLOCK, max_bytes=2**24)
    desk = Desk(await LedgerStore.open(folder / "ledger.db"), Dying(outbox), CLOCK)
    await desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))

asyncio.run(main())
"""


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_between_ledger_and_outbox_or_after_it_the_intake_is_sent_exactly_once(
    moment: str, tmp_path: Path
) -> None:
    child = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", CRASHING, str(tmp_path), moment], timeout=30, check=False
    )
    assert child.returncode == -signal.SIGKILL

    kinds = await recovered_kinds(tmp_path)
    again = await recovered_kinds(tmp_path)

    assert kinds == again == ["snapshot", "mileage"]


async def recovered_kinds(folder: Path) -> list[str]:
    """The kinds of records owed after a start that recovers."""
    outbox = await Outbox.open(folder / "outbox.db", clock=CLOCK, max_bytes=2**24)
    store = await LedgerStore.open(folder / "ledger.db")
    await Desk(store, outbox, CLOCK).recover()
    owed = [
        line for stream in await outbox.owing_streams() for line in await outbox.unacknowledged(0, 50, stream=stream)
    ]
    assert await store.owed() == ()
    await store.close()
    await outbox.close()
    return [json.loads(line.payload)["body"]["kind"] for line in owed]


async def test_an_intake_names_the_privacy_notice_it_was_made_under(office: Office) -> None:
    desk = Desk(office.store, office.sink, CLOCK, notice="intake-inspection/2")

    kept = await desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))

    assert kept.snapshot is not None
    assert kept.snapshot.notice == "intake-inspection/2"


async def test_old_visits_are_erased_but_never_one_that_somebody_waits_for(office: Office) -> None:
    await office.desk.answer("i1", ANSWERS, BAY)
    await office.desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))
    await office.desk.keep("Bay 1", KeepReading("i2", reading_of(), silent=False))

    assert await office.desk.forget_older_than(timedelta(days=1)) == 0
    assert await office.desk.forget_older_than(timedelta(days=-1)) == 1
    assert await office.store.intake("i1") is None
    waiting = await office.store.intake("i2")
    assert waiting is not None
    assert waiting.status is Status.AWAITING_DASH


async def test_a_clock_that_may_be_wrong_erases_nothing(office: Office) -> None:
    await office.desk.answer("i1", ANSWERS, BAY)
    await office.desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))
    doubtful = Desk(office.store, office.sink, SystemClock(boot="boot-1", quality=lambda: ClockQuality.RTC))

    assert await doubtful.forget_older_than(timedelta(days=-1)) == 0


def drive(speed_m: int, moved_m: int) -> KeepDrive:
    done = DriveDone("01A6", 52_340_000, 52_340_000 + moved_m, speed_m, lasted_s=300, ended_before_s=90)
    return KeepDrive("i1", done)


async def test_a_drive_is_judged_and_goes_up_with_an_entry_at_each_end(office: Office) -> None:
    await office.desk.keep("Bay 1", KeepReading("i1", reading_of(), silent=False))
    await office.desk.answer("i1", ANSWERS, BAY)
    await office.desk.drove(drive(4_000, 1_500))
    intake = await office.store.intake("i1")
    (told,) = [body for bodies in office.sink.sets.values() for body in bodies if body.kind == "drive"]

    assert intake is not None and intake.snapshot is not None and intake.snapshot.road_test is not None
    (k9,) = [check for check in intake.snapshot.checks if check.check == "K9"]
    assert k9.result is Result.SUSPICIOUS
    assert told.road_test == intake.snapshot.road_test
    assert told.road_test.began_at is not None and told.road_test.ended_at is not None
    assert (told.road_test.ended_at - told.road_test.began_at).total_seconds() == 300


async def test_a_drive_that_told_no_odometer_is_closed_by_what_the_dashboard_shows_after_it(office: Office) -> None:
    await office.desk.keep("Bay 1", KeepReading("i1", reading_of(odometer_m=None), silent=False))
    await office.desk.answer("i1", ANSWERS, BAY)
    await office.desk.drove(KeepDrive("i1", DriveDone("dash", speed_distance_m=8_000, lasted_s=600, ended_before_s=90)))
    driven = await office.store.intake("i1")
    assert driven is not None and driven.snapshot is not None and asks_after(driven)
    assert _k9(driven.snapshot).params["reason"] == "@reason.road_test_untyped"

    after = ANSWERS.dash_m or 0
    await office.desk.answer("i1", Answers(dash_after_m=after + 4_000, operator="Li Lei"), BAY)
    closed = await office.store.intake("i1")
    assert closed is not None and closed.snapshot is not None and not asks_after(closed)
    drives = [body for bodies in office.sink.sets.values() for body in bodies if body.kind == "drive"]

    assert (_k9(closed.snapshot).result, _k9(closed.snapshot).params["moved_m"]) == (Result.SUSPICIOUS, 4_000)
    assert [one.road_test.odometer_end_m for one in drives] == [None, after + 4_000]
    assert drives[-1].road_test.odometer_step_m == 1_000


def _k9(snapshot: Snapshot) -> CheckPart:
    return next(check for check in snapshot.checks if check.check == "K9")


async def test_the_drive_of_a_car_nobody_named_yet_goes_up_with_its_snapshot(office: Office) -> None:
    await office.desk.keep("Bay 1", KeepReading("i1", reading_of(vin=""), silent=False))
    await office.desk.drove(drive(4_000, 4_000))
    await office.desk.answer("i1", Answers(vin=CAR_A, dash_m=52_340_000, operator="Li Lei"), BAY)
    bodies = [body for one in office.sink.sets.values() for body in one]
    (snapshot,) = [body.snapshot for body in bodies if body.kind == "snapshot"]

    assert snapshot.road_test is not None
    assert "drive" not in {body.kind for body in bodies}


async def test_a_drive_of_an_intake_that_is_not_there_changes_nothing(office: Office) -> None:
    await office.desk.drove(drive(4_000, 4_000))

    assert office.sink.sets == {}
