"""An electric car that answers no OBD request is known by 22 F190 of a unit the profiles name, and by nothing else."""

import pytest

from collector.depth import Depth
from collector.events import VinSeen
from protocols.readings import ItemStatus
from tests.collector.test_scan import FAST, scan, status_of
from tests.simulated import simulated


async def test_a_car_without_obd_tells_its_vin_and_its_makers_odometer() -> None:
    async with simulated("ev-without-obd", *FAST) as lot:
        reading, silent, told = await scan(lot.url)

    read = [w for w in reading.odometer if w.status is ItemStatus.READ]
    assert not silent
    assert reading.vin == lot.truth["vin"]
    assert VinSeen(lot.truth["vin"]) in told
    assert [(w.source, w.ecu, w.odometer_m) for w in read] == [("saic-gwm-B921", "718", lot.truth["dash_km"] * 1000)]
    assert status_of(reading, "dtcs.stored") is ItemStatus.TIMEOUT
    assert (reading.mil, reading.dtcs, reading.live) == (None, (), ())
    assert (lot.summary["writes"], lot.summary["unsafe"]) == (0, [])


async def test_a_quick_look_at_a_car_without_obd_asks_its_vin_only() -> None:
    async with simulated("ev-without-obd", *FAST) as lot:
        reading, _, _ = await scan(lot.url, Depth.QUICK)

    assert (reading.vin, reading.odometer) == (lot.truth["vin"], ())


@pytest.mark.parametrize("scenario", ["silent", "clean"])
async def test_a_car_that_sleeps_is_silent_and_nobody_is_searched_for(scenario: str) -> None:
    async with simulated(scenario, *FAST) as lot:
        await lot.act("ignition off")
        reading, silent, _ = await scan(lot.url)

    assert silent
    assert (reading.vin, reading.odometer) == ("", ())
    assert lot.summary["requests"] <= 6
    assert (lot.summary["writes"], lot.summary["unsafe"]) == (0, [])
