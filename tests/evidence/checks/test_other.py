"""K6 to K10: engine hours, VINs, earlier visits, and what only people can do."""

from datetime import timedelta

import pytest

from evidence.checks import Case
from evidence.checks.sureness import SURE
from evidence.history import History, MileageRecord, Visit
from evidence.snapshot import CounterPart, CountersPart, EcuPart, Result, VinStatus
from evidence.verdict import judge
from protocols.readings import Trust
from tests.evidence.cars import (
    HOUR_S,
    KM,
    NOW,
    VIN,
    check,
    counters,
    history,
    judged,
    made_vin,
    reason,
    service,
    snapshot,
    visit,
    witness,
)


def _k6(odometer_km: int, hours: int | None, fuel: str = "petrol") -> tuple[Result, str]:
    run_s = None if hours is None else hours * HOUR_S
    reading = snapshot(odometer_km * KM, values=counters(engine_run_time_s=run_s), fuel=fuel)
    part = check(judged(visit(reading)), "K6")
    return part.result, reason(part)


@pytest.mark.parametrize(("odometer_km", "hours"), [(68_000, 2_000), (200_000, 5_000), (30_000, 3_000)])
def test_ordinary_mean_speeds_are_consistent(odometer_km: int, hours: int) -> None:
    assert _k6(odometer_km, hours)[0] is Result.CONSISTENT


@pytest.mark.parametrize(("odometer_km", "hours"), [(68_000, 9_000), (180_000, 900)])
def test_mean_speeds_no_car_reaches_need_an_explanation(odometer_km: int, hours: int) -> None:
    assert _k6(odometer_km, hours)[0] is Result.SUSPICIOUS


@pytest.mark.parametrize("fuel", ["electric", "hybrid", "diesel hybrid"])
def test_an_engine_that_rests_while_driving_says_nothing(fuel: str) -> None:
    assert _k6(180_000, 900, fuel) == (Result.NOT_DETERMINABLE, "engine_not_counting")


def test_engine_hours_that_are_missing_or_few_say_nothing() -> None:
    assert _k6(68_000, None) == (Result.NOT_DETERMINABLE, "no_hours")
    assert _k6(68_000, 0) == (Result.NOT_DETERMINABLE, "no_hours")
    assert _k6(68_000, 10) == (Result.NOT_DETERMINABLE, "hours_too_few")
    assert _k6(500, 100) == (Result.NOT_DETERMINABLE, "hours_too_few")


def _hours(odometer_km: int, hours: int, days_ago: float, calibration: str) -> Visit:
    ecus = (EcuPart(address="7E8", vin=VIN, calibration_ids=(calibration,)),)
    values = counters(engine_run_time_s=hours * HOUR_S)
    return visit(snapshot(odometer_km * KM, id=f"h{days_ago:g}", values=values, ecus=ecus), days_ago=days_ago)


@pytest.mark.parametrize(("hours", "result"), [(6_200, Result.CONSISTENT), (7_200, Result.SUSPICIOUS)])
def test_hours_of_an_exchanged_unit_count_from_when_it_came(hours: int, result: Result) -> None:
    """20,000 km since: in 600 hours as usual, in 2,200 as behind a device that slows the odometer."""
    seen = _hours(30_000, 900, 900, "old"), _hours(40_000, 5_600, 600, "new"), _hours(50_000, 6_000, 300, "new")

    part = check(judged(*seen, _hours(60_000, hours + 600 * (result is Result.SUSPICIOUS), 0, "new")), "K6")

    assert (part.result, part.sentence) == (result, f"check.K6.{result}_since")
    assert part.params["odometer_m"] == 20_000 * KM
    assert part.evidence[-1] == "h600/odometer/0"


def test_hours_of_a_unit_that_has_just_come_say_nothing() -> None:
    part = check(judged(_hours(30_000, 900, 900, "old"), _hours(60_000, 9_000, 0, "new")), "K6")

    assert (part.result, reason(part)) == (Result.NOT_DETERMINABLE, "no_hours")


