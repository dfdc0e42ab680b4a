"""Which values of the ledger cannot stand, and why. They are kept and shown, and never current."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby

from evidence.entry import AGREEMENT_RANK, Entry, by_rank, fell, near_m
from evidence.slips import has_digit_too_many

# Fleetio's published validation: no vehicle drives more than 3,000 miles a day
MOST_PER_DAY_M = 4_828_000
# beyond a week nobody keeps that up: 62 km/h day and night
MOST_FOR_LONG_M = 1_500_000
LONG_DAYS = 7
# beyond any car: four bytes of 0.1 km reach 429 million km when a frame is misread (wican-fw thread 186)
MOST_EVER_M = 5_000_000_000
# what a person gave deviates when the car would have driven this many times its usual distance, this much more than
# that, and more a day than a taxi does
DEVIATION_TIMES = 5
DEVIATION_M = 20_000_000
DEVIATION_PER_DAY_M = 300_000
DEVIATION_DAYS = 180


def quarantine(entries: Iterable[Entry]) -> list[Entry]:
    """Judge each value by the visits before it of at least its own trust; then by what the car itself says later.

    A value that has a reason already keeps it.
    """
    ordered = _without_refuted(list(entries))
    before = _Before({entry.rank for entry in ordered})
    judged: list[Entry] = []
    for _, group in groupby(ordered, key=_moment):
        of_visit = [
            entry if entry.quarantined or not (reason := before.reason(entry)) else replace(entry, quarantined=reason)
            for entry in group
        ]
        before.add(of_visit)
        judged += of_visit
    return _against_later(judged)


def _moment(entry: Entry) -> str | int:
    return entry.id if entry.visit < 0 else entry.visit


@dataclass(slots=True)
class _Seen:
    """What is known so far from values of at least one trust."""

    highest_m: int
    first: Entry
    last: Entry


class _Before:
    """What the visits so far said, for each rank from it upwards in trust."""

    def __init__(self, ranks: Iterable[int]) -> None:
        self._ranks = {AGREEMENT_RANK, *(rank for rank in ranks if rank > AGREEMENT_RANK)}
        self._seen: dict[int, _Seen] = {}

    def add(self, of_visit: list[Entry]) -> None:
        """One more visit has been judged."""
        usable = [entry for entry in of_visit if entry.usable]
        for entry in sorted(usable, key=by_rank, reverse=True):
            for rank in self._ranks:
                if rank < entry.rank:
                    continue
                if (seen := self._seen.get(rank)) is None:
                    seen = self._seen[rank] = _Seen(entry.life_m, entry, entry)
                seen.last = entry
                if entry.life_m > seen.highest_m:  # no mutate: max() is slower, and equal is the same
                    seen.highest_m = entry.life_m

    def reason(self, entry: Entry) -> str:
        """Why the value cannot stand, or nothing. What the car reads is not judged by what people typed."""
        if entry.odometer_m <= 0:
            return "zero"
        if entry.odometer_m > MOST_EVER_M:
            return "implausible"
        seen = self._seen.get(entry.rank if entry.rank > AGREEMENT_RANK else AGREEMENT_RANK)
        if seen is None:
            return ""
        if fell(entry.life_m, seen.highest_m):
            return "below_earlier"
        driven_m = entry.life_m - seen.last.life_m
        if driven_m <= MOST_PER_DAY_M:
            return ""
        if _too_fast(driven_m, _days_between(seen.last, entry)):
            return "too_fast"
        return "deviates" if entry.rank > AGREEMENT_RANK and _deviates(seen, entry, driven_m) else ""


def _days_between(before: Entry, entry: Entry) -> float | None:
    """None where a clock cannot be believed."""
    if before.at is None or entry.at is None or not (before.dated and entry.dated):
        return None
    return abs(entry.at - before.at) / timedelta(days=1)


def _too_fast(driven_m: int, days: float | None) -> bool:
    if days is None:
        return False
    return driven_m > max(1.0, min(days, LONG_DAYS)) * MOST_PER_DAY_M + max(0.0, days - LONG_DAYS) * MOST_FOR_LONG_M


def _deviates(seen: _Seen, entry: Entry, driven_m: int) -> bool:
    """Whether the car would have had to drive very much more than it ever did before."""
    if seen.last.life_m <= seen.first.life_m:
        return False
    known_days, days = _days_between(seen.first, seen.last), _days_between(seen.last, entry)
    if known_days is None or days is None or known_days < DEVIATION_DAYS:
        return False
    usual_m = (seen.last.life_m - seen.first.life_m) / known_days * days
    return driven_m > max(DEVIATION_TIMES * usual_m + DEVIATION_M, DEVIATION_PER_DAY_M * days)


def _same_visit(one: Entry, other: Entry) -> bool:
    return one.visit >= 0 and one.visit == other.visit


def _against_later(entries: list[Entry]) -> list[Entry]:
    """A digit too many, typed, is exposed by the next visit's reading. Any other drop is left to the checks."""
    next_read: Entry | None = None
    turned: list[Entry] = []
    for entry in reversed(entries):
        typed = entry.usable and entry.rank > AGREEMENT_RANK
        later = next_read if next_read and not _same_visit(entry, next_read) else None
        if typed and later and has_digit_too_many(entry.life_m, later.life_m):
            turned.append(replace(entry, quarantined="above_later"))
            continue
        turned.append(entry)
        if entry.usable and entry.rank <= AGREEMENT_RANK:
            next_read = entry
    return turned[::-1]


def _without_refuted(entries: list[Entry]) -> list[Entry]:
    refuted = _refuted(entries)
    return [replace(entry, quarantined="above_later") if entry.id in refuted else entry for entry in entries]


def _refuted(entries: list[Entry]) -> frozenset[str]:
    """Typed values above what the car read at that moment, where dashboard and car agree at a later visit."""
    best: dict[int, Entry] = {}
    for read in (entry for entry in entries if entry.usable and entry.rank <= AGREEMENT_RANK):
        if read.visit not in best or read.rank < best[read.visit].rank:
            best[read.visit] = read
    shown = [entry for entry in entries if entry.source == "dash" and entry.usable and entry.visit in best]
    gaps = [(typed, typed.life_m - best[typed.visit].life_m) for typed in shown]
    high = [typed for typed, gap_m in gaps if gap_m > near_m(typed.life_m)]
    if not high:
        return frozenset()
    last = max((typed.visit for typed, gap_m in gaps if abs(gap_m) <= near_m(typed.life_m)), default=-1)
    return frozenset(typed.id for typed in high if typed.visit < last)
