"""The record store on real SQLite files: records, cars, identity, search, stock and services."""

from datetime import timedelta

import pytest

from backoffice.errors import UnknownVehicleError
from backoffice.store import RecordStore
from backoffice.views import RecordFilter, StockState, VehicleDetail, WorkOrder
from evidence.snapshot import CounterPart, CountersPart, DtcPart, Result
from protocols.readings import DtcClass
from sync.records import AnyBody, ReadingBody, VehicleRef
from tests.backoffice.facts import DAY, START, VIN_A, VIN_B, dash, row, tombstone, visit


async def put(store: RecordStore, *bodies: AnyBody, stream: str = "s1", first: int = 1, device: str = "bay-1") -> None:
    """Store ``bodies`` as one batch, an hour apart."""
    rows = [(first + n, row(body, START + n * timedelta(hours=1))) for n, body in enumerate(bodies)]
    await store.store_batch(device, stream, 1, rows, START + DAY)


async def only_car(store: RecordStore, q: str = "") -> VehicleDetail:
    (found,) = await store.search_vehicles(q)
    detail = await store.vehicle(found.id)
    assert detail is not None
    return detail


async def test_a_stored_visit_is_a_car_with_everything_that_was_read(store: RecordStore) -> None:
    body = visit(
        "v1",
        vin=VIN_A,
        plate="沪A12345",
        stock="S-77",
        a6_m=50_000_000,
        mil=True,
        battery_v=12.4,
        dtcs=(DtcPart(code="P0301", dtc_class=DtcClass.STORED, ecu="7E8"),),
        counters=CountersPart(
            distance_since_clear_m=(CounterPart(ecu="7E9", value=5), CounterPart(ecu="7E8", value=12_000_000)),
            warmups_since_clear=(CounterPart(ecu="7E8", value=200),),
        ),
    )
    await put(store, body)
    car = await only_car(store, VIN_A)

    assert (car.vin, car.plate, car.stock_number) == (VIN_A, "沪A12345", "S-77")
    assert (car.mil, car.battery_v, car.current_odometer_m) == (True, 12.4, 50_000_000)
    assert [(c.code, c.dtc_class, c.ecu) for c in car.dtcs] == [("P0301", "stored", "7E8")]
    assert (car.distance_since_clear_m, car.warmups_since_clear) == (12_000_000, 200)
    assert (car.odometer.source, car.odometer.trust) == ("01A6", "standard")
    assert car.latest_snapshot is not None
    assert car.make == "Volkswagen"
    assert car.awaiting_dash


async def test_a_batch_sent_again_changes_nothing(store: RecordStore) -> None:
    rows = [(1, row(visit("v1", vin=VIN_A))), (2, row(dash("v1", 50_000, vin=VIN_A)))]
    await store.store_batch("bay-1", "s1", 1, rows, START)
    before, car = await store.counts(), await only_car(store)
    again = await store.store_batch("bay-1", "s1", 1, rows, START + DAY)

    assert (again.stored, again.duplicates) == (0, 2)
    assert await store.counts() == before
    assert await only_car(store) == car


async def test_the_same_seq_of_two_devices_or_streams_are_two_records(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A), device="bay-1")
    await put(store, visit("v2", vin=VIN_A), device="bay-2")
    await put(store, visit("v3", vin=VIN_A), device="bay-2", stream="s2")

    assert (await store.counts())["records"] == 3
    assert (await store.counts())["vehicles"] == 1


async def test_two_cars_are_never_mixed(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=10_000_000), visit("v2", vin=VIN_B, a6_m=20_000_000))

    assert {(c.vin, c.current_odometer_m) for c in await store.search_vehicles("")} == {
        (VIN_A, 10_000_000),
        (VIN_B, 20_000_000),
    }


async def test_records_that_arrive_out_of_order_give_the_same_car(store: RecordStore) -> None:
    first, second = row(visit("v1", vin=VIN_A, a6_m=10_000_000)), row(visit("v2", vin=VIN_A, a6_m=11_000_000))
    answer = row(dash("v2", 11_000, vin=VIN_A))
    for seq, late in ((3, answer), (2, second), (1, first)):
        await store.store_batch("bay-1", "s1", 1, [(seq, late)], START)
    car = await only_car(store)

    assert (car.current_odometer_m, car.snapshot_id, car.awaiting_dash) == (11_000_000, "v2", False)


