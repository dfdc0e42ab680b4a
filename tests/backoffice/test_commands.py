"""The queue of commands: one waits until it is answered or expired, and facts go to every box that has read the car."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.ledger_store import LedgerStore
from backoffice import commands as queue
from backoffice.clerk import Clerk
from backoffice.commands import WAITING, Order, Queued
from backoffice.decision_store import Signed
from backoffice.errors import QueueFullError
from backoffice.store import RecordStore
from backoffice.views import WorkOrder
from evidence.history import EventKind
from evidence.snapshot import VehiclePart, VinStatus
from sync.command import CommandAnswer, Status
from sync.command_facts import FACT, EventFact, Fact, StockState, WithdrawnFact
from sync.records import SnapshotBody
from tests.backoffice.facts import DAY, START, VIN_A, VIN_B, row, visit

HOUR = timedelta(hours=1)
HEALTH = Order("bay-1", "health", {}, "Li", HOUR)
SERVICE = WorkOrder(vin=VIN_A, done_at=START - DAY, odometer_m=67_000_000, operator="Li", note="5W-30")


class Queue:
    """The functions of the queue, each in a transaction, with ids 1, 2, 3."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._ids = count(1)

    def new_id(self) -> str:
        return str(next(self._ids))

    async def do(self, work: Callable[[AsyncConnection], Awaitable[object]]) -> object:
        return await self._store.in_transaction(work)

    async def enqueue(self, order: Order = HEALTH, *, at: timedelta = timedelta()) -> str:
        return str(await self.do(lambda c: queue.enqueue(c, order, now=START + at, new_id=self.new_id)))

    async def to_send(self, at: timedelta, *, pause: timedelta = HOUR, device: str = "") -> list[str]:
        now = START + at
        found = await self._store.in_transaction(
            lambda c: queue.to_send(c, now=now, sent_before=now - pause, device=device)
        )
        return [one.id for one in found]

    async def sent(self, *ids: str, at: timedelta) -> None:
        await self.do(lambda c: queue.note_sent(c, ids, START + at))

    async def answer(self, answer: CommandAnswer, *, device: str = "bay-1", at: timedelta = HOUR) -> bool:
        return bool(await self.do(lambda c: queue.note_answer(c, device, answer, START + at)))

    async def plan(self, at: timedelta, cars: tuple[str, ...] | None = None) -> object:
        return await self.do(lambda c: queue.plan_facts(c, now=START + at, new_id=self.new_id, cars=cars))

    async def expire(self, at: timedelta) -> object:
        return await self.do(lambda c: queue.close_expired(c, START + at))

    async def get(self, command_id: str) -> Queued:
        found = await self._store.in_transaction(lambda c: queue.command(c, command_id))
        assert found is not None
        return found

    async def facts_of(self, device: str) -> list[object]:
        """Ids of the facts on their way to a device, in order."""
        found = await self._store.in_transaction(lambda c: queue.commands_of(c, device, 100))
        told = [one.params.get("facts", []) for one in reversed(found) if one.kind == "facts"]
        return [fact for facts in told for fact in facts]  # type: ignore[attr-defined]


@pytest.fixture
def commands(store: RecordStore) -> Queue:
    return Queue(store)


async def read_car(store: RecordStore, device: str, snapshot_id: str, vin: str = VIN_A) -> str:
    """Let a box read the car; return the car's id."""
    await store.store_batch(device, f"{device}-{snapshot_id}", 1, [(1, row(visit(snapshot_id, vin=vin)))], START)
    (found,) = await store.search_vehicles(vin)
    return found.id


async def test_a_command_is_sent_again_until_it_is_answered(commands: Queue) -> None:
    command_id = await commands.enqueue()

    assert await commands.to_send(timedelta()) == [command_id]
    await commands.sent(command_id, at=timedelta())
    assert await commands.to_send(timedelta(seconds=29), pause=timedelta(seconds=30)) == []
    assert await commands.to_send(timedelta(seconds=31), pause=timedelta(seconds=30)) == [command_id]
    assert await commands.answer(CommandAnswer(id=command_id, status=Status.DONE, reason="command.health_told"))
    assert await commands.to_send(timedelta(minutes=9), pause=timedelta()) == []
    assert (await commands.get(command_id)).state == "done"


