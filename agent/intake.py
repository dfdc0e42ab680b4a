"""From one complete reading and a person's answers to a judged snapshot and the records it owes. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent.answers import Answers
from agent.errors import AnswerError
from agent.ledger import Change, Intake, Known, RecordSet, Status, Vehicle, purpose_for
from agent.records import DASH, of_answers, of_drive, of_visit, verdict_of
from agent.upstream_facts import history_with
from collector.events import DriveDone
from evidence.assemble import snapshot_of, with_dash, with_judgement
from evidence.findings import finding
from evidence.history import Visit
from evidence.snapshot import ClockQuality, Finding, RoadTestPart, Severity, Snapshot, VehiclePart, VinStatus
from evidence.verdict import USUAL, Judgement, Terms, judge
from evidence.vin import describe_vin, tail
from protocols.readings import CarReading
from sync.records import AnyBody

VIN_CHANGED = "vin.changed_while_plugged"
SAME_VIN = "vin.same_at_two_bays"
DASH_STEP_M = 1000
OURS = frozenset({VIN_CHANGED, SAME_VIN})  # what only the bays saw: no judgement of the history finds it again


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When this happens, under which privacy notice, and what the bays saw.

    ``changed_from`` is the VIN that answered before, ``same_vin_at`` another bay with the same VIN.
    """

    now: datetime
    clock: ClockQuality = ClockQuality.NONE
    changed_from: str = ""
    same_vin_at: str = ""
    notice: str = ""
    terms: Terms = USUAL


def identified(current: Intake, vin: str, known: Known, interrupted: Intake | None) -> Change:
    """The car being read has said its VIN: why it is here, and answers given before an interrupted scan of it."""
    answers = interrupted.answers.merged(current.answers) if interrupted else current.answers
    purpose = answers.purpose or purpose_for(known.vehicle)
    seen = replace(current, vin=vin if current.status is Status.OPEN else current.vin, answers=answers, purpose=purpose)
    return Change(seen, takes_over=interrupted.id if interrupted else "")


def read(
    current: Intake, reading: CarReading, known: Known, circumstances: Circumstances, *, although_unknown: bool = False
) -> Change:
    """A complete reading: judged and owed when the car's VIN is known, held as awaiting identity when it is not.

    ``although_unknown`` judges it in any case, for a reading that nobody keeps.
    """
    vin = reading.vin or current.answers.vin
    answers = _with_stock(known.vehicle).merged(current.answers)
    purpose = answers.purpose or purpose_for(known.vehicle)
    intake = replace(current, vin=vin, answers=answers, purpose=purpose, status=Status.AWAITING_IDENTITY)
    draft = snapshot_of(
        reading,
        id=intake.id,
        taken_at=circumstances.now,
        clock=circumstances.clock,
        bay=intake.bay,
    )
    drafted = replace(intake, snapshot=draft)
    return _completed(drafted, known, circumstances) if vin or although_unknown else Change(drafted)


def noted(current: Intake, answers: Answers) -> Intake:
    """The intake with a person's further answers; nothing is judged."""
    merged = current.answers.merged(answers)
    return replace(current, answers=merged, purpose=merged.purpose or current.purpose, revision=current.revision + 1)


def answered(current: Intake, answers: Answers, known: Known, circumstances: Circumstances) -> Change:
    """Answers after the reading: a typed VIN completes a silent car's intake, later ones become further records."""
    after = _driven(noted(current, answers), answers)
    if current.sent:
        return _amended(current, after, known, circumstances)
    if not after.answers.vin:
        return Change(after)
    stocked = _with_stock(known.vehicle).merged(after.answers)
    purpose = stocked.purpose or purpose_for(known.vehicle)
    typed = replace(after, vin=after.answers.vin, answers=stocked, purpose=purpose)
    return _completed(typed, known, circumstances)


def refuse_contradiction(current: Intake, answers: Answers) -> None:
    """Raise AnswerError for answers that cannot belong to this intake, or that nobody signs."""
    if answers.vin and current.vin and answers.vin != current.vin:
        raise AnswerError("answers.other_vin", tail=tail(current.vin))
    shown = answers.dash_m is not None or answers.dash_after_m is not None
    typed = answers.plate or answers.stock_number or answers.vin or shown
    if typed and not (answers.operator or current.answers.operator):
        raise AnswerError("answers.operator")


