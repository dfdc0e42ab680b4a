"""Where an odometer must stand by its own pace, and the windows that say it: every edge is where it should be."""

from datetime import timedelta

import pytest

from evidence.entry import Entry
from evidence.pace import expected_after, expected_before
from evidence.windows import Window, doubt
from protocols.readings import Trust
from tests.evidence.cars import KM, NOW


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
