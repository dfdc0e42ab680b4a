"""From a reading and answers to a judged snapshot and the records it owes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agent.answers import Answers
from agent.errors import AnswerError
from agent.intake import Circumstances, also_elsewhere, answered, identified, read, refuse_contradiction
from agent.ledger import Change, Intake, Known, Status, StockState, Vehicle
from evidence.history import Visit
from evidence.snapshot import ClockQuality, Purpose, Result, VinStatus
from sync.records import AnyBody, DtcBody, DtcChange, FindingBody, MileageBody, SnapshotBody
from tests.agent.cars import CAR_A, CAR_B, NOW, reading_of, silent_reading

FRESH = Intake("i1", "Bay 1", NOW)
NOW_AND_HERE = Circumstances(NOW, ClockQuality.NTP)
ALL = Answers(plate="沪A12345", stock_number="S-1", dash_m=52_340_000, operator="Li Lei")


def owed(change: Change) -> tuple[AnyBody, ...]:
    return change.owed.bodies if change.owed else ()


def one_mileage(change: Change) -> MileageBody:
    (entry,) = [body for body in owed(change) if isinstance(body, MileageBody)]
    return entry


def known_from(change: Change) -> Known:
    """What the ledger knows after ``change``, seen from the next visit."""
    snapshot = change.intake.snapshot
    assert snapshot is not None
    visit = Visit(NOW - timedelta(days=30), snapshot, change.intake.answers.dash_m)
    return Known((visit,), change.vehicle)


def test_an_intake_owes_exactly_one_snapshot_and_writes_its_mileage_by_itself() -> None:
    change = read(FRESH, reading_of(), Known(), NOW_AND_HERE)

    assert [body.kind for body in owed(change)] == ["snapshot", "mileage"]
    entry = one_mileage(change)
    assert (entry.odometer_m, entry.source, entry.ecu, entry.snapshot_id) == (52_340_000, "01A6", "7E8", "i1")
    assert entry.vehicle.vin == CAR_A


def test_the_snapshot_says_who_where_when_and_why() -> None:
    change = read(replace(FRESH, answers=ALL), reading_of(), Known(learned_model="Corolla"), NOW_AND_HERE)

    snapshot = change.intake.snapshot
    assert snapshot is not None
    assert (snapshot.id, snapshot.bay, snapshot.operator, snapshot.clock) == ("i1", "Bay 1", "Li Lei", "ntp")
    assert (snapshot.vehicle.plate, snapshot.vehicle.stock_number) == ("沪A12345", "S-1")
    assert (snapshot.vehicle.model, snapshot.vehicle.model_source) == ("Corolla", "learned")
    assert [part.source for part in snapshot.odometer] == ["01A6", "dash"]
    assert snapshot.verdict is Result.CONSISTENT


def test_without_the_dash_it_awaits_the_dash_and_with_it_it_is_complete() -> None:
    assert read(FRESH, reading_of(), Known(), NOW_AND_HERE).intake.status is Status.AWAITING_DASH
    with_dash = replace(FRESH, answers=ALL)
    assert read(with_dash, reading_of(), Known(), NOW_AND_HERE).intake.status is Status.COMPLETE


def test_a_dash_typed_later_is_a_record_of_its_own_and_the_verdict_follows() -> None:
    sent = read(FRESH, reading_of(), Known(), NOW_AND_HERE)

    change = answered(sent.intake, Answers(dash_m=30_000_000, operator="Li Lei"), Known(), NOW_AND_HERE)

    mileage, verdict = owed(change)
    assert isinstance(mileage, MileageBody)
    assert isinstance(verdict, FindingBody)
    assert (mileage.odometer_m, mileage.source, mileage.trust, mileage.operator) == (
        30_000_000, "dash", "typed", "Li Lei",
    )  # fmt: skip
    assert verdict.verdict is Result.SUSPICIOUS
    assert "odometer.dash_differs" in {finding.rule for finding in verdict.findings}
    assert change.intake.status is Status.COMPLETE


def test_the_same_answers_again_owe_nothing() -> None:
    sent = read(FRESH, reading_of(), Known(), NOW_AND_HERE)
    once = answered(sent.intake, ALL, Known(), NOW_AND_HERE)

    again = answered(once.intake, ALL, Known(), NOW_AND_HERE)

    assert again.owed is None


def test_a_corrected_dash_is_one_more_record_with_a_name_of_its_own() -> None:
    sent = read(replace(FRESH, answers=ALL), reading_of(), Known(), NOW_AND_HERE)

    first = answered(sent.intake, Answers(dash_m=5_000_000), Known(), NOW_AND_HERE)
    second = answered(first.intake, Answers(dash_m=52_340_000), Known(), NOW_AND_HERE)

    assert first.owed is not None
    assert second.owed is not None
    assert first.owed.key != second.owed.key


def test_a_plate_typed_later_completes_the_identity_without_a_distance() -> None:
    sent = read(FRESH, reading_of(), Known(), NOW_AND_HERE)

    change = answered(sent.intake, Answers(plate="沪A12345", operator="A"), Known(), NOW_AND_HERE)

    assert (one_mileage(change).odometer_m, one_mileage(change).vehicle.plate) == (None, "沪A12345")


def test_a_silent_car_is_held_until_its_vin_is_typed_and_then_complete() -> None:
    held = read(FRESH, silent_reading(), Known(), NOW_AND_HERE)
    assert (held.intake.status, held.owed) == (Status.AWAITING_IDENTITY, None)

    change = answered(held.intake, replace(ALL, vin=CAR_A), Known(), NOW_AND_HERE)

    snapshot = change.intake.snapshot
    assert snapshot is not None
    assert (snapshot.vehicle.vin, snapshot.vehicle.vin_status) == (CAR_A, VinStatus.TYPED)
    assert (snapshot.vehicle.make, change.intake.status) == ("Toyota", Status.COMPLETE)
    assert "car.silent" in {finding.rule for finding in snapshot.findings}
    assert (one_mileage(change).odometer_m, one_mileage(change).source) == (52_340_000, "dash")


def test_a_silent_cars_next_visit_is_compared_with_what_was_typed() -> None:
    first = read(replace(FRESH, answers=replace(ALL, vin=CAR_A)), silent_reading(), Known(), NOW_AND_HERE)

    lower = replace(ALL, vin=CAR_A, dash_m=20_000_000)
    second = read(replace(FRESH, id="i2", answers=lower), silent_reading(), known_from(first), NOW_AND_HERE)

    snapshot = second.intake.snapshot
    assert snapshot is not None
    assert snapshot.purpose is Purpose.RE_READ
    assert "odometer.below_earlier" in {finding.rule for finding in snapshot.findings}


def test_code_changes_are_told_against_the_visit_before() -> None:
    first = read(FRESH, reading_of(codes=("P0301",)), Known(), NOW_AND_HERE)

    second = read(replace(FRESH, id="i2"), reading_of(codes=("P0420",)), known_from(first), NOW_AND_HERE)

    changes = {(body.code, body.change) for body in owed(second) if isinstance(body, DtcBody)}
    assert changes == {("P0301", DtcChange.GONE), ("P0420", DtcChange.APPEARED)}


@pytest.mark.parametrize(
    ("vehicle", "purpose"),
    [
        (None, Purpose.INTAKE),
        (Vehicle("v1", CAR_A), Purpose.RE_READ),
        (Vehicle("v1", CAR_A, stock_state=StockState.SOLD), Purpose.DELIVERY),
    ],
)
def test_the_ledger_says_why_a_car_is_here(vehicle: Vehicle | None, purpose: Purpose) -> None:
    change = read(FRESH, reading_of(), Known(vehicle=vehicle), NOW_AND_HERE)

    assert change.intake.purpose is purpose


def test_a_person_says_better_why_a_car_is_here() -> None:
    chosen = replace(FRESH, answers=Answers(purpose=Purpose.DELIVERY))

    assert read(chosen, reading_of(), Known(), NOW_AND_HERE).intake.purpose is Purpose.DELIVERY


def test_plate_and_stock_number_of_a_stock_car_need_not_be_typed_again() -> None:
    vehicle = Vehicle("v1", CAR_A, plate="沪A12345", stock_number="S-1")

    change = read(FRESH, reading_of(), Known(vehicle=vehicle), NOW_AND_HERE)

    assert change.intake.answers.missing(CAR_A) == ("dash_km", "operator")
    assert change.vehicle == vehicle


def test_a_vin_that_changed_while_plugged_is_a_note_on_the_second_car() -> None:
    swapped = replace(NOW_AND_HERE, changed_from=CAR_B)

    snapshot = read(FRESH, reading_of(CAR_A), Known(), swapped).intake.snapshot

    assert snapshot is not None
    (note,) = [finding for finding in snapshot.findings if finding.rule == "vin.changed_while_plugged"]
    assert note.severity == "note"
    assert CAR_B[-4:] in note.text.en
    assert CAR_B not in note.text.en


def test_the_same_vin_at_two_bays_is_a_finding_on_both_cars() -> None:
    first = read(FRESH, reading_of(), Known(), NOW_AND_HERE)

    change = also_elsewhere(first.intake, Known(), replace(NOW_AND_HERE, same_vin_at="Bay 2"))

    (verdict,) = owed(change)
    assert isinstance(verdict, FindingBody)
    assert "vin.same_at_two_bays" in {finding.rule for finding in verdict.findings}
    assert also_elsewhere(change.intake, Known(), replace(NOW_AND_HERE, same_vin_at="Bay 2")).owed is None


def test_what_only_the_bays_saw_stays_when_the_verdict_is_recomputed() -> None:
    first = read(FRESH, reading_of(), Known(), replace(NOW_AND_HERE, same_vin_at="Bay 2"))

    later = answered(first.intake, ALL, Known(), NOW_AND_HERE)

    assert later.intake.snapshot is not None
    assert "vin.same_at_two_bays" in {finding.rule for finding in later.intake.snapshot.findings}


def test_answers_of_an_interrupted_scan_go_on_with_the_same_car() -> None:
    interrupted = replace(FRESH, vin=CAR_A, answers=ALL, status=Status.AWAITING_IDENTITY)

    change = identified(replace(FRESH, id="i2"), CAR_A, Known(), interrupted)

    assert (change.intake.answers, change.takes_over) == (ALL, "i1")


def test_another_vin_than_the_cars_own_is_refused() -> None:
    sent = read(FRESH, reading_of(CAR_A), Known(), NOW_AND_HERE).intake

    with pytest.raises(AnswerError) as refused:
        refuse_contradiction(sent, Answers(vin=CAR_B, operator="A"))

    assert (refused.value.key, refused.value.params) == ("answers.other_vin", {"tail": CAR_A[-4:]})


def test_an_entry_nobody_signs_is_refused_but_a_tap_on_the_purpose_is_not() -> None:
    with pytest.raises(AnswerError, match=r"answers\.operator"):
        refuse_contradiction(FRESH, Answers(dash_m=1))
    refuse_contradiction(FRESH, Answers(purpose=Purpose.DELIVERY))


def test_a_reading_without_any_odometer_writes_no_mileage() -> None:
    change = read(FRESH, reading_of(odometer_m=None), Known(), NOW_AND_HERE)

    assert [type(body) for body in owed(change)] == [SnapshotBody]
