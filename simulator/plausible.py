"""Refuses histories that no car can have: what a scenario says of one visit, and of one visit after another."""

from collections.abc import Sequence

from simulator.car import METRES_PER_KM
from simulator.counting import Counters
from simulator.scenario import Visit
from simulator.toml_reader import Table

FULL_KM = 65535
FULL_MINUTES = 65535
FASTEST_KMH = 300.0
SLACK_KM = 5.0
HOUR_MINUTES = 60


def check_counters(table: Table, counters: Counters) -> None:
    """ScenarioError where one counter contradicts another of the same unit."""
    if counters.idle_run_s > counters.engine_run_s:
        raise table.fail("idle_run_h", "is more than engine_run_h: the engine cannot idle longer than it runs")
    if counters.distance_with_mil_km > counters.distance_since_clear_km < FULL_KM:
        raise table.fail("distance_with_mil_km", "is more than distance_since_clear_km: a clear resets both")
    if counters.minutes_with_mil > counters.minutes_since_clear < FULL_MINUTES:
        raise table.fail("hours_with_mil", "is more than hours_since_clear: a clear resets both")
    could_km = counters.minutes_since_clear / HOUR_MINUTES * FASTEST_KMH + SLACK_KM
    if counters.distance_since_clear_km > could_km and counters.minutes_since_clear < FULL_MINUTES:
        raise table.fail(
            "distance_since_clear_km", f"cannot be driven in hours_since_clear: above {FASTEST_KMH:g} km/h"
        )


def check_visit(table: Table, visit: Visit) -> None:
    """ScenarioError where a visit contradicts itself. Units with a past of their own have their own distances."""
    check_counters(table, visit.counters)
    true_km = visit.true_odometer_m / METRES_PER_KM
    for key in ("distance_since_clear_km", "distance_since_reflash_km"):
        if getattr(visit.counters, key) > true_km + 1:
            raise table.fail(key, f"is more than the car has truly driven: {true_km:.1f} km")
    if visit.last_service is not None and visit.last_service.odometer_m > visit.true_odometer_m:
        raise table.fail("last_service", "was at a mileage that the car has not reached")
    if visit.mil and not any(code.kind == "stored" for code in visit.codes):
        raise table.fail("mil", "is on, but no code is stored")
    if len(set(visit.codes)) < len(visit.codes):
        raise table.fail("code", "the same code stands twice in the same list of the same unit")


def check_sequence(tables: Sequence[Table], visits: Sequence[Visit]) -> None:
    """ScenarioError where the true odometer falls from one visit to the next."""
    for table, before, after in zip(tables[1:], visits, visits[1:], strict=False):
        if after.true_odometer_m < before.true_odometer_m:
            key = "true_odometer_km" if table.has("true_odometer_km") else "odometer_km"
            had_km = before.true_odometer_m / METRES_PER_KM
            raise table.fail(key, f"falls below {had_km:.1f} km: give true_odometer_km where it was tampered with")
