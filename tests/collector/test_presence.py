"""Whether the car is there and still the same: found out quietly, also behind adapters that measure no voltage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise

import pytest

from collector.adapter import Adapter
from collector.car import Car
from collector.depth import Depth
from collector.events import BayEvent, CarPlugged, CarUnplugged, ScanDone, ScanFailed, ScanProgress, VinSeen
from collector.known_car import skills_now
from collector.memory import ShortMemory
from collector.presence import UNSURE_FIRST_S, Presence
from collector.scan import Reader, scan_car
from collector.watch import watch_bay
from config.settings import AdapterSettings
from protocols.readings import AdapterIdentity, CarReading, EcuIdentity
from simulator.bus import Bus, Frame
from tests.collector.virtual import WAITS, Socket, profiles

CLEAN_VIN = "LSVAA49J3K2000101"
FAULT_VIN = "LFMAP22C0L0000102"
QUICK = AdapterSettings(
    reply_timeout_s=0.2, search_timeout_s=0.4, presence_every_s=0.01, reopen_first_s=0.01, reopen_max_s=0.02
)


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@asynccontextmanager
async def read_car(socket: Socket, vin: str = CLEAN_VIN) -> AsyncIterator[tuple[Presence, Clock]]:
    """A car behind an open adapter, as it stands after its scan."""
    reader = Reader(profiles(), WAITS, opener=socket.open)
    adapter = Adapter(await socket.open("tcp:virtual:1", connect_timeout_s=1), reader.allow, WAITS)
    car = Car(adapter, await reader.set_up(adapter), WAITS)
    await car.connect()
    clock = Clock()
    yield Presence(car, CarReading(AdapterIdentity("tcp:virtual:1"), ecus=(EcuIdentity("7E8", vin=vin),)), clock), clock
    await adapter.close()


def asked(socket: Socket) -> int:
    return int(str(socket.journal.summary()["requests"]))


def says(socket: Socket, volts: float) -> None:
    """Let the adapter measure this, whatever the car."""
    socket.chip.supply_v = lambda: volts  # type: ignore[method-assign]


async def test_while_a_voltage_that_falls_with_the_car_stays_the_car_is_not_asked() -> None:
    socket = Socket("clean")
    async with read_car(socket) as (presence, clock):
        presence._car.supply_falls = True
        before = asked(socket)
        for _ in range(50):
            clock.now_s += 60
            assert await presence.lasts()

        assert asked(socket) == before


async def test_behind_a_voltage_that_may_be_the_adapters_own_the_car_is_asked_four_times_and_then_left_alone() -> None:
    socket = Socket("clean")
    async with read_car(socket) as (presence, clock):
        before, moments = asked(socket), []
        for _ in range(3600):
            clock.now_s += 1
            assert await presence.lasts()
            if asked(socket) > before:
                before = asked(socket)
                moments.append(clock.now_s)

    assert moments == [15, 45, 105, 225]


async def test_a_car_swapped_behind_an_adapter_that_measures_its_own_supply_is_noticed_within_a_minute() -> None:
    socket = Socket("clean")
    says(socket, 12.6)
    async with read_car(socket) as (presence, clock):
        socket.plug("engine-fault")
        seconds = 0
        while await presence.lasts():
            seconds += 1
            clock.now_s += 1

    assert seconds == UNSURE_FIRST_S
    assert not presence.fell_silent


async def test_behind_a_voltage_that_may_be_the_adapters_own_a_silent_car_is_still_there() -> None:
    socket = Socket("clean")
    says(socket, 12.6)
    async with read_car(socket) as (presence, clock):
        assert socket.bus.car is not None
        socket.bus.car.ignition_on = False
        for _ in range(300):
            clock.now_s += 1
            assert await presence.lasts()


async def test_a_battery_at_its_floor_is_not_asked_whose_it_is() -> None:
    socket = Socket("clean")
    says(socket, 11.7)
    async with read_car(socket) as (presence, clock):
        before = asked(socket)
        for _ in range(300):
            clock.now_s += 1
            assert await presence.lasts()

        assert asked(socket) == before


@pytest.mark.parametrize(("seen", "falls"), [((0.2, 12.6), True), ((12.6, 0.1), True), ((12.6, 12.4, 14.1), False)])
async def test_a_voltage_seen_with_a_car_and_without_is_the_cars_and_that_is_remembered(
    seen: tuple[float, ...], *, falls: bool
) -> None:
    memory, socket = ShortMemory(), Socket("clean")
    async with read_car(socket) as (presence, _):
        for volts in seen:
            says(socket, volts)
            await presence._car.supply_v()
        told = skills_now(presence._car, "")
        await memory.keep_skills("tcp:virtual:1 ELM327 v2.2", told)
    says(socket, 12.6)
    await socket.scan(memory)

    assert told.supply_falls is falls
    assert [skills.supply_falls for skills in memory.adapters.values()] == [falls]


async def test_a_voltage_step_asks_the_car_once_who_it_is() -> None:
    socket = Socket("clean")
    async with read_car(socket) as (presence, _):
        says(socket, 14.1)
        await presence.lasts()
        before = asked(socket)
        says(socket, 12.4)

        assert await presence.lasts()
        assert await presence.lasts()
        assert asked(socket) == before + 1


async def test_a_restless_voltage_asks_the_car_every_ten_seconds_at_most() -> None:
    socket = Socket("clean")
    async with read_car(socket) as (presence, clock):
        before = asked(socket)
        for second in range(60):
            clock.now_s += 1
            says(socket, 13.5 + second % 2)
            assert await presence.lasts()

        assert asked(socket) - before == 6


async def test_a_car_swapped_under_a_lasting_supply_is_noticed_by_its_voltage() -> None:
    socket = Socket("clean")
    async with read_car(socket) as (presence, _):
        says(socket, 14.1)
        await presence.lasts()
        socket.plug("engine-fault")
        says(socket, 12.5)

        assert not await presence.lasts()


async def test_a_car_without_a_vin_is_not_asked_for_one() -> None:
    socket = Socket("clean")
    async with read_car(socket, "") as (presence, _):
        says(socket, 14.1)
        await presence.lasts()
        before = asked(socket)
        says(socket, 12.4)

        assert await presence.lasts()
        assert asked(socket) == before


async def test_behind_an_adapter_that_cannot_measure_the_car_is_asked_ever_more_seldom() -> None:
    socket = Socket("clean")
    async with read_car(socket) as (presence, clock):
        presence._car.measures_supply = False
        says(socket, 0.0)
        before, moments = asked(socket), []
        for _ in range(900):
            clock.now_s += 1
            assert await presence.lasts()
            if asked(socket) > before:
                before = asked(socket)
                moments.append(clock.now_s)

    gaps = [late - early for early, late in pairwise(moments)]
    assert moments[0] == UNSURE_FIRST_S
    assert gaps == [30, 60, 120, 240, 240]


@pytest.mark.parametrize(("plugged", "fell_silent"), [("engine-fault", False), ("silent", True)])
async def test_behind_an_adapter_that_cannot_measure_another_or_no_car_is_noticed(
    plugged: str, fell_silent: bool
) -> None:
    socket = Socket("clean")
    async with read_car(socket) as (presence, clock):
        presence._car.measures_supply = False
        says(socket, 0.0)
        socket.plug(plugged)
        clock.now_s += UNSURE_FIRST_S

        assert not await presence.lasts()
        assert presence.fell_silent is fell_silent


async def next_of(events: AsyncIterator[BayEvent], kind: type[BayEvent]) -> BayEvent:
    async with asyncio.timeout(8):
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError("the watch ended")


@pytest.mark.parametrize("volts", [0.0, 0.3])
async def test_a_car_behind_a_clone_that_says_no_volts_is_read(volts: float) -> None:
    memory, socket = ShortMemory(), Socket("clean")
    says(socket, volts)
    watch = watch_bay("tcp:v:1", QUICK, profiles(), depth=Depth.QUICK, memory=memory, opener=socket.open)
    async with aclosing(watch) as events:
        plugged = await next_of(events, CarPlugged)
        done = await next_of(events, ScanDone)

    assert isinstance(plugged, CarPlugged)
    assert plugged.battery_v is None
    assert isinstance(done, ScanDone)
    assert done.reading.vin == CLEAN_VIN
    assert done.reading.battery_v is None
    assert [skills.measures_supply for skills in memory.adapters.values()] == [False]


async def test_an_adapter_once_said_to_measure_nothing_is_believed_again_when_it_does() -> None:
    memory, socket = ShortMemory(), Socket("clean")
    says(socket, 0.0)
    await socket.scan(memory)
    says(socket, 12.6)
    reading = await socket.scan(memory)

    assert reading.battery_v == 12.6
    assert [skills.measures_supply for skills in memory.adapters.values()] == [True]


async def test_a_swap_without_a_gap_in_the_supply_is_a_new_visit() -> None:
    socket = Socket("clean")
    says(socket, 14.1)
    watch = watch_bay("tcp:v:1", QUICK, profiles(), depth=Depth.QUICK, opener=socket.open)
    async with aclosing(watch) as events:
        await next_of(events, ScanDone)
        socket.plug("engine-fault")
        says(socket, 12.5)
        await next_of(events, CarUnplugged)
        done = await next_of(events, ScanDone)

    assert isinstance(done, ScanDone)
    assert done.reading.vin == FAULT_VIN


async def test_a_clone_that_took_the_place_of_one_that_measures_is_not_deaf_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("collector.watch.BELIEVED_RETRY_S", 0.05)
    memory, socket = ShortMemory(), Socket("clean")
    await socket.scan(memory)
    says(socket, 0.0)
    watch = watch_bay("tcp:virtual:1", QUICK, profiles(), depth=Depth.QUICK, memory=memory, opener=socket.open)
    async with aclosing(watch) as events:
        done = await next_of(events, ScanDone)

    assert isinstance(done, ScanDone)
    assert done.reading.vin == CLEAN_VIN
    assert [skills.measures_supply for skills in memory.adapters.values()] == [False]


@pytest.mark.parametrize("remembered", [True, False])
async def test_a_single_scan_behind_a_clone_that_says_no_volts_is_no_flat_battery(remembered: bool) -> None:
    memory, socket = ShortMemory(), Socket("clean")
    if remembered:
        await socket.scan(memory)
    says(socket, 0.0)
    reading = await socket.scan(memory)

    assert (reading.vin, reading.battery_v) == (CLEAN_VIN, None)
    assert [skills.measures_supply for skills in memory.adapters.values()] == [False]


async def test_digits_that_are_no_vehicles_supply_are_no_voltage() -> None:
    socket = Socket("clean")
    says(socket, 4100.0)
    reading = await socket.scan()

    assert (reading.vin, reading.battery_v) == (CLEAN_VIN, None)


@pytest.mark.parametrize("scenario", ["clean", "can29", "kwp", "iso9141", "j1850-pwm", "ev-without-obd", "obd-on-uds"])
async def test_a_car_whose_key_is_turned_only_later_is_found_on_any_link(scenario: str) -> None:
    socket = Socket(scenario)
    assert socket.bus.car is not None
    socket.bus.car.ignition_on = False
    reader = Reader(profiles(), WAITS, Depth.QUICK, opener=socket.open)
    adapter = Adapter(await socket.open("tcp:virtual:1", connect_timeout_s=1), reader.allow, WAITS)
    car = Car(adapter, await reader.set_up(adapter), WAITS)
    _, silent = await scan_car(car, AdapterIdentity("tcp:virtual:1"), reader, unheard)
    socket.bus.car.ignition_on = True

    assert silent
    assert await car.speaks() is (scenario != "ev-without-obd")
    reading, silent = await scan_car(car, AdapterIdentity("tcp:virtual:1"), reader, unheard)
    await adapter.close()
    assert reading.vin
    assert not silent


async def test_a_supply_that_failed_for_one_moment_of_a_scan_is_a_new_plug_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.watch.QUIET_AFTER_SCAN_S", 0.01)
    socket, asks, dips = Socket("clean"), Bus.ask, [0.2]

    def lose(bus: Bus, now_s: float, header: int, request: bytes, **more: object) -> list[Frame]:
        lost = request == b"\x03" and dips
        return [] if lost else asks(bus, now_s, header, request, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Bus, "ask", lose)
    in_scan = socket.chip.supply_v
    socket.chip.supply_v = lambda: dips.pop() if dips and socket.lines[-2].sent == b"03\r" else in_scan()  # type: ignore[method-assign]
    watch = watch_bay("tcp:virtual:1", QUICK, profiles(), depth=Depth.QUICK, opener=socket.open)
    async with aclosing(watch) as events:
        await next_of(events, ScanFailed)
        await next_of(events, CarUnplugged)
        done = await next_of(events, ScanDone)

    assert isinstance(done, ScanDone)
    assert done.reading.vin == CLEAN_VIN


async def unheard(event: ScanProgress | VinSeen) -> None:
    """Somebody who is told and does nothing."""
