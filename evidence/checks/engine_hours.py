"""K6: engine hours (7F) against the distance: the mean speed they imply.

Hours of a unit that was another one before are not this car's.
"""

from evidence.checks.case import Case, not_determinable, outcome
from evidence.snapshot import CheckPart, Result
from protocols.readings import ItemStatus

# mean speed of cars over their life; a band to be tuned on real fleets
SLOWEST_KMH = 10
FASTEST_KMH = 90
LEAST_S = 50 * 3600
LEAST_M = 1_000_000
# an engine that rests while the car drives says nothing about distance
ENGINE_RESTS = ("electric", "hybrid")


def engine_hours(case: Case) -> CheckPart:
    """K6: implausible when the mean speed is outside what cars do."""
    if any(word in case.snapshot.vehicle.fuel for word in ENGINE_RESTS):
        return not_determinable("K6", "engine_not_counting")
    counters = case.snapshot.counters.engine_run_time_s
    hours = [
        (place, part.value)
        for place, part in enumerate(counters)
        if part.status is ItemStatus.READ and part.value and not part.saturated and not case.unit_ever_changed(part.ecu)
    ]
    if not hours:
        return not_determinable("K6", "no_hours")
    odometer = case.odometer
    if odometer is None:
        return not_determinable("K6", case.without_odometer)
    # units count differently (some with the ignition); the one that fits best speaks for the car
    place, run_s = min(hours, key=lambda pair: _strangeness(odometer.life_m / pair[1] * 3.6))
    if run_s < LEAST_S or odometer.life_m < LEAST_M:
        return not_determinable("K6", "hours_too_few")
    mean_kmh = round(odometer.life_m / run_s * 3.6, 1)
    usual = not _strangeness(mean_kmh)
    return outcome(
        "K6",
        Result.CONSISTENT if usual else Result.SUSPICIOUS,
        {"run_hours": round(run_s / 3600), "odometer_m": odometer.life_m, "mean_kmh": mean_kmh},
        confidence=0.95,
        evidence=(f"{case.name}/counters/engine_run_time_s/{place}", odometer.id),
        assumption="average_speed",
    )


def _strangeness(mean_kmh: float) -> float:
    """0 inside the band of ordinary cars, else how far outside."""
    return max(0.0, SLOWEST_KMH - mean_kmh, mean_kmh - FASTEST_KMH)
