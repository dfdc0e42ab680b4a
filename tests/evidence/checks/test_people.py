"""K9 from a road test, K10 from an inspection, K2 and K7 switched off, and sentences in the reader's zone."""

from datetime import datetime, timedelta, timezone

import pytest

from evidence.checks import MAY_BE_OFF
from evidence.history import History
from evidence.snapshot import InspectionPart, Result, RoadTestPart, Snapshot, Wear
from evidence.verdict import Terms, judge
from tests.evidence.cars import KM, NOW, check, judged, reason, snapshot, visit

CHINA = timezone(timedelta(hours=8))


def _k9(driven_m: int | None, moved_m: int | None, **more: object) -> tuple[Result, str]:
    end_m = None if moved_m is None else 68_000 * KM + moved_m
    fields = {"odometer_start_m": 68_000 * KM, "odometer_end_m": end_m, "speed_distance_m": driven_m, **more}
    drive = RoadTestPart.model_validate(fields)
    part = check(judged(visit(snapshot().model_copy(update={"road_test": drive}))), "K9")
    return part.result, reason(part)


@pytest.mark.parametrize("moved_m", [5_000, 4_400, 5_600])
def test_an_odometer_that_moves_with_the_wheels_is_consistent(moved_m: int) -> None:
    assert _k9(5_000, moved_m)[0] is Result.CONSISTENT


@pytest.mark.parametrize("moved_m", [0, 2_500, 4_399, 5_601])
def test_one_that_does_not_needs_an_explanation(moved_m: int) -> None:
    assert _k9(5_000, moved_m)[0] is Result.SUSPICIOUS


def test_a_dashboard_counts_in_whole_kilometres() -> None:
    assert _k9(2_000, 1_000)[0] is Result.SUSPICIOUS
    assert _k9(2_000, 1_000, odometer_step_m=1_000)[0] is Result.CONSISTENT
    for step_m in (0, -900):
        assert _k9(5_000, 4_500, odometer_step_m=step_m)[0] is Result.CONSISTENT
        assert _k9(5_000, 4_499, odometer_step_m=step_m)[0] is Result.SUSPICIOUS


def test_a_drive_too_short_or_not_read_tells_nothing() -> None:
    assert _k9(1_999, 0) == (Result.NOT_DETERMINABLE, "road_test_short")
    assert _k9(None, 0) == (Result.NOT_DETERMINABLE, "road_test_unread")
    assert _k9(5_000, None) == (Result.NOT_DETERMINABLE, "road_test_unread")
    assert _k9(5_000, -1_000) == (Result.NOT_DETERMINABLE, "road_test_unread")


def _k10(odometer_km: int, year: int | None = None, **seen: object) -> tuple[Result, str]:
    reading = snapshot(odometer_km * KM)
    vehicle = reading.vehicle.model_copy(update={"model_year": year})
    inspection = InspectionPart.model_validate(seen)
    part = check(judged(visit(reading.model_copy(update={"vehicle": vehicle, "inspection": inspection}))), "K10")
    return part.result, reason(part) or part.assumption


def test_wear_on_one_part_is_a_habit_and_on_two_a_sign() -> None:
    assert _k10(30_000, pedals=Wear.HEAVY, driver_seat=Wear.LIGHT)[0] is Result.CONSISTENT
    assert _k10(30_000, pedals=Wear.HEAVY, driver_seat=Wear.HEAVY)[0] is Result.SUSPICIOUS
    assert _k10(59_999, pedals=Wear.HEAVY, steering_wheel=Wear.HEAVY)[0] is Result.SUSPICIOUS
    assert _k10(60_000, pedals=Wear.HEAVY, driver_seat=Wear.HEAVY)[0] is Result.CONSISTENT


def test_a_second_set_of_tyres_on_a_car_with_few_kilometres_is_a_sign() -> None:
    assert _k10(20_000, 2018, pedals=Wear.HEAVY, tyre_dots=("1223", "1223"))[0] is Result.SUSPICIOUS
    assert _k10(24_999, 2018, pedals=Wear.HEAVY, tyre_dots=("1221",))[0] is Result.SUSPICIOUS
    assert _k10(25_000, 2018, pedals=Wear.HEAVY, tyre_dots=("1221",))[0] is Result.CONSISTENT
    assert _k10(20_000, 2018, pedals=Wear.HEAVY, tyre_dots=("1220",))[0] is Result.CONSISTENT
    assert _k10(20_000, 2018, pedals=Wear.HEAVY, tyre_dots=("1226",))[0] is Result.SUSPICIOUS
    assert _k10(20_000, 2018, pedals=Wear.HEAVY, tyre_dots=("1227",))[0] is Result.CONSISTENT, "of a year to come"
    assert _k10(20_000, None, pedals=Wear.HEAVY, tyre_dots=("1223",))[0] is Result.CONSISTENT
    assert _k10(20_000, 2018, pedals=Wear.HEAVY, tyre_dots=("1218", "1223"))[0] is Result.CONSISTENT
    assert _k10(20_000, 2018, pedals=Wear.HEAVY, tyre_dots=("xx", "1299"))[0] is Result.CONSISTENT


def test_a_service_sticker_above_the_odometer_needs_an_explanation() -> None:
    assert _k10(30_000, sticker_odometer_m=45_000 * KM) == (Result.SUSPICIOUS, "sticker_of_this_car")
    assert _k10(50_000, sticker_odometer_m=45_000 * KM)[0] is Result.CONSISTENT
    assert _k10(9_000, sticker_odometer_m=9_030 * KM)[0] is Result.CONSISTENT
    assert _k10(9_000, sticker_odometer_m=9_031 * KM)[0] is Result.SUSPICIOUS


def test_nothing_looked_at_is_no_inspection() -> None:
    assert _k10(30_000, person="LW") == (Result.NOT_DETERMINABLE, "no_inspection")
    assert _k10(30_000, pedals=Wear.NONE) == (Result.CONSISTENT, "wear_usual")
    assert _k10(30_000, steering_wheel=Wear.NONE) == (Result.CONSISTENT, "wear_usual")
    assert _k10(30_000, driver_seat=Wear.NONE) == (Result.CONSISTENT, "wear_usual")


def test_only_the_checks_that_compare_units_can_be_switched_off() -> None:
    history = History("car", (visit(snapshot()),))

    judgement = judge(history, now=NOW, terms=Terms(off=frozenset({"K2", "K7", "K3"})))

    assert {"K2", "K7"} == MAY_BE_OFF
    assert {reason(check(judgement, name)) for name in ("K2", "K7")} == {"switched_off"}
    assert reason(check(judgement, "K3")) != "switched_off"


def test_a_date_in_a_sentence_is_the_readers_and_in_the_parameters_the_instant() -> None:
    late = visit(snapshot(60_000 * KM, id="a")).at
    assert isinstance(late, datetime)
    before = visit(snapshot(60_000 * KM, id="a"), days_ago=30 - 10 / 24)
    history = History("car", (before, visit(snapshot(68_000 * KM, id="b"))))

    utc, china = (check(judge(history, now=NOW, terms=Terms(zone=zone)), "K8") for zone in (NOW.tzinfo or CHINA, CHINA))

    assert utc.params == china.params
    assert str(utc.params["earlier_date"]) == "2026-10-22T19:00:00+00:00"
    assert ("2026-10-22" in utc.text.en, "2026-10-23" in china.text.en, "2026-10-23" in china.text.zh) == (True,) * 3
    assert Snapshot.model_validate(snapshot().model_dump()).road_test is None
