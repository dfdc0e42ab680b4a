"""One car's file, folded from its records: visits with the answers that came later, and the identity they add up to.

Pure: the same records give the same dossier whatever order they arrived in.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from backoffice.chronology import Dated
from backoffice.decisions import NOTHING_DECIDED, Standing, voids_of
from backoffice.identity import normalise
from backoffice.joining import corrected, with_joined
from backoffice.visits import Answer, Statement, VisitFact
from evidence.drives import drive_entries
from evidence.history import History, ServiceRecord, Visit
from evidence.snapshot import ClockQuality, OdometerPart, RoadTestPart, Snapshot, VehiclePart, VinStatus
from evidence.vin import check_digit, describe_vin
from protocols.readings import Trust
from sync.records import DriveBody, MileageBody, SnapshotBody, StatementBody

DASH = "dash"
PAPERS = "papers"


@dataclass(frozen=True, slots=True)
class PlateSeen:
    plate: str
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Dossier:
    """``visits`` oldest first; ``vehicle`` is the identity they add up to."""

    visits: tuple[VisitFact, ...]
    vehicle: VehiclePart
    plates: tuple[PlateSeen, ...]

    @property
    def latest(self) -> VisitFact | None:
        return self.visits[-1] if self.visits else None


def fold(records: Iterable[Dated], decided: Standing = NOTHING_DECIDED, vin: str = "") -> Dossier:
    """Fold records that are already in order, with what people decided about them; ``vin`` is the car's own."""
    pile = _Pile()
    for dated in records:
        pile.take(dated)
    visits = [corrected(visit, decided.wrong_vins, vin) for visit in with_joined(pile.visits(), decided.joined)]
    visits.sort(key=lambda visit: (visit.dated.order, visit.dated.stored.seq))
    return Dossier(tuple(visits), _identity(visits), _plates(visits))


class _Pile:
    """A car's records sorted by the visit they belong to."""

    def __init__(self) -> None:
        self._snapshots: dict[str, Dated] = {}
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        self._statements: dict[str, list[Statement]] = defaultdict(list)
        self._drives: dict[str, RoadTestPart] = {}

    def take(self, dated: Dated) -> None:
        body = dated.stored.record.body
        if isinstance(body, SnapshotBody):
            # An intake emits one snapshot; the same one from a restored outbox is not another visit.
            self._snapshots.setdefault(snapshot_key(body.snapshot, dated), dated)
        elif isinstance(body, MileageBody):
            self._answers[body.snapshot_id or dated.stored.key].append(Answer(dated, body))
        elif isinstance(body, StatementBody):
            self._statements[body.snapshot_id].append(Statement(dated, body))
        elif isinstance(body, DriveBody):
            known = self._drives.get(body.snapshot_id)
            if known is None or (body.road_test.speed_distance_m or 0) >= (known.speed_distance_m or 0):
                self._drives[body.snapshot_id] = body.road_test

    def visits(self) -> list[VisitFact]:
        """One for each snapshot, and for each visit that only an answer speaks of."""
        found = [_visit(key, dated, self._answers.pop(key, [])) for key, dated in self._snapshots.items()]
        found += [_visit_without_snapshot(key, left) for key, left in self._answers.items()]
        return [self._with_more(visit) for visit in found]

    def _with_more(self, visit: VisitFact) -> VisitFact:
        """What was told beside the answers: the seller's words, and a drive (the longest stands for the visit)."""
        statements, drive = tuple(self._statements[visit.snapshot.id]), self._drives.get(visit.snapshot.id)
        if drive is None:
            return replace(visit, statements=statements) if statements else visit
        snapshot = visit.snapshot.model_copy(update={"road_test": drive})
        return replace(visit, snapshot=snapshot, statements=statements)


def snapshot_key(snapshot: Snapshot, dated: Dated) -> str:
    """The snapshot's own id; its record's identity when it came without one."""
    return snapshot.id or dated.stored.key


def history_of(
    dossier: Dossier,
    vehicle_id: str,
    services: Sequence[ServiceRecord],
    market: str,
    decided: Standing = NOTHING_DECIDED,
) -> History:
    """The input of every check."""
    visits = tuple(Visit(visit.at, _redated(visit), visit.dash_m, visit.papers_m) for visit in dossier.visits)
    return History(
        vehicle_id,
        visits,
        tuple(sorted(services, key=lambda service: service.done_at)),
        market,
        mileages=(*decided.mileages, *(entry for visit in visits for entry in drive_entries(visit.snapshot))),
        events=decided.events,
        voids=voids_of(decided, visits),
    )


def _redated(visit: VisitFact) -> Snapshot:
    """The snapshot with the clock that a later ``clock`` record vouches for."""
    if visit.snapshot.clock is not ClockQuality.NONE or visit.dated.clock is ClockQuality.NONE:
        return visit.snapshot
    return visit.snapshot.model_copy(update={"taken_at": visit.at, "clock": visit.dated.clock})


