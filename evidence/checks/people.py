"""K9 and K10: what only a drive or a person's eyes can tell."""

from collections.abc import Iterable

from evidence.checks.case import Case, not_determinable, outcome
from evidence.entry import agree
from evidence.history import in_utc
from evidence.snapshot import CheckPart, InspectionPart, Result, RoadTestPart, Wear

# below this the odometer's own steps and the start of the drive weigh more than the distance
LEAST_DRIVE_M = 2_000
# tyres and UN R39 (a speedometer never shows less than true) leave this much between wheels and odometer
DRIVE_SHARE = 0.1
HEAVY_BEFORE_M = 60_000_000
FRESH_TYRES_BEFORE_M = 25_000_000
TYRES_LAST_YEARS = 3


def road_test(case: Case) -> CheckPart:
    """K9: does the odometer move as far as the wheels? A blocker or a filter in the line slows it."""
    drive = case.snapshot.road_test
    if drive is None:
        return not_determinable("K9", "no_road_test")
    moved_m = _moved(drive.odometer_start_m, drive.odometer_end_m)
    if moved_m is None or drive.speed_distance_m is None:
        typed = drive.source == "dash" and drive.speed_distance_m is not None and drive.odometer_end_m is None
        return not_determinable("K9", "road_test_untyped" if typed else "road_test_unread")
    if drive.speed_distance_m < LEAST_DRIVE_M:
        return not_determinable("K9", "road_test_short")
    gap_m = drive.speed_distance_m - moved_m
    fits = abs(gap_m) <= DRIVE_SHARE * drive.speed_distance_m + max(drive.odometer_step_m, 0)
    params: dict[str, str | int | float] = {
        "driven_m": drive.speed_distance_m,
        "moved_m": moved_m,
        "counted_m": _counted(drive),
    }
    return outcome(
        "K9",
        Result.CONSISTENT if fits else Result.SUSPICIOUS,
        params,
        variant="" if fits or gap_m > 0 else "suspicious_faster",
        evidence=(f"{case.name}/road_test",),
        assumption="speed_right",
    )


def _moved(start_m: int | None, end_m: int | None) -> int | None:
    return None if start_m is None or end_m is None or end_m < start_m else end_m - start_m


def _counted(drive: RoadTestPart) -> str | int:
    """What counter 31 moved by, where it was read and had room."""
    moved_m = _moved(drive.counter_start_m, drive.counter_end_m)
    return "@value.unknown" if moved_m is None else moved_m


def inspection(case: Case) -> CheckPart:
    """K10: do tyres, pedals, wheel, seat and the last service sticker fit the mileage?"""
    seen = case.snapshot.inspection
    if seen is None or not (seen.sticker_odometer_m or _looked_at(seen) or seen.tyre_dots):
        return not_determinable("K10", "no_inspection")
    if case.odometer is None:
        return not_determinable("K10", "no_odometer")
    odometer_m, evidence = case.odometer.life_m, (f"{case.name}/inspection", case.odometer.id)
    if _sticker_above(seen, odometer_m):
        params = {"odometer_m": odometer_m, "sticker_m": seen.sticker_odometer_m or 0}
        return outcome(
            "K10",
            Result.SUSPICIOUS,
            params,
            variant="suspicious_sticker",
            evidence=evidence,
            assumption="sticker_of_this_car",
        )
    signs = tuple(_signs(case, seen, odometer_m))
    red = len(signs) > 1
    return outcome(
        "K10",
        Result.SUSPICIOUS if red else Result.CONSISTENT,
        {"odometer_m": odometer_m, "count": len(signs)},
        evidence=evidence,
        assumption="wear_usual",
    )


def _looked_at(seen: InspectionPart) -> bool:
    return any(part is not None for part in (seen.pedals, seen.steering_wheel, seen.driver_seat))


def _sticker_above(seen: InspectionPart, odometer_m: int) -> bool:
    sticker_m = seen.sticker_odometer_m
    return sticker_m is not None and sticker_m > odometer_m and not agree(sticker_m, odometer_m)


def _signs(case: Case, seen: InspectionPart, odometer_m: int) -> Iterable[str]:
    """What looks older than the odometer says."""
    if odometer_m < HEAVY_BEFORE_M:
        parts = {"pedals": seen.pedals, "steering_wheel": seen.steering_wheel, "driver_seat": seen.driver_seat}
        yield from (name for name, wear in parts.items() if wear is Wear.HEAVY)
    if odometer_m < FRESH_TYRES_BEFORE_M and _second_tyres(case, seen):
        yield "tyres"


def _second_tyres(case: Case, seen: InspectionPart) -> bool:
    """Tyres made years after the car: its first set is worn out."""
    built = case.snapshot.vehicle.model_year
    made = [2000 + int(dot[2:]) for dot in seen.tyre_dots if len(dot) == 4 and dot.isdigit()]
    at = in_utc(case.at).year if case.at else None
    known = [year for year in made if at is None or year <= at]
    return bool(built and known) and min(known) >= (built or 0) + TYRES_LAST_YEARS
