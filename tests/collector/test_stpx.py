"""STN chips are asked by STPX where that saves lines; whether a chip knows it is tried, not read off its name."""

import dataclasses

import pytest

from collector.adapter import Adapter
from collector.addressing import Address, address_functionally, address_physically
from collector.car import CANNOT_ADDRESS, Car
from collector.depth import Depth
from collector.memory import ShortMemory
from collector.scan import Reader
from protocols.errors import ForbiddenCommandError
from protocols.readings import CarReading, ItemStatus
from tests.collector.test_quirks import interposed
from tests.collector.virtual import WAITS, Socket, profiles

CLUSTER = Address("714", "77E")
STPX = b"STPX"


def told(reading: CarReading) -> dict[str, object]:
    """What does not change between two visits."""
    return {
        "vin": reading.vin,
        "odometer": [(w.source, w.ecu, w.odometer_m, w.status) for w in reading.odometer],
        "items": {i.item: i.status for i in reading.items},
    }


def sent(socket: Socket) -> list[bytes]:
    return [line.sent for line in socket.lines]


@pytest.mark.parametrize("scenario", ["vw-no-a6", "toyota-no-a6", "can29", "ford"])
async def test_a_makers_unit_is_named_in_the_request_and_the_header_is_never_changed(scenario: str) -> None:
    elm, stn = Socket(scenario), Socket(scenario, profile="stn-1170", baud=38_400)
    by_header = await elm.scan(depth=Depth.FULL)
    by_name = await stn.scan(depth=Depth.FULL)

    assert told(by_name) == told(by_header)
    assert not any(line.startswith((b"ATSH", b"ATCP")) for line in sent(stn))
    assert stn.journal.summary()["writes"] == 0
    if any(line.startswith(b"ATSH") for line in sent(elm)):
        assert any(line.startswith(b"STPXH:") for line in sent(stn))
        assert len(sent(stn)) < len(sent(elm))


async def test_where_no_standard_request_is_answered_stpx_is_not_tried_and_the_header_is_set() -> None:
    elm, stn = Socket("ev-without-obd"), Socket("ev-without-obd", profile="stn-1170", baud=38_400)
    by_header = await elm.scan(depth=Depth.FULL)

    assert told(await stn.scan(depth=Depth.FULL)) == told(by_header)
    assert by_header.vin
    assert not any(line.startswith(STPX) for line in sent(stn))


async def test_a_chip_is_tried_once_and_what_it_could_is_remembered() -> None:
    memory, socket = ShortMemory(), Socket("clean", profile="stn-2255")
    await socket.scan(memory)
    first = sent(socket)
    await socket.scan(memory, Depth.FULL)

    assert sum(line.startswith(b"STPXD:0100") for line in first) == 1
    assert not any(line.startswith(b"STPXD:0100") for line in sent(socket))
    assert [skills.stpx for skills in memory.adapters.values()] == [True]


@pytest.mark.parametrize("said", [b"?\r\r>", b"OK\r\r>", b"NO DATA\r\r>", b">"])
async def test_a_chip_that_only_calls_itself_an_stn_is_addressed_by_its_header(said: bytes) -> None:
    memory, socket = ShortMemory(), Socket("vw-no-a6", profile="stn-1170")
    interposed(socket, lambda data: said if data.startswith(STPX) else None)
    first = await socket.scan(memory, Depth.FULL)
    second = await socket.scan(memory, Depth.FULL)

    assert any(witness.odometer_m for witness in first.odometer)
    assert first.odometer == second.odometer
    assert b"ATSH714\r" in sent(socket)
    assert not any(line.startswith(STPX) for line in sent(socket))
    assert [skills.stpx for skills in memory.adapters.values()] == [False]


async def test_a_chip_that_dies_of_stpx_is_opened_once_more_and_not_tried_on_it_again() -> None:
    memory, socket, killed = ShortMemory(), Socket("clean", profile="stn-1170"), []

    def answer(data: bytes) -> bytes | None:
        if not data.startswith(STPX):
            return None
        killed.append(data)
        return b""

    interposed(socket, answer)
    first = await socket.scan(memory)
    second = await socket.scan(memory, Depth.FULL)

    assert first.vin == second.vin != ""
    assert len(killed) == 1
    assert [skills.stpx for skills in memory.adapters.values()] == [False]


async def test_a_chip_that_does_not_know_the_family_is_not_even_tried() -> None:
    socket = Socket("clean", profile="stn-1170")
    interposed(socket, lambda data: b"?\r\r>" if data.startswith(b"STPRS") else None)
    reading = await socket.scan()

    assert reading.vin
    assert not any(line.startswith(STPX) for line in sent(socket))


async def test_a_chip_that_forgot_stpx_asks_nobody_in_the_units_place_and_is_tried_no_more() -> None:
    memory, socket = ShortMemory(), Socket("vw-no-a6", profile="stn-1170")
    await socket.scan(memory, Depth.FULL)
    interposed(socket, lambda data: b"?\r\r>" if data.startswith(STPX) else None)
    second = await socket.scan(memory, Depth.FULL)
    third = await socket.scan(memory, Depth.FULL)

    assert second.vin == third.vin
    assert CANNOT_ADDRESS in {item.detail for item in second.items}
    assert any(witness.odometer_m for witness in third.odometer)


async def test_more_lines_than_a_digit_holds_are_counted_by_stpx() -> None:
    memory, socket = ShortMemory(), Socket("engine-fault", profile="stn-1170")
    await socket.scan(memory)
    (known,) = memory.cars.values()
    longer = dataclasses.replace(known.units[0], calibration_bytes=known.units[0].calibration_bytes + 7 * 14)
    await memory.keep_car(dataclasses.replace(known, units=(longer, *known.units[1:])))
    await socket.scan(memory)

    assert any(line.startswith(b"STPXD:0904,R:") for line in sent(socket))


async def test_a_write_inside_stpx_never_leaves() -> None:
    socket = Socket("clean", profile="stn-1170")
    adapter = Adapter(await socket.open("tcp:virtual:1", connect_timeout_s=1), Reader(profiles(), WAITS).allow, WAITS)
    car = Car(adapter, dataclasses.replace(await Reader(profiles(), WAITS).set_up(adapter)), WAITS)
    await car.connect()
    assert await address_physically(car, CLUSTER)
    before = len(socket.lines)
    for request in (b"\x04", b"\x2e\xf1\x90\x00", b"\x14\xff\xff\xff", b"\x10\x03", b"\x22\x22\x02"):
        with pytest.raises((ForbiddenCommandError, ValueError)):
            await car.adapter.ask(f"STPXH:714,D:{request.hex().upper()}")
        car.adapter._session.abandon()

    assert len(socket.lines) == before
    await address_functionally(car, CLUSTER)
    assert (await car.ask(b"\x01\x00")).status is ItemStatus.READ
    await adapter.close()
