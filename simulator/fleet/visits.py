"""The visits of one life: what the reader reads, what people type, and what goes wrong in between."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from simulator.fleet.life import Life
from simulator.reading import Json, snapshot

METRES_PER_MILE = 1609.344
UNSET_CLOCK = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Seen:
    """One visit as ``forecourt.history/1`` has it, with what was true on that day and which noise is in it."""

    day: int
    true_odometer_m: int
    line: Json
    noise: list[str] = field(default_factory=list)
    in_miles: bool = False
    shown_m: int = 0

    def unmistaken(self) -> Json:
        """The line without a dashboard value that was typed wrongly or in miles: nothing can be concluded from it."""
        if "typing_error" in self.noise or self.in_miles:
            return {name: value for name, value in self.line.items() if name != "dash_km"}
        return self.line


def visit_days(random: Random, last_day: int) -> list[int]:
    """Visits every few months to two years, some of them missed; the last day is always one, the sale."""
    days: list[int] = []
    day = random.uniform(120.0, 720.0)
    while day < last_day - 20:
        if random.random() > 0.15:
            days.append(int(day))
        day += random.uniform(150.0, 730.0)
    return [*days, last_day]


def see(random: Random, life: Life, identity: str, day: datetime, *, papers_m: float | None) -> Seen:
    """Read the car today; ``papers_m`` is what a paper says, if there is one."""
    noise: list[str] = []
    at, clock = _clock(random, day, noise)
    life.car.battery_v = random.gauss(14.1, 0.15)
    stamp = at.isoformat().replace("+00:00", "Z")
    snap = snapshot(life.car, identity, stamp, clock=clock, trusts=life.drawn.trusts)
    if random.random() < 0.03:
        noise.append("partly_read")
        for name in ("counters", "readiness", "dtcs", "items", "mil"):
            del snap[name]
    line: Json = {"at": stamp}
    if random.random() > 0.1:
        line["dash_km"] = _typed_km(random, life, noise)
    if papers_m is not None:
        line["papers_km"] = int(papers_m // 1000)
    line["snapshot"] = snap
    seen = Seen(life.day, round(life.true_m), line, noise, in_miles=life.drawn.dash_in_miles)
    seen.shown_m = round(life.shown_m)
    return seen


def _clock(random: Random, day: datetime, noise: list[str]) -> tuple[datetime, str]:
    kind = random.random()
    if kind < 0.03:
        noise.append("clock_never_set")
        return UNSET_CLOCK + timedelta(minutes=random.randrange(1, 60)), "none"
    if kind < 0.06:
        noise.append("clock_off")
        return day + timedelta(days=random.randrange(-30, 31)), "rtc"
    return day, "ntp" if kind > 0.3 else "rtc"


def _typed_km(random: Random, life: Life, noise: list[str]) -> int:
    """The number on the dashboard, as typed: in miles on some cars, wrong now and then."""
    unit_m = METRES_PER_MILE if life.drawn.dash_in_miles else 1000
    shown = int(life.shown_m // unit_m)
    if random.random() > 0.015:
        return shown
    noise.append("typing_error")
    return _mistyped(random, str(shown))


def _mistyped(random: Random, digits: str) -> int:
    """Two digits swapped, one doubled, one lost, or one hit beside its key."""
    place = random.randrange(max(len(digits) - 1, 1))
    kind = random.randrange(4)
    if kind == 0:
        wrong = digits[:place] + digits[place : place + 2][::-1] + digits[place + 2 :]
    elif kind == 1:
        wrong = digits[:place] + digits[place] + digits[place:]
    elif kind == 2:
        wrong = digits[:place] + digits[place + 1 :]
    else:
        wrong = digits[:place] + str((int(digits[place]) + random.choice((1, 9))) % 10) + digits[place + 1 :]
    return int(wrong or "0")
