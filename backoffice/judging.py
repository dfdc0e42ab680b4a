"""What a dossier comes to: the verdict by the same functions as at the edge, and the view that people get of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backoffice.dossier import Dossier
from backoffice.views import CodeView, DueView, OdometerView, VehicleDetail, VehicleSummary
from evidence.history import ServiceRecord
from evidence.snapshot import CounterPart, Finding, Severity, Snapshot
from protocols.readings import ItemStatus

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
    snapshot = latest.snapshot
    current = OdometerView()
    due: tuple[DueView, ...] = ()
    detail = VehicleDetail(
        **_identity(dossier),
        id=vehicle_id,
        current_odometer_m=current.odometer_m,
        odometer=current,
        verdict=snapshot.verdict,
        worst_severity=worst(snapshot.findings),
        awaiting_dash=latest.awaiting_dash,
        last_seen_at=latest.at,
        checks=snapshot.checks,
        findings=snapshot.findings,
        due=due,
        **_condition(snapshot),
    )
    return Judged(detail, ())


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
