"""People's decisions about a car's file, on the real store: kept for good, judged at once, and taken back."""

import pytest

from backoffice.clerk import Clerk
from backoffice.decision_store import Signed
from backoffice.decisions import EventBody, MileageEntryBody
from backoffice.judging import EntryFact
from backoffice.lookups import entries
from backoffice.problems import ProblemError
from backoffice.store import RecordStore
from backoffice.views import StockState, VehicleSummary
from evidence.history import EventKind
from evidence.snapshot import DtcPart, ItemPart, Result, VehiclePart, VinStatus
from protocols.readings import DtcClass, ItemStatus
from sync.records import SnapshotBody
from tests.backoffice.facts import DAY, START, VIN_A, VIN_B, dash, visit
from tests.backoffice.test_store import only_car, put

WHY = Signed("LW", "read off another car")


@pytest.fixture
def clerk(store: RecordStore) -> Clerk:
    return Clerk(store)


async def ledger(store: RecordStore, vehicle_id: str) -> dict[str, EntryFact]:
    return {one.entry_id: one for one in await store.look_up(lambda connection: entries(connection, vehicle_id))}


async def cars(store: RecordStore) -> dict[str, VehicleSummary]:
    return {car.id: car for car in await store.search_vehicles("")}


async def with_vin(store: RecordStore, vin: str) -> str:
    return next(car.id for car in (await cars(store)).values() if car.vin == vin)


def typed(snapshot_id: str, vin: str, **more: object) -> SnapshotBody:
    """A silent car whose VIN a person typed."""
    body = visit(snapshot_id, **more)  # type: ignore[arg-type]
    vehicle = VehiclePart(vin=vin, vin_status=VinStatus.TYPED, stock_number=body.snapshot.vehicle.stock_number)
    return SnapshotBody(snapshot=body.snapshot.model_copy(update={"vehicle": vehicle}))


async def test_a_withdrawn_value_stays_with_who_and_why_and_counts_no_more(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000), dash("v1", 180_000, vin=VIN_A))
    car = await only_car(store)
    before = car.verdict
    await clerk.void(car.id, "v1/dash", WHY)
    after, value = await only_car(store), (await ledger(store, car.id))["v1/dash"]

    assert (before, after.verdict) == (Result.SUSPICIOUS, Result.NOT_DETERMINABLE)
    assert (value.odometer_m, value.voided, value.voided_by) == (180_000_000, WHY.reason, WHY.person)
    assert value.quarantined == "voided"
    assert len(await store.records()) == 2


async def test_a_value_is_withdrawn_once_and_by_somebody(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000))
    car = await only_car(store)
    await clerk.void(car.id, "v1/odometer/0", WHY)

    for wanted, status in (("v1/odometer/0", 409), ("v1/odometer/7", 404)):
        with pytest.raises(ProblemError) as refusal:
            await clerk.void(car.id, wanted, WHY)
        assert refusal.value.status == status
    with pytest.raises(ProblemError):
        await clerk.void("no-such-car", "v1/odometer/0", WHY)


async def test_taking_a_withdrawal_back_lets_the_value_count_again(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000))
    car = await only_car(store)
    decision = await clerk.void(car.id, "v1/odometer/0", WHY)
    gone = (await only_car(store)).current_odometer_m
    await clerk.take_back(decision, Signed("ZH", "it was this car"))

    assert (gone, (await only_car(store)).current_odometer_m) == (None, 80_000_000)
    assert [(one.kind, one.standing) for one in await clerk.decisions(car.id)] == [
        ("taken_back", False),
        ("void", False),
    ]
    with pytest.raises(ProblemError) as refusal:
        await clerk.take_back(decision, WHY)
    assert refusal.value.status == 409


async def test_an_answer_that_came_after_a_withdrawal_is_another_value(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000), dash("v1", 180_000, vin=VIN_A))
    car = await only_car(store)
    await clerk.void(car.id, "v1/dash", WHY)
    await put(store, dash("v1", 80_000, vin=VIN_A), first=3)

    assert (await ledger(store, car.id))["v1/dash"].voided == ""
    assert (await only_car(store)).verdict is Result.CONSISTENT


async def test_withdrawing_a_record_withdraws_what_rests_on_it(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000), dash("v1", 81_000, vin=VIN_A))
    car = await only_car(store)
    by_kind = {one.kind: one.id for one in await store.records()}
    await clerk.void_record(by_kind["mileage"], WHY)
    first = {name for name, one in (await ledger(store, car.id)).items() if one.voided}
    await clerk.void_record(by_kind["snapshot"], WHY)

    assert first == {"v1/dash"}
    assert {name for name, one in (await ledger(store, car.id)).items() if one.voided} == {"v1/dash", "v1/odometer/0"}


