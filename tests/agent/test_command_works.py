"""What each kind of command does at the box, and that none of it says where anything lies or whose it is."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from agent.bays import Bays
from agent.board import Board
from agent.check_up import check_up
from agent.command_works import FactsWork, HealthWork, IntakeWork, ResendWork, RulesWork, sorted_facts
from agent.commands import Outcome
from agent.desk import Desk
from agent.ledger_store import LedgerStore
from agent.terms import rules_of, terms_of
from agent.wishes import Wishes
from collector.events import (
    AdapterMissing,
    AdapterReady,
    BayEvent,
    CarPlugged,
    CarUnplugged,
    ScanDone,
    VinSeen,
)
from config.settings import Settings
from sync.command import FactsWanted, HealthWanted, IntakeWanted, ResendWanted, RulesWanted, Status
from sync.command_facts import ServiceFact
from sync.outbox import Outbox
from sync.publisher import Publisher
from tests.agent.bench import settings_for
from tests.agent.cars import ADAPTER, CAR_A, NOW, reading_of
from tests.agent.test_desk import CLOCK, Sink

BAY, URL = "Bay 1", "tcp:0:1"
PLAN = '[[plan]]\nid = "{id}"\nmarket = "CN"\nfuel = "petrol"\nseverity = "normal"\nitem = "oil_and_filter"\n'
AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@dataclass
class Box:
    """One bay with its adapter, a desk on a real ledger, and who wants its car read again."""

    bays: Bays
    desk: Desk
    wishes: Wishes
    sink: Sink

    async def tell(self, *events: BayEvent) -> None:
        for event in events:
            await self.bays.happened(BAY, event)

    async def plug(self) -> None:
        await self.tell(AdapterReady(ADAPTER), CarPlugged(12.6), VinSeen(CAR_A))

    async def read(self, km: int = 50_000) -> None:
        await self.tell(VinSeen(CAR_A), ScanDone(reading_of(odometer_m=km * 1000), silent=False))

    def intake(self, timeout_s: float = 5.0, *, bay: str = BAY, adapter: str = "") -> "asyncio.Task[Outcome]":
        wanted = IntakeWanted(bay="" if adapter else bay, adapter=adapter)
        return asyncio.create_task(IntakeWork(self.bays, self.wishes, timeout_s)(wanted))


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    store, sink, ids = await LedgerStore.open(tmp_path / "ledger.db"), Sink(), count(1)
    desk, wishes = Desk(store, sink, CLOCK), Wishes()
    bays = Bays(desk, Board(), now=lambda: NOW, new_id=lambda: f"i{next(ids)}")
    bays.add(BAY)
    wishes.urls[BAY] = URL
    yield Box(bays, desk, wishes, sink)
    await store.close()


async def test_a_car_that_was_read_is_read_once_more_and_gets_an_intake_of_its_own(box: Box) -> None:
    await box.plug()
    await box.read()
    asked = box.intake()
    async with asyncio.timeout(5):
        await box.wishes.of(URL).wait()  # whoever watches the adapter now reads again
    await box.read(50_001)
    outcome = await asked

    assert (outcome.status, outcome.reason) == (Status.DONE, "command.intake_taken")
    assert outcome.report == {"kind": "intake", "intake_id": "i2", "sent": True}
    assert sorted(box.sink.sets) == ["i1/snapshot", "i2/snapshot"]
    assert not box.wishes.of(URL).is_set()


async def test_a_scan_that_is_under_way_is_the_answer_too(box: Box) -> None:
    await box.plug()
    asked = box.intake(adapter=URL)
    await asyncio.sleep(0)
    assert not box.wishes.of(URL).is_set()
    await box.read()

    assert (await asked).report["intake_id"] == "i1"


@pytest.mark.parametrize(
    ("events", "wanted", "reason"),
    [
        ((), {"bay": "Bay 9"}, "command.no_bay"),
        ((), {"adapter": "tcp:elsewhere:1"}, "command.no_bay"),
        ((), {"bay": BAY}, "command.no_adapter"),
        ((AdapterMissing("adapter.not_found", "", 1.0),), {"bay": BAY}, "command.no_adapter"),
        ((AdapterReady(ADAPTER),), {"bay": BAY}, "command.no_car"),
        ((AdapterReady(ADAPTER), CarPlugged(12.6), CarUnplugged()), {"bay": BAY}, "command.no_car"),
    ],
)
async def test_where_there_is_nothing_to_read_it_says_so(
    box: Box, events: tuple[BayEvent, ...], wanted: dict[str, str], reason: str
) -> None:
    await box.tell(*events)

    outcome = await box.intake(bay=wanted.get("bay", ""), adapter=wanted.get("adapter", ""))

    assert (outcome.status, outcome.reason) == (Status.REFUSED, reason)


async def test_a_car_that_is_driven_is_not_read(box: Box) -> None:
    await box.plug()
    await box.read()
    car = box.bays.states[0].car
    assert car is not None
    box.bays._states[BAY] = replace(box.bays.states[0], car=replace(car, driving=True))

    assert (await box.intake()).reason == "command.driven"


async def test_a_car_that_is_pulled_and_one_that_never_ends_are_failures(box: Box) -> None:
    await box.plug()
    asked = box.intake()
    await asyncio.sleep(0)
    await box.tell(CarUnplugged())
    assert (await asked).reason == "command.car_gone"

    await box.plug()
    await box.read()
    late = await box.intake(timeout_s=0.01)

    assert (late.status, late.reason) == (Status.FAILED, "command.no_end")
    assert not box.wishes.of(URL).is_set()


def ruled(folder: Path) -> Settings:
    plans = folder / "secret-name" / "plans"
    plans.mkdir(parents=True)
    (plans / "mine.toml").write_text(PLAN.format(id="a") + 'repeat_km = 5000\nsource = "a handbook"\n', "utf-8")
    return Settings.model_validate({**settings_for(folder).model_dump(), "rules": {"plans": plans}})


async def test_rules_are_taken_over_whole_or_the_old_ones_stay(box: Box, tmp_path: Path) -> None:
    settings = ruled(tmp_path)
    rules = rules_of(settings)
    work, file = RulesWork(settings, rules, box.desk), tmp_path / "secret-name" / "plans" / "mine.toml"
    good = file.read_text("utf-8")

    file.write_text(good + good.replace('"a"', '"b"').replace("petrol", "diesel"), "utf-8")
    two = await work(RulesWanted())
    file.write_text(good + "colour = 1\n", "utf-8")
    bad = await work(RulesWanted())

    assert (two.status, two.params["plans"]) == (Status.DONE, 2)
    assert (bad.status, bad.reason) == (Status.REFUSED, "command.bad_rules")
    assert "mine.toml" in str(bad.params["detail"])
    assert "secret-name" not in str(bad.params["detail"])
    assert box.desk._terms == terms_of(settings, rules.rules)
    assert len(box.desk._terms.plans or ()) == 2


async def test_health_says_what_the_doctor_finds_and_no_path(tmp_path: Path, box: Box) -> None:
    folder = tmp_path / "li-lei"
    outbox = await Outbox.open(folder / "outbox.db", clock=CLOCK, max_bytes=1 << 24)
    try:
        outcome = await HealthWork(settings_for(folder), outbox, box.bays, lambda: 7)(HealthWanted())
    finally:
        await outbox.close()

    report = outcome.report
    assert (outcome.status, report["dropped"], report["bays"], report["owed"]) == (Status.DONE, 7, 1, 0)
    assert "li-lei" not in str(report)
    lines = await asyncio.to_thread(check_up, settings_for(folder))
    assert {line.subject for line in lines} >= {"broker", "clock", "disk"}
    assert all(line.text.en and line.text.zh for line in lines)


async def test_facts_are_judged_each_by_itself_and_the_next_verdict_uses_them(box: Box) -> None:
    await box.plug()
    await box.read(52_000)
    service = ServiceFact(id="s1", vin=CAR_A, done_at=datetime(2024, 1, 1, tzinfo=UTC), odometer_m=20_000_000)
    told = (
        service.model_dump(mode="json"),
        {"kind": "recall", "id": "r1", "vin": CAR_A},
        {"kind": "event", "id": "e1", "vin": CAR_A, "event": "cluster_replaced", "at": "2026-01-01", "person": "Li"},
    )

    changes: list[str] = []
    work = FactsWork(box.desk, lambda: changes.append("seen"))
    first = await work(FactsWanted(facts=told))
    again = await work(FactsWanted(facts=told))

    assert changes == ["seen"]
    assert (first.status, first.report["new"], first.report["known"]) == (Status.DONE, 1, 0)
    assert (again.report["new"], again.report["known"]) == (0, 1)
    refused = first.report["refused"]
    assert isinstance(refused, dict)
    assert set(refused) == {"r1", "e1"}
    rules = [finding.rule for body in box.sink.sets["i1/told/1"] for finding in body.findings]  # type: ignore[union-attr]
    assert "service.overdue" in rules
    assert [name for name in box.sink.sets if "told" in name] == ["i1/told/1"]


@pytest.mark.parametrize("done_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1949-12-31T00:00:00Z"])
def test_a_date_at_the_ends_of_the_calendar_is_refused(done_at: str) -> None:
    good, bad = sorted_facts(({"kind": "service", "id": "s1", "vin": CAR_A, "done_at": done_at},))

    assert (good, list(bad)) == ((), ["s1"])


@pytest.mark.parametrize("fact", [{}, {"id": "x y"}, {"id": 5, "kind": []}, {"kind": "void", "id": "v"}])
def test_a_fact_without_a_name_is_refused_by_its_place(fact: dict[str, object]) -> None:
    good, bad = sorted_facts((fact,))

    assert good == ()
    assert list(bad) in (["0"], ["v"])


async def test_a_range_of_a_stream_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    outbox = await Outbox.open(tmp_path / "outbox.db", clock=CLOCK, max_bytes=1 << 24)
    work = ResendWork(Publisher(outbox, "bay-1", settings_for(tmp_path).mqtt, CLOCK))
    try:
        strange = await work(ResendWanted(stream="another", ranges=((1, 2),)))
        ours = await work(ResendWanted(stream=outbox.stream, ranges=((1, 1 << 50),)))
    finally:
        await outbox.close()

    assert (strange.status, strange.reason) == (Status.REFUSED, "command.no_stream")
    assert (ours.status, ours.params) == (Status.DONE, {"count": 0, "gone": 0})


async def test_where_a_car_stands_in_the_stock_is_no_reason_to_judge_it_again(box: Box) -> None:
    await box.plug()
    await box.read(52_000)
    fact = {"kind": "stock", "id": "k1", "vin": CAR_A, "state": "reserved", "at": "2026-03-01T09:00:00Z"}
    gone = fact | {"id": "k2", "state": "scrapped"}

    outcome = await FactsWork(box.desk, lambda: None)(FactsWanted(facts=(fact, gone)))

    assert (outcome.report["new"], list(outcome.report["refused"])) == (1, ["k2"])  # type: ignore[call-overload]
    assert not [name for name in box.sink.sets if "told" in name]
