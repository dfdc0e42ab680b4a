"""K1 and K2: odometers of one visit against each other, honest twins first."""

import pytest

from evidence.checks.sureness import SURE
from evidence.history import Visit
from evidence.snapshot import EcuPart, OdometerPart, Result
from protocols.readings import Trust
from tests.evidence.cars import KM, MILES_VIN, VIN, check, judged, reason, snapshot, visit, witness


def _k1(
    dash_km: float | None, read_km: float | None, trust: Trust = Trust.STANDARD, vin: str = VIN
) -> tuple[Result, float, str]:
    odometer = () if read_km is None else (witness(round(read_km * KM), trust=trust),)
    dash_m = None if dash_km is None else round(dash_km * KM)
    part = check(judged(visit(snapshot(odometer=odometer, vin=vin), dash_m=dash_m)), "K1")
    return part.result, part.confidence, part.assumption or reason(part)


@pytest.mark.parametrize("offset_km", [0, 3.2, -3.2, 40, -100, 679])
def test_an_offset_within_100_km_or_1_percent_agrees(offset_km: float) -> None:
    assert _k1(68_000 + offset_km, 68_000)[0] is Result.CONSISTENT


@pytest.mark.parametrize("offset_km", [-690, 690, -3_000])
def test_beyond_1_percent_a_person_should_look(offset_km: float) -> None:
    assert _k1(68_000 + offset_km, 68_000)[:2] == (Result.SUSPICIOUS, SURE["K1.suspicious"])


def test_a_new_car_may_be_100_km_apart() -> None:
    assert _k1(20, 119)[0] is Result.CONSISTENT
    assert _k1(20, 150)[0] is Result.SUSPICIOUS


def test_miles_on_the_dashboard_are_no_contradiction() -> None:
    assert _k1(50_000, 80_467)[::2] == (Result.NOT_DETERMINABLE, "unit_unclear")
    assert _k1(50_000, 80_467, vin=MILES_VIN)[::2] == (Result.CONSISTENT, "dash_in_miles")


@pytest.mark.parametrize("dash_km", [74_400, 74_000, 75_200])
def test_a_dashboard_at_62_percent_is_no_dashboard_in_miles(dash_km: int) -> None:
    assert _k1(dash_km, 120_000)[0] is Result.SUSPICIOUS


def test_a_dashboard_that_showed_miles_before_shows_miles() -> None:
    before = visit(snapshot(80_467 * KM, id="a"), days_ago=90, dash_m=50_000 * KM)
    now = visit(snapshot(96_561 * KM, id="b"), dash_m=60_000 * KM)

    assert check(judged(before, now), "K1").assumption == "dash_in_miles"


@pytest.mark.parametrize("dash_km", [154_123, 14_123, 1_455_123, 135_123, 45_123])
def test_one_slip_of_the_keys_is_to_be_read_again(dash_km: int) -> None:
    assert _k1(dash_km, 145_123)[::2] == (Result.NOT_DETERMINABLE, "typing_slip")


@pytest.mark.parametrize("dash_km", [44_123, 125_686, 135_000, 45_000])
def test_what_no_slip_explains_needs_an_explanation(dash_km: int) -> None:
    assert _k1(dash_km, 145_123)[0] is Result.SUSPICIOUS


def test_a_number_that_a_paper_repeats_was_no_slip() -> None:
    now = visit(snapshot(145_123 * KM), dash_m=135_123 * KM, papers_m=135_123 * KM)

    assert check(judged(now), "K1").result is Result.SUSPICIOUS


def test_a_dashboard_above_the_reading_in_the_ratio_of_miles_still_needs_a_word() -> None:
    assert _k1(80_467, 50_000)[0] is Result.SUSPICIOUS


def test_without_either_value_nothing_is_said() -> None:
    assert _k1(None, 68_000) == (Result.NOT_DETERMINABLE, 0.0, "no_dash")
    assert _k1(68_000, None) == (Result.NOT_DETERMINABLE, 0.0, "no_reading")
    assert _k1(68_000, 0) == (Result.NOT_DETERMINABLE, 0.0, "no_reading")


def test_a_lone_unconfirmed_row_accuses_nobody() -> None:
    assert _k1(68_000, 680_000, Trust.HINT)[0] is Result.NOT_DETERMINABLE


def test_the_evidence_names_both_values() -> None:
    part = check(judged(visit(snapshot(68_000 * KM), dash_m=60_000 * KM)), "K1")

    assert part.evidence == ("s1/dash", "s1/odometer/0")
    assert part.params["gap_m"] == 8_000 * KM
    assert "60,000 km" in part.text.en
    assert "60,000 公里" in part.text.zh


def _confirmed(odometer_km: int, ecu: str = "714") -> OdometerPart:
    return witness(odometer_km * KM, source=f"row-{ecu}", ecu=ecu, trust=Trust.CONFIRMED)


def _k2(*odometer: OdometerPart) -> tuple[Result, str]:
    part = check(judged(visit(snapshot(odometer=odometer))), "K2")
    return part.result, part.assumption or reason(part)


