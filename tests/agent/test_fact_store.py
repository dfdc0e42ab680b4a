"""Facts of the back office in the ledger's file: kept once, found by any VIN of the car, erased with it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent import fact_store
from agent.answers import Answers
from agent.errors import FactsFullError
from agent.intake import Circumstances, read
from agent.ledger import Intake, Known, purpose_for
from agent.ledger_store import LedgerStore
from evidence.snapshot import Purpose
from sync.command_facts import Fact, MergeFact, ServiceFact, StockFact, StockState, WithdrawnFact
from tests.agent.cars import CAR_A, CAR_B, NOW, reading_of, vin_of

AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
STRANGER = vin_of(999)
ANSWERS = Answers(plate="沪A12345", dash_m=52_340_000, operator="Li Lei")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LedgerStore]:
    opened = await LedgerStore.open(tmp_path / "ledger.db")
    yield opened
    await opened.close()


def service(name: str, vin: str = CAR_A) -> ServiceFact:
    return ServiceFact(id=name, vin=vin, done_at=AT, odometer_m=1000)


async def services(store: LedgerStore, vin: str) -> list[str]:
    return [one.id for one in (await store.facts.told(vin)).services]


async def take_in(store: LedgerStore, vin: str, name: str) -> None:
    await store.commit(read(Intake(name, "Bay 1", NOW, answers=ANSWERS), reading_of(vin), Known(), Circumstances(NOW)))


async def test_the_same_fact_again_changes_nothing(store: LedgerStore) -> None:
    first = await store.facts.take([service("s1"), service("s2")])
    again = await store.facts.take([service("s1").model_copy(update={"odometer_m": 9}), service("s3")])

    assert [fact.id for fact in first] == ["s1", "s2"]
    assert [fact.id for fact in again] == ["s3"]
    assert [one.odometer_m for one in (await store.facts.told(CAR_A)).services] == [1000] * 3


async def test_what_was_taken_back_counts_as_never_told_in_whichever_order_it_came(store: LedgerStore) -> None:
    undone: list[Fact] = [WithdrawnFact(id=f"w{name}", vin=CAR_A, fact=name) for name in ("s1", "s2")]
    await store.facts.take([service("s1"), undone[0], undone[1], service("s2"), service("s3")])

    assert await services(store, CAR_A) == ["s3"]


async def test_a_merged_car_has_the_facts_of_both_until_it_is_taken_back(store: LedgerStore) -> None:
    await take_in(store, CAR_A, "i1")
    await take_in(store, CAR_B, "i2")
    await store.facts.take([service("s1"), service("s2", CAR_B), MergeFact(id="m1", vin=CAR_A, other_vin=CAR_B)])

    assert await services(store, CAR_A) == await services(store, CAR_B) == ["s1", "s2"]
    assert [intake.id for intake in await store.sent_intakes(CAR_A)] == ["i1", "i2"]

    await store.facts.take([WithdrawnFact(id="w1", vin=CAR_A, fact="m1")])

    assert await services(store, CAR_A) == ["s1"]
    assert [intake.id for intake in await store.sent_intakes(CAR_B)] == ["i2"]


async def test_a_visit_that_was_given_to_another_car_goes_along_with_it(store: LedgerStore) -> None:
    await take_in(store, CAR_A, "i1")
    await take_in(store, CAR_A, "i2")
    await store.facts.take([MergeFact(id="m1", vin=CAR_B, intake_ids=("i2",))])

    assert [intake.id for intake in await store.sent_intakes(CAR_A)] == ["i1"]
    assert [intake.id for intake in await store.sent_intakes(CAR_B)] == ["i2"]


async def test_facts_go_when_their_car_goes(store: LedgerStore) -> None:
    await take_in(store, CAR_A, "i1")
    await store.facts.take([service("s1"), service("s2", STRANGER)])

    await store.forget_before(NOW - timedelta(days=1))
    assert (await services(store, CAR_A), await services(store, STRANGER)) == (["s1"], [])


async def test_a_mistyped_car_keeps_what_is_known_of_the_car_it_is(store: LedgerStore) -> None:
    await take_in(store, CAR_B, "i1")
    await store.facts.take([MergeFact(id="m1", vin=CAR_A, other_vin=CAR_B), service("s1", CAR_A)])
    await store.facts.take([MergeFact(id="m2", vin=STRANGER, intake_ids=("i1",)), service("s2", STRANGER)])

    await store.forget_before(NOW - timedelta(days=1))

    assert await services(store, CAR_B) == ["s1"]
    assert await services(store, STRANGER) == ["s2"]


async def test_a_back_office_cannot_fill_the_disk(store: LedgerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fact_store, "MAX_BYTES", 600)
    await store.facts.take([service("s1"), service("s2")])
    with pytest.raises(FactsFullError):
        await store.facts.take([service(f"n{number}") for number in range(9)])

    assert await services(store, CAR_A) == ["s1", "s2"]
    assert await store.facts.take([service("s1")]) == ()


def stock(name: str, state: StockState, days: int, vin: str = CAR_A) -> StockFact:
    return StockFact(id=name, vin=vin, state=state, at=AT + timedelta(days=days))


async def test_the_step_in_the_stock_that_was_taken_last_holds_in_whichever_order_they_came(store: LedgerStore) -> None:
    await take_in(store, CAR_A, "i1")
    sold, reserved = stock("k2", StockState.SOLD, 2), stock("k1", StockState.RESERVED, 1)
    await store.facts.take([sold, reserved])

    assert await store.facts.stock_states((CAR_A, CAR_B)) == {CAR_A: StockState.SOLD}
    assert await purpose(store) is Purpose.DELIVERY

    await store.facts.take([stock("k3", StockState.RETURNED, 3)])

    assert await store.facts.stock_states((CAR_A,)) == {CAR_A: StockState.RETURNED}
    assert await purpose(store) is Purpose.RE_READ


async def test_a_merged_car_stands_where_either_of_its_vins_was_moved_last(store: LedgerStore) -> None:
    await take_in(store, CAR_A, "i1")
    merge = MergeFact(id="m1", vin=CAR_B, other_vin=CAR_A)
    await store.facts.take([stock("k1", StockState.ON_SALE, 1), merge, stock("k2", StockState.SOLD, 2, CAR_B)])

    assert await store.facts.stock_states((CAR_A,)) == {CAR_A: StockState.SOLD}
    assert await purpose(store) is Purpose.DELIVERY


async def purpose(store: LedgerStore) -> Purpose:
    return purpose_for(await store.vehicle(CAR_A))
