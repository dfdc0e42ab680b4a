"""The records an intake owes: one snapshot with its mileage entry and code changes; later answers come after it."""

from agent.answers import Answers
from agent.ledger import Intake
from evidence.ledger import best_of_visit
from evidence.snapshot import RoadTestPart, Snapshot
from evidence.verdict import Judgement
from protocols.readings import Trust
from sync.records import (
    AnyBody,
    DriveBody,
    DtcBody,
    DtcChange,
    FindingBody,
    MileageBody,
    SnapshotBody,
    StatementBody,
    VehicleRef,
)

DASH = "dash"


def of_visit(intake: Intake, snapshot: Snapshot, judgement: Judgement, visit: int) -> tuple[AnyBody, ...]:
    """Exactly one snapshot, the mileage entry nobody had to write, and how the codes differ from the visit before.

    ``visit`` is the number of this visit in the history that was judged.
    """
    vehicle = _vehicle(intake)
    changes = tuple(
        DtcBody(
            vehicle=vehicle,
            snapshot_id=intake.id,
            change=DtcChange(change.change),
            code=change.code,
            dtc_class=change.dtc_class,
            ecu=change.ecu,
        )
        for change in judgement.dtc_changes
    )
    return (SnapshotBody(snapshot=snapshot), *_mileage(intake, judgement, visit), *changes)


def of_answers(before: Intake, after: Intake) -> tuple[AnyBody, ...]:
    """What changed after the snapshot had gone, and the recomputed verdict when it differs. Empty when nothing did."""
    drive = after.snapshot.road_test if after.snapshot else None
    if before.snapshot is not None and drive is not None and drive != before.snapshot.road_test:
        return (*of_drive(before, after, drive), *_entry(before, after))
    entry = _entry(before, after)
    return (*entry, *verdict_of(before, after)) if entry else ()


def _entry(before: Intake, after: Intake) -> tuple[MileageBody, ...]:
    if not _told(before.answers, after.answers) and before.purpose is after.purpose:
        return ()
    dash_m = after.answers.dash_m if after.answers.dash_m != before.answers.dash_m else None
    entry = MileageBody(
        vehicle=_vehicle(after),
        snapshot_id=after.id,
        purpose=after.purpose,
        operator=after.answers.operator,
        odometer_m=dash_m,
        source=DASH if dash_m is not None else "",
        trust=Trust.TYPED,
        model=after.answers.model,
    )
    return (entry,)


def of_drive(before: Intake, after: Intake, drive: RoadTestPart) -> tuple[AnyBody, ...]:
    """The drive itself, from which upstream makes a mileage entry at each end, and what it changed in the verdict."""
    body = DriveBody(vehicle=_vehicle(after), snapshot_id=after.id, operator=after.answers.operator, road_test=drive)
    return (body, *verdict_of(before, after))


def of_statement(intake: Intake, rule: str, text: str, operator: str) -> StatementBody:
    """What the seller said to a finding, for upstream."""
    return StatementBody(vehicle=_vehicle(intake), snapshot_id=intake.id, rule=rule, text=text, operator=operator)


def verdict_of(before: Intake, after: Intake) -> tuple[FindingBody, ...]:
    """The recomputed verdict as a record, unless it says what was said before."""
    old, new = before.snapshot, after.snapshot
    if old is None or new is None or _judged(old) == _judged(new):
        return ()
    body = FindingBody(
        vehicle=_vehicle(after),
        snapshot_id=after.id,
        verdict=new.verdict,
        checks=new.checks,
        findings=new.findings,
    )
    return (body,)


def _mileage(intake: Intake, judgement: Judgement, visit: int) -> tuple[MileageBody, ...]:
    best = best_of_visit(judgement.entries, visit)
    if best is None:
        return ()
    entry = MileageBody(
        vehicle=_vehicle(intake),
        snapshot_id=intake.id,
        purpose=intake.purpose,
        operator=intake.answers.operator,
        odometer_m=best.odometer_m,
        source=best.source,
        ecu=best.ecu,
        raw=best.raw,
        trust=best.trust,
        model=intake.answers.model,
    )
    return (entry,)


def _judged(snapshot: Snapshot) -> tuple[object, ...]:
    return snapshot.verdict, snapshot.checks, snapshot.findings


def _told(before: Answers, after: Answers) -> bool:
    """Whether anything the back office keeps has changed; who typed is no change by itself."""
    names = ("plate", "stock_number", "dash_m", "papers_m", "model")
    return any(getattr(before, name) != getattr(after, name) for name in names)


def _vehicle(intake: Intake) -> VehicleRef:
    return VehicleRef(
        vin=intake.vin,
        plate=intake.answers.plate,
        stock_number=intake.answers.stock_number,
        intake_id=intake.id,
    )