async def test_the_same_snapshot_from_a_restored_outbox_is_one_visit(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=10_000_000))
    await put(store, visit("v1", vin=VIN_A, a6_m=10_000_000), stream="s2")
    car = await only_car(store)

    assert [event.id for event in await store.timeline(car.id) if event.kind == "visit"] == ["visit:v1"]


async def test_a_dash_typed_later_amends_the_visit_and_its_verdict(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=180_000_000))
    before = await only_car(store)
    await put(store, dash("v1", 80_000, vin=VIN_A, plate="沪A12345"), first=2)
    after = await only_car(store)

    assert (before.awaiting_dash, after.awaiting_dash) == (True, False)
    assert before.verdict is not Result.SUSPICIOUS
    assert after.verdict is Result.SUSPICIOUS
    assert "odometer.dash_differs" in {finding.rule for finding in after.findings}
    assert after.plate == "沪A12345"


async def test_a_corrected_dash_takes_the_place_of_the_mistyped_one(store: RecordStore) -> None:
    await put(
        store, visit("v1", vin=VIN_A, a6_m=180_000_000), dash("v1", 18_000, vin=VIN_A), dash("v1", 180_000, vin=VIN_A)
    )

    assert "odometer.dash_differs" not in {finding.rule for finding in (await only_car(store)).findings}


async def test_mileage_whose_snapshot_was_lost_is_still_shown(store: RecordStore) -> None:
    await put(store, dash("lost", 42_000, vin=VIN_A))

    assert (await only_car(store)).current_odometer_m == 42_000_000


async def test_a_provisional_car_is_merged_when_its_vin_becomes_known(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=10_000_000))
    await put(store, visit("v2", stock="S-1"), stream="s2")
    known = await only_car(store, VIN_A)
    provisional = await only_car(store, "S-1")
    await put(store, dash("v2", 12_000, vin=VIN_A, stock="S-1"), stream="s2", first=2)
    merged = await only_car(store)

    assert merged.id == known.id
    assert await store.vehicle(provisional.id) == merged
    visits = [event.snapshot_id for event in await store.timeline(provisional.id) if event.kind == "visit"]
    assert sorted(visits) == ["v1", "v2"]


async def test_a_provisional_car_becomes_the_vin_that_is_read_with_its_stock_number(store: RecordStore) -> None:
    await put(store, visit("v1", stock="S-1"))
    provisional = await only_car(store)
    await put(store, visit("v2", vin=VIN_A, stock="s 1"), first=2)

    assert (await only_car(store)).id == provisional.id


async def test_a_stock_number_used_for_a_second_car_does_not_join_the_two(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, stock="S-1"), visit("v2", vin=VIN_B, stock="S-1"))

    assert {car.vin for car in await store.search_vehicles("S-1")} == {VIN_A, VIN_B}


async def test_an_answer_stays_with_its_intake_whatever_stock_number_is_typed(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, stock="S-1"), visit("v2", vin=VIN_B), dash("v2", 5, stock="S-1"))

    assert not (await only_car(store, VIN_B)).awaiting_dash
    assert (await only_car(store, VIN_A)).awaiting_dash


async def test_a_car_without_any_name_is_kept_by_its_intake(store: RecordStore) -> None:
    await put(store, visit("v1"), visit("v2"))

    assert len(await store.search_vehicles("")) == 2


@pytest.mark.parametrize(
    "q", ["沪A·12345", "沪a 12345", "沪Ａ１２３４５", "12345", "s 77", "S-77", VIN_A, VIN_A.lower(), VIN_A[-6:], " "]
)
async def test_search_finds_a_car_however_it_is_written(store: RecordStore, q: str) -> None:
    await put(store, visit("v1", vin=VIN_A, plate="沪A12345", stock="S-77"))

    assert [car.vin for car in await store.search_vehicles(q)] == [VIN_A]