@pytest.mark.parametrize("record", ["edge-1.s1.99", "edge-1.s1.x", "nothing", "edge-1.s1.9999999999999999999999"])
async def test_a_record_that_is_not_there_is_one_sentence(store: RecordStore, clerk: Clerk, record: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        await clerk.void_record(record, WHY)

    assert refusal.value.status == 404
    assert refusal.value.text.zh


async def test_an_amended_value_stands_in_place_of_the_withdrawn_one(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A), dash("v1", 8_000, vin=VIN_A))
    car = await only_car(store)
    (typed_in,) = [one.id for one in await store.records() if one.kind == "mileage"]
    await clerk.amend_record(typed_in, 80_000_000, WHY)
    values = await ledger(store, car.id)

    assert (await only_car(store)).current_odometer_m == 80_000_000
    assert values["v1/dash"].voided == WHY.reason
    assert {one.source for one in values.values()} == {"dash", "manual"}


async def test_a_replaced_cluster_with_papers_explains_the_fall(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=148_000_000))
    await put(store, visit("v2", vin=VIN_A, a6_m=3_000_000, at=START + 30 * DAY), first=2)
    car = await only_car(store)
    assert car.verdict is Result.SUSPICIOUS
    swap = EventBody(
        event=EventKind.CLUSTER_REPLACED, happened_at=START - DAY, before_m=148_000_000, after_m=0, papers="bill 17"
    )
    with pytest.raises(ProblemError):
        await clerk.note_event(car.id, swap.model_copy(update={"after_m": None}), WHY)
    with pytest.raises(ProblemError):
        await clerk.note_event(car.id, swap.model_copy(update={"happened_at": START + 90 * DAY}), WHY)

    await clerk.note_event(car.id, swap.model_copy(update={"happened_at": START + DAY / 2}), WHY)
    values = await ledger(store, car.id)

    assert (await only_car(store)).verdict is not Result.SUSPICIOUS
    assert (values["v2/odometer/0"].odometer_m, values["v2/odometer/0"].life_m) == (3_000_000, 151_000_000)


async def test_a_dashboard_that_shows_miles_is_reckoned_in_kilometres(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=160_934_000), dash("v1", 100_000, vin=VIN_A))
    car = await only_car(store)
    event = EventBody(event=EventKind.SHOWS_MILES, happened_at=START - DAY, before_m=5)
    await clerk.note_event(car.id, event, WHY)

    assert (await only_car(store)).verdict is Result.CONSISTENT
    assert (await ledger(store, car.id))["v1/dash"].life_m == pytest.approx(160_934_400, abs=1000)


async def test_a_mileage_from_elsewhere_takes_its_place_in_time(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000))
    car = await only_car(store)
    entered = MileageEntryBody(source="upstream", seen_at=START - 300 * DAY, odometer_m=120_000_000)
    await clerk.enter_mileage(car.id, entered, WHY)

    order = list((await ledger(store, car.id)).values())
    assert [one.source for one in order] == ["upstream", "01A6"]
    assert any(event.odometer_m == 120_000_000 for event in await store.timeline(car.id))


async def test_two_visits_that_were_one_are_counted_once_and_neither_is_lost(store: RecordStore, clerk: Clerk) -> None:
    code = (DtcPart(code="P0301", dtc_class=DtcClass.STORED, ecu="7E8"),)
    read = (ItemPart(item="dtcs.stored", status=ItemStatus.READ),)
    unread = (ItemPart(item="dtcs.stored", status=ItemStatus.TIMEOUT),)
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000, items=unread), dash("v1", 80_001, vin=VIN_A))
    await put(store, visit("v2", vin=VIN_A, dtcs=code, items=read, at=START + DAY / 24), first=3)
    car = await only_car(store)
    assert car.awaiting_dash
    decision = await clerk.join_visits(car.id, "v1", "v2", WHY)
    one = await store.vehicle(car.id)
    kinds = [event.kind for event in await store.timeline(car.id)]

    assert one is not None and one.latest_snapshot is not None
    assert one.latest_snapshot.id == "v1"
    assert [part.code for part in one.dtcs] == ["P0301"]
    assert not one.awaiting_dash
    assert (kinds.count("visit"), kinds.count("joined")) == (1, 1)
    await clerk.take_back(decision, WHY)
    assert [event.kind for event in await store.timeline(car.id)].count("visit") == 2
    with pytest.raises(ProblemError):
        await clerk.join_visits(car.id, "v1", "v1", WHY)


