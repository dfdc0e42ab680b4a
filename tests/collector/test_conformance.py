"""One suite that every kind of link passes with the driver and a whole simulated car on it.

Whole, byte by byte, slow, lossy, and unplugged in the middle of each step; the chip's end is scripted or simulated.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from collector.adapter import Adapter
from collector.depth import Depth
from collector.errors import AdapterLostError, CarSilentError
from collector.events import ScanProgress, VinSeen
from collector.scan import STEPS, scan_once
from config.profiles import load_profiles
from config.settings import AdapterSettings
from protocols.allowed import AllowList
from protocols.readings import CarReading
from simulator.library import load
from simulator.station import Station
from tests.collector.conftest import Peer
from tests.on_air import product_on, radio_of_ours

WAITS = AdapterSettings(connect_timeout_s=2.0, reply_timeout_s=2.0, search_timeout_s=4.0)
VOLTS = b"12.6V\r\r>"
LINKS = ("serial", "tcp", "rfcomm", "ble")
SCENARIO = "engine-fault"


async def said_whole(peer: Peer, data: bytes) -> None:
    peer.say(data)


async def said_byte_by_byte(peer: Peer, data: bytes) -> None:
    for value in data:
        peer.say(bytes((value,)))
        await asyncio.sleep(0)


async def said_slowly(peer: Peer, data: bytes) -> None:
    for start in range(0, len(data), 3):
        await asyncio.sleep(0.01)
        peer.say(data[start : start + 3])


Say = Callable[[Peer, bytes], Awaitable[None]]


@asynccontextmanager
async def chip(peer: Peer, script: list[bytes | None], say: Say = said_whole) -> AsyncIterator[Adapter]:
    """A scripted chip answers each line in turn; None is silence, an unknown line is answered as chips do."""

    async def answer() -> None:
        line = b""
        while True:
            line += await peer.heard()
            if line.endswith(b"\r"):
                line = b""
                await say(peer, (script.pop(0) if script else b"?\r\r>") or b"")

    answering = asyncio.create_task(answer())
    try:
        yield Adapter(peer.transport, AllowList(), WAITS)
    finally:
        answering.cancel()
        peer.unplug()
        with suppress(asyncio.CancelledError, Exception):
            await answering


@pytest.mark.parametrize("say", [said_whole, said_byte_by_byte, said_slowly])
async def test_however_a_reply_comes_it_is_the_same_reply(peer: Peer, say: Say) -> None:
    async with chip(peer, [b"41 00 BE 3F A8 13\r\r>", VOLTS], say) as adapter:
        first, second = await adapter.ask("0100"), await adapter.ask("ATRV")

    assert first is not None
    assert second is not None
    assert (first.lines, second.lines) == (("41 00 BE 3F A8 13",), ("12.6V",))


async def test_a_reply_that_lost_its_end_is_no_reply_and_the_link_is_won_back(peer: Peer) -> None:
    async with chip(peer, [b"41 00 BE 3F", VOLTS, VOLTS]) as adapter:
        lost = await adapter.ask("0100", timeout_s=0.1)
        after = await adapter.ask("ATRV")

    assert lost is None
    assert after is not None
    assert after.lines == ("12.6V",)


async def unplugged_before_it_is_asked(peer: Peer) -> None:
    peer.unplug()


async def unplugged_after_it_heard(peer: Peer) -> None:
    await peer.heard()
    peer.unplug()


async def unplugged_in_the_middle_of_its_answer(peer: Peer) -> None:
    await peer.heard()
    peer.say(b"41 00 BE")
    await asyncio.sleep(0.02)
    peer.unplug()


async def unplugged_while_it_is_won_back(peer: Peer) -> None:
    await peer.heard()
    await peer.heard()
    peer.unplug()


@pytest.mark.parametrize(
    "end",
    [
        unplugged_before_it_is_asked,
        unplugged_after_it_heard,
        unplugged_in_the_middle_of_its_answer,
        unplugged_while_it_is_won_back,
    ],
)
async def test_a_link_that_goes_at_any_moment_of_a_question_is_lost_and_says_so(
    peer: Peer, end: Callable[[Peer], Awaitable[None]]
) -> None:
    adapter = Adapter(peer.transport, AllowList(), WAITS)
    ending = asyncio.ensure_future(end(peer))

    with pytest.raises(AdapterLostError) as lost:
        async with asyncio.timeout(5):
            while True:
                await adapter.ask("0100", timeout_s=0.2)

    await ending
    await adapter.close()
    assert lost.value.reason in ("adapter.link_lost", "adapter.no_prompt")


class Lot:
    """A simulated car behind one kind of link, in this process, and its address."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.truth = station.truth()
        self.url = station.urls[0]


