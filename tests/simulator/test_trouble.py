"""A code's life: pending, confirmed with the lamp, permanent, healed; and what a clear leaves of it."""

from simulator.codes import Code
from simulator.library import load
from simulator.trouble import FORGOTTEN_WARMUPS, LAMP_CYCLES, Troubles


def kinds(troubles: Troubles) -> list[str]:
    return sorted(code.kind for code in troubles.codes)


def confirmed() -> Troubles:
    troubles = Troubles()
    for _ in range(2):
        troubles.fail("P0420", "engine")
    return troubles


def test_the_first_cycle_makes_a_code_pending_and_the_second_confirms_it() -> None:
    troubles = Troubles()

    assert not troubles.fail("P0420", "engine")
    assert kinds(troubles) == ["pending"]
    assert troubles.fail("P0420", "engine")
    assert kinds(troubles) == ["pending", "permanent", "stored"]
    assert troubles.fail("P0420", "engine")
    assert len(troubles.codes) == 3


def test_a_pending_code_goes_after_one_sound_cycle() -> None:
    troubles = Troubles()
    troubles.fail("P0420", "engine")

    assert not troubles.pass_cycles(1, monitors_ran=True)
    assert troubles.codes == []


def test_the_lamp_goes_out_after_three_sound_cycles_and_the_code_after_forty_warmups() -> None:
    troubles = confirmed()

    assert troubles.pass_cycles(LAMP_CYCLES - 1, monitors_ran=True)
    assert not troubles.pass_cycles(1, monitors_ran=True)
    assert kinds(troubles) == ["stored"]
    troubles.pass_cycles(FORGOTTEN_WARMUPS, monitors_ran=True)
    assert troubles.codes == []


def test_a_permanent_code_outlives_a_clear_until_the_monitors_have_run() -> None:
    troubles = confirmed()

    troubles.clear()
    troubles.pass_cycles(20, monitors_ran=False)
    assert troubles.codes == [Code("P0420", "permanent", "engine")]
    troubles.pass_cycles(1, monitors_ran=True)
    assert troubles.codes == []


def test_a_car_clears_heals_and_completes_its_monitors_by_driving() -> None:
    car = load("engine-fault").car(1)
    car.clear_codes()
    assert (car.mil, car.counters.distance_since_clear_km) == (False, 0.0)
    assert {"catalyst", "evap"} <= car.incomplete

    car.warm_up(4)
    car.travel(100_000.0)
    assert car.incomplete == {"evap"}
    car.pass_cycles(3)

    assert car.codes == []


def test_a_monitor_that_missed_its_conditions_stays_open() -> None:
    car = load("clean").car(1)
    car.incomplete = {"evap"}

    car.travel(1_000_000.0)

    assert car.incomplete == {"evap"}


def test_a_battery_change_takes_what_a_clear_takes() -> None:
    changed, cleared = load("engine-fault").car(1), load("engine-fault").car(1)

    changed.change_battery(12.6)
    cleared.clear_codes()

    assert changed.codes == cleared.codes
    assert changed.counters == cleared.counters
    assert changed.battery_v == 12.6
