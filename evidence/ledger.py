"""The odometer ledger: every value anybody gave, with where it comes from, and which one to believe.

Rules for "current": the most recent moment that has a value somebody can stand for; within it the most trusted
witness (`entry.RANK`). Never the largest. A quarantined or voided value is kept and shown, and never current. A lone
unconfirmed maker's row (hint) and a number from papers serve only while nothing better was ever seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, groupby

from evidence.alone import without_lone
from evidence.entry import AGREEMENT_RANK, NO_MILEAGE, NOT_MEANT, RANK, WORST_STANDING_RANK, Entry, agree, most_trusted
from evidence.history import History, MileageRecord, ServiceRecord, Visit, Void, in_utc
from evidence.offsets import with_offsets
from evidence.quarantine import quarantine
from evidence.snapshot import ClockQuality, Snapshot
from evidence.typed import doubt_typed
from protocols.readings import ItemStatus, Trust

__all__ = ["Entry", "best_of_visit", "build_ledger", "current", "visit_id"]

_UNITS = {"01A6": "0.1 km", "dash": "km", "papers": "km"}
_BY_PEOPLE = frozenset({Trust.TYPED, Trust.PHOTO, Trust.PAPER})
# a record may be dated a little ahead of us: another zone, another clock
AHEAD = timedelta(days=1)
# agreeing once may be chance, agreeing again after this distance is not
PROVEN_OVER_M = 1_000_000


def visit_id(history: History, index: int) -> str:
    """The snapshot's id, or a stand-in made from the history's id and the visit's number."""
    return history.visits[index].snapshot.id or f"{history.id}#{index + 1}"


def build_ledger(history: History, now: datetime | None = None) -> tuple[Entry, ...]:
    """All values of a car in the order of time, each with its rank and, where due, the reason of its quarantine.

    A record without a visit that is dated after ``now`` has no place in time: it is quarantined.
    """
    loose = [*_of_services(history.services), *(_of_mileage(record) for record in history.mileages)]
    entries = [_dated_ahead(entry, now) for entry in loose]
    for index, visit in enumerate(history.visits):
        entries += _of_visit(history, index, visit)
    ordered = with_offsets(_in_time(_voided(entries, history.voids)), history.events, history.visits)
    believed = without_lone(_proven(_ranked(ordered)), history.visits)
    return tuple(quarantine(doubt_typed(believed, history.visits)))


def current(entries: Iterable[Entry]) -> Entry | None:
    """The best trusted value, or None."""
    usable = [entry for entry in entries if entry.usable]
    standing = [entry for entry in usable if entry.rank <= WORST_STANDING_RANK]
    if not standing:
        return usable[-1] if usable else None
    last = standing[-1]
    return most_trusted(entry for entry in standing if entry.visit == last.visit) if last.visit >= 0 else last


def best_of_visit(entries: Iterable[Entry], visit: int, *, read_only: bool = False) -> Entry | None:
    """The most trusted value of one visit that somebody can stand for; ``read_only`` leaves out what a person gave."""
    limit = AGREEMENT_RANK if read_only else WORST_STANDING_RANK
    of_visit = [entry for entry in entries if entry.visit == visit]
    return most_trusted(entry for entry in of_visit if entry.rank <= limit and not _no_reading(entry))


def _no_reading(entry: Entry) -> bool:
    unbelieved = entry.rank > AGREEMENT_RANK and entry.quarantined in NOT_MEANT
    return bool(entry.voided) or entry.quarantined in NO_MILEAGE or unbelieved


def _of_services(services: Iterable[ServiceRecord]) -> Iterable[Entry]:
    for record in services:
        if record.odometer_m is not None:
            yield Entry(
                id=f"{record.id}/odometer",
                at=in_utc(record.done_at),
                source="service",
                ecu="",
                odometer_m=record.odometer_m,
                trust=Trust.UPSTREAM,
                rank=RANK[Trust.UPSTREAM],
                unit="km",
            )


def _of_mileage(record: MileageRecord) -> Entry:
    return Entry(
        id=record.id,
        at=in_utc(record.at) if record.at else None,
        source=record.source,
        ecu=record.ecu,
        odometer_m=record.odometer_m,
        trust=record.trust,
        raw=record.raw,
        rank=RANK[record.trust],
        dated=record.clock is not ClockQuality.NONE,
        clock=record.clock,
        unit=record.unit,
        person=record.person,
    )


def _dated_ahead(entry: Entry, now: datetime | None) -> Entry:
    ahead = now is not None and entry.at is not None and entry.at > in_utc(now) + AHEAD
    return replace(entry, quarantined="future", dated=False) if ahead else entry


