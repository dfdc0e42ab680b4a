"""Typed mileages that cannot have been meant: slips of the keys, miles or ten thousands for km. Kept, not believed.

A ratio or a likeness alone excuses nothing. The number must lead, by one slip, as whole miles or as ten thousands, to
where the car is known to stand: what it read at the same visit, what came before and after with the distance its
counter ran in between, or what it usually drives until then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from evidence.entry import AGREE_M, AGREE_SHARE, AGREEMENT_RANK, KM_PER_MILE, Entry, most_trusted, near_m
from evidence.history import Visit
from evidence.neighbours import Road, is_typed, out_of_line, written_too
from evidence.slips import has_digit_too_many
from evidence.ten_thousands import in_ten_thousands
from evidence.travel import moves_as_miles
from evidence.vin import market_shows_miles
from evidence.windows import KNOWN_GAP_M, KNOWN_GAP_SHARE, MILES, SLIP, TEN_THOUSANDS, Window, doubt
from protocols.readings import Trust

__all__ = ["MILES", "SLIP", "TEN_THOUSANDS", "doubt_typed"]


def doubt_typed(entries: Sequence[Entry], visits: Sequence[Visit]) -> list[Entry]:
    """``entries``, in order, with the reason at each typed value that cannot have been meant.

    The reason is ``slip``, ``miles`` or ``ten_thousands``.
    """
    reasons = dict.fromkeys(in_ten_thousands(entries, visits), TEN_THOUSANDS)
    reasons |= _beside_a_reading(_by_visit(_without(entries, reasons)), visits)
    left = _without(entries, reasons)
    reasons |= out_of_line(left, Road(visits, _dash_units(left, visits)))
    return [replace(entry, quarantined=reasons[entry.id]) if entry.id in reasons else entry for entry in entries]


def _dash_units(entries: Sequence[Entry], visits: Sequence[Visit]) -> tuple[float, ...]:
    """In km, what a dashboard of this car may count by; an import's tells by the distance driven beside it."""
    if not any(market_shows_miles(vin) for vin in {visit.snapshot.vehicle.vin for visit in visits}):
        return (1.0,)
    return (KM_PER_MILE,) if moves_as_miles(entries, visits) else (KM_PER_MILE, 1.0)


def _without(entries: Sequence[Entry], reasons: Mapping[str, str]) -> Sequence[Entry]:
    return [entry for entry in entries if entry.id not in reasons] if reasons else entries


def _by_visit(entries: Iterable[Entry]) -> dict[int, list[Entry]]:
    visits: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.visit >= 0 and entry.usable:
            visits.setdefault(entry.visit, []).append(entry)
    return visits


def _beside_a_reading(entries: dict[int, list[Entry]], visits: Sequence[Visit]) -> dict[str, str]:
    """Typed values against what the car itself said at the same visit."""
    found: dict[str, str] = {}
    gaps: dict[tuple[str, str], int] = {}
    unit = 1.0
    agreed = {(one.source, one.ecu) for of_visit in entries.values() for one in of_visit if one.rank == AGREEMENT_RANK}
    for visit, of_visit in entries.items():
        # a row that agreed with somebody once accuses nobody yet, but shows where a slip leads
        reads = [one for one in of_visit if one.rank <= AGREEMENT_RANK or (agreed and (one.source, one.ecu) in agreed)]
        read = most_trusted(reads) if len(reads) > 1 else next(iter(reads), None)
        if read is None or not read.odometer_m:
            continue
        for typed in filter(is_typed, of_visit):
            gap_m = typed.life_m - read.life_m
            if abs(gap_m) <= near_m(read.life_m):
                gaps[read.source, read.ecu] = gap_m
            elif _told_by_a_unit(typed, of_visit):
                continue
            elif reason := _beside(typed, read, gaps.get((read.source, read.ecu)), visits[visit], unit):
                found[typed.id] = reason
                unit = KM_PER_MILE if reason == MILES else unit
    return found


def _beside(typed: Entry, read: Entry, gap_m: int | None, visit: Visit, unit: float) -> str:
    """``unit`` is that of the dashboard's last values, in km: a slip in a number of miles is one among miles."""
    if _market_shows_miles(visit):
        if _near_in_miles(read).shows_miles(typed):
            return MILES
        unit = KM_PER_MILE
    reason = ""
    # the gap may come from a slip too small to be told; then the two are as close as copies are
    for around in (_around(read, gap_m), _around(read, None if gap_m is None else 0)):
        in_unit = Window(around.low_m / unit, around.high_m / unit)
        slip = in_unit.has_slip(typed) or (
            has_digit_too_many(typed.life_m, read.life_m) and in_unit.has_doubled_digit(typed)
        )
        reason = reason or doubt(typed, around) or (SLIP if slip else "")
    return "" if reason == SLIP and written_too(typed, visit) else reason


def _told_by_a_unit(typed: Entry, of_visit: Iterable[Entry]) -> bool:
    """Some unit of the car, confirmed or not, says what was typed: the dashboard does show it."""
    units = (one for one in of_visit if one.trust in (Trust.STANDARD, Trust.CONFIRMED, Trust.HINT))
    return any(abs(one.life_m - typed.life_m) <= KNOWN_GAP_M for one in units)


def _market_shows_miles(visit: Visit) -> bool:
    return market_shows_miles(visit.snapshot.vehicle.vin)


def _near_in_miles(read: Entry) -> Window:
    """Where K1 would agree: the VIN says more than a narrow window could."""
    spread_m = near_m(read.life_m)
    return Window(read.life_m - spread_m, read.life_m + spread_m)


def _around(read: Entry, gap_m: int | None) -> Window:
    if gap_m is None:
        centre_m, spread_m = read.life_m, max(AGREE_M, AGREE_SHARE * read.life_m)
    else:
        centre_m, spread_m = read.life_m + gap_m, max(KNOWN_GAP_M, KNOWN_GAP_SHARE * read.life_m)
    return Window(centre_m - spread_m, centre_m + spread_m)