def also_elsewhere(current: Intake, known: Known, circumstances: Circumstances) -> Change:
    """An intake already on its way whose VIN now hangs at another bay too: the finding follows as a record."""
    if current.snapshot is None or any(found.rule == SAME_VIN for found in current.snapshot.findings):
        return Change(current)
    judged, _ = _judged(current, known, circumstances)
    after = replace(current, snapshot=judged, revision=current.revision + 1)
    return Change(after, owed=_set(after, "elsewhere", verdict_of(current, after)))


def told(current: Intake, known: Known, circumstances: Circumstances) -> Change:
    """An intake already on its way, judged again by what the back office has told since."""
    if current.snapshot is None:
        return Change(current)
    judged, _ = _judged(current, known, circumstances)
    after = replace(current, snapshot=judged, revision=current.revision + 1)
    return Change(after, owed=_set(after, f"told/{after.revision}", verdict_of(current, after)))


def drove(current: Intake, drive: DriveDone, known: Known, circumstances: Circumstances) -> Change:
    """The car was driven after its reading: K9 and the ledger learn of it. Before it is named, the drive waits.

    Where no odometer could be read live it began at what was typed, and ends at what is typed next (`asks_after`).
    """
    ended_at = circumstances.now - timedelta(seconds=drive.ended_before_s)
    typed = drive.source == DASH
    part = RoadTestPart(
        began_at=ended_at - timedelta(seconds=drive.lasted_s),
        ended_at=ended_at,
        source=drive.source,
        odometer_start_m=current.answers.dash_m if typed else drive.odometer_start_m,
        odometer_end_m=drive.odometer_end_m,
        odometer_step_m=DASH_STEP_M if typed else RoadTestPart().odometer_step_m,
        speed_distance_m=drive.speed_distance_m,
        counter_start_m=drive.counter_start_m,
        counter_end_m=drive.counter_end_m,
    )
    driven = (current.snapshot or Snapshot()).model_copy(update={"road_test": part})
    after = replace(current, snapshot=driven, revision=current.revision + 1)
    if not current.sent:
        return Change(after)
    judged, _ = _judged(after, known, circumstances)
    done = replace(after, snapshot=judged)
    return Change(done, owed=_set(done, f"drive/{done.revision}", of_drive(current, done, part)))


def asks_after(intake: Intake) -> bool:
    """Whether the dashboard is to be read once more: the car was driven since it was, and told no odometer itself."""
    drive = intake.snapshot.road_test if intake.snapshot else None
    if drive is None or drive.source != DASH or drive.speed_distance_m is None:
        return False
    return drive.odometer_start_m is not None and drive.odometer_end_m is None


def _driven(intake: Intake, answers: Answers) -> Intake:
    """The intake with the drive closed by what the dashboard shows after it, where that was asked for."""
    snapshot = intake.snapshot
    if snapshot is None or snapshot.road_test is None or answers.dash_after_m is None or not asks_after(intake):
        return intake
    drive = snapshot.road_test.model_copy(update={"odometer_end_m": answers.dash_after_m})
    return replace(intake, snapshot=snapshot.model_copy(update={"road_test": drive}))


def _completed(intake: Intake, known: Known, circumstances: Circumstances) -> Change:
    """The car is known: judge its visit; the snapshot and what belongs to it are owed from now on."""
    draft = intake.snapshot or Snapshot(id=intake.id, taken_at=intake.begun_at, bay=intake.bay)
    answers = intake.answers
    said = draft.model_copy(
        update={
            "operator": answers.operator,
            "purpose": intake.purpose,
            "notice": circumstances.notice,
            "vehicle": _vehicle_part(draft.vehicle, intake, known.learned_model, circumstances.now.year),
        }
    )
    whole = replace(intake, snapshot=with_dash(said, answers.dash_m), status=_status(answers))
    judged, judgement = _judged(whole, known, circumstances)
    done = replace(whole, snapshot=judged)
    owed = _set(done, "snapshot", of_visit(done, judged, judgement, visit=len(known.visits)))
    return Change(done, vehicle=_vehicle(done, known), owed=owed)


