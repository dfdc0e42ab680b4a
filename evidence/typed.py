"""Typed mileages that cannot have been meant: slips of the keys, or miles for km. They are kept and not believed.

A ratio or a likeness alone excuses nothing. The number must lead, by one slip or as whole miles, to where the car is
known to stand: what it read at the same visit, what came before and after with the distance its counter ran in between,
or what it usually drives until then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from evidence.entry import AGREE_M, AGREE_SHARE, AGREEMENT_RANK, WORST_STANDING_RANK, Entry, agree
from evidence.history import Visit
from evidence.offsets import KM_PER_MILE, METRES_PER_MILE
from evidence.slips import lost_a_digit, one_slip_from
from evidence.travel import COUNTED_M, COUNTED_SHARE, moves_as_miles, travelled_m
from protocols.readings import Trust

SLIP, MILES = "slip", "miles"
# a copy of the odometer lies a few km beside the dashboard, and always the same few: with the gap known, less is left
KNOWN_GAP_M = 15_000
KNOWN_GAP_SHARE = 0.001
# K1 agrees within this
NEAR_M = 100_000
NEAR_SHARE = 0.01
# a year's driving repeats itself within a quarter on most cars; below three months nobody knows a rate
RATE_SPREAD = 0.25
RATE_LEAST_M = 1_500_000
RATE_DAYS = 90
# a visit that nobody dated is hardly later than this after the one before
UNDATED_DAYS = 730
# between neighbours this far apart almost any number can be reached by some slip
NARROW_M = 3_000_000
ROUND_M = 1_000_000
# dashboards of these VINs' markets show miles (USA 1, 4, 5, 7; United Kingdom S)
MILES_VINS = frozenset("1457S")


@dataclass(frozen=True, slots=True)
class Window:
    """Where the odometer must stand, in metres."""

    low_m: float
    high_m: float

    def holds(self, typed: Entry) -> bool:
        return self.low_m <= typed.life_m <= self.high_m

    def narrowed(self) -> "Window":
        """The same place as tight as whole miles allow: 0.62 of a value is not yet its miles."""
        centre_m = (self.low_m + self.high_m) / 2
        spread_m = min((self.high_m - self.low_m) / 2, max(KNOWN_GAP_M, KNOWN_GAP_SHARE * centre_m))
        return Window(centre_m - spread_m, centre_m + spread_m)

    def shows_miles(self, typed: Entry) -> bool:
        """Whether the whole number typed is in here when taken for miles; not where somebody vouched for its unit."""
        return typed.unit != "mi" and self.low_m <= typed.odometer_m * KM_PER_MILE + typed.offset_m <= self.high_m

    def has_slip(self, typed: Entry) -> bool:
        """A round number was estimated or made up, and one of three digits can be reached from anywhere."""
        if typed.odometer_m % ROUND_M == 0 or typed.odometer_m < ROUND_M:
            return False
        return one_slip_from(typed.odometer_m // 1000, *self._shown_as(typed))

    def has_lost_digit(self, typed: Entry) -> bool:
        return lost_a_digit(typed.odometer_m // 1000, *self._shown_as(typed))

    def _shown_as(self, typed: Entry) -> tuple[int, int]:
        """The numbers a dashboard with this value's unit and offset would show here."""
        unit_m = METRES_PER_MILE if typed.unit == "mi" else 1000.0
        shift_m = typed.life_m - typed.odometer_m / 1000 * unit_m
        return round((self.low_m - shift_m) / unit_m), round((self.high_m - shift_m) / unit_m)


@dataclass(frozen=True, slots=True)
class _Road:
    """The visits, whose counters say what was driven between them; ``dash_unit`` is the dashboard's, in km."""

    visits: Sequence[Visit]
    dash_unit: float


def doubt_typed(entries: Sequence[Entry], visits: Sequence[Visit]) -> list[Entry]:
    """``entries``, in order, with the reason ``slip`` or ``miles`` at each typed value that cannot have been meant."""
    reasons = _beside_a_reading(_by_visit(entries), visits)
    imported = any(_market_shows_miles(visit) for visit in visits)
    road = _Road(visits, KM_PER_MILE if imported and moves_as_miles(entries, visits) else 1.0)
    reasons |= _between_others([entry for entry in entries if entry.id not in reasons], road)
    return [replace(entry, quarantined=reasons[entry.id]) if entry.id in reasons else entry for entry in entries]


def _by_visit(entries: Iterable[Entry]) -> dict[int, list[Entry]]:
    visits: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.visit >= 0 and entry.usable:
            visits.setdefault(entry.visit, []).append(entry)
    return visits


