"""The two times a bay can live in, and that in the virtual one a session is the same bytes each time."""

import asyncio
import time

import pytest

from simulator.clock import Clock, VirtualClock, WallClock
from simulator.library import load
from simulator.station import Station

SESSION = ("ATZ", "ATE0", "ATH1", "0100", "0902", "03", "07", "0A", "010C", "ATRV", "0101", "01A6", "09041")


@pytest.mark.parametrize("make", [VirtualClock, WallClock])
async def test_skipping_does_what_was_planned_in_its_order_and_at_its_moment(make: type[Clock]) -> None:
    clock = make()
    began_s = clock.now_s()
    seen: list[tuple[str, int]] = []

    def note(name: str) -> None:
        seen.append((name, round(clock.now_s() - began_s)))

    clock.plan(began_s + 300, lambda: note("later"))
    clock.plan(began_s + 100, lambda: note("first"))
    clock.plan(began_s + 100, lambda: note("second"))
    clock.plan(began_s + 9000, lambda: note("never"))
    clock.skip(400)
    clock.forget()
    clock.skip(10_000)

    assert seen == [("first", 100), ("second", 100), ("later", 300)]
    assert clock.now_s() - began_s == pytest.approx(10_400, abs=5)


async def test_wall_time_rings_by_itself() -> None:
    clock = WallClock()
    rang = asyncio.Event()

    clock.plan(clock.now_s() + 0.01, rang.set)

    async with asyncio.timeout(5):
        await rang.wait()


async def test_wall_time_rings_although_some_of_the_wait_was_skipped() -> None:
    clock = WallClock()
    rang = asyncio.Event()
    clock.plan(clock.now_s() + 1000.05, rang.set)
    clock.plan(clock.now_s() + 1001, rang.clear)

    clock.skip(1000)
    assert not rang.is_set()

    async with asyncio.timeout(5):
        await rang.wait()


async def spoken(seed: int, faults: tuple[str, ...]) -> bytes:
    """All that a station in a virtual time says over TCP in one session."""
    station = Station(load("engine-fault"), 1, clock="virtual", seed=seed, faults=list(faults))
    await station.add_tcp("127.0.0.1", 0)
    _, host, port = station.urls[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    said = b""
    async with asyncio.timeout(10):
        for line in SESSION:
            writer.write(line.encode() + b"\r")
            answer = b""
            while not answer.rstrip(b"\x00").endswith(b">"):
                answer += await reader.read(4096)
            said += answer
    writer.close()
    await writer.wait_closed()
    await station.close()
    return said


async def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    faults = ("nul=0.4", "split-writes=0.4", "data-error=0.2")

    first, again, other = [await spoken(seed, faults) for seed in (7, 7, 8)]

    assert first == again
    assert first != other


async def test_nothing_waits_in_a_virtual_time() -> None:
    began_s = time.process_time()

    said = await spoken(1, ())

    # A reset, a search and a dozen requests at 38400 baud take seconds of that time.
    assert said.count(b">") == len(SESSION)
    assert time.process_time() - began_s < 2.0
