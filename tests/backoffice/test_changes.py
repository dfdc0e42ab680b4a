"""What a car's page says beyond the verdict: what changed since the visit before, what the seller said, a road test."""

from datetime import timedelta
from pathlib import Path

import pytest

from backoffice.store import RecordStore
from evidence.snapshot import CounterPart, CountersPart, DtcPart, EcuPart, ItemPart, Result, RoadTestPart
from protocols.readings import DtcClass, ItemStatus
from sync.records import DriveBody, StatementBody, VehicleRef
from tests.backoffice.facts import DAY, START, VIN_A, dash, visit
from tests.backoffice.test_store import only_car, put
from tests.backoffice.web_client import HTML, web_client

READ = (ItemPart(item="dtcs.stored", status=ItemStatus.READ),)
UNREAD = (ItemPart(item="dtcs.stored", status=ItemStatus.TIMEOUT),)
CAR = VehicleRef(vin=VIN_A)


def codes(*names: str) -> tuple[DtcPart, ...]:
    return tuple(DtcPart(code=name, dtc_class=DtcClass.STORED, ecu="7E8") for name in names)


def since_clear(km: int) -> CountersPart:
    return CountersPart(distance_since_clear_m=(CounterPart(ecu="7E8", value=km * 1000),))


def drive(speed_m: int, moved_m: int, snapshot_id: str = "v1") -> DriveBody:
    test = RoadTestPart(
        began_at=START + timedelta(hours=1),
        ended_at=START + timedelta(hours=1, minutes=5),
        odometer_start_m=80_000_000,
        odometer_end_m=80_000_000 + moved_m,
        speed_distance_m=speed_m,
    )
    return DriveBody(vehicle=CAR, snapshot_id=snapshot_id, operator="Li", road_test=test)


@pytest.mark.parametrize(("now_km", "fate"), [(9_000, "healed"), (12, "cleared")])
async def test_each_code_says_what_became_of_it(store: RecordStore, now_km: int, fate: str) -> None:
    first = visit("v1", vin=VIN_A, dtcs=codes("P0171"), items=READ)
    second = visit("v2", vin=VIN_A, dtcs=codes("P0301"), items=READ, counters=since_clear(8_000), at=START + DAY)
    third = visit(
        "v3", vin=VIN_A, dtcs=codes("P0171", "P0420"), items=READ, counters=since_clear(now_km), at=START + 2 * DAY
    )
    await put(store, first, second, third)
    changes = (await only_car(store)).changes

    assert changes is not None and changes.codes is not None
    assert {one.code: one.fate for one in changes.codes} == {"P0171": "came_back", "P0420": "appeared", "P0301": fate}


async def test_lists_that_were_not_read_say_nothing_about_codes(store: RecordStore) -> None:
    await put(
        store,
        visit("v1", vin=VIN_A, dtcs=codes("P0301"), items=READ),
        visit("v2", vin=VIN_A, items=UNREAD, at=START + DAY),
    )
    changes = (await only_car(store)).changes

    assert changes is not None and changes.codes is None


async def test_a_unit_with_another_calibration_and_a_tired_battery_are_said(store: RecordStore) -> None:
    units = [EcuPart(address="7E8", calibration_ids=(name,)) for name in ("04E906027AB 3612", "04E906027AB 9999")]
    bodies = [
        visit(f"v{n}", vin=VIN_A, ecus=(units[n // 2],), battery_v=12.7 - n / 10, at=START + n * 30 * DAY)
        for n in range(3)
    ]
    await put(store, *bodies)
    changes = (await only_car(store)).changes

    assert changes is not None and changes.battery_v_a_month == pytest.approx(-0.1, abs=0.02)
    assert [(u.what, u.before, u.now) for u in changes.units] == [
        ("calibration_ids", ("04E906027AB 3612",), ("04E906027AB 9999",))
    ]


async def test_a_car_that_was_read_once_has_not_changed(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A))

    assert (await only_car(store)).changes is None


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_sellers_words_stand_beside_the_finding_as_text(store: RecordStore, language: str) -> None:
    words = "<b>cluster</b> replaced, 仪表换过"
    said = StatementBody(vehicle=CAR, snapshot_id="v1", rule="odometer.dash_differs", text=words, operator="Li")
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000), dash("v1", 60_000, vin=VIN_A), said)
    car = await only_car(store)
    async with web_client(store) as client:
        page = (await client.get(f"/vehicles/{car.id}?lang={language}", headers=HTML)).text

    assert [(one.rule, one.text, one.operator) for one in car.statements] == [(said.rule, words, "Li")]
    beside = page[page.index("<blockquote>") :]
    assert "&lt;b&gt;cluster&lt;/b&gt;" in beside and "Li" in beside[:400]


async def test_a_road_test_is_judged_and_makes_an_entry_at_each_end(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000), drive(4_000, 1_500))
    car = await only_car(store)
    (k9,) = [check for check in car.checks if check.check == "K9"]
    driven = [event for event in await store.timeline(car.id) if "road_test" in event.entry_id]

    assert k9.result is Result.SUSPICIOUS
    assert [event.odometer_m for event in driven] == [80_000_000, 80_001_500]


async def test_a_turn_round_the_yard_does_not_replace_the_road_test(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=80_000_000), drive(4_000, 4_000), drive(600, 600))
    latest = (await only_car(store)).latest_snapshot

    assert latest is not None and latest.road_test is not None
    assert latest.road_test.speed_distance_m == 4_000


def test_the_chart_of_fates_is_whole() -> None:
    page = (Path(__file__).parents[2] / "backoffice" / "templates" / "vehicle.html").read_text(encoding="utf-8")

    assert all(f"'{fate}'" in page for fate in ("appeared", "came_back", "healed", "cleared"))