async def test_a_box_that_is_back_gets_all_of_its_commands_at_once(commands: Queue) -> None:
    mine = [await commands.enqueue(), await commands.enqueue()]
    await commands.enqueue(Order("bay-2", "health", {}, "Li", HOUR))
    await commands.sent(*mine, at=timedelta())

    assert await commands.to_send(timedelta(seconds=1), device="bay-1") == mine


async def test_what_nobody_answers_expires_and_is_not_sent_any_more(commands: Queue) -> None:
    command_id = await commands.enqueue()

    assert await commands.expire(HOUR - timedelta(seconds=1)) == 0
    assert await commands.expire(HOUR) == 1
    assert await commands.to_send(HOUR, pause=timedelta()) == []
    assert (await commands.get(command_id)).state == "expired"


async def test_a_late_answer_of_a_box_that_was_in_time_is_believed(commands: Queue) -> None:
    command_id = await commands.enqueue()
    await commands.expire(HOUR)

    assert await commands.answer(CommandAnswer(id=command_id, status=Status.DONE, reason="command.health_told"))
    assert (await commands.get(command_id)).state == "done"


async def test_another_box_cannot_answer_and_nobody_answers_twice(commands: Queue) -> None:
    command_id = await commands.enqueue()
    done = CommandAnswer(id=command_id, status=Status.DONE, reason="command.health_told")

    assert not await commands.answer(done, device="bay-2")
    assert await commands.answer(done)
    assert not await commands.answer(done.model_copy(update={"status": Status.FAILED}))
    assert (await commands.get(command_id)).state == "done"


@pytest.mark.parametrize(
    ("asked", "params"),
    [
        ("reboot", {}),
        ("intake", {}),
        ("intake", {"bay": "1", "adapter": "tcp:a:1"}),
        ("health", {"file": "/etc/passwd"}),
    ],
)
async def test_what_no_box_would_take_is_not_queued(commands: Queue, asked: str, params: dict[str, object]) -> None:
    with pytest.raises((ValueError, ValidationError)):
        await commands.enqueue(Order("bay-1", asked, params, "Li", HOUR))


async def test_one_box_has_only_so_many_commands_waiting(commands: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "OPEN_LIMIT", 2)
    for _ in range(2):
        await commands.enqueue()

    with pytest.raises(QueueFullError):
        await commands.enqueue()
    await commands.enqueue(Order("bay-2", "health", {}, "Li", HOUR))


async def test_a_service_goes_down_to_every_box_that_has_read_the_car(store: RecordStore, commands: Queue) -> None:
    for device in ("bay-1", "bay-2"):
        await read_car(store, device, f"at-{device}")
    await read_car(store, "bay-3", "other", VIN_B)
    service = await store.add_workorder(SERVICE)

    assert await commands.plan(DAY) == ("bay-1", "bay-2")
    assert await commands.plan(DAY) == (), "once is enough"
    (told,) = await commands.facts_of("bay-1")
    assert told == {
        "kind": "service", "id": service, "vin": VIN_A, "done_at": "2026-03-01T09:00:00Z", "odometer_m": 67_000_000,
        "items": ["oil_and_filter"], "engine_run_s": None, "hev_m": None,
    }  # fmt: skip


async def test_a_box_that_reads_the_car_later_learns_it_too(store: RecordStore, commands: Queue) -> None:
    car = await read_car(store, "bay-1", "v1")
    await store.add_workorder(SERVICE)
    await commands.plan(DAY)
    await read_car(store, "bay-2", "v2")

    assert await commands.plan(DAY, cars=("another",)) == ()
    assert await commands.plan(DAY, cars=(car,)) == ("bay-2",)