def test_hours_of_a_unit_that_came_a_short_while_ago_are_too_few() -> None:
    seen = _hours(30_000, 900, 900, "old"), _hours(59_500, 9_000, 30, "new")

    assert reason(check(judged(*seen, _hours(60_000, 9_100, 0, "new")), "K6")) == "hours_too_few"


def _k7(*vins: str, vin: str = VIN) -> tuple[Result, str]:
    ecus = tuple(EcuPart(address=f"7E{8 + place}", vin=other) for place, other in enumerate(vins))
    part = check(judged(visit(snapshot(vin=vin, ecus=ecus))), "K7")
    return part.result, reason(part)


def test_units_that_carry_the_cars_vin_are_its_own() -> None:
    assert _k7(VIN, VIN)[0] is Result.CONSISTENT


def test_a_unit_with_another_vin_needs_an_explanation() -> None:
    other = made_vin(serial=2)
    part = check(
        judged(visit(snapshot(ecus=(EcuPart(address="7E8", vin=VIN), EcuPart(address="7E9", vin=other))))), "K7"
    )

    assert part.result is Result.SUSPICIOUS
    assert (part.params["ecu"], part.params["other_tail"]) == ("7E9", "0002")
    assert other not in part.text.en


@pytest.mark.parametrize("blank", ["0" * 17, "1" * 17, "", "0" * 16, "IIIIIIIIIIIIIIIII", "?" * 17])
def test_a_unit_that_was_never_given_a_vin_accuses_nobody(blank: str) -> None:
    assert _k7(blank) == (Result.NOT_DETERMINABLE, "no_vin")
    assert _k7(VIN, blank)[0] is Result.CONSISTENT


def _k8(*visits: Visit) -> tuple[Result, float, str]:
    part = check(judged(*visits), "K8")
    return part.result, part.confidence, reason(part)


def _read(odometer_km: int, name: str, days_ago: float) -> Visit:
    return visit(snapshot(odometer_km * KM, id=name), days_ago=days_ago)


def _typed(odometer_km: int, name: str, days_ago: float) -> Visit:
    return visit(snapshot(None, id=name), days_ago=days_ago, dash_m=odometer_km * KM)


def test_a_first_visit_has_nothing_to_compare_with() -> None:
    assert _k8(_read(68_000, "a", 0)) == (Result.NOT_DETERMINABLE, 0.0, "first_visit")


def test_driving_on_is_consistent() -> None:
    assert _k8(_read(60_000, "a", 90), _read(68_000, "b", 0))[:2] == (Result.CONSISTENT, SURE["K8.consistent"])


def test_standing_still_is_consistent() -> None:
    assert _k8(_read(68_000, "a", 90), _read(68_000, "b", 0))[0] is Result.CONSISTENT


def test_a_drop_between_two_readings_needs_an_explanation() -> None:
    assert _k8(_read(180_000, "a", 90), _read(68_000, "b", 0))[:2] == (Result.SUSPICIOUS, SURE["K8.suspicious_read"])


def test_a_mileage_put_back_where_it_was_does_not_undo_the_drop_between() -> None:
    judgement = judged(_read(180_000, "a", 90), _read(68_000, "b", 30), _read(180_500, "c", 0))

    part = check(judgement, "K8")
    assert part.result is Result.SUSPICIOUS
    assert part.params["gap_m"] == 112_000_000
    assert judgement.verdict is Result.SUSPICIOUS
    assert judgement.current_odometer_m == 180_500_000


def test_a_drop_is_compared_with_every_earlier_visit() -> None:
    part = check(judged(_read(180_000, "a", 90), _read(68_000, "b", 30), _read(68_500, "c", 0)), "K8")

    assert (part.result, part.evidence) == (Result.SUSPICIOUS, ("c/odometer/0", "a/odometer/0"))


def test_a_typed_value_below_a_reading_needs_an_explanation() -> None:
    assert _k8(_read(180_000, "a", 90), _typed(68_000, "b", 0))[:2] == (Result.SUSPICIOUS, SURE["K8.suspicious"])


def test_a_ratio_of_miles_to_an_old_value_explains_nothing() -> None:
    assert _k8(_read(80_000, "a", 90), _typed(50_000, "b", 0))[0] is Result.SUSPICIOUS


