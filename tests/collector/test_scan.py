"""A scan of every simulated car tells the truth about it and asks nothing that could change it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from collector.depth import Depth
from collector.errors import AdapterLostError, CarSilentError
from collector.events import ScanProgress, VinSeen
from collector.scan import STEPS, scan_once
from config.profiles import load_profiles
from config.settings import AdapterSettings
from protocols.readings import CarReading, ItemStatus
from tests.simulated import simulated

QUICK_WAITS = AdapterSettings(reply_timeout_s=2.0, search_timeout_s=8.0)
FAST = ("--ecu-ms", "2", "--baud", "500000", "--search-ms", "5")
VIRTUAL = (*FAST, "--clock", "virtual")  # what a car takes is counted, not waited for
ANSWERING = [
    "clean", "engine-fault", "codes-cleared", "rolled-back", "service-overdue", "can29", "ev", "ford",
    "honda-no-a6", "hyundai-no-a6", "toyota-no-a6", "vw-no-a6", "kwp", "j1850-pwm", "j1850-vpw",
]  # fmt: skip


Told = list[ScanProgress | VinSeen]


async def nothing(event: ScanProgress | VinSeen) -> None:
    pass


async def scan(
    url: str, depth: Depth = Depth.FULL, then: Callable[[ScanProgress | VinSeen], Awaitable[None]] = nothing
) -> tuple[CarReading, bool, Told]:
    told: Told = []

    async def tell(event: ScanProgress | VinSeen) -> None:
        told.append(event)
        await then(event)

    reading, silent = await scan_once(url, QUICK_WAITS, load_profiles(), depth=depth, tell=tell)
    return reading, silent, told


def status_of(reading: CarReading, item: str) -> ItemStatus:
    return next(found.status for found in reading.items if found.item == item)


def counter_of(reading: CarReading, name: str) -> int | None:
    return next((c.value for c in reading.counters if c.name == name and c.status is ItemStatus.READ), None)


@pytest.mark.parametrize("scenario", ANSWERING)
async def test_every_answering_car_is_read_as_it_truly_is(scenario: str) -> None:
    async with simulated(scenario, *VIRTUAL) as lot:
        reading, silent, _ = await scan(lot.url)

    truth = lot.truth
    codes = sorted((c.code, c.dtc_class.value, c.ecu) for c in reading.dtcs)
    a6 = [w.odometer_m for w in reading.odometer if w.source == "01A6" and w.status is ItemStatus.READ]
    assert not silent
    assert reading.vin == truth["vin"]
    assert codes == sorted((c["code"], c["class"], c["ecu"]) for c in truth["dtcs"])
    assert reading.mil == truth["mil"]
    assert reading.battery_v == pytest.approx(truth["battery_v"], abs=0.11)
    assert a6[:1] == ([truth["odometer_m"]] if truth["odometer_m"] is not None else [])
    assert counter_of(reading, "distance_since_clear_m") == truth["distance_since_clear_m"]
    assert counter_of(reading, "warmups_since_clear") == truth["warmups_since_clear"]
    assert lot.summary["writes"] == 0
    assert lot.summary["unsafe"] == []


@pytest.mark.parametrize("scenario", ["vw-no-a6", "toyota-no-a6", "honda-no-a6", "hyundai-no-a6"])
async def test_a_car_without_a6_gives_its_makers_odometer(scenario: str) -> None:
    async with simulated(scenario, *VIRTUAL) as lot:
        reading, _, _ = await scan(lot.url)

    read = [w for w in reading.odometer if w.status is ItemStatus.READ]
    assert read
    assert all(abs((w.odometer_m or 0) / 1000 - lot.truth["dash_km"]) < 30 for w in read)
    assert status_of(reading, "odometer.01A6") is ItemStatus.UNSUPPORTED


async def test_a_scan_over_a_serial_port_reads_the_same_car(tmp_path: Path) -> None:
    async with simulated("clean", *FAST, serve=("--pty", str(tmp_path / "ttyOBD"))) as lot:
        reading, _, told = await scan(lot.url)

    assert lot.url.startswith("serial:")
    assert reading.vin == lot.truth["vin"]
    assert [event.step for event in told if isinstance(event, ScanProgress)] == list(STEPS)
    assert VinSeen(lot.truth["vin"]) in told


async def test_odometer_and_codes_are_told_before_the_rest_is_read() -> None:
    async with simulated("engine-fault", *FAST) as lot:
        _, _, told = await scan(lot.url)

    steps = [event for event in told if isinstance(event, ScanProgress)]
    assert [event.codes is not None for event in steps] == [False, False, False, True, True, True]
    assert steps[3].odometer_m == lot.truth["odometer_m"]
    assert set(steps[3].codes or ()) == {code["code"] for code in lot.truth["dtcs"]}


async def test_a_quick_scan_skips_the_makers_reads_and_keeps_the_standard_ones() -> None:
    async with simulated("engine-fault", *FAST) as lot:
        reading, _, _ = await scan(lot.url, Depth.QUICK)

    assert reading.vin == lot.truth["vin"]
    assert len(reading.dtcs) == len(lot.truth["dtcs"])
    assert not reading.freeze_frames
    assert [w.source for w in reading.odometer] == ["01A6"]


async def test_a_car_that_answers_nothing_is_a_complete_reading_without_a_value() -> None:
    async with simulated("silent", *FAST) as lot:
        reading, silent, _ = await scan(lot.url)

    assert silent
    assert reading.vin == ""
    assert reading.mil is None
    assert reading.odometer == ()
    assert reading.dtcs == ()
    assert status_of(reading, "dtcs.stored") is ItemStatus.TIMEOUT


@pytest.mark.parametrize("step", ["step.codes", "step.odometer"])
async def test_no_maker_is_asked_while_the_car_moves(step: str) -> None:
    async with simulated("vw-no-a6", *FAST) as lot:

        async def drive_off(event: ScanProgress | VinSeen) -> None:
            if isinstance(event, ScanProgress) and event.step == step:
                await lot.act("speed 30")

        reading, _, _ = await scan(lot.url, then=drive_off)

    assert [w for w in reading.odometer if w.status is ItemStatus.READ] == []
    assert status_of(reading, "odometer.vag-cluster-2203-24") is ItemStatus.NOT_ASKED
    assert lot.summary["unsafe"] == []


async def test_a_battery_at_the_floor_is_left_alone_and_said_so() -> None:
    async with simulated("clean") as lot:
        await lot.act("engine off")
        await lot.act("battery 11.6")
        reading, silent, _ = await scan(lot.url)

    assert silent
    assert reading.battery_v == 11.6
    assert status_of(reading, "vin") is ItemStatus.NOT_ASKED
    assert "floor" in next(item.detail for item in reading.items if item.item == "link")


@pytest.mark.parametrize("depth", list(Depth))
async def test_a_car_swapped_in_the_middle_leaves_nothing_in_the_next_ones_reading(depth: Depth) -> None:
    async with simulated("engine-fault", "--power", "usb", *FAST) as lot:
        swapped: list[str] = []

        async def swap_once(event: ScanProgress | VinSeen) -> None:
            if event == ScanProgress("step.codes", 2, len(STEPS)) and not swapped:
                swapped.append((await lot.act("plug clean"))["truth"]["vin"])

        reading, _, told = await scan(lot.url, depth, then=swap_once)

    assert [event.vin for event in told if isinstance(event, VinSeen)] == [lot.truth["vin"], reading.vin]
    assert [reading.vin] == swapped
    assert reading.dtcs == ()
    assert {ecu.vin for ecu in reading.ecus} == {"", reading.vin}


async def test_cars_that_keep_changing_are_a_link_that_cannot_be_trusted() -> None:
    async with simulated("clean", "--power", "usb", *FAST) as lot:
        cars = iter(["engine-fault", "clean"] * 3)

        async def swap(event: ScanProgress | VinSeen) -> None:
            if isinstance(event, VinSeen):
                await lot.act(f"plug {next(cars)}")

        with pytest.raises(AdapterLostError) as lost:
            await scan(lot.url, then=swap)

    assert lost.value.reason == "scan.vin_changed"


@pytest.mark.parametrize(
    ("profile", "reason"),
    [("mute", "adapter.no_prompt"), ("question-mark", "adapter.not_elm"), ("modem", "adapter.no_prompt")],
)
async def test_an_adapter_that_is_none_ends_in_one_clear_reason(profile: str, reason: str) -> None:
    async with simulated("clean", "--profile", profile) as lot:
        with pytest.raises(AdapterLostError) as lost:
            await scan(lot.url)

    assert lost.value.reason == reason


@pytest.mark.parametrize("profile", ["elm-1.5-clone", "elm-2.1-clone", "elm-1.4b", "elm-2.2", "stn-1170"])
async def test_every_usable_adapter_delivers_vin_codes_and_odometer(profile: str) -> None:
    async with simulated("engine-fault", "--profile", profile, *VIRTUAL) as lot:
        reading, _, _ = await scan(lot.url)

    assert reading.vin == lot.truth["vin"]
    assert len(reading.dtcs) == len(lot.truth["dtcs"])
    assert [w.odometer_m for w in reading.odometer if w.source == "01A6"] == [lot.truth["odometer_m"]]


FAULTS = [
    "nul=0.3", "stray-fc=0.3", "echo-other-case=0.5", "split-writes=1", "lost-prompt=@9", "stopped=0.1",
    "buffer-full=@12", "lv-reset=@15", "data-error=0.1", "can-error=@10", "no-data=0.1", "hang=@14", "drop=@12",
    "late-answer=@13", "unplug-mid-frame=@12", "garbage=@11", "half-line=@12",
    "voltage-sag=0.2",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
async def test_under_any_fault_nothing_is_told_that_was_not_read(fault: str) -> None:
    async with simulated("engine-fault", "--fault", fault, "--seed", "7", *VIRTUAL) as lot:
        try:
            async with asyncio.timeout(60):
                reading, silent, _ = await scan(lot.url)
        except (AdapterLostError, CarSilentError) as error:
            assert str(error)
            return

    told = {(c.code, c.dtc_class.value, c.ecu) for c in reading.dtcs}
    assert reading.vin in ("", lot.truth["vin"])
    assert told <= {(c["code"], c["class"], c["ecu"]) for c in lot.truth["dtcs"]}
    assert {w.odometer_m for w in reading.odometer if w.source == "01A6"} <= {lot.truth["odometer_m"], None}
    for dtc_class in ("stored", "pending", "permanent"):
        complete = {t for t in told if t[1] == dtc_class}
        true = {(c["code"], c["class"], c["ecu"]) for c in lot.truth["dtcs"] if c["class"] == dtc_class}
        assert complete == true or status_of(reading, f"dtcs.{dtc_class}") is not ItemStatus.READ or silent
