"""What time and driving do to a car."""

import pytest

from simulator.library import load


def test_a_moving_car_gains_distance_on_all_its_counters() -> None:
    car = load("engine-fault").car(1)
    car.speed_kmh = 72.0
    car.advance(10.0)

    car.advance(1010.0)

    assert car.odometer_m == pytest.approx(86_412_700 + 20_000)
    assert car.counters.distance_since_clear_km == pytest.approx(21_877 + 20)
    assert car.counters.distance_with_mil_km == pytest.approx(214 + 20)


def test_a_standing_car_gains_run_time_only() -> None:
    car = load("clean").car(1)
    before_s = car.counters.engine_run_s
    car.advance(0.0)

    car.advance(60.0)

    assert car.odometer_m == 48_210_300
    assert car.counters.engine_run_s == before_s + 60
    assert car.counters.minutes_since_clear == pytest.approx(612 * 60 + 1)


def test_nothing_happens_with_the_ignition_off_or_the_clock_turned_back() -> None:
    car = load("clean").car(1)
    car.speed_kmh = 50.0
    car.ignition_on = False
    car.advance(0.0)
    car.advance(100.0)
    car.ignition_on = True

    car.advance(50.0)

    assert car.odometer_m == 48_210_300


def test_the_engine_idles_when_the_car_stands_and_stops_when_told() -> None:
    car = load("clean").car(1)
    assert car.rpm == 780.0

    car.engine_on = False

    assert car.rpm == 0.0
    assert load("ev").car(1).rpm == 0.0
