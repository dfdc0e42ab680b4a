"""``ledger.db`` as a real file: what is committed is there after any end of the process."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agent.answers import Answers
from agent.intake import Circumstances, read
from agent.ledger import Change, Intake, Known, RecordSet, Status, StockState
from agent.ledger_store import SCHEMA, LedgerStore
from evidence.snapshot import Purpose
from sync.command_facts import ServiceFact
from sync.errors import OutboxError
from sync.records import ClockBody
from tests.agent.cars import CAR_A, CAR_B, NOW, reading_of

ANSWERS = Answers(plate="沪A12345", dash_m=52_340_000, operator="Li Lei", purpose=Purpose.DELIVERY, model="Corolla")
VISIT = read(Intake("i1", "Bay 1", NOW, answers=ANSWERS), reading_of(codes=("P0301",)), Known(), Circumstances(NOW))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LedgerStore]:
    opened = await LedgerStore.open(tmp_path / "ledger.db")
    yield opened
    await opened.close()


async def test_an_intake_comes_back_as_it_was_stored(store: LedgerStore) -> None:
    await store.commit(VISIT)

    assert await store.intake("i1") == VISIT.intake
    assert await store.vehicle(CAR_A) == VISIT.vehicle
    assert await store.owed() == (VISIT.owed,)


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    first = await LedgerStore.open(tmp_path / "ledger.db")
    await first.commit(VISIT)
    await first.close()

    second = await LedgerStore.open(tmp_path / "ledger.db")

    assert await second.intake("i1") == VISIT.intake
    await second.close()


async def test_a_second_process_is_refused(store: LedgerStore, tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match="in use by another process"):
        await LedgerStore.open(tmp_path / "ledger.db")


async def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database, but a photo of a car" * 200)

    store = await LedgerStore.open(tmp_path / "ledger.db")

    assert store.set_aside is not None
    assert store.set_aside.exists()
    await store.close()


async def test_visits_are_those_that_were_sent_oldest_first(store: LedgerStore) -> None:
    other = read(Intake("i2", "Bay 1", NOW), reading_of(odometer_m=60_000_000), Known(), Circumstances(NOW))
    await store.commit(VISIT)
    await store.commit(other)
    await store.commit(Change(Intake("i3", "Bay 1", NOW, vin=CAR_A, answers=ANSWERS)))

    assert [visit.snapshot.id for visit in await store.visits(CAR_A)] == ["i1", "i2"]
    assert [visit.dash_m for visit in await store.visits(CAR_A, except_id="i2")] == [52_340_000]
    assert await store.visits(CAR_B) == ()


async def test_a_model_picked_once_is_remembered_for_the_vins_first_eight_characters(store: LedgerStore) -> None:
    await store.commit(VISIT)

    assert await store.learned_model(CAR_B) == "Corolla"
    assert await store.learned_model("LSVAA49J032000303") == ""
    assert await store.models() == ("Corolla",)


async def test_operators_are_remembered_latest_first(store: LedgerStore) -> None:
    for number, name in enumerate(("Li Lei", "Han Meimei", "Li Lei")):
        await store.commit(Change(Intake(f"i{number}", "Bay 1", NOW, answers=Answers(operator=name))))

    assert await store.operators() == ("Li Lei", "Han Meimei")


async def test_a_stock_state_survives_the_next_visit(store: LedgerStore) -> None:
    await store.commit(VISIT)
    assert VISIT.vehicle is not None

    assert await store.set_stock_state(VISIT.vehicle.id, StockState.SOLD)
    assert not await store.set_stock_state("nobody", StockState.SOLD)
    await store.commit(replace(VISIT, owed=None))

    vehicle = await store.vehicle(CAR_A)
    assert vehicle is not None
    assert vehicle.stock_state is StockState.SOLD


async def test_an_interrupted_intake_leads_to_the_one_that_took_it_over(store: LedgerStore) -> None:
    interrupted = Intake("i1", "Bay 1", NOW, vin=CAR_A, status=Status.AWAITING_IDENTITY, answers=ANSWERS)
    await store.commit(Change(interrupted))
    assert await store.interrupted(CAR_A, except_id="i2") == interrupted
    later = Intake("i2", "Bay 1", NOW, vin=CAR_A, answers=ANSWERS)

    await store.commit(Change(later, takes_over="i1"))

    assert await store.intake("i1") == later
    assert await store.interrupted(CAR_A, except_id="i3") == later
    assert [intake.id for intake in await store.intakes(*Status)] == ["i2", "i1"]


async def test_what_was_being_read_at_the_crash_awaits_an_identity(store: LedgerStore) -> None:
    await store.commit(Change(Intake("i1", "Bay 1", NOW, answers=ANSWERS)))

    await store.abandon_open()

    assert [intake.status for intake in await store.intakes(Status.AWAITING_IDENTITY)] == [Status.AWAITING_IDENTITY]


async def test_a_set_of_records_is_owed_once_and_its_bodies_are_forgotten(store: LedgerStore) -> None:
    owed = RecordSet("clock/boot", (ClockBody(wall_ms=1),))
    await store.owe(owed)
    await store.owe(owed)
    assert await store.owed() == (owed,)

    await store.mark_emitted(owed.key)
    await store.owe(owed)

    assert await store.owed() == ()


@pytest.mark.parametrize("version", [1, 2])
async def test_a_ledger_of_any_earlier_version_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for number in range(1, version + 1):
            old.executescript((SCHEMA / f"{number:03}.sql").read_text(encoding="utf-8"))
        old.execute(f"PRAGMA user_version = {version}")
        old.execute("INSERT INTO vehicles (id, vin, stock_state) VALUES ('v1', ?, 'in_stock')", (CAR_A,))

    store = await LedgerStore.open(path)

    assert await store.commands.begin("c-1", "health", 0)
    assert await store.facts.take([ServiceFact(id="s1", vin=CAR_A, done_at=NOW)])
    assert (vehicle := await store.vehicle(CAR_A)) is not None
    assert vehicle.id == "v1"
    await store.close()