@asynccontextmanager
async def lot_on(link: str, folder: Path, *faults: str, link_ms: float = 0.0) -> AsyncIterator[Lot]:
    station = Station(
        load(SCENARIO),
        1,
        profile="stn-1170",
        baud=2_000_000,
        ecu_ms=1.0,
        search_ms=1.0,
        link_ms=link_ms,
        faults=list(faults),
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(station.close)
        if link == "serial":
            await station.add_pty(folder / "ttyOBD")
        elif link == "tcp":
            await station.add_tcp("127.0.0.1", 0)
        elif link == "rfcomm":
            await station.add_rfcomm("")
        else:
            await station.add_ble("", "fff0")
        if link in ("rfcomm", "ble"):
            device = await stack.enter_async_context(radio_of_ours(await station.dongle()))
            await stack.enter_async_context(product_on(device))
        yield Lot(station)


Told = ScanProgress | VinSeen


async def nothing(told: Told) -> None:
    pass


async def scan(lot: Lot, then: Callable[[Told], Awaitable[None]] = nothing, depth: Depth = Depth.FULL) -> CarReading:
    reading, silent = await scan_once(lot.url, WAITS, load_profiles(), depth=depth, tell=then)
    assert not silent
    return reading


def assert_true(reading: CarReading, lot: Lot) -> None:
    codes = sorted((code.code, code.dtc_class.value, code.ecu) for code in reading.dtcs)
    assert reading.vin == lot.truth["vin"]
    assert codes == [tuple(code.values()) for code in lot.truth["dtcs"]]  # type: ignore[attr-defined]
    assert [o.odometer_m for o in reading.odometer if o.source == "01A6"] == [lot.truth["odometer_m"]]
    assert lot.station.journal.unsafe == []


@pytest.mark.parametrize("link", LINKS)
async def test_a_slow_link_that_splits_everything_costs_time_and_no_value(link: str, tmp_path: Path) -> None:
    async with lot_on(link, tmp_path, "split-writes=1", "nul=3", link_ms=3.0) as lot:
        reading = await scan(lot, depth=Depth.QUICK)

    assert_true(reading, lot)


@pytest.mark.parametrize("link", LINKS)
async def test_a_lossy_link_never_tells_what_was_not_there(link: str, tmp_path: Path) -> None:
    async with lot_on(link, tmp_path, "half-line=9") as lot:
        reading = await scan(lot, depth=Depth.QUICK)

    told = {code.code for code in reading.dtcs}
    assert reading.vin in ("", lot.truth["vin"])
    assert {o.odometer_m for o in reading.odometer if o.source == "01A6"} <= {lot.truth["odometer_m"], None}
    assert told <= {code["code"] for code in lot.truth["dtcs"]}  # type: ignore[attr-defined]


@pytest.mark.parametrize("link", LINKS)
async def test_unplugged_in_any_step_nothing_is_kept_and_the_next_plug_is_whole(link: str, tmp_path: Path) -> None:
    async with lot_on(link, tmp_path) as lot:
        for step in STEPS:

            async def unplug(told: Told, step: str = step) -> None:
                if isinstance(told, ScanProgress) and told.step == step:
                    await lot.station.unplug()

            with pytest.raises((AdapterLostError, CarSilentError)):
                await scan(lot, unplug)
            await lot.station.plug()
        reading = await scan(lot)

    assert_true(reading, lot)