async def test_many_facts_go_in_several_commands(store: RecordStore, commands: Queue) -> None:
    await read_car(store, "bay-1", "v1")
    for _ in range(130):
        await store.add_workorder(SERVICE)

    for _ in range(3):
        await commands.plan(DAY)

    told = await commands.facts_of("bay-1")
    assert len(told) == 130
    assert len(await commands.to_send(DAY, device="bay-1")) == 2


async def test_facts_that_did_not_arrive_are_owed_again_after_a_day(store: RecordStore, commands: Queue) -> None:
    await read_car(store, "bay-1", "v1")
    await store.add_workorder(SERVICE)
    await commands.plan(DAY)
    (command_id,) = await commands.to_send(DAY)
    await commands.answer(CommandAnswer(id=command_id, status=Status.UNKNOWN, reason="command.unknown_kind"), at=DAY)

    await commands.expire(2 * DAY)
    assert await commands.plan(2 * DAY) == ()
    await commands.expire(2 * DAY + HOUR)
    assert await commands.plan(2 * DAY + HOUR) == ("bay-1",)


async def test_a_box_that_begins_a_new_stream_is_told_again_once(store: RecordStore, commands: Queue) -> None:
    await read_car(store, "bay-1", "v1")
    await store.add_workorder(SERVICE)
    await commands.plan(HOUR)
    (command_id,) = await commands.to_send(HOUR)
    await commands.answer(CommandAnswer(id=command_id, status=Status.DONE, reason="command.facts_taken"), at=HOUR)
    await commands.expire(DAY)
    assert await commands.plan(DAY) == ()

    await store.store_batch("bay-1", "s2", 1, [(1, row(visit("v2", vin=VIN_A)))], START + 2 * DAY)
    await commands.expire(2 * DAY + HOUR)
    assert await commands.plan(2 * DAY + HOUR) == ("bay-1",)
    (again,) = await commands.to_send(3 * DAY)
    await commands.answer(CommandAnswer(id=again, status=Status.DONE, reason="command.facts_taken"), at=3 * DAY)
    for at in (3 * DAY, 200 * DAY):  # also when nobody remembers the command any more
        await commands.expire(at)
        assert await commands.plan(at) == ()


async def test_a_closed_command_keeps_no_vin(store: RecordStore, commands: Queue) -> None:
    await read_car(store, "bay-1", "v1")
    await store.add_workorder(SERVICE)
    await commands.plan(DAY)
    (command_id,) = await commands.to_send(DAY)
    await commands.answer(CommandAnswer(id=command_id, status=Status.DONE, reason="command.facts_taken"), at=DAY)

    assert VIN_A not in str(await commands.get(command_id))


async def test_facts_of_a_car_that_was_merged_go_where_the_other_was_read(store: RecordStore, commands: Queue) -> None:
    nameless = visit("v1", stock="S-17")
    await store.store_batch("bay-1", "s1", 1, [(1, row(nameless))], START)
    (car,) = await store.search_vehicles("S-17")
    await store.add_workorder(SERVICE.model_copy(update={"vin": "", "vehicle_id": car.id}))
    assert await commands.plan(DAY) == (), "a box knows a car by its VIN"

    await store.store_batch("bay-2", "s2", 1, [(1, row(visit("v2", vin=VIN_A, stock="S-17")))], START)

    assert await commands.plan(DAY) == ("bay-1", "bay-2")


async def test_a_fact_that_was_entered_twice_is_one(store: RecordStore, commands: Queue) -> None:
    car = await read_car(store, "bay-1", "v1")
    event: Fact = EventFact(id="e1", vin="-", event=EventKind.SHOWS_MILES, at=START, person="Li")
    undone: Fact = WithdrawnFact(id="e2", vin="-", fact="e1")

    async def enter(connection: AsyncConnection) -> None:
        for fact in (event, event, undone):
            await queue.fact_entered(connection, car, fact, START)

    await commands.do(enter)
    await commands.plan(DAY)

    assert [fact["id"] for fact in await commands.facts_of("bay-1")] == ["e1", "e2"]  # type: ignore[index]


