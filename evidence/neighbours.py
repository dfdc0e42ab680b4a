"""Typed mileages of visits at which nothing was read, against what stands before and after them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evidence.entry import AGREEMENT_RANK, WORST_STANDING_RANK, Entry, agree
from evidence.history import Visit
from evidence.pace import expected_after, expected_before
from evidence.travel import COUNTED_M, COUNTED_SHARE, ENGINE_UNITS, other_unit, travelled_m
from evidence.windows import MILES, ROUND_M, SLIP, Window, doubt
from protocols.readings import Trust

# between neighbours this far apart almost any number can be reached by some slip
NARROW_M = 3_000_000
# a service book lies behind the car by what was driven since its last entry
LAG_M = 5_000_000
# a person's number deviates from this on
FAR_M = 20_000_000


@dataclass(frozen=True, slots=True)
class Road:
    """The visits, whose counters say what was driven between them; ``dash_units`` are those a dashboard may have."""

    visits: Sequence[Visit]
    dash_units: tuple[float, ...]


def out_of_line(entries: Sequence[Entry], road: Road) -> dict[str, str]:
    """The reason of each typed value that does not stand between its neighbours and cannot have been meant, by id."""
    series = _series(entries)
    found: dict[str, str] = {}
    stands: list[Entry] = []
    for place, entry in enumerate(series):
        reason = ""
        if is_typed(entry) and entry.visit >= 0 and entry.rank > AGREEMENT_RANK:
            reason = _out_of_line(entry, stands, series[place + 1 :], road)
        if reason:
            found[entry.id] = reason
        else:
            stands.append(entry)
    return found


def is_typed(entry: Entry) -> bool:
    """Whether a person typed this mileage."""
    return entry.trust is Trust.TYPED and entry.odometer_m > 0


def written_too(typed: Entry, visit: Visit) -> bool:
    """A paper says the same number: nobody slips twice alike."""
    return visit.papers_m is not None and abs(visit.papers_m - typed.odometer_m) <= ROUND_M / 1000


def _series(entries: Iterable[Entry]) -> list[Entry]:
    """The most trusted value of each moment that somebody can stand for."""
    best: dict[str | int, Entry] = {}
    for entry in entries:
        if entry.usable and entry.odometer_m > 0 and entry.rank <= WORST_STANDING_RANK:
            moment = entry.visit if entry.visit >= 0 else entry.id
            if moment not in best or entry.rank < best[moment].rank:
                best[moment] = entry
    return list(best.values())


def _out_of_line(typed: Entry, stands: Sequence[Entry], later: Sequence[Entry], road: Road) -> str:
    low_m = stands[-1].life_m if stands else 0
    if not later:
        below = typed.life_m < max(low_m, road.visits[typed.visit].papers_m or 0)
        return _last(typed, stands, road) if below else _far_above(typed, stands)
    high_m = later[0].life_m
    if _in_line(low_m, typed.life_m, high_m):
        return ""
    # the newest value may itself be the wrong one
    others = (*reversed(stands), *later[:1]) if len(later) > 1 else reversed(stands)
    windows = _counted(typed, others, road)
    reason = _first_doubt(typed, windows)
    if reason or any(window.holds(typed) for window in windows):
        return reason
    if low_m > high_m:
        return ""
    if not stands:
        before = expected_before(typed, later)
        return SLIP if before is not None and before.has_slip(typed) else ""
    between = Window(low_m, high_m)
    if typed.life_m < low_m and between.shows_miles(typed):
        return MILES
    if len(later) > 1 or high_m - low_m <= NARROW_M:
        return SLIP if between.has_slip(typed) else ""
    return SLIP if _before_the_last(typed, stands, later[0], road) else ""


def _first_doubt(typed: Entry, windows: Sequence[Window]) -> str:
    if any(window.holds(typed) for window in windows):
        return ""
    return next((reason for window in windows if (reason := doubt(typed, window))), "")


def _before_the_last(typed: Entry, stands: Sequence[Entry], last: Entry, road: Road) -> bool:
    """A value that only the newest one follows, and which keeps the car's pace while this one does not.

    A car that was set back a little keeps its pace too: a value above the newest one goes only where the distance
    counted in between leads, or when a digit was lost.
    """
    paced, between = expected_after(last, stands), Window(stands[-1].life_m, last.life_m)
    place = between.within(expected_after(typed, stands))
    if paced is None or place is None or not paced.holds(last):
        return False
    windows = _counted(typed, (last,), road)
    if windows:
        places = (place.within(window) for window in windows)
        return any(one is not None and one.has_slip(typed) for one in places)
    return place.has_slip(typed) if typed.life_m < last.life_m else place.has_lost_digit(typed)


def _far_above(typed: Entry, stands: Sequence[Entry]) -> str:
    """The newest value, far beyond what the car drives: nobody sets a mileage up."""
    expected = expected_after(typed, stands)
    if expected is None or typed.life_m - expected.high_m <= FAR_M:
        return ""
    return SLIP if expected.has_slip(typed) else ""


def _counted(typed: Entry, others: Iterable[Entry], road: Road) -> list[Window]:
    """Where the car stood by another visit's value and the distance the counter ran in between, in each unit."""
    for other in others:
        if other.visit < 0:
            continue
        first, last = sorted((other.visit, typed.visit))
        driven_m = travelled_m(road.visits, first, last)
        if driven_m is not None:
            units = (1.0,) if other.rank <= AGREEMENT_RANK else road.dash_units
            spread_m = max(COUNTED_M, COUNTED_SHARE * driven_m)
            sign = 1 if other.visit < typed.visit else -1
            centres = [other.life_m + sign * driven_m / unit for unit in units]
            return [Window(centre_m - spread_m, centre_m + spread_m) for centre_m in centres]
    return []