@pytest.mark.parametrize("q", ["%", "_", "' OR 1=1", "沪B", "x" * 5000])
async def test_search_takes_nothing_for_a_pattern(store: RecordStore, q: str) -> None:
    await put(store, visit("v1", vin=VIN_A, plate="沪A12345"))

    assert await store.search_vehicles(q) == ()


async def test_search_finds_a_car_by_the_plate_it_had_before(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, plate="沪A12345"), visit("v2", vin=VIN_A, plate="苏E99999"))
    car = await only_car(store, "沪A12345")

    assert car.plate == "苏E99999"


async def test_search_comes_in_pages_last_seen_first(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, at=START), visit("v2", vin=VIN_B, at=START + DAY))

    assert [car.vin for car in await store.search_vehicles("", limit=1)] == [VIN_B]
    assert [car.vin for car in await store.search_vehicles("", limit=1, offset=1)] == [VIN_A]


async def test_a_service_done_starts_the_next_interval(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=50_000_000))
    unknown = await only_car(store)
    order = WorkOrder(vin=VIN_A, done_at=START - 10 * DAY, odometer_m=49_000_000, operator="Wang")
    await store.add_workorder(order)
    done = await only_car(store)

    assert [item.state for item in unknown.due if item.item == "oil_and_filter"] == ["unknown"]
    assert [(item.state, item.remaining_m) for item in done.due if item.item == "oil_and_filter"] == [("ok", 4_000_000)]
    assert [event.kind for event in await store.timeline(done.id)] == ["service", "visit"]


async def test_a_workorder_for_an_unknown_car_is_refused(store: RecordStore) -> None:
    with pytest.raises(UnknownVehicleError):
        await store.add_workorder(WorkOrder(vin=VIN_A, done_at=START, operator="Wang"))


async def test_the_stock_state_is_a_persons_and_survives_the_next_visit(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A))
    car = await only_car(store)
    sold = await store.set_stock_state(car.id, StockState.SOLD, "Wang", START)
    await put(store, visit("v2", vin=VIN_A), first=2)

    assert sold is not None
    assert (await only_car(store)).stock_state is StockState.SOLD
    assert await store.set_stock_state("no-such-car", StockState.SOLD, "Wang", START) is None


async def test_raw_records_can_be_listed_and_filtered(store: RecordStore) -> None:
    reading = ReadingBody(vehicle=VehicleRef(vin=VIN_A), signal="Vehicle.Speed", value=12.5)
    await put(store, visit("v1", vin=VIN_A), reading, tombstone(3, 4))
    listed = await store.records(RecordFilter(kind="reading"))

    assert [record.seq for record in listed] == [2]
    assert listed[0].record["body"] == reading.model_dump(mode="json")
    assert len(await store.records()) == 3
    assert await store.records(RecordFilter(received_until=START)) == ()


async def test_what_a_newer_edge_adds_to_a_record_is_kept(store: RecordStore) -> None:
    record = row(visit("v1", vin=VIN_A)) | {"new_field": {"a": 1}}
    await store.store_batch("bay-1", "s1", 1, [(1, record)], START)

    assert (await store.records())[0].record["new_field"] == {"a": 1}


async def test_unknown_ids_are_nothing_and_no_error(store: RecordStore) -> None:
    assert await store.vehicle("nobody") is None
    assert await store.timeline("nobody") == ()
    assert await store.alert("nobody") is None
    assert await store.acknowledge_alert("nobody", "Wang", START) is None


async def test_absurd_values_are_kept_as_evidence_and_break_nothing(store: RecordStore) -> None:
    long = "长" * 5000
    absurd = visit(
        "x" * 5000,
        vin=VIN_A,
        plate=long,
        stock=long,
        a6_m=10**30,
        dtcs=(DtcPart(code=long, dtc_class=DtcClass.STORED),),
    )
    far = row(absurd) | {"t": 10**18}
    await store.store_batch("bay-1", "s1", 1, [(1, far), (2, row(visit("v2", vin=VIN_B)))], START)
    car = await only_car(store, VIN_A)

    assert car.current_odometer_m is None
    assert [event.quarantined for event in await store.timeline(car.id) if event.odometer_m] == ["implausible"]
    assert len(await store.search_vehicles("")) == 2