async def test_a_car_with_a_mistyped_vin_is_brought_to_its_own_file_and_back(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, stock="S-1", a6_m=80_000_000))
    await put(store, typed("v2", VIN_B, stock="S-2", a6_m=80_500_000, at=START + DAY / 2), stream="s2")
    right, wrong = await with_vin(store, VIN_A), await with_vin(store, VIN_B)
    decision = await clerk.merge_cars(right, VIN_B.lower(), WHY)
    one = await store.vehicle(wrong)

    assert one is not None and (one.id, one.vin) == (right, VIN_A)
    assert one.current_odometer_m == 80_500_000
    assert {record.vehicle_id for record in await store.records()} == {right}
    await put(store, typed("v3", VIN_B, a6_m=81_000_000, at=START + DAY), stream="s2", first=2)
    assert set(await cars(store)) == {right}

    await clerk.take_back(decision, WHY)
    parted = await cars(store)
    assert {car_id: car.vin for car_id, car in parted.items()} == {right: VIN_A, wrong: VIN_B}
    assert {car_id: car.current_odometer_m for car_id, car in parted.items()} == {
        right: 80_000_000,
        wrong: 81_000_000,
    }


async def test_parted_cars_tell_nobody_a_second_time(store: RecordStore, clerk: Clerk) -> None:
    code = (DtcPart(code="P0420", dtc_class=DtcClass.STORED, ecu="7E8"),)
    read = (ItemPart(item="dtcs.stored", status=ItemStatus.READ),)
    await put(store, visit("v1", vin=VIN_A, dtcs=code, items=read))
    await put(store, typed("v2", VIN_B, dtcs=code, items=read), stream="s2")
    right, wrong = await with_vin(store, VIN_A), await with_vin(store, VIN_B)
    owed = await store.waiting_notifications(START + 9 * DAY, limit=50)
    stood = {alert.id for alert in await store.alerts()}
    decision = await clerk.merge_cars(right, wrong, WHY)
    await clerk.take_back(decision, WHY)

    assert {alert.id for alert in await store.alerts()} == stood
    assert {one.id for one in await store.waiting_notifications(START + 9 * DAY, limit=50)} == {o.id for o in owed}


async def test_two_cars_that_told_their_vins_stay_two(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A), visit("v2", vin=VIN_B))
    right, other = await cars(store)
    with pytest.raises(ProblemError) as refusal:
        await clerk.merge_cars(right, other, WHY)

    assert refusal.value.key == "office.problem_two_cars"
    assert len(await cars(store)) == 2


async def test_the_vin_a_car_told_is_not_overruled_by_a_typed_one(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A), typed("v2", VIN_B))
    told, typed_in = await with_vin(store, VIN_A), await with_vin(store, VIN_B)
    with pytest.raises(ProblemError) as refusal:
        await clerk.merge_cars(typed_in, told, WHY)

    assert refusal.value.key == "office.problem_other_way"


async def test_a_stock_number_used_twice_is_taken_apart_visit_by_visit(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", stock="S-1", a6_m=80_000_000), dash("v1", 80_000, stock="S-1"))
    await put(store, visit("v2", stock="S-1", a6_m=20_000_000, at=START + DAY / 2), dash("v2", 20_000), first=3)
    (both,) = await cars(store)
    own = await clerk.move_visit(both, "v2", "", WHY)
    await put(store, dash("v2", 20_001, stock="S-1"), first=5)
    apart = {car_id: car.current_odometer_m for car_id, car in (await cars(store)).items()}

    assert apart == {both: 80_000_000, own: 20_000_000}
    (moved,) = [one.id for one in await clerk.decisions(both) if one.kind == "moved_out"]
    assert await clerk.take_back(moved, WHY) == both
    assert list(await cars(store)) == [both]
    emptied = await store.vehicle(own)
    assert emptied is not None and emptied.id == both
    assert not any(one.standing for one in await clerk.decisions(both))


async def test_a_visit_with_a_vin_typed_wrong_goes_to_the_car_it_was_of(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, stock="S-1", a6_m=80_000_000))
    await put(store, visit("v2", vin=VIN_B, stock="S-2", a6_m=20_000_000), stream="s2")
    await put(store, typed("v3", VIN_B, a6_m=80_900_000, at=START + DAY / 2), stream="s2", first=2)
    of_a, of_b = await with_vin(store, VIN_A), await with_vin(store, VIN_B)
    assert await clerk.move_visit(of_b, "v3", "s-1", WHY) == of_a
    known = await cars(store)

    assert {known[of_a].vin, known[of_b].vin} == {VIN_A, VIN_B}
    assert (known[of_a].current_odometer_m, known[of_b].current_odometer_m) == (80_900_000, 20_000_000)
    with pytest.raises(ProblemError) as refusal:
        await clerk.move_visit(of_a, "v1", VIN_B, WHY)
    assert refusal.value.key == "office.problem_told_vin"