async def test_a_command_that_waits_is_still_waiting_after_a_restart(store: RecordStore, commands: Queue) -> None:
    command_id = await commands.enqueue()
    again = Queue(store)

    assert (await again.get(command_id)).state == WAITING


async def test_a_step_in_the_stock_goes_to_every_box_that_has_read_the_car(store: RecordStore, commands: Queue) -> None:
    car = await read_car(store, "bay-1", "v1")
    await read_car(store, "bay-2", "v2")
    for number, state in enumerate((StockState.PREPARING, StockState.PREPARING, StockState.RESERVED)):
        await store.set_stock_state(car, state, "Wang", START + number * HOUR, "for a customer")

    assert await commands.plan(DAY) == ("bay-1", "bay-2")

    told = await commands.facts_of("bay-2")
    assert [(fact["kind"], fact["state"], fact["vin"]) for fact in told] == [  # type: ignore[index]
        ("stock", "preparing", VIN_A),
        ("stock", "reserved", VIN_A),
    ]
    assert "Wang" not in str(told)
    assert "customer" not in str(told)


async def test_boxes_and_office_agree_where_merged_and_parted_cars_stand(
    store: RecordStore, commands: Queue, tmp_path: Path
) -> None:
    right, wrong = await read_car(store, "bay-1", "v1"), await type_car(store, "bay-1", "v2", VIN_B)
    await store.set_stock_state(wrong, StockState.SOLD, "Wang", START + HOUR)
    await store.set_stock_state(right, StockState.ON_SALE, "Wang", START)
    await commands.plan(HOUR)
    clerk = Clerk(store)

    decision = await clerk.merge_cars(right, wrong, Signed("LW", "mistyped"))
    await read_car(store, "bay-2", "v3")
    merged = await standing(store, (right,))
    at_boxes = [await told(commands, box, tmp_path) for box in ("bay-1", "bay-2")]
    await clerk.take_back(decision, Signed("LW", "two cars after all"))
    parted = await standing(store, (right, wrong))

    assert merged == ["sold"]
    assert [one[VIN_A] for one in at_boxes] == merged * 2
    assert parted == ["on_sale", "sold"]
    assert list((await told(commands, "bay-1", tmp_path)).values()) == parted
    assert (await told(commands, "bay-2", tmp_path))[VIN_A] == "on_sale"


async def type_car(store: RecordStore, device: str, snapshot_id: str, vin: str) -> str:
    """Let a box hear the VIN of a car from a person; return the car's id."""
    body = visit(snapshot_id)
    vehicle = VehiclePart(vin=vin, vin_status=VinStatus.TYPED)
    typed = SnapshotBody(snapshot=body.snapshot.model_copy(update={"vehicle": vehicle}))
    await store.store_batch(device, f"{device}-{snapshot_id}", 1, [(1, row(typed))], START)
    (found,) = await store.search_vehicles(vin)
    return found.id


async def standing(store: RecordStore, cars: tuple[str, ...]) -> list[str]:
    found = [await store.vehicle(car) for car in cars]
    return [car.stock_state.value for car in found if car is not None]


async def told(commands: Queue, device: str, folder: Path) -> dict[str, str]:
    """Where a box says that its cars stand, once it has taken all its facts."""
    await commands.plan(2 * DAY)
    ledger = await LedgerStore.open(folder / f"{device}.db")
    try:
        await ledger.facts.take([FACT.validate_python(fact, strict=False) for fact in await commands.facts_of(device)])
        states = await ledger.facts.stock_states((VIN_A, VIN_B))
    finally:
        await ledger.close()
    return {vin: state.value for vin, state in sorted(states.items(), key=lambda one: one[0] != VIN_A)}