def _amended(before: Intake, after: Intake, known: Known, circumstances: Circumstances) -> Change:
    """Answers to an intake that is on its way: judged again, told as records of their own."""
    sent = after.snapshot or Snapshot()
    vehicle = _vehicle_part(sent.vehicle, after, known.learned_model, circumstances.now.year)
    said = with_dash(sent, after.answers.dash_m).model_copy(
        update={"operator": after.answers.operator, "purpose": after.purpose, "vehicle": vehicle}
    )
    judged, _ = _judged(replace(after, snapshot=said), known, circumstances)
    done = replace(after, snapshot=judged, status=_status(after.answers))
    owed = _set(done, f"answers/{done.revision}", of_answers(before, done))
    return Change(done, vehicle=_vehicle(done, known), owed=owed)


def _judged(intake: Intake, known: Known, circumstances: Circumstances) -> tuple[Snapshot, Judgement]:
    """The snapshot with the verdict over everything this box knows, and with what only the bays saw."""
    snapshot = intake.snapshot or Snapshot()
    visit = Visit(snapshot.taken_at, snapshot, intake.answers.dash_m, intake.answers.papers_m)
    history = history_with(intake.vin, (*known.visits, visit), known.told)
    judgement = judge(history, now=circumstances.now, terms=circumstances.terms)
    judged = with_judgement(snapshot, judgement)
    seen = (*(old for old in snapshot.findings if old.rule in OURS), *_seen(intake, circumstances))
    return judged.model_copy(update={"findings": (*seen, *judged.findings)}), judgement


def _seen(intake: Intake, circumstances: Circumstances) -> tuple[Finding, ...]:
    evidence = (f"{intake.id}/vehicle/vin",)
    found = []
    if circumstances.changed_from:
        params: dict[str, str | int | float] = {
            "first_tail": tail(circumstances.changed_from),
            "second_tail": tail(intake.vin),
        }
        found.append(finding(VIN_CHANGED, Severity.NOTE, params, evidence=evidence))
    if circumstances.same_vin_at:
        params = {"vin_tail": tail(intake.vin), "bay": intake.bay, "other_bay": circumstances.same_vin_at}
        found.append(finding(SAME_VIN, Severity.SOON, params, evidence=evidence))
    return tuple(found)


def _vehicle_part(read: VehiclePart, intake: Intake, learned_model: str, this_year: int) -> VehiclePart:
    part = read if read.vin else _typed_identity(intake.vin, read.fuel, this_year)
    answers = intake.answers
    return part.model_copy(
        update={
            "plate": answers.plate,
            "stock_number": answers.stock_number,
            "model": answers.model or learned_model or part.model,
            "model_source": "picked" if answers.model else "learned" if learned_model else part.model_source,
        }
    )


def _typed_identity(vin: str, fuel: str, this_year: int) -> VehiclePart:
    if not vin:
        return VehiclePart(fuel=fuel)
    facts = describe_vin(vin, this_year=this_year)
    return VehiclePart(
        vin=vin,
        vin_status=VinStatus.TYPED,
        vin_check_digit=facts.check_digit,
        make=facts.make,
        model_year=facts.model_year,
        fuel=fuel,
    )


def _vehicle(intake: Intake, known: Known) -> Vehicle:
    """The car as the ledger keeps it; its id is its first intake's, which says nothing about it."""
    stocked = _with_stock(known.vehicle).merged(intake.answers)
    before = known.vehicle or Vehicle(intake.id, intake.vin)
    return replace(before, plate=stocked.plate, stock_number=stocked.stock_number)


def _with_stock(vehicle: Vehicle | None) -> Answers:
    """What the ledger can answer for a car it knows."""
    return Answers(plate=vehicle.plate, stock_number=vehicle.stock_number) if vehicle else Answers()


def _status(answers: Answers) -> Status:
    return Status.AWAITING_DASH if answers.dash_m is None else Status.COMPLETE


def _set(intake: Intake, change: str, bodies: tuple[AnyBody, ...]) -> RecordSet | None:
    return RecordSet(f"{intake.id}/{change}", bodies) if bodies else None
