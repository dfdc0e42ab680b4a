"""The odometer ledger: every value anybody gave, with where it comes from, and which one to believe.

Rules for "current": the most recent visit that has a value somebody can stand for; within it the most trusted
witness (`RANK`). Never the largest. A quarantined value is kept and shown, and never current. A lone unconfirmed
maker's row (hint) and a number from papers serve only while nothing better was ever seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, groupby

from evidence.history import History, ServiceRecord, Visit
from evidence.snapshot import OdometerPart
from protocols.readings import ItemStatus, Trust

# lower is better; "agreement" stands between a confirmed row and what a person typed
RANK = {
    Trust.STANDARD: 0,
    Trust.CONFIRMED: 1,
    Trust.PHOTO: 3,
    Trust.TYPED: 4,
    Trust.UPSTREAM: 5,
    Trust.PAPER: 6,
    Trust.HINT: 7,
}
AGREEMENT_RANK = 2
WORST_STANDING_RANK = RANK[Trust.UPSTREAM]
# two copies in one car: a few km by scale and moment of storing (wican-fw threads 124, 463), 0.3 % of a long life
AGREE_M = 30_000
AGREE_SHARE = 0.003
# Fleetio's published validation: no vehicle drives more than 3,000 miles a day
MOST_PER_DAY_M = 4_828_000
# beyond any car: four bytes of 0.1 km reach 429 million km when a frame is misread (wican-fw thread 186)
MOST_EVER_M = 5_000_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One odometer value. ``quarantined`` and ``voided`` hold the reason (a catalogue key's end), or nothing.

    ``visit`` counts visits from 0; services have -1. ``rank`` is how far the value is trusted, 0 the most.
    """

    id: str
    at: datetime | None
    source: str
    ecu: str
    odometer_m: int
    trust: Trust
    raw: str = ""
    snapshot_id: str = ""
    visit: int = -1
    rank: int = RANK[Trust.HINT]
    quarantined: str = ""
    voided: str = ""

    @property
    def usable(self) -> bool:
        """Neither quarantined nor voided."""
        return not self.quarantined and not self.voided


def agree(one_m: int, other_m: int) -> bool:
    """Whether two odometers of one car at one moment say the same."""
    return abs(one_m - other_m) <= max(AGREE_M, AGREE_SHARE * max(one_m, other_m))


def visit_id(history: History, index: int) -> str:
    """The snapshot's id, or a stand-in made from the history's id and the visit's number."""
    return history.visits[index].snapshot.id or f"{history.id}#{index + 1}"


def build_ledger(history: History) -> tuple[Entry, ...]:
    """All values of a car in the order of time, each with its rank and, where due, the reason of its quarantine."""
    entries = [*_of_services(history.services)]
    for index, visit in enumerate(history.visits):
        entries += _ranked(_of_visit(history, index, visit))
    return tuple(_quarantine(_in_time(entries)))


def current(entries: Iterable[Entry]) -> Entry | None:
    """The best trusted value, or None."""
    usable = [entry for entry in entries if entry.usable]
    standing = [entry for entry in usable if entry.rank <= WORST_STANDING_RANK]
    if not standing:
        return usable[-1] if usable else None
    last = standing[-1]
    same_moment = [entry for entry in standing if entry.visit == last.visit] if last.visit >= 0 else [last]
    return min(same_moment, key=lambda entry: entry.rank)


def best_of_visit(entries: Iterable[Entry], visit: int, *, read_only: bool = False) -> Entry | None:
    """The most trusted value of one visit that somebody can stand for; ``read_only`` leaves out what a person gave."""
    limit = AGREEMENT_RANK if read_only else WORST_STANDING_RANK
    candidates = [entry for entry in entries if entry.visit == visit and not _no_reading(entry) and entry.rank <= limit]
    return min(candidates, key=lambda entry: entry.rank, default=None)


def _no_reading(entry: Entry) -> bool:
    return bool(entry.voided) or entry.quarantined in {"zero", "implausible"}


def _of_services(services: Iterable[ServiceRecord]) -> Iterable[Entry]:
    for record in services:
        if record.odometer_m is not None:
            yield Entry(
                id=f"{record.id}/odometer",
                at=record.done_at,
                source="service",
                ecu="",
                odometer_m=record.odometer_m,
                trust=Trust.UPSTREAM,
                rank=RANK[Trust.UPSTREAM],
            )


def _of_visit(history: History, index: int, visit: Visit) -> list[Entry]:
    name = visit_id(history, index)
    at = visit.at or visit.snapshot.taken_at
    entries = [
        _entry(f"{name}/odometer/{place}", at, name, index, part)
        for place, part in enumerate(visit.snapshot.odometer)
        if part.status is ItemStatus.READ and part.odometer_m is not None
    ]
    for source, value_m, trust in (("dash", visit.dash_m, Trust.TYPED), ("papers", visit.papers_m, Trust.PAPER)):
        if value_m is not None:
            part = OdometerPart(source=source, odometer_m=value_m, trust=trust)
            entries = _answered_again(entries, _entry(f"{name}/{source}", at, name, index, part))
    return entries


def _answered_again(entries: list[Entry], newer: Entry) -> list[Entry]:
    """Add what a person said after the reading; the same value is not kept twice, another one withdraws the first."""
    if any(entry.source == newer.source and entry.odometer_m == newer.odometer_m for entry in entries):
        return entries
    return [replace(one, voided="corrected") if one.source == newer.source else one for one in entries] + [newer]


def _entry(entry_id: str, at: datetime | None, snapshot_id: str, visit: int, part: OdometerPart) -> Entry:
    return Entry(
        id=entry_id,
        at=at,
        source=part.source,
        ecu=part.ecu,
        odometer_m=part.odometer_m or 0,
        trust=part.trust,
        raw=part.raw,
        snapshot_id=snapshot_id,
        visit=visit,
        rank=RANK[part.trust],
    )


def _ranked(entries: list[Entry]) -> list[Entry]:
    """Raise two hints that agree: two units that were not asked to agree rarely do so by chance."""
    agreeing: set[str] = set()
    for one, other in combinations(entries, 2):
        independent = (one.source, one.ecu) != (other.source, other.ecu)
        if independent and one.odometer_m and agree(one.odometer_m, other.odometer_m):
            agreeing |= {one.id, other.id}
    return [
        replace(entry, rank=AGREEMENT_RANK) if entry.trust is Trust.HINT and entry.id in agreeing else entry
        for entry in entries
    ]


def _in_time(entries: list[Entry]) -> list[Entry]:
    """Stable order by visit, then services where their date puts them; an undated visit keeps its place."""
    placed: list[tuple[datetime | None, Entry]] = []
    latest: datetime | None = None
    for entry in (entry for entry in entries if entry.visit >= 0):
        latest = entry.at if entry.at and (latest is None or entry.at > latest) else latest
        placed.append((latest, entry))
    ordered = [entry for _, entry in placed]
    for service in sorted((entry for entry in entries if entry.visit < 0), key=lambda entry: (str(entry.at), entry.id)):
        later = [place for place, entry in enumerate(ordered) if _is_later(entry, service)]
        ordered.insert(later[0] if later else len(ordered), service)
    return ordered


def _is_later(entry: Entry, service: Entry) -> bool:
    return entry.at is not None and service.at is not None and entry.at > service.at


def _quarantine(entries: list[Entry]) -> list[Entry]:
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
    if before.at is None or entry.at is None:
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
