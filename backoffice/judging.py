"""What a dossier comes to: the verdict by the same functions as at the edge, and the view that people get of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backoffice.dossier import Dossier, history_of
from backoffice.views import CodeView, DueView, OdometerView, VehicleDetail, VehicleSummary
from config.catalogue import text_of
from evidence.due import DueItem, DueState
from evidence.history import ServiceRecord
from evidence.ledger import Entry, best_of_visit
from evidence.snapshot import CounterPart, Finding, Severity, Snapshot, Text
from evidence.verdict import judge
from protocols.readings import ItemStatus

EDGE_RULES = frozenset({"vin.changed_while_plugged", "vin.same_at_two_bays"})
_RANK = {Severity.NOTE: 0, Severity.SOON: 1, Severity.STOP: 2}


@dataclass(frozen=True, slots=True)
class EntryFact:
    """One line of the mileage log; ``quarantined`` says why it is not believed, "" when it is."""

    snapshot_id: str
    at: datetime | None
    source: str
    ecu: str
    odometer_m: int
    raw: str
    trust: str
    quarantined: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    detail: VehicleDetail
    entries: tuple[EntryFact, ...]


def judge_dossier(
    vehicle_id: str, dossier: Dossier, services: Sequence[ServiceRecord], *, market: str, now: datetime
) -> Judged:
    """Judge everything known about one car at ``now``."""
    latest = dossier.latest
    if latest is None:
        return Judged(VehicleDetail(id=vehicle_id), ())
    judgement = judge(history_of(dossier, vehicle_id, services, market), now=now)
    findings = (*judgement.findings, *_only_seen_at_the_edge(latest.snapshot))
    current = _odometer_view(judgement.current)
    detail = VehicleDetail(
        **_identity(dossier),
        id=vehicle_id,
        current_odometer_m=current.odometer_m,
        odometer=current,
        verdict=judgement.verdict,
        worst_severity=worst(findings),
        awaiting_dash=latest.awaiting_dash,
        last_seen_at=latest.at,
        checks=judgement.checks,
        findings=findings,
        latest_odometer_m=_said_last(judgement.entries, len(dossier.visits) - 1),
        due=tuple(due_view(item) for item in judgement.due),
        **_condition(latest.snapshot),
    )
    return Judged(detail, tuple(_entry_fact(entry) for entry in judgement.entries))


def _only_seen_at_the_edge(snapshot: Snapshot) -> tuple[Finding, ...]:
    """What no record can show again: it happened between two readings in the bay."""
    return tuple(finding for finding in snapshot.findings if finding.rule in EDGE_RULES)


def _said_last(entries: Sequence[Entry], visit: int) -> int | None:
    said = best_of_visit(entries, visit)
    return said.odometer_m if said else None


def _odometer_view(entry: Entry | None) -> OdometerView:
    if entry is None:
        return OdometerView()
    return OdometerView(odometer_m=entry.odometer_m, source=entry.source, trust=entry.trust.value, at=entry.at)


def _entry_fact(entry: Entry) -> EntryFact:
    return EntryFact(
        snapshot_id=entry.snapshot_id,
        at=entry.at,
        source=entry.source,
        ecu=entry.ecu,
        odometer_m=entry.odometer_m,
        raw=entry.raw,
        trust=entry.trust.value,
        quarantined=entry.voided or entry.quarantined,
    )


def due_view(item: DueItem) -> DueView:
    """A service item as people read it."""
    return DueView(
        item=item.item,
        state=item.state.value,
        remaining_m=item.remaining_m,
        remaining_days=item.remaining_days,
        text=Text(**_due_text(item)),
    )


def _due_text(item: DueItem) -> dict[str, str]:
    name = f"@service.{item.item}"
    if item.state is DueState.UNKNOWN:
        return text_of("due_text.unknown", item=name)
    over_m, over_days = _over(item.remaining_m), _over(item.remaining_days)
    if over_m and over_days:
        return text_of("due_text.overdue", item=name, over_m=over_m, over_days=over_days)
    if over_m:
        return text_of("due_office.overdue_distance", item=name, over_m=over_m)
    if over_days:
        return text_of("due_office.overdue_time", item=name, over_days=over_days)
    if item.remaining_m is None:
        return text_of("due_text.known_time", item=name, remaining_days=item.remaining_days)
    if item.remaining_days is None:
        return text_of("due_text.known_distance", item=name, remaining_m=item.remaining_m)
    return text_of("due_text.known", item=name, remaining_m=item.remaining_m, remaining_days=item.remaining_days)


def _over(remaining: int | None) -> int:
    return max(0, -remaining) if remaining is not None else 0


def worst(findings: Sequence[Finding]) -> Severity | None:
    """The severity that decides how urgent a car is."""
    return max((finding.severity for finding in findings), key=_RANK.__getitem__, default=None)


def summary_of(detail: VehicleDetail) -> VehicleSummary:
    """The part of ``detail`` that lists show."""
    return VehicleSummary(**{name: getattr(detail, name) for name in VehicleSummary.model_fields})


def _identity(dossier: Dossier) -> dict[str, object]:
    vehicle = dossier.vehicle
    names = ("vin", "plate", "stock_number", "make", "model", "model_year", "fuel")
    return {name: getattr(vehicle, name) for name in names}


def _condition(snapshot: Snapshot) -> dict[str, object]:
    """What the latest visit read of the car's state."""
    return {
        "mil": snapshot.mil,
        "battery_v": snapshot.battery_v,
        "dtcs": tuple(CodeView(code=c.code, dtc_class=c.dtc_class, ecu=c.ecu, text=c.text) for c in snapshot.dtcs),
        "distance_since_clear_m": first_read(snapshot.counters.distance_since_clear_m),
        "warmups_since_clear": first_read(snapshot.counters.warmups_since_clear),
        "snapshot_id": snapshot.id,
        "latest_snapshot": snapshot,
    }


def first_read(counters: Sequence[CounterPart]) -> int | None:
    """The value of the lowest ECU address that answered (7E8 is the engine's, ISO 15765-4)."""
    read = [part for part in counters if part.status is ItemStatus.READ and part.value is not None]
    return min(read, key=lambda part: part.ecu).value if read else None