def _of_visit(history: History, index: int, visit: Visit) -> list[Entry]:
    name, snapshot = visit_id(history, index), visit.snapshot
    stamp = visit.at or snapshot.taken_at
    at, dated = in_utc(stamp) if stamp else None, not _clock_never_set(snapshot)
    blank = _Blank(name, index, at, dated, snapshot.clock, snapshot.operator)
    entries = [
        blank.entry(f"odometer/{place}", part.source, part.odometer_m, part.trust, part.ecu, part.raw)
        for place, part in enumerate(snapshot.odometer)
        if part.odometer_m is not None and part.status is ItemStatus.READ
    ]
    if visit.dash_m is not None:
        entries = _answered_again(entries, blank.entry("dash", "dash", visit.dash_m, Trust.TYPED))
    if visit.papers_m is not None:
        entries = _answered_again(entries, blank.entry("papers", "papers", visit.papers_m, Trust.PAPER))
    return entries


def _answered_again(entries: list[Entry], newer: Entry) -> list[Entry]:
    """Add what a person said after the reading; the same value is not kept twice, another one withdraws the first."""
    said = [entry.odometer_m for entry in entries if entry.source == newer.source]
    if newer.odometer_m in said:
        return entries
    if said:
        entries = [replace(one, voided="corrected") if one.source == newer.source else one for one in entries]
    return [*entries, newer]


@dataclass(slots=True)
class _Blank:
    """What all values of one visit have in common."""

    name: str
    visit: int
    at: datetime | None
    dated: bool
    clock: ClockQuality
    operator: str

    def entry(self, place: str, source: str, odometer_m: int, trust: Trust, ecu: str = "", raw: str = "") -> Entry:
        person = self.operator if self.operator and trust in _BY_PEOPLE else ""
        # by place, not by name: there are hundreds, and the names would cost more than the values
        said = (f"{self.name}/{place}", self.at, source, ecu, odometer_m, trust, raw, self.name, self.visit)
        return Entry(*said, RANK[trust], "", "", self.dated, self.clock, _UNITS.get(source, ""), 0, person)


def _clock_never_set(snapshot: Snapshot) -> bool:
    """Whether the snapshot itself says so; one from elsewhere that says nothing of its clock is believed."""
    return snapshot.clock is ClockQuality.NONE and "clock" in snapshot.model_fields_set


def _ranked(entries: list[Entry]) -> list[Entry]:
    """Raise two hints of one visit that agree: two units that were not asked to agree rarely do so by chance."""
    if all(entry.trust is not Trust.HINT for entry in entries):
        return entries
    agreeing: set[str] = set()
    for visit, group in groupby(entries, key=lambda entry: entry.visit):
        of_visit = list(group)
        if visit >= 0 and any(entry.trust is Trust.HINT for entry in of_visit):
            agreeing |= _agreeing(of_visit)
    return [_raised(entry) if entry.id in agreeing else entry for entry in entries]


def _agreeing(of_visit: Iterable[Entry]) -> set[str]:
    return {
        entry.id
        for one, other in combinations(of_visit, 2)
        if (one.source, one.ecu) != (other.source, other.ecu) and one.odometer_m and agree(one.life_m, other.life_m)
        for entry in (one, other)
    }


def _proven(entries: list[Entry]) -> list[Entry]:
    """Raise a hint everywhere that agreed with somebody else at several mileages: it is an odometer of this car."""
    agreed: dict[tuple[str, str], list[int]] = {}
    for entry in entries:
        if entry.trust is Trust.HINT and entry.rank == AGREEMENT_RANK:
            agreed.setdefault((entry.source, entry.ecu), []).append(entry.life_m)
    proven = {unit for unit, values in agreed.items() if max(values) - min(values) >= PROVEN_OVER_M}
    if not proven:
        return entries
    return [_raised(entry) if (entry.source, entry.ecu) in proven else entry for entry in entries]


def _raised(hint: Entry) -> Entry:
    return replace(hint, rank=AGREEMENT_RANK) if hint.trust is Trust.HINT else hint


def _voided(entries: list[Entry], voids: Iterable[Void]) -> list[Entry]:
    """The latest void of a value speaks."""
    said = {void.entry_id: void.reason for void in sorted(voids, key=lambda void: (in_utc(void.at), void.reason))}
    return [replace(entry, voided=said[entry.id]) if entry.id in said else entry for entry in entries]


def _in_time(entries: list[Entry]) -> list[Entry]:
    """Visits in their order; any other record before the first visit that is dated after it, else at the end."""
    ordered = [entry for entry in entries if entry.visit >= 0]
    loose = sorted((entry for entry in entries if entry.visit < 0), key=lambda entry: (str(entry.at), entry.id))
    for record in loose:
        later = (place for place, entry in enumerate(ordered) if _is_later(entry, record))
        ordered.insert(next(later, len(ordered)), record)
    return ordered


def _is_later(entry: Entry, record: Entry) -> bool:
    return entry.dated and entry.at is not None and record.at is not None and entry.at > record.at
