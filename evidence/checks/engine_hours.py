"""K6: engine hours (7F) against the distance: the mean speed they imply.

Hours of a unit that was another one before are this car's only since it came.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from evidence.checks.case import Case, moment, not_determinable, outcome
from evidence.entry import Entry
from evidence.ledger import best_of_visit
from evidence.snapshot import CheckPart, CounterPart, Result, Snapshot
from protocols.readings import ItemStatus

# mean speed of cars over their life; a band to be tuned on real fleets
SLOWEST_KMH = 10
FASTEST_KMH = 90
LEAST_S = 50 * 3600
LEAST_M = 1_000_000
# an engine that rests while the car drives says nothing about distance
ENGINE_RESTS = ("electric", "hybrid")


@dataclass(frozen=True, slots=True)
class _Run:
    """What one unit counted, and the distance of the same time; ``since`` is None for the car's whole life."""

    run_s: int
    distance_m: int
    evidence: tuple[str, ...]
    whole_life: bool = True
    since: datetime | None = None

    @property
    def mean_kmh(self) -> float:
        return round(self.distance_m / self.run_s * 3.6, 1)

    @property
    def enough(self) -> bool:
        return self.run_s >= LEAST_S and self.distance_m >= LEAST_M


def engine_hours(case: Case) -> CheckPart:
    """K6: implausible when the mean speed is outside what cars do."""
    if any(word in case.snapshot.vehicle.fuel for word in ENGINE_RESTS):
        return not_determinable("K6", "engine_not_counting")
    counters = list(_read(case.snapshot))
    if not counters:
        return not_determinable("K6", "no_hours")
    odometer = case.odometer
    if odometer is None:
        return not_determinable("K6", case.without_odometer)
    runs = [run for place, part in counters if (run := _run(case, odometer, place, part)) is not None]
    if not runs:
        return not_determinable("K6", "no_hours")
    # units count differently (some with the ignition); the one that fits best speaks for the car
    run = min(runs, key=lambda one: _strangeness(one.mean_kmh))
    return _said(run) if run.enough else not_determinable("K6", "hours_too_few")


def _read(snapshot: Snapshot) -> Iterator[tuple[int, CounterPart]]:
    for place, part in enumerate(snapshot.counters.engine_run_time_s):
        if part.status is ItemStatus.READ and part.value and not part.saturated:
            yield place, part


def _run(case: Case, odometer: Entry, place: int, part: CounterPart) -> _Run | None:
    """None where the unit was exchanged and nothing was read of it since but now."""
    run_s, told = part.value or 0, f"{case.name}/counters/engine_run_time_s/{place}"
    if not case.unit_ever_changed(part.ecu):
        return _Run(run_s, odometer.life_m, (told, odometer.id))
    for visit in range(case.unit_since(part.ecu), case.index):
        seen = [one.value for _, one in _read(case.history.visits[visit].snapshot) if one.ecu == part.ecu]
        then = best_of_visit(case.at_visit(visit), visit)
        if seen and then is not None and (seen[0] or 0) < run_s:
            driven_m, spent_s = odometer.life_m - then.life_m, run_s - (seen[0] or 0)
            return _Run(spent_s, max(driven_m, 0), (told, odometer.id, then.id), whole_life=False, since=then.at)
    return None


def _said(run: _Run) -> CheckPart:
    result = Result.SUSPICIOUS if _strangeness(run.mean_kmh) else Result.CONSISTENT
    params: dict[str, str | int | float] = {
        "run_hours": round(run.run_s / 3600),
        "odometer_m": run.distance_m,
        "mean_kmh": run.mean_kmh,
    }
    if not run.whole_life:
        params |= {"since_date": moment(run.since)}
    variant = "" if run.whole_life else f"{result}_since"
    return outcome("K6", result, params, variant=variant, evidence=run.evidence, assumption="average_speed")


def _strangeness(mean_kmh: float) -> float:
    """0 inside the band of ordinary cars, else how far outside."""
    return max(0.0, SLOWEST_KMH - mean_kmh, mean_kmh - FASTEST_KMH)
