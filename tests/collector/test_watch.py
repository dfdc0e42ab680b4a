"""A bay through plugging, pulling, swapping and broken links: it recovers by itself and never mixes two cars."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

import pytest

from collector.events import (
    AdapterMissing,
    AdapterReady,
    BayEvent,
    CarPlugged,
    CarUnplugged,
    ScanDone,
    ScanFailed,
    VinSeen,
)
from collector.watch import watch_bay
from config.profiles import load_profiles
from config.settings import AdapterSettings
from tests.simulated import simulated

QUICK = AdapterSettings(
    connect_timeout_s=1.0, reply_timeout_s=1.0, search_timeout_s=4.0, reopen_first_s=0.1, reopen_max_s=0.3,
    presence_every_s=0.1,
)  # fmt: skip
FAST = ("--ecu-ms", "2", "--baud", "500000", "--search-ms", "5")
Event = TypeVar("Event")


class Bay:
    """The events of one watched bay, awaited by kind."""

    def __init__(self, events: AsyncIterator[BayEvent]) -> None:
        self._events = events
        self.seen: list[BayEvent] = []

    async def until(self, kind: type[Event], within_s: float = 25.0) -> Event:
        async with asyncio.timeout(within_s):
            async for event in self._events:
                self.seen.append(event)
                if isinstance(event, kind):
                    return event
        raise AssertionError("the watch ended")

    def kinds(self) -> list[type[BayEvent]]:
        return [type(event) for event in self.seen]


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[Bay]:
    async with aclosing(watch_bay(url, QUICK, load_profiles())) as events:
        yield Bay(events)


async def test_plugging_in_is_told_in_the_order_it_happens() -> None:
    async with simulated("clean", *FAST) as lot, watched(lot.url) as bay:
        done = await bay.until(ScanDone)

    assert done.reading.vin == lot.truth["vin"]
    assert bay.kinds()[:2] == [AdapterReady, CarPlugged]
    assert VinSeen(lot.truth["vin"]) in bay.seen


async def test_the_next_car_is_read_within_five_seconds_and_nothing_of_the_first_is_left() -> None:
    async with simulated("clean", *FAST) as lot, watched(lot.url) as bay:
        await bay.until(ScanDone)
        await lot.act("unplug")
        await bay.until(CarUnplugged)
        second = await lot.act("plug engine-fault")
        await bay.until(CarPlugged, within_s=5)
        done = await bay.until(ScanDone)

    assert done.reading.vin == second["truth"]["vin"] != lot.truth["vin"]
    assert {code.code for code in done.reading.dtcs} == {code["code"] for code in second["truth"]["dtcs"]}


@pytest.mark.parametrize("power", ["car", "usb"])
async def test_a_car_pulled_in_the_middle_fails_the_scan_and_the_next_plug_is_whole(power: str) -> None:
    async with simulated("clean", "--power", power) as lot, watched(lot.url) as bay:
        await bay.until(VinSeen)
        await lot.act("unplug")
        await bay.until(ScanFailed)
        await bay.until(CarUnplugged)
        second = await lot.act("plug codes-cleared")
        done = await bay.until(ScanDone, within_s=25)

    assert done.reading.vin == second["truth"]["vin"]
    assert not any(isinstance(event, ScanDone) for event in bay.seen[:-1])


async def test_the_next_car_may_speak_over_another_link() -> None:
    async with simulated("vw-no-a6", "--power", "usb", *FAST) as lot, watched(lot.url) as bay:
        first = await bay.until(ScanDone)
        await lot.act("unplug")
        await bay.until(CarUnplugged)
        second = await lot.act("plug can29")
        done = await bay.until(ScanDone)

    assert [witness.source for witness in first.reading.odometer] != []
    assert done.reading.vin == second["truth"]["vin"]
    assert not done.silent


async def test_an_adapter_lost_as_soon_as_it_opened_is_left_alone_longer_each_time() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (command := await reader.readuntil(b"\r")) != b"ATRV\r":
            writer.write(b"ELM327 v1.5\r\r>" if command == b"ATI\r" else b"OK\r\r>")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(10), watched(f"tcp:127.0.0.1:{port}") as bay:
        pauses = [(await bay.until(AdapterMissing)).retry_in_s for _ in range(5)]

    assert pauses == [0.0, 0.1, 0.2, 0.3, 0.3]


async def test_an_adapter_that_is_not_there_is_told_and_found_when_it_comes() -> None:
    async with simulated("clean", *FAST) as lot, watched(lot.url) as bay:
        await lot.act("unplug")
        missing = await bay.until(AdapterMissing)
        await lot.act("plug")
        await bay.until(ScanDone)

    assert missing.reason in ("adapter.no_connection", "adapter.link_lost")


async def test_a_link_cut_and_back_is_a_new_plug_in_of_the_same_car() -> None:
    async with simulated("clean", *FAST) as lot, watched(lot.url) as bay:
        first = await bay.until(ScanDone)
        await lot.act("drop")
        await bay.until(CarUnplugged)
        again = await bay.until(ScanDone)

    assert again.reading.vin == first.reading.vin


async def test_a_silent_car_is_told_as_silent_and_the_bus_stays_quiet() -> None:
    async with simulated("silent", *FAST) as lot, watched(lot.url) as bay:
        done = await bay.until(ScanDone)

    assert done.silent
    assert lot.summary["writes"] == 0


async def test_closing_the_watch_closes_the_link() -> None:
    async with simulated("clean", *FAST) as lot:
        async with watched(lot.url) as bay:
            await bay.until(CarPlugged)
        async with watched(lot.url) as again:
            await again.until(ScanDone)

    assert lot.summary["writes"] == 0
