"""A car that answers OBD only as UDS is read like any other, over the standard's own identifiers."""

from pathlib import Path

import pytest

from collector.depth import Depth
from collector.events import ScanProgress, VinSeen
from collector.notebook import Notebook
from collector.obd_on_uds import read_uds_codes, read_vin_did
from collector.scan import STEPS
from protocols.readings import ItemStatus, Monitor, Trust
from tests.collector.test_scan import VIRTUAL, counter_of, scan, status_of
from tests.collector.test_standard import car_that_says
from tests.simulated import simulated

SCENARIOS = Path(__file__).parents[2] / "simulator" / "scenarios"


@pytest.mark.parametrize("depth", list(Depth))
async def test_a_car_without_the_old_services_is_read_as_it_truly_is(depth: Depth) -> None:
    async with simulated("obd-on-uds", *VIRTUAL) as lot:
        reading, silent, _ = await scan(lot.url, depth)

    (odometer,) = reading.odometer
    (ecu,) = reading.ecus
    assert not silent
    assert reading.vin == lot.truth["vin"]
    assert (odometer.source, odometer.trust, odometer.raw) == ("22F4A6", Trust.STANDARD, "00016445")
    assert (odometer.odometer_m or 0) // 1000 == lot.truth["dash_km"]
    assert (ecu.calibration_ids, reading.dtcs, reading.mil) == (("12710450",), (), False)
    assert counter_of(reading, "distance_since_clear_m") == lot.truth["distance_since_clear_m"]
    assert counter_of(reading, "warmups_since_clear") == lot.truth["warmups_since_clear"]
    assert (counter_of(reading, "engine_run_time_s") is not None) == (depth is Depth.FULL)
    assert status_of(reading, "freeze_frame") is ItemStatus.NOT_ASKED  # service 19 04 is never sent
    assert reading.freeze_frames == ()
    assert len(reading.live) >= 20
    assert reading.readiness["catalyst"] is Monitor.COMPLETE
    assert {status_of(reading, f"dtcs.{kind}") for kind in ("stored", "pending", "permanent")} == {ItemStatus.READ}
    assert (lot.summary["writes"], lot.summary["unsafe"]) == (0, [])


def without_the_old_services(tmp_path: Path, scenario: str, more: str = "") -> str:
    """A scenario whose every unit answers only SAE J1979-2."""
    text = (SCENARIOS / f"{scenario}.toml").read_text(encoding="utf-8")
    path = tmp_path / "car.toml"
    path.write_text(text.replace("[[car.ecu]]\n", f"[[car.ecu]]\nuds_only = true\n{more}"), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("scenario", "more", "profile"),
    [
        ("engine-fault", "", "elm-2.2"),
        ("engine-fault", "pending_replies = 3\n", "elm-1.4b"),
        ("engine-fault", "", "elm-1.5-clone"),
        ("can29", "", "stn-1170"),
    ],
)
async def test_every_unit_of_such_a_car_is_read_by_itself(
    tmp_path: Path, scenario: str, more: str, profile: str
) -> None:
    async with simulated(without_the_old_services(tmp_path, scenario, more), "--profile", profile, *VIRTUAL) as lot:
        reading, _, _ = await scan(lot.url)

    codes = sorted((c.code, c.dtc_class.value, c.ecu) for c in reading.dtcs)
    assert reading.vin == lot.truth["vin"]
    assert codes == sorted((c["code"], c["class"], c["ecu"]) for c in lot.truth["dtcs"])
    assert reading.mil == lot.truth["mil"]
    assert counter_of(reading, "distance_since_clear_m") == lot.truth["distance_since_clear_m"]
    assert [(w.odometer_m or 0) // 1000 for w in reading.odometer if w.source == "22F4A6"] == [lot.truth["dash_km"]]
    assert len(reading.ecus) == 2
    assert (lot.summary["writes"], lot.summary["unsafe"]) == (0, [])


async def test_a_moving_car_is_asked_what_the_standard_asks_and_nothing_of_its_make(tmp_path: Path) -> None:
    async with simulated(without_the_old_services(tmp_path, "vw-no-a6"), *VIRTUAL) as lot:

        async def drive_off(event: ScanProgress | VinSeen) -> None:
            if event == ScanProgress(STEPS[1], 1, len(STEPS)):
                await lot.act("speed 30")

        reading, _, _ = await scan(lot.url, then=drive_off)

    asked_of_the_make = [item for item in reading.items if item.item.startswith("odometer.vag")]
    assert reading.vin == lot.truth["vin"]
    assert len(reading.live) >= 20
    assert {item.status for item in asked_of_the_make} == {ItemStatus.NOT_ASKED}
    assert (lot.summary["writes"], lot.summary["unsafe"]) == (0, [])


STORED, PENDING, PERMANENT = "194233081E", "194233041E", "195533"
EMPTY = "7E806594233FFFF04"


async def test_codes_come_with_their_unit_and_by_the_bits_of_their_status() -> None:
    answers = {
        STORED: "7E8100B594233FFFF04\n7E82120014300090000",
        PENDING: "7E81010594233FFFF04\n7E82120014300092001\n7E822431C0400000000",
        PERMANENT: "7E805595533FF04",
    }
    book = Notebook()
    async with car_that_says(answers) as car:
        await read_uds_codes(car, book)

    assert [(code.code, code.dtc_class.value, code.ecu) for code in book.dtcs] == [
        ("P0143", "stored", "7E8"),
        ("P0143", "pending", "7E8"),
    ]
    assert book.items["dtcs.permanent"].status is ItemStatus.READ


async def test_a_unit_without_the_emissions_lists_is_asked_by_status() -> None:
    answers = {
        STORED: "7E8037F1912",
        PENDING: "7E8037F1912",
        PERMANENT: "7E8037F1912",
        "190208": "7E8075902FF01430008",
        "190204": "7E8035902FF",
    }
    book = Notebook()
    async with car_that_says(answers) as car:
        await read_uds_codes(car, book)

    assert [(code.code, code.dtc_class.value) for code in book.dtcs] == [("P0143", "stored")]
    assert book.items["dtcs.stored"].status is ItemStatus.READ
    assert book.items["dtcs.permanent"].status is ItemStatus.REFUSED


async def test_codes_without_a_class_are_found_when_the_car_announced_more() -> None:
    answers = {
        STORED: EMPTY,
        PENDING: EMPTY,
        PERMANENT: "7E805595533FF04",
        "19423308FF": "7E8100B594233FFFF04\n7E82100014300090000",
    }
    book = Notebook(announced_by={"7E8": 1})
    async with car_that_says(answers) as car:
        await read_uds_codes(car, book)

    assert [code.code for code in book.dtcs] == ["P0143"]
    assert book.items["dtcs.stored"].status is ItemStatus.READ


async def test_a_list_that_is_cut_is_corrupt_and_never_short() -> None:
    book = Notebook()
    async with car_that_says({STORED: "7E807594233FFFF0401"}) as car:
        await read_uds_codes(car, book)

    assert book.dtcs == []
    assert book.items["dtcs.stored"].status is ItemStatus.CORRUPT
    assert book.items["dtcs.pending"].status is ItemStatus.TIMEOUT


async def test_a_vin_that_is_none_is_said_to_be_corrupt() -> None:
    book = Notebook()
    async with car_that_says({"22F190": "7E80662F190414243"}) as car:
        await read_vin_did(car, book)

    assert book.vin == ""
    assert book.items["vin"].status is ItemStatus.CORRUPT
