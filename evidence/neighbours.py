"""Typed mileages of visits at which nothing was read, against what stands before and after them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evidence.entry import AGREEMENT_RANK, LAG_M, WORST_STANDING_RANK, Entry, agree
from evidence.history import Visit
from evidence.monitors import RECENT_M
from evidence.pace import expected_after, expected_before, expected_by_hours
from evidence.snapshot import Snapshot
from evidence.travel import COUNTED_M, COUNTED_SHARE, ENGINE_UNITS, counted_m, other_unit, since_reset_m, travelled_m
from evidence.windows import MILES, ROUND_M, SLIP, Window, doubt
from protocols.readings import ItemStatus, Trust

# between neighbours this far apart almost any number can be reached by some slip
NARROW_M = 3_000_000
# hours say where a car stood, so they may leave more; beyond this they say it too roughly
BY_HOURS_M = 5_000_000
# in a place wider than this nearly any number lost its first digit; one that lost another is about a tenth
WIDE_M = 10_000_000
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
        counted = (window.low_m for window in _counted(typed, reversed(stands), road))
        below = typed.life_m < max(low_m, road.visits[typed.visit].papers_m or 0, *counted)
        if below or _slipped_by_hours(typed, stands, road):
            return _last(typed, stands, road)
        return _far_above(typed, stands)
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
    if typed.life_m > high_m and (paper := _by_paper(typed, road)) is not None and not paper.holds(typed):
        place = Window(low_m, high_m).within(paper)
        return SLIP if place is not None and place.has_slip(typed) else ""
    if not stands:
        before = expected_before(typed, later)
        return SLIP if before is not None and before.has_slip(typed) else ""
    between = Window(low_m, high_m)
    if typed.life_m > high_m:
        return SLIP if _above(typed, stands, later, road) else ""
    if between.shows_miles(typed):
        return MILES
    return SLIP if _below(typed, stands, later) and between.has_slip(typed) else ""


def _first_doubt(typed: Entry, windows: Sequence[Window]) -> str:
    if any(window.holds(typed) for window in windows):
        return ""
    return next((reason for window in windows if (reason := doubt(typed, window))), "")


def _below(typed: Entry, stands: Sequence[Entry], later: Sequence[Entry]) -> bool:
    """Whether what follows a value below the line is to be believed rather than it; a low value hides nothing."""
    return len(later) > 1 or later[0].life_m - stands[-1].life_m <= NARROW_M or _keeps_pace(later[0], stands)


def _above(typed: Entry, stands: Sequence[Entry], later: Sequence[Entry], road: Road) -> bool:
    """Whether a value above all that follow leads between its neighbours by a slip, and they are to be believed.

    A car that was set back shows the same: its last true value keeps the car's pace, and so may the lower ones. So
    between neighbours far apart a slip goes only where the distance counted to the next value leads, when a digit was
    lost or doubled, where a paper of the same visit says, or when the value lies far beyond the pace itself.
    """
    last, between = later[0], Window(stands[-1].life_m, later[0].life_m)
    if between.high_m - between.low_m <= NARROW_M:
        return between.has_slip(typed)
    if len(later) > 1 and between.has_doubled_digit(typed):
        return True
    expected = expected_after(typed, stands) or expected_before(typed, later)
    place = between.within(expected)
    if expected is None or place is None or expected.holds(typed):
        return False
    if _slipped_by_hours(typed, stands, road):
        return True
    on_pace = all(_keeps_pace(one, stands) for one in later)
    if len(later) == 1 and not on_pace:
        return False
    if len(later) > 1 and on_pace and place.has_slip(typed):
        return True
    if windows := _counted(typed, (last,), road):
        places = (place.within(window) for window in windows)
        return any(one is not None and one.has_slip(typed) for one in places)
    return (typed.life_m - expected.high_m > FAR_M and place.has_slip(typed)) or place.has_lost_digit(typed)


def _slipped_by_hours(typed: Entry, stands: Sequence[Entry], road: Road) -> bool:
    """Whether the engine's hours say that the car stood elsewhere, one slip away."""
    place = _not_below_what_is_known(expected_by_hours(typed, stands, road.visits), typed, road)
    if place is None or place.high_m - place.low_m > BY_HOURS_M or place.holds(typed):
        return False
    return place.has_slip(typed)