def _counting(counted_km: int, name: str, days_ago: float, dash_km: int) -> Visit:
    reading = snapshot(None, id=name, values=counters(distance_since_clear_m=counted_km * KM))
    return visit(reading, days_ago=days_ago, dash_m=dash_km * KM)


def test_miles_that_fit_the_distance_counted_are_to_be_confirmed_and_then_believed() -> None:
    first = _counting(20_000, "a", 300, 80_000)
    once, twice = _counting(26_000, "b", 100, 53_438), _counting(27_000, "c", 0, 54_060)

    assert _k8(first, once) == (Result.NOT_DETERMINABLE, 0.0, "unit_unclear")
    assert check(judged(first, once, twice), "K8").assumption == "earlier_in_miles"


def test_a_slip_is_told_by_the_distance_counted() -> None:
    first = _counting(20_000, "a", 300, 80_123)

    assert _k8(first, _counting(26_000, "b", 0, 8_123)) == (Result.NOT_DETERMINABLE, 0.0, "typing_slip")
    assert _k8(first, _counting(26_000, "b", 0, 68_456))[0] is Result.SUSPICIOUS


def test_a_dashboard_that_fell_is_told_beside_any_reading() -> None:
    before = visit(snapshot(90_000 * KM, id="a"), days_ago=90, dash_m=90_000 * KM)
    now = visit(snapshot(91_000 * KM, id="b"), dash_m=71_234 * KM)

    part = check(judged(before, now), "K8")

    assert (part.result, part.evidence) == (Result.SUSPICIOUS, ("b/dash", "a/dash"))


def _with_unit(engine_km: int, dash_km: int | None, name: str, days_ago: float, cvn: str) -> Visit:
    unit = EcuPart(address="7E8", vin=VIN, cvns=(cvn,))
    dash_m = None if dash_km is None else dash_km * KM
    return visit(snapshot(engine_km * KM, id=name, ecus=(unit,)), days_ago=days_ago, dash_m=dash_m)


def test_another_unit_tells_its_own_past_while_the_dashboard_goes_on() -> None:
    before = _with_unit(90_000, 90_000, "a", 90, "11")
    judgement = judged(before, _with_unit(61_000, 91_000, "b", 0, "22"))

    assert check(judgement, "K1").assumption == "replaced_unit"
    assert check(judgement, "K8").result is Result.CONSISTENT
    assert _k8(before, _with_unit(61_000, 91_000, "b", 0, "11"))[0] is Result.SUSPICIOUS
    assert _k8(before, _with_unit(61_000, 61_000, "b", 0, "22"))[0] is Result.SUSPICIOUS
    assert _k8(before, _with_unit(61_000, None, "b", 0, "22"))[0] is Result.SUSPICIOUS


def test_two_readings_in_the_ratio_of_miles_are_no_excuse() -> None:
    assert _k8(_read(80_000, "a", 90), _read(49_710, "b", 0))[0] is Result.SUSPICIOUS


def test_an_earlier_slip_of_the_keys_accuses_nobody() -> None:
    assert _k8(_typed(680_000, "a", 90), _read(68_000, "b", 0)) == (Result.NOT_DETERMINABLE, 0.0, "first_visit")


def test_an_unconfirmed_row_of_before_accuses_nobody() -> None:
    hint = witness(99_000 * KM, source="row", trust=Trust.HINT)
    before = visit(snapshot(odometer=(hint,), id="a"), days_ago=90)

    assert _k8(before, _read(68_000, "b", 0))[0] is Result.NOT_DETERMINABLE


def test_a_service_record_above_the_mileage_needs_an_explanation() -> None:
    judgement = judged(_read(68_000, "a", 0), services=(service(days_ago=50, odometer_m=90_000 * KM),))

    assert check(judgement, "K8").result is Result.SUSPICIOUS


def test_a_service_after_the_visit_is_not_earlier() -> None:
    judgement = judged(_read(68_000, "a", 50), services=(service(days_ago=5, odometer_m=70_000 * KM),))

    assert reason(check(judgement, "K8")) == "first_visit"


def test_what_people_have_not_done_is_said_to_be_open() -> None:
    judgement = judged(_read(68_000, "a", 0))

    assert reason(check(judgement, "K9")) == "no_road_test"
    assert reason(check(judgement, "K10")) == "no_inspection"


