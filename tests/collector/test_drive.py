"""A drive with the adapter plugged in: it begins by movement, ends by rest, and both counts are of the same way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.adapter import Adapter
from collector.car import Car
from collector.depth import Depth
from collector.drive import STILL_S, Drive, DriveWatch, Mark
from collector.events import CarUnplugged, DriveBegan, DriveDone, ScanDone
from collector.scan import Reader
from collector.watch import watch_bay
from protocols.readings import AdapterIdentity, CarReading, ItemStatus, OdometerWitness, Reading, Trust
from tests.collector.test_presence import QUICK, Clock, says
from tests.collector.virtual import WAITS, Socket, profiles

CHARGING, RESTING = 14.1, 12.6
BEGAN_S = 100.0
A6 = OdometerWitness("01A6", "7E8", 61_204_000, "", ItemStatus.READ, Trust.STANDARD)


@dataclass
class Road:
    """A simulated car on the road: ``go`` lets time and way pass, and the watch look once a second."""

    socket: Socket
    clock: Clock
    watch: DriveWatch
    told: list[DriveBegan | DriveDone]
    volts: float = CHARGING

    async def go(self, kmh: float, seconds: int, *, counted: float = 1.0) -> None:
        car = self.socket.bus.car
        assert car is not None
        car.keep_speed(kmh)
        car.counted_share = counted
        for _ in range(seconds):
            self.clock.now_s += 1
            self.socket.now_s = max(self.socket.now_s, BEGAN_S + self.clock.now_s)
            car.advance(self.socket.now_s)
            await self.watch.look(self.volts)

    @property
    def asked(self) -> int:
        return int(str(self.socket.journal.summary()["requests"]))

    @property
    def done(self) -> list[DriveDone]:
        return [one for one in self.told if isinstance(one, DriveDone)]


@asynccontextmanager
async def on_the_road(witness: OdometerWitness | None = A6, *, live: tuple[Reading, ...] = ()) -> AsyncIterator[Road]:
    socket = Socket("clean")
    reader = Reader(profiles(), WAITS, opener=socket.open)
    adapter = Adapter(await socket.open("tcp:virtual:1", connect_timeout_s=1), reader.allow, WAITS)
    car = Car(adapter, await reader.set_up(adapter), WAITS)
    await car.connect()
    read = CarReading(AdapterIdentity("tcp:virtual:1"), odometer=(witness,) if witness else (), live=live)

    told: list[DriveBegan | DriveDone] = []

    async def tell(event: DriveBegan | DriveDone) -> None:
        told.append(event)

    clock = Clock()
    yield Road(socket, clock, DriveWatch(car, read, tell, clock), told)
    await adapter.close()


async def test_a_drive_begins_by_movement_and_ends_by_rest() -> None:
    async with on_the_road() as road:
        await road.go(0, 20)
        assert road.told == []
        await road.go(50, 180)
        await road.go(0, 60)  # a red light
        await road.go(50, 60)
        assert road.told == [DriveBegan()]
        await road.go(0, int(STILL_S) + 2)
        (done,) = road.done

    assert (done.odometer_end_m or 0) - (done.odometer_start_m or 0) == pytest.approx(3_330, abs=200)
    assert done.speed_distance_m == pytest.approx(3_330, abs=100)
    assert (done.counter_end_m or 0) - (done.counter_start_m or 0) == pytest.approx(3_330, abs=1_000)
    assert done.lasted_s == pytest.approx(300, abs=8)
    assert done.ended_before_s == pytest.approx(STILL_S, abs=3)


async def test_an_odometer_that_is_slowed_shows_less_than_the_wheels() -> None:
    async with on_the_road() as road:
        await road.go(60, 240, counted=0.4)
        await road.go(0, int(STILL_S) + 2)
        (done,) = road.done

    assert (done.odometer_end_m or 0) - (done.odometer_start_m or 0) < 0.5 * (done.speed_distance_m or 0)


async def test_a_plug_pulled_on_the_way_leaves_the_last_pair_that_belongs_together() -> None:
    async with on_the_road() as road:
        await road.go(60, 100)
        await road.watch.finish()
        (done,) = road.done

    way_m = (done.odometer_end_m or 0) - (done.odometer_start_m or 0)
    assert done.speed_distance_m == pytest.approx(way_m, abs=150)
    assert 0 < done.ended_before_s <= 31


async def test_out_of_the_bay_and_back_is_no_road_test() -> None:
    async with on_the_road() as road:
        await road.go(8, 60)
        await road.go(0, int(STILL_S) + 2)

    assert road.told == [DriveBegan(), DriveDone("01A6")]


async def test_a_car_without_a_live_odometer_is_followed_by_its_speed_alone() -> None:
    async with on_the_road(None, live=(Reading("010D", "vehicle_speed", 0, "km/h", "7E8"),)) as road:
        await road.go(60, 240)
        await road.go(0, int(STILL_S) + 2)
        (done,) = road.done

    assert (done.source, done.odometer_start_m, done.odometer_end_m) == ("dash", None, None)
    assert done.speed_distance_m == pytest.approx(4_000, abs=100)
    assert (done.counter_end_m or 0) - (done.counter_start_m or 0) == pytest.approx(4_000, abs=1_000)


@pytest.mark.parametrize(("volts", "witness"), [(RESTING, A6), (None, A6), (CHARGING, None)])
async def test_a_car_that_cannot_be_tested_is_not_asked(volts: float | None, witness: OdometerWitness | None) -> None:
    async with on_the_road(witness) as road:
        before = road.asked
        for _ in range(60):
            road.clock.now_s += 1
            await road.watch.look(volts)

        assert road.asked == before


async def test_a_standing_car_whose_engine_runs_is_asked_every_five_seconds() -> None:
    async with on_the_road() as road:
        before = road.asked
        await road.go(0, 60)

        assert road.asked - before <= 13


async def test_an_engine_that_stops_at_a_light_ends_no_drive() -> None:
    async with on_the_road() as road:
        await road.go(50, 60)
        road.volts = 12.2
        await road.go(0, 40)
        road.volts = CHARGING
        await road.go(50, 60)

    assert road.told == [DriveBegan()]


def test_a_silence_on_the_way_leaves_the_distance_by_speed_unknown() -> None:
    drive = Drive(0, 50, Mark(1_000_000))
    for at_s in (1, 2, 60, 61):
        drive.went(50, at_s)
    drive.marked(Mark(1_900_000), 61)
    done = drive.done("01A6", 62)

    assert done is not None
    assert done.speed_distance_m is None


@given(st.lists(st.tuples(st.floats(0, 255), st.floats(0.1, 5)), min_size=1, max_size=50))
def test_the_way_is_never_longer_than_the_highest_speed_allows(legs: list[tuple[float, float]]) -> None:
    drive, at_s = Drive(0, 0, Mark(0)), 0.0
    for kmh, seconds in legs:
        at_s += seconds
        drive.went(kmh, at_s)
    drive.marked(Mark(1), at_s)
    done = drive.done("01A6", at_s)

    assert done is None or 0 <= (done.speed_distance_m or 0) <= max(kmh for kmh, _ in legs) / 3.6 * at_s + 1


async def test_a_bay_tells_of_a_drive_before_it_tells_that_the_car_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.watch.QUIET_AFTER_SCAN_S", 0.0)
    monkeypatch.setattr("collector.drive.IDLE_EVERY_S", 0.05)
    socket, seen = Socket("clean"), list[str]()
    watch = watch_bay("tcp:virtual:1", QUICK, profiles(), depth=Depth.QUICK, opener=socket.open)
    async with asyncio.timeout(20), aclosing(watch) as events:
        async for event in events:
            seen.append(type(event).__name__)
            if isinstance(event, ScanDone) and socket.bus.car is not None:
                socket.bus.car.keep_speed(50)
                says(socket, CHARGING)
            elif isinstance(event, DriveBegan):
                says(socket, 0.0)
            elif isinstance(event, CarUnplugged):
                break

    assert seen[-4:] == ["ScanDone", "DriveBegan", "DriveDone", "CarUnplugged"]
