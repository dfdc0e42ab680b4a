"""The checks K1 to K10: pure functions from what is known of a car to a result with its reasons."""

from collections.abc import Callable

from evidence.checks.case import Case, not_determinable, spoken_in
from evidence.checks.cleared import cleared_recently, permanent_without_stored
from evidence.checks.counters import counter_exceeds
from evidence.checks.earlier import below_earlier
from evidence.checks.engine_hours import engine_hours
from evidence.checks.identity import vin_in_units
from evidence.checks.people import inspection, road_test
from evidence.checks.witnesses import dash_against_reading, units_against_each_other
from evidence.snapshot import CheckPart

CHECKS: dict[str, Callable[[Case], CheckPart]] = {
    "K1": dash_against_reading,
    "K2": units_against_each_other,
    "K3": counter_exceeds,
    "K4": cleared_recently,
    "K5": permanent_without_stored,
    "K6": engine_hours,
    "K7": vin_in_units,
    "K8": below_earlier,
    "K9": road_test,
    "K10": inspection,
}
# those that compare control units with one another: an owner may switch them off (US patent 12525075)
MAY_BE_OFF = frozenset({"K2", "K7"})


def results(case: Case, off: frozenset[str] = frozenset()) -> tuple[CheckPart, ...]:
    """All ten results, in order; one that is switched off says so."""
    silent = off & MAY_BE_OFF
    return tuple(not_determinable(n, "switched_off") if n in silent else check(case) for n, check in CHECKS.items())


__all__ = ["CHECKS", "MAY_BE_OFF", "Case", "results", "spoken_in"]