def test_a_typed_vin_that_differs_from_the_cars_needs_an_explanation() -> None:
    reading = snapshot()
    vehicle = reading.vehicle.model_copy(update={"vin_status": VinStatus.CONFLICTING})

    part = check(judged(visit(reading.model_copy(update={"vehicle": vehicle}))), "K7")

    assert part.result is Result.SUSPICIOUS
    assert "typed VIN" in part.text.en


def test_the_unit_whose_hours_fit_speaks_for_the_car() -> None:
    hours = tuple(CounterPart(ecu=ecu, value=value * HOUR_S) for ecu, value in (("7E8", 2_000), ("7E9", 20_000)))
    reading = snapshot(68_000 * KM, values=CountersPart(engine_run_time_s=hours))

    assert check(judged(visit(reading)), "K6").result is Result.CONSISTENT


def _two(engine_km: int, cluster_km: int, name: str, days_ago: float) -> Visit:
    cluster = witness(cluster_km * KM, source="row", ecu="714", trust=Trust.CONFIRMED)
    return visit(snapshot(odometer=(witness(engine_km * KM), cluster), id=name), days_ago=days_ago)


def test_each_unit_is_compared_with_itself_first() -> None:
    """A replaced engine unit counts from another start: that is K2's to tell, the mileage never dropped."""
    assert _k8(_two(20_000, 90_000, "a", 90), _two(21_000, 91_000, "b", 0))[0] is Result.CONSISTENT


def test_a_drop_of_one_unit_is_told_even_when_the_best_one_goes_on() -> None:
    part = check(judged(_two(90_000, 90_000, "a", 90), _two(90_500, 51_000, "b", 0)), "K8")

    assert (part.result, part.evidence) == (Result.SUSPICIOUS, ("b/odometer/1", "a/odometer/1"))


def test_a_unit_not_heard_before_is_compared_with_what_was_heard() -> None:
    before = visit(
        snapshot(odometer=(witness(90_000 * KM, source="row", ecu="714", trust=Trust.CONFIRMED),), id="a"), days_ago=90
    )

    assert _k8(before, _read(51_000, "b", 0))[0] is Result.SUSPICIOUS


def test_a_typed_value_between_two_readings_counts_where_nothing_was_read() -> None:
    assert _k8(_read(50_000, "a", 200), _typed(120_000, "b", 90), _read(60_000, "c", 0))[0] is Result.SUSPICIOUS


def test_an_earlier_typing_mistake_beside_a_reading_accuses_nobody() -> None:
    before = visit(snapshot(68_000 * KM, id="a"), days_ago=30, dash_m=86_000 * KM)
    now = visit(snapshot(68_500 * KM, id="b"), dash_m=68_500 * KM)

    assert _k8(before, now)[0] is Result.CONSISTENT


def test_the_mean_speed_is_told_to_a_tenth() -> None:
    reading = snapshot(100_000 * KM, values=counters(engine_run_time_s=3_000 * HOUR_S))

    part = check(judged(visit(reading)), "K6")

    assert (part.params["mean_kmh"], part.params["run_hours"]) == (33.3, 3_000)


def test_hours_and_distance_are_compared_from_their_least_on() -> None:
    assert _k6(1_000, 50)[0] is Result.CONSISTENT
    assert _k6(999, 50)[0] is Result.NOT_DETERMINABLE
    assert _k6(1_000, 49)[0] is Result.NOT_DETERMINABLE


def test_a_service_of_the_same_moment_is_earlier() -> None:
    judgement = judged(_read(68_000, "a", 0), services=(service(days_ago=0, odometer_m=70_000 * KM),))

    assert check(judgement, "K8").result is Result.SUSPICIOUS


def test_another_vin_told_at_an_earlier_visit_needs_an_explanation() -> None:
    other = made_vin(serial=7)
    before = visit(snapshot(60_000 * KM, id="a", vin=other), days_ago=300)
    part = check(judged(before, visit(snapshot(id="b"))), "K7")

    assert (part.result, part.sentence) == (Result.SUSPICIOUS, "check.K7.suspicious_earlier")
    assert part.evidence == ("b/vehicle/vin", "a/vehicle/vin")
    assert part.params["other_tail"] == other[-4:]