async def test_a_withdrawn_value_goes_along_with_its_visit(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", stock="S-1", a6_m=80_000_000), dash("v1", 8, stock="S-1"), visit("v2", stock="S-1"))
    (both,) = await cars(store)
    await clerk.void(both, "v1/dash", WHY)
    own = await clerk.move_visit(both, "v1", "", WHY)

    assert (await ledger(store, own))["v1/dash"].voided == WHY.reason


@pytest.mark.parametrize("to", ["nobody", "S-9", "LFV2A21K0G40000I3"])
async def test_a_car_that_nobody_knows_is_not_begun_by_a_slip(store: RecordStore, clerk: Clerk, to: str) -> None:
    await put(store, visit("v1", stock="S-1"))
    (known,) = await cars(store)
    with pytest.raises(ProblemError) as refusal:
        await clerk.move_visit(known, "v1", to, WHY)

    assert refusal.value.status == 404
    assert list(await cars(store)) == [known]


async def test_the_stock_goes_its_ways_and_a_slip_needs_a_word(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A))
    car = await only_car(store)
    for state in (StockState.PREPARING, StockState.ON_SALE, StockState.RESERVED, StockState.SOLD):
        await store.set_stock_state(car.id, state, "Wang", START)
    with pytest.raises(ProblemError) as refusal:
        await store.set_stock_state(car.id, StockState.ON_SALE, "Wang", START)
    await store.set_stock_state(car.id, StockState.ON_SALE, "Wang", START, "the sale fell through")
    steps = [event for event in await store.timeline(car.id) if event.kind == "stock"]

    assert refusal.value.status == 409
    assert (await only_car(store)).stock_state is StockState.ON_SALE
    assert len(steps) == 5
    assert any("the sale fell through" in event.detail.en for event in steps)


async def test_what_was_decided_while_two_files_were_one_parts_with_its_visit(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000))
    await put(store, typed("v2", VIN_B, a6_m=80_500_000), stream="s2")
    right, wrong = await with_vin(store, VIN_A), await with_vin(store, VIN_B)
    merged = await clerk.merge_cars(right, wrong, WHY)
    await clerk.void(right, "v2/odometer/0", WHY)
    kept = await clerk.void(right, "v1/odometer/0", WHY)
    await clerk.take_back(kept, WHY)
    await clerk.take_back(merged, WHY)

    assert (await ledger(store, wrong))["v2/odometer/0"].voided == WHY.reason
    assert (await ledger(store, right))["v1/odometer/0"].voided == ""


async def test_a_withdrawal_taken_back_stays_so_when_its_visit_moves(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", stock="S-1", a6_m=80_000_000), visit("v2", stock="S-1"))
    (both,) = await cars(store)
    await clerk.take_back(await clerk.void(both, "v1/odometer/0", WHY), WHY)
    own = await clerk.move_visit(both, "v1", "", WHY)

    assert (await ledger(store, own))["v1/odometer/0"].voided == ""


async def test_a_car_that_tells_a_vin_once_called_a_mistake_gets_its_own_file(store: RecordStore, clerk: Clerk) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000))
    await put(store, typed("v2", VIN_B, a6_m=80_500_000), stream="s2")
    right = await with_vin(store, VIN_A)
    await clerk.merge_cars(right, VIN_B, WHY)
    await put(store, visit("v3", vin=VIN_B, a6_m=12_000_000), stream="s2", first=2)
    known = await cars(store)

    assert {car.vin for car in known.values()} == {VIN_A, VIN_B}
    assert known[right].current_odometer_m == 80_500_000


async def test_a_stock_number_used_twice_is_said_at_both_cars(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, stock="S-1"), visit("v2", vin=VIN_B, stock="S-1"))
    first, second = await with_vin(store, VIN_A), await with_vin(store, VIN_B)
    one, other = await store.vehicle(first), await store.vehicle(second)

    assert one is not None and one.same_stock_number == (second,)
    assert other is not None and other.same_stock_number == (first,)
    await store.set_stock_state(second, StockState.SOLD, "Wang", START)
    one = await store.vehicle(first)
    assert one is not None and one.same_stock_number == ()


async def test_a_car_that_somebody_moved_meanwhile_is_not_moved_again(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A))
    car = await only_car(store)
    await store.set_stock_state(car.id, StockState.RESERVED, "Wang", START)
    with pytest.raises(ProblemError) as refusal:
        await store.set_stock_state(car.id, StockState.ON_SALE, "Li", START, expected=StockState.ARRIVED)

    assert refusal.value.key == "office.problem_stock_moved"
    assert (await only_car(store)).stock_state is StockState.RESERVED


async def test_what_was_withdrawn_stays_so_when_its_visit_becomes_part_of_another(
    store: RecordStore, clerk: Clerk
) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000), visit("v2", vin=VIN_A, a6_m=99_000_000))
    car = await only_car(store)
    await clerk.void(car.id, "v2/odometer/0", WHY)
    await clerk.join_visits(car.id, "v1", "v2", WHY)
    values = {one.odometer_m: one.voided for one in (await ledger(store, car.id)).values()}

    assert values == {80_000_000: "", 99_000_000: WHY.reason}