def _not_below_what_is_known(place: Window | None, typed: Entry, road: Road) -> Window | None:
    """The place without what lies below the visit's own paper and counters: the car cannot have stood there."""
    visit = road.visits[typed.visit]
    least_m = max(visit.papers_m or 0, counted_m(visit.snapshot)) / max(road.dash_units)
    return None if place is None or place.high_m < least_m else Window(max(place.low_m, least_m), place.high_m)


def _by_paper(typed: Entry, road: Road) -> Window | None:
    """Where a paper of the same visit says that the car stood, in the kilometres of papers."""
    paper_m = road.visits[typed.visit].papers_m
    return None if paper_m is None else Window(paper_m, paper_m + LAG_M)


def _keeps_pace(entry: Entry, stands: Sequence[Entry]) -> bool:
    expected = expected_after(entry, stands)
    return expected is not None and expected.holds(entry)


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

    A slip is no excuse when something else speaks for the number, or when the engine unit became another one or forgot
    its codes as well.
    """
    expected = _not_below_what_is_known(expected_after(typed, stands), typed, road)
    counted = _counted(typed, reversed(stands), road)
    # a counter cleared in between may have counted less than was driven
    believed = [window for window in counted if expected is None or window.high_m >= expected.low_m]
    reason = _first_doubt(typed, believed)
    holds = any(window.holds(typed) for window in believed)
    if not reason and not holds and not (believed and _never_cleared(typed, stands, expected, road)):
        reason = _by_pace(typed, expected, None if believed else road.visits[typed.visit].papers_m, road)
        if not reason and not believed and _slipped_by_hours(typed, stands, road):
            reason = SLIP
    return "" if reason == SLIP and _was_meant(typed, stands, road) else reason


def _never_cleared(typed: Entry, stands: Sequence[Entry], expected: Window | None, road: Road) -> bool:
    """Whether the counter says all that was driven: what it ran since a clear on the way is beyond the car's pace."""
    for before in (one for one in reversed(stands) if one.visit >= 0):
        since_m = since_reset_m(road.visits, before.visit, typed.visit)
        if since_m is not None:
            return expected is not None and before.life_m + since_m > expected.high_m
    return False


def _by_pace(typed: Entry, expected: Window | None, paper_m: int | None, road: Road) -> str:
    """A lost digit, which hardly any change resembles; or any slip into what a paper of the visit leaves of it."""
    papers = [] if paper_m is None else [Window(paper_m / one, (paper_m + LAG_M) / one) for one in road.dash_units]
    places = papers if expected is None else [expected]
    if not places or any(place.holds(typed) for place in places):
        return ""
    if any(_lost_a_digit(typed, place) for place in places):
        return SLIP
    left = (paper.within(expected) for paper in papers)
    narrow = (place for place in left if place is not None and place.high_m - place.low_m <= NARROW_M)
    return SLIP if any(place.has_slip(typed) for place in narrow) else ""


def _lost_a_digit(typed: Entry, place: Window) -> bool:
    """In a place as wide as an undated visit leaves, a lost first digit leads anywhere: only a tenth is told there."""
    return (place.holds_ten_times(typed) or place.high_m - place.low_m <= WIDE_M) and place.has_lost_digit(typed)


def _was_meant(typed: Entry, stands: Sequence[Entry], road: Road) -> bool:
    visit = road.visits[typed.visit]
    return written_too(typed, visit) or _just_cleared(visit.snapshot) or _engine_exchanged(typed, stands, road)


def _just_cleared(snapshot: Snapshot) -> bool:
    since = snapshot.counters.distance_since_clear_m
    read = (part.value for part in since if part.status is ItemStatus.READ and part.value is not None)
    return any(value <= RECENT_M for value in read)


def _engine_exchanged(typed: Entry, stands: Sequence[Entry], road: Road) -> bool:
    """Whether the engine unit tells another VIN, calibration or checksum than at the last visit that stands."""
    before = next((one.visit for one in reversed(stands) if one.visit >= 0), None)
    if before is None:
        return False
    then, now = road.visits[before].snapshot, road.visits[typed.visit].snapshot
    return any(other_unit(then, now, ecu) for ecu in ENGINE_UNITS)
