"""The two times a bay can live in, and that in the virtual one a session is the same bytes each time."""

import asyncio
import time

import pytest

from simulator.adapter import Adapter
from simulator.clock import Clock, VirtualClock, WallClock
from simulator.library import load
from simulator.profiles import PROFILES
from simulator.pump import Pump
from simulator.station import Station
from tests.simulator.bench import Bench

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


async def test_a_line_without_an_end_takes_its_time_in_a_virtual_one_too() -> None:
    # The input buffer holds two seconds of bytes; if no time passed it would stay full, and the adapter deaf.
    bench = Bench()
    bench.bus.clock = VirtualClock()
    said: list[bytes] = []
    pump = Pump(bench.adapter, said.append)

    for _ in range(20):
        pump.feed(b"0" * 1000)
    pump.feed(b"\r")
    pump.feed(b"ATI\r")

    assert b"".join(said).endswith(b"?\r\r>ATI\rELM327 v2.2\r\r>")


LINE_S = 0.001
FRAME_S = 0.001


@pytest.mark.parametrize("link_s", [0.0, 0.015])
@pytest.mark.parametrize("ecu_s", [0.010, 0.025])
@pytest.mark.parametrize("baud", [9600, 38400, 115200])
@pytest.mark.parametrize(
    ("question", "answer", "frames", "tail_s"),
    [
        # with the number of lines known there is no tail; without, the time-out that was set
        ("010C1", "7E804410C0C30\r\r>", 1, 0.0),
        ("09023", "7E8101449020131443447\r7E82150303052353542\r7E8223132333435360000\r\r>", 3, 0.0),
        ("010C", "7E804410C0C30\r\r>", 1, 0.1),
    ],
)
def test_a_request_takes_what_the_model_says(
    baud: int, ecu_s: float, link_s: float, question: str, answer: str, frames: int, tail_s: float
) -> None:
    bench = Bench(link_s=link_s)
    bench.car.ecus[0].vin = "1D4GP00R55B123456"
    bench.bus.ecu_s = ecu_s
    bench.adapter = Adapter(PROFILES["elm-2.2"], bench.bus, baud=baud, link_s=link_s)
    for line in ("ATE0", "ATS0", "ATH1", "0100", "ATSH7E0", "ATAT0", "ATST19"):
        bench.ask(line)

    bench.ask(question)

    byte_s = 10 / baud
    bus_s = (frames - 1) * FRAME_S + (FRAME_S if frames > 1 else 0.0)
    sent_s, printed_s = (len(question) + 1) * byte_s, len(answer) * byte_s
    model_s = LINE_S + 2 * link_s + sent_s + ecu_s + max(printed_s, bus_s) + tail_s
    # Printing overlaps the bus by up to one line, which the model takes for nothing.
    assert bench.took_s == pytest.approx(model_s, abs=bus_s + 0.002)