def _in_line(low_m: int, middle_m: int, high_m: int) -> bool:
    above = middle_m >= low_m or agree(middle_m, low_m)
    return above and (middle_m <= high_m or agree(middle_m, high_m))


def _last(typed: Entry, stands: Sequence[Entry], road: Road) -> str:
    """The newest value, below the one before: only what the car drove since, or usually drives, can explain it.

    A slip is no excuse when something else speaks for the number, or when the engine unit became another one as well.
    """
    expected = expected_after(typed, stands)
    counted = _counted(typed, reversed(stands), road)
    # a counter cleared in between may have counted less than was driven
    believed = [window for window in counted if expected is None or window.high_m >= expected.low_m]
    reason = _first_doubt(typed, believed) if believed else _by_pace(typed, expected, road.visits[typed.visit])
    return "" if reason == SLIP and _was_meant(typed, stands, road) else reason


def _by_pace(typed: Entry, expected: Window | None, visit: Visit) -> str:
    """A lost digit, which hardly any change resembles; or any slip into what a paper of the visit leaves of it."""
    if expected is None or expected.holds(typed):
        return ""
    if expected.has_lost_digit(typed):
        return SLIP
    if visit.papers_m is None:
        return ""
    place = expected.within(Window(visit.papers_m, visit.papers_m + LAG_M))
    narrow = place is not None and place.high_m - place.low_m <= NARROW_M
    return SLIP if place is not None and narrow and place.has_slip(typed) else ""


def _was_meant(typed: Entry, stands: Sequence[Entry], road: Road) -> bool:
    return written_too(typed, road.visits[typed.visit]) or _engine_exchanged(typed, stands, road)


def _engine_exchanged(typed: Entry, stands: Sequence[Entry], road: Road) -> bool:
    """Whether the engine unit tells another VIN, calibration or checksum than at the last visit that stands."""
    before = next((one.visit for one in reversed(stands) if one.visit >= 0), None)
    if before is None:
        return False
    then, now = road.visits[before].snapshot, road.visits[typed.visit].snapshot
    return any(other_unit(then, now, ecu) for ecu in ENGINE_UNITS)