def _typed(entry: Entry) -> bool:
    return entry.trust is Trust.TYPED and entry.odometer_m > 0


def _beside_a_reading(entries: dict[int, list[Entry]], visits: Sequence[Visit]) -> dict[str, str]:
    """Typed values against what the car itself said at the same visit."""
    found: dict[str, str] = {}
    gaps: dict[tuple[str, str], int] = {}
    unit = 1.0
    for visit, of_visit in entries.items():
        read = min((one for one in of_visit if one.rank <= AGREEMENT_RANK), key=lambda one: one.rank, default=None)
        if read is None or not read.odometer_m:
            continue
        for typed in filter(_typed, of_visit):
            gap_m = typed.life_m - read.life_m
            if abs(gap_m) <= max(NEAR_M, NEAR_SHARE * read.life_m):
                gaps[read.source, read.ecu] = gap_m
            elif _told_by_a_unit(typed, of_visit):
                continue
            elif reason := _beside(typed, read, gaps.get((read.source, read.ecu)), visits[visit], unit):
                found[typed.id] = reason
                unit = KM_PER_MILE if reason == MILES else unit
    return found


def _beside(typed: Entry, read: Entry, gap_m: int | None, visit: Visit, unit: float) -> str:
    """``unit`` is that of the dashboard's last values, in km: a slip in a number of miles is one among miles."""
    if _market_shows_miles(visit) and _near_in_miles(read).shows_miles(typed):
        return MILES
    reason = ""
    # the gap may come from a slip too small to be told; then the two are as close as copies are
    for around in (_around(read, gap_m), _around(read, None if gap_m is None else 0)):
        in_unit = Window(around.low_m / unit, around.high_m / unit)
        reason = reason or _doubt(typed, around) or (SLIP if in_unit.has_slip(typed) else "")
    return "" if reason == SLIP and _written_too(typed, visit) else reason


def _told_by_a_unit(typed: Entry, of_visit: Iterable[Entry]) -> bool:
    """Some unit of the car, confirmed or not, says what was typed: the dashboard does show it."""
    units = (one for one in of_visit if one.trust in (Trust.STANDARD, Trust.CONFIRMED, Trust.HINT))
    return any(abs(one.life_m - typed.life_m) <= KNOWN_GAP_M for one in units)


def _written_too(typed: Entry, visit: Visit) -> bool:
    """A paper says the same number: nobody slips twice alike."""
    return visit.papers_m is not None and abs(visit.papers_m - typed.odometer_m) <= ROUND_M / 1000


def _market_shows_miles(visit: Visit) -> bool:
    return visit.snapshot.vehicle.vin[:1] in MILES_VINS


def _near_in_miles(read: Entry) -> Window:
    """Where K1 would agree: the VIN says more than a narrow window could."""
    spread_m = max(NEAR_M, NEAR_SHARE * read.life_m)
    return Window(read.life_m - spread_m, read.life_m + spread_m)


def _around(read: Entry, gap_m: int | None) -> Window:
    if gap_m is None:
        centre_m, spread_m = read.life_m, max(AGREE_M, AGREE_SHARE * read.life_m)
    else:
        centre_m, spread_m = read.life_m + gap_m, max(KNOWN_GAP_M, KNOWN_GAP_SHARE * read.life_m)
    return Window(centre_m - spread_m, centre_m + spread_m)


def _doubt(typed: Entry, window: Window) -> str:
    if window.holds(typed):
        return ""
    if typed.life_m < window.low_m and window.narrowed().shows_miles(typed):
        return MILES
    return SLIP if window.has_slip(typed) else ""


def _between_others(entries: Sequence[Entry], road: _Road) -> dict[str, str]:
    """Typed values of visits at which nothing was read, against what stands before and after them."""
    series = _series(entries)
    found: dict[str, str] = {}
    stands: list[Entry] = []
    for place, entry in enumerate(series):
        reason = ""
        if _typed(entry) and entry.visit >= 0 and entry.rank > AGREEMENT_RANK:
            reason = _out_of_line(entry, stands, series[place + 1 :], road)
        if reason:
            found[entry.id] = reason
        else:
            stands.append(entry)
    return found


def _series(entries: Iterable[Entry]) -> list[Entry]:
    """The most trusted value of each moment that somebody can stand for."""
    best: dict[str | int, Entry] = {}
    for entry in entries:
        if entry.usable and entry.odometer_m > 0 and entry.rank <= WORST_STANDING_RANK:
            moment = entry.visit if entry.visit >= 0 else entry.id
            if moment not in best or entry.rank < best[moment].rank:
                best[moment] = entry
    return list(best.values())


