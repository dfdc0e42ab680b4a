"""Where an odometer must stand by its own pace, and the windows that say it: every edge is where it should be."""

from dataclasses import replace
from datetime import timedelta

import pytest

from evidence.entry import Entry
from evidence.history import Visit
from evidence.pace import expected_after, expected_before, expected_by_hours
from evidence.snapshot import EcuPart
from evidence.windows import Window, doubt
from protocols.readings import Trust
from tests.evidence.cars import HOUR_S, KM, NOW, VIN, counters, snapshot, visit


def _typed(km: int, days_ago: float = 0, *, dated: bool = True) -> Entry:
    at = NOW - timedelta(days=days_ago)
    return Entry(f"e{days_ago}", at, "dash", "", km * KM, Trust.TYPED, visit=0, dated=dated, unit="km")


def _km(window: Window | None) -> tuple[int, int] | None:
    return None if window is None else (round(window.low_m / KM), round(window.high_m / KM))


def test_a_pace_needs_three_months_and_a_car_that_moved() -> None:
    assert _km(expected_after(_typed(0), [_typed(20_000, 180), _typed(29_000, 90)])) == (35_750, 40_250)
    assert expected_after(_typed(0), [_typed(20_000, 180), _typed(20_000, 90)]) is None
    assert expected_after(_typed(0), [_typed(20_000, 179), _typed(29_000, 90)]) is None
    assert expected_after(_typed(0), [_typed(29_000, 90)]) is None


def test_a_value_that_nobody_dated_stands_within_two_years_of_the_one_before() -> None:
    window = expected_after(_typed(0, dated=False), [_typed(20_000, 180), _typed(29_000, 90)])

    assert _km(window) == (29_000, 102_000)


def test_a_car_that_was_long_seen_to_keep_its_pace_is_held_to_it() -> None:
    steady = [_typed(10_000 * place, 400 - 100 * place) for place in range(5)]

    assert _km(expected_after(_typed(0, -100), steady)) == (48_500, 51_500)
    assert _km(expected_after(_typed(0, -200), steady)) == (57_000, 63_000)


def test_the_pace_carried_back_ends_at_the_first_later_value() -> None:
    later = [_typed(40_000, 600), _typed(55_000, 300), _typed(70_000, 0)]

    assert _km(expected_before(_typed(0, 900), later)) == (17_500, 40_000)
    assert _km(expected_before(_typed(0, 3_000), later)) == (0, 40_000)
    assert expected_before(_typed(0, 900, dated=False), later) is None


@pytest.mark.parametrize("wrong", [9_000, 900_000])
def test_one_wrong_value_is_left_out_when_three_remain(wrong: int) -> None:
    ends = [_typed(40_000, 600), _typed(wrong, 400), _typed(55_000, 300), _typed(70_000, 0)]

    assert _km(expected_before(_typed(0, 900), ends)) == (17_500, 40_000)
    assert expected_before(_typed(0, 900), ends[1:3] if wrong > 100_000 else ends[:2]) is None
    assert expected_before(_typed(0, 900), ends[:3]) is None, "two remain"


def test_a_window_for_miles_is_as_narrow_as_whole_miles_allow() -> None:
    assert Window(100_000 * KM, 120_000 * KM).narrowed() == Window(109_890_000.0, 110_110_000.0)
    assert Window(109_990 * KM, 110_010 * KM).narrowed() == Window(109_990_000.0, 110_010_000.0)


@pytest.mark.parametrize(("km", "slip"), [(100, True), (99, False)])
def test_three_digits_are_a_slip_only_in_a_place_known_well(km: int, slip: bool) -> None:
    assert Window(900 * KM, 1_900 * KM).has_slip(_typed(km)) is slip
    assert not Window(899 * KM, 1_900 * KM).has_slip(_typed(km))


def test_what_a_window_holds_is_not_doubted() -> None:
    assert doubt(_typed(61_000), Window(60_000 * KM, 61_000 * KM)) == ""
    assert doubt(_typed(16_600), Window(61_000 * KM, 61_700 * KM)) == "slip"
    assert doubt(_typed(38_000), Window(61_150 * KM, 61_160 * KM)) == "miles"


def test_two_windows_have_in_common_what_both_hold() -> None:
    assert Window(10, 20).within(Window(20, 30)) == Window(20, 20)
    assert Window(10, 20).within(Window(5, 15)) == Window(10, 15)
    assert Window(10, 20).within(Window(21, 30)) is None
    assert Window(10, 20).within(None) == Window(10, 20)


@pytest.mark.parametrize(
    ("low_km", "high_km", "holds"), [(90, 120, True), (121, 130, False), (70, 80, True), (70, 79, False)]
)
def test_ten_times_a_number_is_eight_to_twelve_times_of_it(low_km: int, high_km: int, holds: bool) -> None:
    assert Window(low_km * KM, high_km * KM).holds_ten_times(_typed(10)) is holds


def _run(km: int, hours: int | None, days_ago: float, calibration: str = "own") -> tuple[Entry, Visit]:
    values = counters() if hours is None else counters(engine_run_time_s=hours * HOUR_S)
    ecus = (EcuPart(address="7E8", vin=VIN, calibration_ids=(calibration,)),)
    return _typed(km, days_ago), visit(snapshot(None, values=values, ecus=ecus), days_ago=days_ago)


def _by_hours(*seen: tuple[Entry, Visit]) -> tuple[int, int] | None:
    entries = [replace(entry, visit=place) for place, (entry, _) in enumerate(seen)]
    return _km(expected_by_hours(entries[-1], entries[:-1], [one for _, one in seen]))


def test_engine_hours_carry_the_cars_mean_speed_on_with_a_tenth_to_either_side() -> None:
    first, second = _run(20_000, 500, 900), _run(40_000, 1_000, 400)

    assert _by_hours(first, second, _run(0, 1_250, 0)) == (49_000, 51_000)
    assert _by_hours(first, second, _run(0, 1_050, 0)) == (41_700, 42_300)
    assert _by_hours(first, _run(30_000, None, 600), second, _run(0, 1_250, 0)) == (49_000, 51_000)


def test_engine_hours_need_two_visits_of_the_same_unit_that_both_went_on() -> None:
    first, second, now = _run(20_000, 500, 900), _run(40_000, 1_000, 400), _run(0, 1_250, 0)

    assert _by_hours(second, now) is None
    assert _by_hours(first, second, _run(0, 1_000, 0)) is None
    assert _by_hours(first, second, _run(0, None, 0)) is None
    assert _by_hours(_run(40_000, 500, 900), second, now) is None
    assert _by_hours(_run(20_000, 500, 900, "other"), second, now) is None
