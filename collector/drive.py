"""A drive while the adapter stays plugged in: noticed by movement, counted by speed and by the odometer, ended by rest.

Only standard values are asked, and only while the supply says that an engine runs or a drive is under way.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from collector.car import Car
from collector.errors import CarSilentError
from collector.events import DriveBegan, DriveDone
from collector.standard import request_of
from protocols.answers import Answer
from protocols.errors import DecodeError
from protocols.obd import ODOMETER_PID, decode_counters, decode_odometer_pid, decode_pid
from protocols.readings import CarReading, ItemStatus

SPEED_PID, COUNTER_PID = 0x0D, 0x31
SOURCES = {"01A6": False, "22F4A6": True}
"""Odometers that move in steps of 100 m, and whether their car has no service 01."""
TYPED = "dash"
"""Stands for the odometer of a car that tells none live: a person reads the dashboard before and after the drive."""
SPEED = "vehicle_speed"
CHARGING_V = 13.2  # above this an alternator or a converter charges
IDLE_EVERY_S = 5.0  # how often a standing car with a running engine is asked for its speed
DRIVING_EVERY_S = 1.0
MARK_EVERY_S = 30.0  # how often a driven car is asked for its odometer: the plug may be pulled at any moment
STILL_S = 90.0  # longer than a red light
GAP_MAX_S = 5.0  # over a longer silence while moving, nobody knows how far it went
LEAST_TOLD_M = 500.0  # out of the bay and back is no road test
KMH = 3.6

Tell = Callable[[DriveBegan | DriveDone], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Mark:
    """What the car counted at one moment, in metres."""

    odometer_m: int | None
    counter_m: int | None = None


class Drive:
    """One drive, fed with speeds and marks at monotonic instants. Pure."""

    def __init__(self, began_s: float, speed_kmh: float, first: Mark, *, typed: bool = False) -> None:
        """``typed`` when the odometer is read off the dashboard by a person: no mark tells it."""
        self._typed = typed
        self._began_s = began_s
        self._first = self._last = first
        self._marked_s = self._asked_s = self._rested_s = began_s
        self._marked_m = self._driven_m = 0.0
        self._speed_kmh = speed_kmh
        self._whole = True

    @property
    def standing(self) -> bool:
        return self._speed_kmh == 0

    def went(self, speed_kmh: float, at_s: float) -> None:
        """Count the way since the last speed, as if it had changed evenly."""
        span_s, mean_kmh = at_s - self._asked_s, (self._speed_kmh + speed_kmh) / 2
        self._whole &= span_s <= GAP_MAX_S or mean_kmh == 0
        self._driven_m += mean_kmh / KMH * span_s
        if speed_kmh or self._speed_kmh:
            self._rested_s = at_s
        self._speed_kmh, self._asked_s = speed_kmh, at_s

    def marked(self, mark: Mark, at_s: float) -> None:
        """Note what the car has counted by now; one that tells nothing changes nothing."""
        if mark.odometer_m is not None or self._typed:
            self._last, self._marked_s, self._marked_m = mark, at_s, self._driven_m

    def wants_mark(self, at_s: float) -> bool:
        """Whether it has just come to rest, or the last mark is old."""
        return self._marked_s < self._rested_s and (self.standing or at_s - self._marked_s >= MARK_EVERY_S)

    def over(self, at_s: float) -> bool:
        """Whether it has stood, or said nothing, for longer than traffic makes it."""
        return at_s - self._rested_s >= STILL_S

    def done(self, source: str, at_s: float) -> DriveDone | None:
        """Both counts between the first and the last mark; None for a drive too short to tell."""
        if self._driven_m < LEAST_TOLD_M:
            return None
        return DriveDone(
            source=source,
            odometer_start_m=self._first.odometer_m,
            odometer_end_m=self._last.odometer_m,
            speed_distance_m=round(self._marked_m) if self._whole else None,
            counter_start_m=self._first.counter_m,
            counter_end_m=self._last.counter_m,
            lasted_s=self._marked_s - self._began_s,
            ended_before_s=at_s - self._marked_s,
        )


class DriveWatch:
    """Watches one plugged car for drives; ``now_s`` is monotonic."""

    def __init__(self, car: Car, read: CarReading | None, tell: Tell, now_s: Callable[[], float]) -> None:
        self._car = car
        self._tell = tell
        self._now_s = now_s
        self._source = ""
        self._drive: Drive | None = None
        self._next_s = now_s()
        self.was_read(read)

    @property
    def under_way(self) -> bool:
        return self._drive is not None

    def was_read(self, read: CarReading | None) -> None:
        """Take which odometer a scan found; without one that moves in small steps the car must tell its speed."""
        told = {one.source for one in read.odometer if one.status is ItemStatus.READ} if read else set()
        fitting = (name for name, on_uds in SOURCES.items() if name in told and on_uds is self._car.on_uds)
        by_speed = read is not None and any(one.signal == SPEED for one in read.live)
        self._source = next(fitting, TYPED if by_speed else "")

    async def look(self, volts: float | None) -> None:
        """Ask for the speed when it is time to; ``volts`` is the supply. A car pulled meanwhile is no error."""
        charging = volts is not None and volts >= CHARGING_V
        if self._now_s() < self._next_s or not self._source or not (charging or self.under_way):
            return
        try:
            await (self._follow(self._drive) if self._drive else self._look_for_one())
        except CarSilentError:
            return  # whoever looks after the plug finds that out next
        self._next_s = self._now_s() + (DRIVING_EVERY_S if self.under_way else IDLE_EVERY_S)

    async def finish(self) -> None:
        """The drive is over: by rest, or because the car or the adapter is gone."""
        drive, self._drive = self._drive, None
        if drive is None:
            return
        done = drive.done(self._source, self._now_s())
        await self._tell(done or DriveDone(self._source))

    async def _look_for_one(self) -> None:
        speed_kmh = await self._speed_kmh()
        if not speed_kmh:
            return
        self._drive = Drive(self._now_s(), speed_kmh, await self._mark(), typed=self._source == TYPED)
        await self._tell(DriveBegan())

    async def _follow(self, drive: Drive) -> None:
        speed_kmh = await self._speed_kmh()
        if speed_kmh is not None:
            drive.went(speed_kmh, self._now_s())
        if drive.wants_mark(self._now_s()):
            drive.marked(await self._mark(), self._now_s())
        if drive.over(self._now_s()):
            await self.finish()

    async def _speed_kmh(self) -> float | None:
        """Speed as the first unit that tells it says; None where none does."""
        for answer in await self._ask(SPEED_PID):
            for reading in decode_pid(SPEED_PID, answer.data, ecu=answer.ecu):
                return float(reading.value)
        return None

    async def _mark(self) -> Mark:
        told = () if self._source == TYPED else await self._ask(ODOMETER_PID)
        odometers = [decode_odometer_pid(answer.data) for answer in told]
        odometer_m = next((one for one in odometers if one is not None), None)
        counted = [decode_counters(COUNTER_PID, answer.data) for answer in await self._ask(COUNTER_PID)]
        full = (one for values in counted for one in values if one.value is not None and not one.saturated)
        return Mark(odometer_m, next((one.value for one in full), None))

    async def _ask(self, pid: int) -> tuple[Answer, ...]:
        """Whole answers only, by unit; what cannot be decoded is none."""
        asked = await self._car.ask(request_of(self._car, (pid,)))
        return tuple(sorted((one for one in asked.read() if _fits(pid, one)), key=lambda one: one.ecu))


def _fits(pid: int, answer: Answer) -> bool:
    decode: dict[int, Callable[[bytes], object]] = {
        ODOMETER_PID: decode_odometer_pid,
        COUNTER_PID: lambda data: decode_counters(COUNTER_PID, data),
        SPEED_PID: lambda data: decode_pid(SPEED_PID, data, ecu=answer.ecu),
    }
    try:
        decode[pid](answer.data)
    except DecodeError:
        return False
    return True