def is_typed(body: MileageBody) -> bool:
    """Whether a person gave this value (as opposed to an entry that the edge drew from the snapshot)."""
    return body.source in (DASH, PAPERS) or body.trust in (Trust.TYPED, Trust.PHOTO, Trust.PAPER)


def _visit(key: str, dated: Dated, answers: list[Answer]) -> VisitFact:
    body = dated.stored.record.body
    assert isinstance(body, SnapshotBody)  # noqa: S101  # fold() put nothing else there
    snapshot = body.snapshot.model_copy(update={"id": key})
    return _answered(snapshot, dated, answers)


def _visit_without_snapshot(key: str, answers: list[Answer]) -> VisitFact:
    """Mileage whose snapshot is unknown or still under way: what it says stands alone until then."""
    first = answers[0]
    witnesses = tuple(
        OdometerPart(
            source=a.body.source, ecu=a.body.ecu, odometer_m=a.body.odometer_m, raw=a.body.raw, trust=a.body.trust
        )
        for a in answers
        if a.body.odometer_m is not None and not is_typed(a.body)
    )
    snapshot = Snapshot(
        id=key,
        taken_at=first.dated.at,
        clock=first.dated.clock,
        operator=first.body.operator,
        purpose=first.body.purpose,
        odometer=witnesses,
    )
    return _answered(snapshot, first.dated, answers)


def _answered(snapshot: Snapshot, dated: Dated, answers: list[Answer]) -> VisitFact:
    dash_m, papers_m = _shown(snapshot, DASH), _shown(snapshot, PAPERS)
    vehicle, operator, purpose = snapshot.vehicle, snapshot.operator, snapshot.purpose
    for answer in answers:
        vehicle, operator = _named(vehicle, answer.body), answer.body.operator or operator
        purpose = answer.body.purpose
        if answer.body.odometer_m is None or not is_typed(answer.body):
            continue
        if answer.body.source == PAPERS or answer.body.trust is Trust.PAPER:
            papers_m = answer.body.odometer_m
        else:
            dash_m = answer.body.odometer_m
    known = snapshot.model_copy(update={"vehicle": vehicle, "operator": operator, "purpose": purpose})
    if any(part.source == DASH and part.odometer_m != dash_m for part in known.odometer):
        # a corrected answer takes the place of the one in the snapshot; the record of the first stays
        rest = tuple(part for part in known.odometer if part.source != DASH)
        known = known.model_copy(update={"odometer": rest})
    return VisitFact(known, dated, dash_m, papers_m, tuple(answers))


def _shown(snapshot: Snapshot, source: str) -> int | None:
    values = [part.odometer_m for part in snapshot.odometer if part.source == source and part.odometer_m is not None]
    return values[-1] if values else None


def _named(vehicle: VehiclePart, body: MileageBody) -> VehiclePart:
    """``vehicle`` with what the answer says about it; a VIN that was read stays."""
    said = body.vehicle
    changes: dict[str, object] = {}
    if said.vin and not vehicle.vin:
        vin = normalise(said.vin)
        changes = {"vin": vin, "vin_status": VinStatus.TYPED, "vin_check_digit": check_digit(vin)}
    if said.plate:
        changes["plate"] = said.plate
    if said.stock_number:
        changes["stock_number"] = said.stock_number
    if body.model:
        changes |= {"model": body.model, "model_source": "picked"}
    return vehicle.model_copy(update=changes) if changes else vehicle


def _identity(visits: Sequence[VisitFact]) -> VehiclePart:
    """The latest known value of each field."""
    merged: dict[str, object] = {}
    for visit in visits:
        vehicle = visit.snapshot.vehicle
        for field in ("make", "model", "model_source", "model_year", "fuel", "plate", "stock_number"):
            value = getattr(vehicle, field)
            if value not in ("", None):
                merged[field] = value
        if vehicle.vin:
            merged |= {
                "vin": normalise(vehicle.vin),
                "vin_status": vehicle.vin_status,
                "vin_check_digit": vehicle.vin_check_digit,
            }
    return _described(VehiclePart().model_copy(update=merged), visits)


def _described(vehicle: VehiclePart, visits: Sequence[VisitFact]) -> VehiclePart:
    """Make and model year that a VIN says by itself, where the edge did not know the VIN yet."""
    if not vehicle.vin or vehicle.make:
        return vehicle
    facts = describe_vin(vehicle.vin, this_year=visits[-1].at.year)
    return vehicle.model_copy(update={"make": facts.make, "model_year": facts.model_year})


def _plates(visits: Sequence[VisitFact]) -> tuple[PlateSeen, ...]:
    seen: dict[str, PlateSeen] = {}
    for visit in visits:
        plate = visit.snapshot.vehicle.plate
        key = normalise(plate)
        if key:
            first = seen[key].first_seen_at if key in seen else visit.at
            seen[key] = PlateSeen(plate, first, visit.at)
    return tuple(seen.values())
