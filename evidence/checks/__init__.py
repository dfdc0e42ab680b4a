"""The checks K1 to K10: pure functions from what is known of a car to a result with its reasons."""

from collections.abc import Callable

from evidence.checks.case import Case
from evidence.checks.cleared import cleared_recently, permanent_without_stored
from evidence.checks.counters import counter_exceeds
from evidence.checks.earlier import below_earlier
from evidence.checks.engine_hours import engine_hours
from evidence.checks.identity import vin_in_units
from evidence.checks.people import inspection, road_test
from evidence.checks.witnesses import dash_against_reading, units_against_each_other
from evidence.snapshot import CheckPart

CHECKS: tuple[Callable[[Case], CheckPart], ...] = (
    dash_against_reading,
    units_against_each_other,
    counter_exceeds,
    cleared_recently,
    permanent_without_stored,
    engine_hours,
    vin_in_units,
    below_earlier,
    road_test,
    inspection,
)

__all__ = ["CHECKS", "Case"]
