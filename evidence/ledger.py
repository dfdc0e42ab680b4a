"""The odometer ledger: every value anybody gave, with where it comes from, and which one to believe.

Rules for "current": the most recent visit that has a value somebody can stand for; within it the most trusted
witness (`entry.RANK`). Never the largest. A quarantined value is kept and shown, and never current. A lone unconfirmed
maker's row (hint) and a number from papers serve only while nothing better was ever seen.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

from evidence.entry import AGREEMENT_RANK, RANK, WORST_STANDING_RANK, Entry, agree
from evidence.history import History, ServiceRecord, Visit, in_utc
from evidence.quarantine import quarantine
from evidence.snapshot import ClockQuality, OdometerPart, Snapshot
from protocols.readings import ItemStatus, Trust

__all__ = ["Entry", "best_of_visit", "build_ledger", "current", "visit_id"]


def visit_id(history: History, index: int) -> str:
    """The snapshot's id, or a stand-in made from the history's id and the visit's number."""
    return history.visits[index].snapshot.id or f"{history.id}#{index + 1}"


def build_ledger(history: History) -> tuple[Entry, ...]:
    """All values of a car in the order of time, each with its rank and, where due, the reason of its quarantine."""
    entries = [*_of_services(history.services)]
    for index, visit in enumerate(history.visits):
        entries += _ranked(_of_visit(history, index, visit))
    return tuple(quarantine(_in_time(entries)))


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
                at=in_utc(record.done_at),
                source="service",
                ecu="",
                odometer_m=record.odometer_m,
                trust=Trust.UPSTREAM,
                rank=RANK[Trust.UPSTREAM],
            )


def _of_visit(history: History, index: int, visit: Visit) -> list[Entry]:
    name = visit_id(history, index)
    entries = [
        _entry(f"{name}/odometer/{place}", name, index, visit, part)
        for place, part in enumerate(visit.snapshot.odometer)
        if part.status is ItemStatus.READ and part.odometer_m is not None
    ]
    for source, value_m, trust in (("dash", visit.dash_m, Trust.TYPED), ("papers", visit.papers_m, Trust.PAPER)):
        if value_m is not None:
            part = OdometerPart(source=source, odometer_m=value_m, trust=trust)
            entries = _answered_again(entries, _entry(f"{name}/{source}", name, index, visit, part))
    return entries


def _answered_again(entries: list[Entry], newer: Entry) -> list[Entry]:
    """Add what a person said after the reading; the same value is not kept twice, another one withdraws the first."""
    if any(entry.source == newer.source and entry.odometer_m == newer.odometer_m for entry in entries):
        return entries
    return [replace(one, voided="corrected") if one.source == newer.source else one for one in entries] + [newer]


def _entry(entry_id: str, snapshot_id: str, index: int, visit: Visit, part: OdometerPart) -> Entry:
    stamp = visit.at or visit.snapshot.taken_at
    return Entry(
        id=entry_id,
        at=in_utc(stamp) if stamp else None,
        source=part.source,
        ecu=part.ecu,
        odometer_m=part.odometer_m or 0,
        trust=part.trust,
        raw=part.raw,
        snapshot_id=snapshot_id,
        visit=index,
        rank=RANK[part.trust],
        dated=not _clock_never_set(visit.snapshot),
    )


def _clock_never_set(snapshot: Snapshot) -> bool:
    """Whether the snapshot itself says so; one from elsewhere that says nothing of its clock is believed."""
    return "clock" in snapshot.model_fields_set and snapshot.clock is ClockQuality.NONE


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
    """Visits in their order; a service stands before the first visit that is dated after it, else at the end."""
    ordered = [entry for entry in entries if entry.visit >= 0]
    services = sorted((entry for entry in entries if entry.visit < 0), key=lambda entry: (str(entry.at), entry.id))
    for service in services:
        later = (place for place, entry in enumerate(ordered) if _is_later(entry, service))
        ordered.insert(next(later, len(ordered)), service)
    return ordered


def _is_later(entry: Entry, service: Entry) -> bool:
    return entry.at is not None and service.at is not None and entry.at > service.at
