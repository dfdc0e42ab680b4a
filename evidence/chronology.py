"""The order of visits that came without a sequence: by their clocks, as far as those can be believed."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from evidence.entry import KM_PER_MILE
from evidence.history import Visit, in_utc
from evidence.snapshot import ClockQuality, CounterPart, Snapshot
from evidence.travel import COUNTED_M, COUNTED_SHARE, travelled_m
from protocols.readings import ItemStatus

# a year before which no car of today was read: a clock that was never set stands at its epoch
OLDEST_YEAR = 2005
AHEAD = timedelta(days=2)
# a box that was long without a network may be wrong by so much
CLOCK_OFF = timedelta(days=31)
# so much is driven in that time; a car without any counter has nothing else to tell the order by
SHORT_WAY_M = 3_000_000
# a month's mean speed repeats that of a car's life within this
PACE_SHARE = 0.25


def by_time(visits: Sequence[Visit], now: datetime | None = None) -> tuple[Visit, ...]:
    """Visits oldest first, whatever order they came in.

    One whose clock was never set, or runs ahead of ``now``, cannot be placed by it: it stays behind the visit it came
    after. Visits of the same moment stand in the order of their ids. Two that are near in time, by a clock no network
    had set, stand as the engine unit's counters and every odometer agree that they do.
    """
    groups: list[list[Visit]] = [[]]
    for visit in visits:
        if _believed(visit, now):
            groups.append([visit])
        else:
            groups[-1].append(visit)
    first, dated = groups[0], groups[1:]
    dated.sort(key=lambda group: _moment(group[0]))
    for place in range(1, len(dated)):
        if _turned(dated[place - 1][0], dated[place][0]):
            dated[place - 1 : place + 1] = dated[place], dated[place - 1]
    return (*first, *(visit for group in dated for visit in group))


def _believed(visit: Visit, now: datetime | None) -> bool:
    if visit.at is None or in_utc(visit.at).year < OLDEST_YEAR:
        return False
    unset = "clock" in visit.snapshot.model_fields_set and visit.snapshot.clock is ClockQuality.NONE
    return not unset and (now is None or in_utc(visit.at) <= in_utc(now) + AHEAD)


def _moment(visit: Visit) -> tuple[datetime, str]:
    assert visit.at is not None  # noqa: S101 - only believed visits are asked
    return in_utc(visit.at), visit.snapshot.id


def _turned(first: Visit, second: Visit) -> bool:
    """Whether the clocks have two visits the wrong way round: what the car counts and what it drove fell alike."""
    if not (_unsure(first) or _unsure(second)) or _moment(second)[0] - _moment(first)[0] > CLOCK_OFF:
        return False
    fallen = list(_fallen_m(first, second))
    if not fallen or min(fallen) <= 0:
        return False
    # papers never fall: what they and every odometer say alike is the order
    if first.papers_m and second.papers_m and second.papers_m < first.papers_m:
        return True
    if not _counts_anything(first) and not _counts_anything(second) and max(fallen) <= SHORT_WAY_M:
        return True
    return any(_driven_so(one * unit, second, first) for one in fallen for unit in (1.0, KM_PER_MILE))


def _counts_anything(visit: Visit) -> bool:
    counters = visit.snapshot.counters
    return any(part.value is not None for part in (*counters.distance_since_clear_m, *counters.engine_run_time_s))


def _unsure(visit: Visit) -> bool:
    return "clock" in visit.snapshot.model_fields_set and visit.snapshot.clock is not ClockQuality.NTP


def _fallen_m(first: Visit, second: Visit) -> Iterator[int]:
    """By how much each odometer that spoke at both stands lower at the second."""
    if first.dash_m and second.dash_m:
        yield first.dash_m - second.dash_m
    then, now = _odometers(first.snapshot), _odometers(second.snapshot)
    yield from (then[witness] - now[witness] for witness in then.keys() & now.keys())


def _odometers(snapshot: Snapshot) -> dict[tuple[str, str], int]:
    read = (part for part in snapshot.odometer if part.status is ItemStatus.READ and part.odometer_m)
    return {(part.source, part.ecu): part.odometer_m or 0 for part in read}


def _driven_so(distance_m: float, first: Visit, second: Visit) -> bool:
    """Whether the engine unit counted this distance from the one to the other, or hours that fit it."""
    counted_m = travelled_m((first, second), 0, 1)
    if counted_m is not None:
        return abs(counted_m - distance_m) <= max(COUNTED_M, COUNTED_SHARE * distance_m)
    then, now = _run_s(first.snapshot), _run_s(second.snapshot)
    whole_m = max(_odometers(second.snapshot).values(), default=second.dash_m or 0)
    return any(
        0 < then[ecu] < now[ecu] and abs(distance_m / (now[ecu] - then[ecu]) / (whole_m / now[ecu]) - 1) <= PACE_SHARE
        for ecu in then.keys() & now.keys()
        if whole_m
    )


def _run_s(snapshot: Snapshot) -> dict[str, int]:
    read: list[CounterPart] = [one for one in snapshot.counters.engine_run_time_s if one.status is ItemStatus.READ]
    return {part.ecu: part.value for part in read if part.value is not None and not part.saturated}