@pytest.mark.parametrize("status", [VinStatus.TYPED, VinStatus.CONFLICTING])
def test_a_vin_that_a_person_typed_earlier_accuses_nobody(status: VinStatus) -> None:
    before = snapshot(60_000 * KM, id="a", vin=made_vin(serial=7))
    vehicle = before.vehicle.model_copy(update={"vin_status": status})
    typed = visit(before.model_copy(update={"vehicle": vehicle}), days_ago=300)

    assert check(judged(typed, visit(snapshot(id="b"))), "K7").result is Result.CONSISTENT


def _with_paper(odometer_km: int, papers_km: int, *, days_ago: float = 0) -> Visit:
    return visit(snapshot(odometer_km * KM, id=f"p{days_ago}"), days_ago=days_ago, papers_m=papers_km * KM)


@pytest.mark.parametrize(
    ("papers_km", "result"), [(68_600, "not_determinable"), (68_700, "suspicious"), (680_000, "not_determinable")]
)
def test_a_paper_above_the_mileage_is_asked_about(papers_km: int, result: str) -> None:
    assert check(judged(_with_paper(68_000, papers_km)), "K8").result == result


def test_a_paper_of_before_is_held_against_the_mileage_now() -> None:
    part = check(judged(_with_paper(60_000, 90_000, days_ago=200), _with_paper(68_000, 67_000)), "K8")

    assert (part.result, part.sentence) == (Result.SUSPICIOUS, "check.K8.suspicious_paper")
    assert part.evidence == ("p0/odometer/0", "p200/papers")


def test_a_dashboard_in_miles_may_hold_the_paper() -> None:
    def said(dash_km: int, vin: str) -> Result:
        reading = snapshot(None, vin=vin)
        return check(judged(visit(reading, dash_m=dash_km * KM, papers_m=100_000 * KM)), "K8").result

    assert said(63_000, VIN) is Result.NOT_DETERMINABLE
    assert said(80_000, VIN) is Result.SUSPICIOUS
    assert said(80_000, made_vin("1VW")) is Result.NOT_DETERMINABLE
    assert said(50_000, made_vin("1VW")) is Result.SUSPICIOUS


def _units(*names: str) -> Case:
    told = [(EcuPart(address="7E8", calibration_ids=(name,) if name else ()),) for name in names]
    return Case(history(*(visit(snapshot(id=f"v{place}", ecus=ecus)) for place, ecus in enumerate(told))), ())


@pytest.mark.parametrize(
    ("names", "since", "ever"),
    [("A", 0, False), ("AA", 0, False), ("AB", 1, True), ("ABB", 1, True), ("AAB", 2, True), ("BAB", 2, True)],
)
def test_a_unit_is_the_same_since_it_last_told_something_else(names: str, since: int, ever: bool) -> None:
    case = _units(*names)

    assert (case.unit_since("7E8"), case.unit_ever_changed("7E8")) == (since, ever)
    assert [case.unit_changed("7E8", place) for place in range(len(names))] == [one != names[-1] for one in names]


def test_a_unit_that_is_silent_now_has_not_changed() -> None:
    silent = _units("A", "")

    assert not silent.unit_ever_changed("7E8")
    assert not silent.unit_changed("7E8", 0)
    assert not _units("A", "B").unit_ever_changed("")
    assert not _units("A", "B").unit_changed("7E8", -1)
    assert not _units("A", "B").unit_changed("", 0)


@pytest.mark.parametrize(("hours", "result"), [(-240, "suspicious"), (0, "suspicious"), (1, "not_determinable")])
def test_a_loose_paper_above_the_car_is_asked_about_when_it_was_written_before(hours: float, result: str) -> None:
    paper = MileageRecord("p", NOW + timedelta(hours=hours), 72_000 * KM, "upstream", Trust.PAPER)
    car = History("car", (visit(snapshot()),), mileages=(paper,))
    part = check(judge(car, now=NOW), "K8")

    assert part.result == result
    assert part.sentence.endswith("suspicious_paper") is (result == "suspicious")
