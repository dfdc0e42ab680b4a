"""What time, heat, starts and faults do to a car, without waiting for any of it."""

import time
from itertools import pairwise

import pytest

from simulator.car import Car, Leg
from simulator.library import load
from simulator.physics import charge_after, coolant_after, fuel_after

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


def parked(scenario: str = "clean") -> Car:
    """A car that has stood with its engine off for a night."""
    car = load(scenario).car(1)
    car.stop()
    car.pass_time(12 * HOUR_S)
    return car


def trip(car: Car, *, minutes: float = 20.0, speed_kmh: float = 50.0) -> None:
    car.start()
    car.speed_kmh = speed_kmh
    car.pass_time(minutes * 60)
    car.stop()


def test_an_engine_warms_quickly_and_cools_slowly() -> None:
    assert coolant_after(20, 20, 200, burning=True) == pytest.approx(88 - 68 / 2.71828, abs=0.01)
    assert coolant_after(20, 20, 3600, burning=True) == pytest.approx(88, abs=0.01)
    assert coolant_after(88, 20, 7200, burning=False) == pytest.approx(20 + 68 / 2.71828, abs=0.01)


def test_warming_by_steps_is_warming_at_once() -> None:
    by_steps = 10.0
    for _ in range(100):
        by_steps = coolant_after(by_steps, 10, 3, burning=True)

    assert by_steps == pytest.approx(coolant_after(10, 10, 300, burning=True))


def test_fuel_and_charge_are_spent_by_time_and_distance_and_filled_up_in_time() -> None:
    assert fuel_after(50, HOUR_S, 0) == pytest.approx(50 - 1.6)
    assert fuel_after(50, 0, 100_000) == pytest.approx(50 - 13)
    assert fuel_after(5.5, HOUR_S, 0) == 100
    assert charge_after(50, HOUR_S, 0) == pytest.approx(49.5)
    assert charge_after(50, 0, 60_000) == pytest.approx(33)


def test_a_cold_start_that_gets_warm_is_one_warm_up_and_a_warm_one_is_none() -> None:
    car = parked()
    car.counters.clear()

    trip(car)
    assert car.counters.warmups_since_clear == 1

    trip(car)
    assert car.counters.warmups_since_clear == 1


def test_a_trip_too_short_to_get_warm_is_no_warm_up() -> None:
    car = parked()
    car.counters.clear()

    trip(car, minutes=2)

    assert car.coolant_c < 70
    assert car.counters.warmups_since_clear == 0


def test_cranking_pulls_the_battery_down_until_the_alternator_charges_it() -> None:
    car = parked()
    resting_v = car.supply_v

    car.start()
    cranking_v = car.supply_v
    car.pass_time(1.0)

    assert (resting_v < 12.5, cranking_v, car.supply_v, car.run_s) == (True, 9.8, 14.2, 1.0)


def test_ignition_left_on_drains_the_battery() -> None:
    car = load("clean").car(1)
    car.stop()
    before_v = car.supply_v

    car.pass_time(10 * HOUR_S)

    assert car.supply_v == pytest.approx(before_v - 1.5)


def test_a_sag_ends_by_itself() -> None:
    car = load("clean").car(1)
    car.sag(7.5, 2.0)
    assert car.supply_v == 7.5

    car.pass_time(2.5)

    assert car.supply_v == 14.2


def test_what_is_broken_is_pending_after_one_cycle_and_lights_the_lamp_after_two() -> None:
    car = parked()
    car.defects.add(("P0420", "engine"))

    trip(car)
    assert ([code.kind for code in car.codes], car.mil, car.frozen_code) == (["pending"], False, "")

    trip(car)
    assert sorted(code.kind for code in car.codes) == ["pending", "permanent", "stored"]
    assert (car.mil, car.frozen_code, 0x05 in car.frozen) == (True, "P0420", True)


def test_a_cycle_too_short_to_judge_tells_nothing() -> None:
    car = parked()
    car.defects.add(("P0420", "engine"))

    trip(car, minutes=0.5)

    assert car.codes == []


def test_what_is_repaired_heals_by_cycles_the_lamp_first() -> None:
    car = parked()
    car.defects.add(("P0420", "engine"))
    for _ in range(5):
        trip(car)
    car.defects.clear()

    for _ in range(2):
        trip(car)
    assert car.mil is True
    trip(car)

    assert car.mil is False
    assert [code.kind for code in car.codes] == ["stored"]


def test_a_car_switched_off_by_the_technician_keeps_what_it_came_with() -> None:
    car = load("engine-fault").car(1)
    came_with = list(car.codes)

    car.stop()

    assert car.codes == came_with


def test_monitors_complete_in_the_order_of_their_conditions() -> None:
    car = parked("codes-cleared")
    seen = [set(car.incomplete)]
    for _ in range(10):
        trip(car, minutes=40, speed_kmh=90)
        car.pass_time(12 * HOUR_S)
        seen.append(set(car.incomplete))

    assert all(later <= earlier for earlier, later in pairwise(seen))
    assert seen[1] and not seen[-1]


def test_legs_follow_one_another_and_then_the_car_stands() -> None:
    car = load("clean").car(1)
    before_m = car.odometer_m

    car.drive_next([Leg(36, 100), Leg(0, 50), Leg(72, 100)])
    car.pass_time(125)
    assert car.odometer_m - before_m == pytest.approx(1000)
    assert car.speed_kmh == 0
    car.pass_time(500)

    assert car.odometer_m - before_m == pytest.approx(3000)
    assert car.speed_kmh == 0


def test_a_speed_that_is_ordered_ends_the_legs() -> None:
    car = load("clean").car(1)
    car.drive_next([Leg(36, 100), Leg(90, 1000)])

    car.keep_speed(18)
    car.pass_time(200)

    assert (car.speed_kmh, round(car.odometer_m) - 48_210_300) == (18, 1000)


def test_what_blocks_the_count_leaves_the_speed() -> None:
    car = load("clean").car(1)
    before_m, before_km = car.odometer_m, car.counters.distance_since_clear_km
    car.counted_share, car.speed_kmh = 0.25, 60

    car.pass_time(240)

    assert car.speed_kmh == 60
    assert car.odometer_m - before_m == pytest.approx(1000)
    assert car.counters.distance_since_clear_km - before_km == pytest.approx(1)


def test_a_warm_hybrid_stands_without_its_engine_and_a_cold_one_does_not() -> None:
    car = load("plug-in-hybrid").car(1)
    car.engine_on = True
    assert car.rpm == 0

    car.speed_kmh = 80
    assert car.rpm > 2000
    car.speed_kmh, car.coolant_c = 0, 10

    assert car.rpm == 780


def test_a_day_of_driving_takes_less_than_a_second() -> None:
    car = load("clean").car(1)
    day = [Leg(speed_kmh, 600) for _ in range(18) for speed_kmh in (0, 50, 30, 90, 60, 0, 70, 50)]
    car.drive_next(day)
    began_s = time.process_time()

    car.pass_time(DAY_S)

    # Processor time, so that a busy machine does not matter; a tenth of it is usual.
    assert time.process_time() - began_s < 1.0
    assert car.odometer_m - 48_210_300 == pytest.approx(sum(leg.speed_kmh / 3.6 * leg.seconds for leg in day))
