"""Which values of the ledger cannot stand, and why. They are kept and shown, and never current."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

from evidence.entry import AGREEMENT_RANK, Entry, agree

# Fleetio's published validation: no vehicle drives more than 3,000 miles a day
MOST_PER_DAY_M = 4_828_000
# beyond any car: four bytes of 0.1 km reach 429 million km when a frame is misread (wican-fw thread 186)
MOST_EVER_M = 5_000_000_000


def quarantine(entries: Iterable[Entry]) -> list[Entry]:
    """Judge each value by the visits before it of at least its own trust; then by what the car itself says later."""
    before = _Before()
    judged: list[Entry] = []
    for _, group in groupby(entries, key=lambda entry: entry.id if entry.visit < 0 else entry.visit):
        of_visit = [_with_reason(entry, before.reason(entry)) for entry in group]
        before.add(of_visit)
        judged += of_visit
    return _against_later(judged)


def _with_reason(entry: Entry, reason: str) -> Entry:
    return replace(entry, quarantined=reason) if reason else entry


class _Before:
    """Highest and last usable value of the visits so far, by rank."""

    def __init__(self) -> None:
        self._highest_m: dict[int, int] = {}
        self._last: dict[int, tuple[int, Entry]] = {}
        self._count = 0

    def add(self, of_visit: list[Entry]) -> None:
        """One more visit has been judged."""
        self._count += 1
        for entry in (entry for entry in of_visit if entry.usable):
            self._highest_m[entry.rank] = max(self._highest_m.get(entry.rank, 0), entry.odometer_m)
            self._last[entry.rank] = (self._count, entry)

    def reason(self, entry: Entry) -> str:
        """Why the value cannot stand, or nothing. What the car reads is not judged by what people typed."""
        if entry.odometer_m <= 0:
            return "zero"
        if entry.odometer_m > MOST_EVER_M:
            return "implausible"
        ranks = [rank for rank in self._last if rank <= max(entry.rank, AGREEMENT_RANK)]
        highest_m = max((self._highest_m[rank] for rank in ranks), default=0)
        if entry.odometer_m < highest_m and not agree(entry.odometer_m, highest_m):
            return "below_earlier"
        last = max((self._last[rank] for rank in ranks), key=lambda pair: pair[0], default=None)
        return "too_fast" if last and _too_fast(last[1], entry) else ""


def _too_fast(before: Entry, entry: Entry) -> bool:
    if before.at is None or entry.at is None or not (before.dated and entry.dated):
        return False
    days = max(1.0, abs(entry.at - before.at) / timedelta(days=1))
    return entry.odometer_m - before.odometer_m > days * MOST_PER_DAY_M


def _same_visit(one: Entry, other: Entry) -> bool:
    return one.visit >= 0 and one.visit == other.visit


def _against_later(entries: list[Entry]) -> list[Entry]:
    """A digit too many, typed, is exposed by the next visit's reading. Any other drop is left to the checks."""
    next_read: Entry | None = None
    turned: list[Entry] = []
    for entry in reversed(entries):
        typed = entry.usable and entry.rank > AGREEMENT_RANK
        later = next_read if next_read and not _same_visit(entry, next_read) else None
        if typed and later and has_digit_too_many(entry.odometer_m, later.odometer_m):
            turned.append(replace(entry, quarantined="above_later"))
            continue
        turned.append(entry)
        if entry.usable and entry.rank <= AGREEMENT_RANK:
            next_read = entry
    return turned[::-1]


def has_digit_too_many(typed_m: int, read_m: int) -> bool:
    """Whether a typed value is about ten times the true one."""
    return 8 * read_m <= typed_m <= 12 * read_m
