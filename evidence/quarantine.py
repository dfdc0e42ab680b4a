"""Which values of the ledger cannot stand, and why. They are kept and shown, and never current."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

from evidence.entry import AGREEMENT_RANK, Entry, agree
from evidence.slips import has_digit_too_many

# Fleetio's published validation: no vehicle drives more than 3,000 miles a day
MOST_PER_DAY_M = 4_828_000
# beyond any car: four bytes of 0.1 km reach 429 million km when a frame is misread (wican-fw thread 186)
MOST_EVER_M = 5_000_000_000
# what a person gave deviates when the car would have driven this many times its usual distance, this much more than
# that, and more a day than a taxi does
DEVIATION_TIMES = 5
DEVIATION_M = 20_000_000
DEVIATION_PER_DAY_M = 300_000
DEVIATION_DAYS = 180
# dashboard and car agree within this (K1)
NEAR_M = 100_000
NEAR_SHARE = 0.01


def quarantine(entries: Iterable[Entry]) -> list[Entry]:
    """Judge each value by the visits before it of at least its own trust; then by what the car itself says later.

    A value that has a reason already keeps it.
    """
    before = _Before()
    judged: list[Entry] = []
    for _, group in groupby(
        _without_refuted(list(entries)), key=lambda entry: entry.id if entry.visit < 0 else entry.visit
    ):
        of_visit = [entry if entry.quarantined else _with_reason(entry, before.reason(entry)) for entry in group]
        before.add(of_visit)
        judged += of_visit
    return _against_later(judged)


def _with_reason(entry: Entry, reason: str) -> Entry:
    return replace(entry, quarantined=reason) if reason else entry


class _Before:
    """Highest, first and last usable value of the visits so far, by rank."""

    def __init__(self) -> None:
        self._highest_m: dict[int, int] = {}
        self._first: dict[int, Entry] = {}
        self._last: dict[int, tuple[int, int, Entry]] = {}
        self._count = 0

    def add(self, of_visit: list[Entry]) -> None:
        """One more visit has been judged."""
        self._count += 1
        for entry in (entry for entry in of_visit if entry.usable):
            self._highest_m[entry.rank] = max(self._highest_m.get(entry.rank, 0), entry.life_m)
            self._first.setdefault(entry.rank, entry)
            self._last[entry.rank] = (self._count, -entry.rank, entry)

    def reason(self, entry: Entry) -> str:
        """Why the value cannot stand, or nothing. What the car reads is not judged by what people typed."""
        if entry.odometer_m <= 0:
            return "zero"
        if entry.odometer_m > MOST_EVER_M:
            return "implausible"
        ranks = [rank for rank in self._last if rank <= max(entry.rank, AGREEMENT_RANK)]
        if not ranks:
            return ""
        highest_m, last = max(map(self._highest_m.__getitem__, ranks)), max(map(self._last.__getitem__, ranks))
        if entry.life_m < highest_m and not agree(entry.life_m, highest_m):
            return "below_earlier"
        if entry.life_m <= last[2].life_m:
            return ""
        if _too_fast(last[2], entry):
            return "too_fast"
        firsts = [self._first[rank] for rank in ranks]
        return "deviates" if entry.rank > AGREEMENT_RANK and _deviates(firsts, last[2], entry) else ""


def _too_fast(before: Entry, entry: Entry) -> bool:
    if before.at is None or entry.at is None or not (before.dated and entry.dated):
        return False
    days = max(1.0, abs(entry.at - before.at) / timedelta(days=1))
    return entry.life_m - before.life_m > days * MOST_PER_DAY_M


def _deviates(firsts: Iterable[Entry], last: Entry, entry: Entry) -> bool:
    """Whether the car would have had to drive very much more than it ever did before."""
    dated = [one for one in firsts if one.at is not None and one.dated]
    first = min(dated, key=lambda one: str(one.at), default=None)
    if first is None or first.at is None or last.at is None or entry.at is None or not (last.dated and entry.dated):
        return False
    known_days, days = (last.at - first.at) / timedelta(days=1), abs(entry.at - last.at) / timedelta(days=1)
    if known_days < DEVIATION_DAYS or last.life_m <= first.life_m:
        return False
    usual_m = (last.life_m - first.life_m) / known_days * days
    driven_m = entry.life_m - last.life_m
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
    return [_with_reason(entry, "above_later") if entry.id in refuted else entry for entry in entries]


def _refuted(entries: list[Entry]) -> frozenset[str]:
    """Typed values above what the car read at that moment, where dashboard and car agree at a later visit."""
    best: dict[int, Entry] = {}
    for read in (entry for entry in entries if entry.usable and entry.rank <= AGREEMENT_RANK):
        if read.visit not in best or read.rank < best[read.visit].rank:
            best[read.visit] = read
    shown = [entry for entry in entries if entry.source == "dash" and entry.usable and entry.visit in best]
    gaps = {typed.visit: (typed, typed.life_m - best[typed.visit].life_m) for typed in shown}
    last = max((visit for visit, (typed, gap_m) in gaps.items() if abs(gap_m) <= _near_m(typed)), default=-1)
    return frozenset(typed.id for visit, (typed, gap_m) in gaps.items() if visit < last and gap_m > _near_m(typed))


def _near_m(typed: Entry) -> float:
    return max(NEAR_M, NEAR_SHARE * typed.life_m)
