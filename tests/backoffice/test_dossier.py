"""Folding records into one car's file."""

import random
from datetime import UTC, datetime, timedelta

from backoffice.chronology import Dated, StoredRecord, clock_fixes, in_order
from backoffice.dossier import Dossier, fold, history_of
from evidence.history import ServiceRecord
from evidence.snapshot import CheckDigit, ClockQuality, OdometerPart, Purpose, VinStatus
from protocols.readings import Trust
from sync.records import AnyBody, MileageBody, Record, VehicleRef
from tests.backoffice.facts import DAY, START, VIN_A, VIN_B, clock, dash, row, visit


def dated(*bodies: AnyBody, shuffle: int | None = None) -> tuple[Dated, ...]:
    stored = [
        StoredRecord("bay-1", "s1", seq, START + 30 * DAY, Record.model_validate(row(body, START + seq * DAY)))
        for seq, body in enumerate(bodies, 1)
    ]
    if shuffle is not None:
        random.Random(shuffle).shuffle(stored)
    return in_order(stored, {})


def folded(*bodies: AnyBody) -> Dossier:
    return fold(dated(*bodies))


def test_nothing_is_an_empty_file() -> None:
    assert folded().latest is None


def test_the_order_of_arrival_changes_nothing() -> None:
    bodies = (visit("v1", vin=VIN_A), dash("v1", 10), visit("v2", vin=VIN_A), dash("v2", None, plate="沪A12345"))
    straight = fold(dated(*bodies))

    assert all(fold(dated(*bodies, shuffle=seed)) == straight for seed in range(10))


def test_answers_complete_their_visit_and_no_other() -> None:
    dossier = folded(visit("v1", vin=VIN_A), visit("v2", vin=VIN_A), dash("v1", 10, plate="沪A12345", stock="S-1"))

    assert [(v.dash_m, v.awaiting_dash, v.snapshot.vehicle.plate) for v in dossier.visits] == [
        (10_000, False, "沪A12345"),
        (None, True, ""),
    ]
    assert dossier.vehicle.stock_number == "S-1"


def test_the_last_answer_counts() -> None:
    assert folded(visit("v1"), dash("v1", 10), dash("v1", 11), dash("v1", None)).visits[0].dash_m == 11_000


def test_a_dash_typed_before_unplugging_stands_in_the_snapshot() -> None:
    shown = OdometerPart(source="dash", odometer_m=10_000, trust=Trust.TYPED)
    (one,) = folded(visit("v1", odometer=(shown,))).visits

    assert (one.dash_m, one.awaiting_dash) == (10_000, False)


def test_papers_are_not_the_dash() -> None:
    papers = MileageBody(
        vehicle=VehicleRef(intake_id="v1"), snapshot_id="v1", odometer_m=9_000, source="papers", trust=Trust.PAPER
    )
    (one,) = folded(visit("v1"), papers).visits

    assert (one.dash_m, one.papers_m) == (None, 9_000)


def test_a_typed_vin_tells_make_and_check_digit() -> None:
    vehicle = folded(visit("v1"), dash("v1", 10, vin=VIN_A.lower())).vehicle

    assert (vehicle.vin, vehicle.vin_status, vehicle.make) == (VIN_A, VinStatus.TYPED, "Volkswagen")
    assert vehicle.vin_check_digit is CheckDigit.VALID


def test_a_vin_that_was_read_is_not_typed_over() -> None:
    vehicle = folded(visit("v1", vin=VIN_A), dash("v1", 10, vin=VIN_B)).vehicle

    assert (vehicle.vin, vehicle.vin_status) == (VIN_A, VinStatus.READ)


def test_a_purpose_and_a_model_chosen_later_count() -> None:
    body = dash("v1", 10).model_copy(update={"purpose": Purpose.DELIVERY, "model": "Lavida"})
    dossier = folded(visit("v1", vin=VIN_A), body)

    assert dossier.visits[0].snapshot.purpose is Purpose.DELIVERY
    assert (dossier.vehicle.model, dossier.vehicle.model_source) == ("Lavida", "picked")


def test_the_entry_drawn_by_the_edge_is_no_second_witness() -> None:
    drawn = MileageBody(
        vehicle=VehicleRef(vin=VIN_A), snapshot_id="v1", odometer_m=5_000, source="01A6", trust=Trust.STANDARD
    )
    (one,) = folded(visit("v1", vin=VIN_A, a6_m=5_000), drawn).visits

    assert len(one.snapshot.odometer) == 1
    assert one.awaiting_dash


def test_the_entry_stands_for_a_snapshot_that_never_came() -> None:
    drawn = MileageBody(
        vehicle=VehicleRef(vin=VIN_A), snapshot_id="v1", odometer_m=5_000, source="01A6", trust=Trust.STANDARD
    )
    (one,) = folded(drawn, dash("v1", 5)).visits

    assert [part.odometer_m for part in one.snapshot.odometer] == [5_000]
    assert one.dash_m == 5_000


def test_plates_keep_when_they_were_first_and_last_seen() -> None:
    dossier = folded(
        visit("v1", plate="沪A·12345"),
        visit("v2", plate="苏E99999", at=START + DAY),
        visit("v3", plate="沪A12345", at=START + 2 * DAY),
    )

    assert [(p.plate, p.first_seen_at, p.last_seen_at) for p in dossier.plates] == [
        ("沪A12345", START, START + 2 * DAY),
        ("苏E99999", START + DAY, START + DAY),
    ]
    assert dossier.vehicle.plate == "沪A12345"


def test_a_history_holds_visits_and_services_oldest_first() -> None:
    services = [ServiceRecord("late", START + DAY, None), ServiceRecord("early", START, None)]
    history = history_of(folded(visit("v1"), visit("v2")), "car", services, "CN")

    assert [one.snapshot.id for one in history.visits] == ["v1", "v2"]
    assert [service.id for service in history.services] == ["early", "late"]


def test_a_visit_stamped_by_a_clock_that_was_not_set_gets_its_true_time() -> None:
    before_set = datetime(2001, 1, 1, tzinfo=UTC)
    body = visit("v1", vin=VIN_A, at=before_set, clock="none")
    minute = timedelta(minutes=1)
    first = row(body, before_set + minute, tq="none", mono_ns=0)
    fix = row(clock(START), START, mono_ns=60 * 10**9)
    stored = [
        StoredRecord("bay-1", "s1", seq, START + DAY, Record.model_validate(one))
        for seq, one in enumerate((first, fix), 1)
    ]
    dossier = fold(in_order(stored, clock_fixes(stored)))
    (one,) = history_of(dossier, "car", (), "CN").visits

    assert one.at == START - 2 * minute
    assert one.snapshot.clock is ClockQuality.NTP


def test_a_clock_set_between_reading_and_writing_dates_the_visit_by_the_writing() -> None:
    body = visit("v1", at=datetime(2001, 1, 1, tzinfo=UTC), clock="none")

    assert folded(body).visits[0].at == START + DAY
