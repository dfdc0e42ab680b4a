"""K9 and K10: what only a drive or a person's eyes can tell. Nobody has done either yet."""

from evidence.checks.case import Case, not_determinable
from evidence.snapshot import CheckPart


def road_test(case: Case) -> CheckPart:
    """K9: does the odometer move as far as the wheels?"""
    return not_determinable("K9", "no_road_test")


def inspection(case: Case) -> CheckPart:
    """K10: do tyres, pedals, wheel and seat fit the mileage?"""
    return not_determinable("K10", "no_inspection")