def test_one_witness_is_none() -> None:
    assert _k2(_confirmed(68_000)) == (Result.NOT_DETERMINABLE, "one_witness")
    assert _k2(_confirmed(68_000), _confirmed(68_000)) == (Result.NOT_DETERMINABLE, "one_witness")


@pytest.mark.parametrize("other_km", [68_000, 68_030, 68_204, 67_600])
def test_units_that_count_by_themselves_may_differ_a_little(other_km: int) -> None:
    assert _k2(_confirmed(68_000), _confirmed(other_km, "7E8")) == (Result.CONSISTENT, "own_counts")


def test_units_far_apart_need_an_explanation() -> None:
    assert _k2(witness(68_000 * KM), _confirmed(135_000)) == (Result.SUSPICIOUS, "unit_not_replaced")


def test_unconfirmed_rows_in_miles_is_no_contradiction() -> None:
    hints = tuple(witness(50_000 * KM, source=f"row-{ecu}", ecu=ecu, trust=Trust.HINT) for ecu in ("714", "77A"))

    assert _k2(witness(80_467 * KM), *hints) == (Result.CONSISTENT, "reading_in_miles")


def test_a_confirmed_row_counts_in_the_unit_that_was_confirmed() -> None:
    assert _k2(witness(80_467 * KM), _confirmed(50_000))[0] is Result.SUSPICIOUS


def test_a_standard_reading_is_never_taken_for_miles() -> None:
    assert _k2(witness(50_000 * KM), _confirmed(80_467))[0] is Result.SUSPICIOUS


def test_an_unconfirmed_row_is_no_witness() -> None:
    hint = witness(680_000 * KM, source="row-9", ecu="760", trust=Trust.HINT)

    assert _k2(witness(68_000 * KM), hint) == (Result.NOT_DETERMINABLE, "one_witness")


def test_a_gap_known_from_before_weighs_less() -> None:
    def reading(name: str, km: int) -> tuple[OdometerPart, ...]:
        assert name
        return witness(km * KM), _confirmed(km + 40_000)

    before = visit(snapshot(odometer=reading("a", 60_000), id="a"), days_ago=90)
    now = visit(snapshot(odometer=reading("b", 68_000), id="b"))

    part = check(judged(before, now), "K2")

    assert (part.result, part.confidence) == (Result.SUSPICIOUS, SURE["K2.suspicious_steady"])
    assert SURE["K2.suspicious_steady"] < SURE["K2.suspicious"]


def _unit(
    km: int, name: str, days_ago: float, unit_km: int | None, calibration: str, dash_km: int | None = None
) -> Visit:
    """A car whose engine unit, cluster and body unit speak; ``calibration`` is the body unit's."""
    body = () if unit_km is None else (_confirmed(unit_km, "718"),)
    ecus = (EcuPart(address="7E8", vin=VIN), EcuPart(address="718", calibration_ids=(calibration,)))
    reading = snapshot(id=name, odometer=(witness(km * KM), *body), ecus=ecus)
    return visit(reading, days_ago=days_ago, dash_m=(km if dash_km is None else dash_km) * KM)


def _said(*visits: Visit) -> tuple[Result, float, str]:
    part = check(judged(*visits), "K2")
    return part.result, part.confidence, part.sentence


def test_a_unit_that_became_another_one_while_the_others_went_on_tells_its_own_past() -> None:
    before, now = _unit(80_000, "a", 300, 80_010, "old"), _unit(95_000, "b", 0, 12_000, "new")

    assert _said(before, now) == (Result.CONSISTENT, SURE["K2.consistent_unit"], "check.K2.consistent_unit")
    assert _said(before, _unit(95_000, "b", 0, 12_000, "old"))[0] is Result.SUSPICIOUS


def test_a_gap_older_than_the_unit_is_not_the_units() -> None:
    before, now = _unit(80_000, "a", 300, 140_000, "old"), _unit(95_000, "b", 0, 155_000, "new")

    assert _said(before, now)[0] is Result.SUSPICIOUS


def test_a_unit_that_was_in_step_after_it_came_is_the_cars_own() -> None:
    before, came = _unit(80_000, "a", 300, 80_010, "old"), _unit(90_000, "b", 200, 90_005, "new")

    assert _said(before, came, _unit(95_000, "c", 0, 12_000, "new"))[0] is Result.SUSPICIOUS


def test_a_unit_that_did_not_speak_before_may_have_come_with_its_own_past() -> None:
    before, now = _unit(80_000, "a", 300, None, "old"), _unit(95_000, "b", 0, 12_000, "new")

    assert _said(before, now)[2] == "check.K2.consistent_unit"


def test_another_unit_explains_nothing_when_the_others_fell() -> None:
    before, now = _unit(80_000, "a", 300, 80_010, "old"), _unit(50_000, "b", 0, 12_000, "new")

    assert _said(before, now)[0] is Result.SUSPICIOUS
