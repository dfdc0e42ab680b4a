"""What the back office has told this box about a car, as the checks take it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evidence.drives import drive_entries
from evidence.history import History, OdometerEvent, ServiceRecord, Visit, Void, in_utc
from sync.command_facts import EventFact, Fact, MergeFact, ServiceFact, VoidFact


@dataclass(frozen=True, slots=True)
class Told:
    """Services, events and withdrawn values of one car."""

    services: tuple[ServiceRecord, ...] = ()
    events: tuple[OdometerEvent, ...] = ()
    voids: tuple[VoidFact, ...] = ()


NOTHING_TOLD = Told()


def told_of(facts: Iterable[Fact]) -> Told:
    """Sort facts of one car; raise ValueError for an event that says too little."""
    known = tuple(facts)
    services = tuple(_service(fact) for fact in known if isinstance(fact, ServiceFact))
    events = tuple(_event(fact) for fact in known if isinstance(fact, EventFact))
    return Told(services, events, tuple(fact for fact in known if isinstance(fact, VoidFact)))


def history_with(vin: str, visits: Sequence[Visit], told: Told) -> History:
    """The input of the checks: this box's visits, and what it was told."""
    voids = tuple(void for fact in told.voids for void in _voids(fact, visits))
    driven = tuple(entry for visit in visits for entry in drive_entries(visit.snapshot))
    return History(vin, tuple(visits), told.services, mileages=driven, events=told.events, voids=voids)


@dataclass(frozen=True, slots=True)
class Claims:
    """Which visits belong to one car: those of ``vins``, with the intakes ``taken_in`` and without ``taken_out``."""

    vins: frozenset[str]
    taken_in: frozenset[str] = frozenset()
    taken_out: frozenset[str] = frozenset()


def claims_of(vin: str, merges: Sequence[MergeFact]) -> Claims:
    """Follow ``merges``, oldest first, of all cars; of two that speak of the same visit or VIN the later one holds."""
    leads = {merge.other_vin: merge.vin for merge in merges if merge.other_vin}
    owner = {intake: merge.vin for merge in merges for intake in merge.intake_ids}
    end = _end(vin, leads)
    mine = frozenset({vin, end, *(other for other in leads if _end(other, leads) == end)})
    taken_in = frozenset(intake for intake, whose in owner.items() if whose in mine)
    return Claims(mine, taken_in, frozenset(owner) - taken_in)


def _end(vin: str, leads: Mapping[str, str]) -> str:
    """Where merges lead from ``vin``; a circle of them leads to its smallest, whoever asks."""
    seen = [vin]
    while (further := leads.get(seen[-1])) is not None:
        if further in seen:
            return min(seen[seen.index(further) :])
        seen.append(further)
    return seen[-1]


def _service(fact: ServiceFact) -> ServiceRecord:
    return ServiceRecord(
        id=fact.id,
        done_at=in_utc(fact.done_at),
        odometer_m=fact.odometer_m,
        items=fact.items,
        engine_run_s=fact.engine_run_s,
        hev_m=fact.hev_m,
    )


def _event(fact: EventFact) -> OdometerEvent:
    return OdometerEvent(fact.id, in_utc(fact.at), fact.event, fact.person, fact.before_m, fact.after_m)


def _voids(fact: VoidFact, visits: Iterable[Visit]) -> Iterable[Void]:
    """The void of each entry that says what was withdrawn; here an entry may have another place than upstream."""
    visit = next((one for one in visits if fact.snapshot_id and one.snapshot.id == fact.snapshot_id), None)
    names = _entries(fact, visit) if visit else [fact.entry_id] if fact.entry_id else []
    return [Void(name, fact.reason, fact.person, in_utc(fact.at)) for name in names]


def _entries(fact: VoidFact, visit: Visit) -> list[str]:
    name, said = visit.snapshot.id, (fact.source, fact.ecu, fact.odometer_m)
    witnesses = enumerate(visit.snapshot.odometer)
    found = [f"{name}/odometer/{place}" for place, one in witnesses if (one.source, one.ecu, one.odometer_m) == said]
    typed = {"dash": visit.dash_m, "papers": visit.papers_m}
    if fact.odometer_m is not None and typed.get(fact.source) == fact.odometer_m:
        found.append(f"{name}/{fact.source}")
    return found