def _out_of_line(typed: Entry, stands: Sequence[Entry], later: Sequence[Entry], road: _Road) -> str:
    """Why a value that does not stand between its neighbours cannot have been meant, or nothing."""
    low_m = stands[-1].life_m if stands else 0
    if not later:
        return _last(typed, stands, road) if typed.life_m < low_m else ""
    high_m = later[0].life_m
    if _in_line(low_m, typed.life_m, high_m):
        return ""
    # the newest value may itself be the wrong one
    others = (*reversed(stands), *later[:1]) if len(later) > 1 else reversed(stands)
    window = _counted(typed, others, road)
    if window is not None and (window.holds(typed) or _doubt(typed, window)):
        return _doubt(typed, window)
    if low_m > high_m:
        return ""
    if not stands:
        return _first(typed, later)
    window = Window(low_m, high_m)
    if typed.life_m < low_m and window.shows_miles(typed):
        return MILES
    trusted = len(later) > 1 or high_m - low_m <= NARROW_M
    return SLIP if trusted and window.has_slip(typed) else ""


def _first(typed: Entry, later: Sequence[Entry]) -> str:
    """The oldest value, above those that follow, which are in line and say where the car must have stood."""
    dated = [one for one in later if one.at is not None and one.dated]
    if len(dated) < 2 or typed.at is None or not typed.dated or dated[-1].life_m <= dated[0].life_m:
        return ""
    days = _days(dated[0], dated[-1])
    if days < RATE_DAYS or any(two.life_m < one.life_m for one, two in pairwise(dated)):
        return ""
    driven_m = (dated[-1].life_m - dated[0].life_m) / days * _days(typed, dated[0])
    spread_m = max(RATE_LEAST_M, 2 * RATE_SPREAD * driven_m)
    low_m = max(dated[0].life_m - driven_m - spread_m, 0)
    return SLIP if Window(low_m, dated[0].life_m).has_slip(typed) else ""


def _counted(typed: Entry, others: Iterable[Entry], road: _Road) -> Window | None:
    """Where the car stood by another visit's value and the distance the counter ran in between."""
    for other in others:
        if other.visit < 0:
            continue
        first, last = sorted((other.visit, typed.visit))
        driven_m = travelled_m(road.visits, first, last)
        if driven_m is not None:
            shown_m = driven_m if other.rank <= AGREEMENT_RANK else driven_m / road.dash_unit
            centre_m = other.life_m + (shown_m if other.visit < typed.visit else -shown_m)
            spread_m = max(COUNTED_M, COUNTED_SHARE * driven_m)
            return Window(centre_m - spread_m, centre_m + spread_m)
    return None


def _in_line(low_m: int, middle_m: int, high_m: int) -> bool:
    above = middle_m >= low_m or agree(middle_m, low_m)
    return above and (middle_m <= high_m or agree(middle_m, high_m))


def _last(typed: Entry, stands: Sequence[Entry], road: _Road) -> str:
    """The newest value, below the one before: only what the car drove since, or usually drives, can explain it."""
    counted, expected = _counted(typed, reversed(stands), road), _expected(typed, stands)
    # a counter cleared in between may have counted less than was driven
    believed = counted is not None and (expected is None or counted.high_m >= expected.low_m)
    reason = _doubt(typed, counted) if counted and believed else ""
    if not reason and expected is not None and expected.has_lost_digit(typed):
        reason = SLIP
    return "" if reason == SLIP and _written_too(typed, road.visits[typed.visit]) else reason


def _expected(entry: Entry, stands: Sequence[Entry]) -> Window | None:
    dated = [one for one in stands if one.at is not None and one.dated]
    if len(dated) < 2:
        return None
    first, last = dated[0], dated[-1]
    known_days = _days(first, last)
    if known_days < RATE_DAYS or last.life_m <= first.life_m:
        return None
    rate_m = (last.life_m - first.life_m) / known_days
    if entry.at is None or not entry.dated:
        return Window(last.life_m, last.life_m + rate_m * UNDATED_DAYS)
    driven_m = rate_m * max(_days(last, entry), 0)
    spread_m = max(RATE_LEAST_M, RATE_SPREAD * driven_m)
    return Window(last.life_m + driven_m - spread_m, last.life_m + driven_m + spread_m)


def _days(one: Entry, other: Entry) -> float:
    assert one.at is not None and other.at is not None  # noqa: S101 - both were asked for their dates
    return (other.at - one.at) / timedelta(days=1)
