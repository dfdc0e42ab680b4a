"""K3: a part cannot be longer than the whole. Counters 31, 21 and C7 against the odometer."""

from dataclasses import dataclass

from evidence.checks.case import KM_PER_MILE, Case, not_determinable, outcome
from evidence.entry import Entry
from evidence.snapshot import CheckPart, CounterPart, Result
from protocols.readings import ItemStatus, Trust

COUNTERS = ("distance_since_clear_m", "distance_with_mil_m", "distance_since_reflash_m")
# 01 31 and 01 21 hold two bytes of km: this value means "at least this much" (SAE J1979)
FULL_M = 65_535_000
# rounding, and a speed-based counter may run ahead of the cluster by the tyres' size (UN R39 allows no negative error)
ROUNDING_M = 50_000
TYRE_SHARE = 0.01
SURE_M = 100_000
SURE_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class _Pair:
    """A counter and the odometer it must not exceed; ``own`` when one control unit gave both."""

    name: str
    counter: CounterPart
    counter_m: int
    evidence: str
    odometer: Entry
    own: bool

    @property
    def excess_m(self) -> int:
        return self.counter_m - self.odometer.odometer_m


def counter_exceeds(case: Case) -> CheckPart:
    """K3: impossible only between values of one control unit; elsewhere a replaced unit is the first explanation."""
    counters = _counters(case)
    if not counters:
        return not_determinable("K3", "no_counter")
    if case.odometer is None:
        return not_determinable("K3", "no_odometer")
    pairs = [_pair(case, case.odometer, *counter) for counter in counters]
    worst = max(pairs, key=lambda pair: (_ORDER[_judged(case, pair)], pair.excess_m))
    return _said(worst, _judged(case, worst))


_ORDER = {Result.CONSISTENT: 0, Result.SUSPICIOUS: 1, Result.IMPOSSIBLE: 2}


def _counters(case: Case) -> list[tuple[str, int, CounterPart, int]]:
    return [
        (name, place, counter, counter.value)
        for name in COUNTERS
        for place, counter in enumerate(getattr(case.snapshot.counters, name))
        if counter.status is ItemStatus.READ and counter.value is not None
    ]


def _pair(case: Case, best: Entry, name: str, place: int, counter: CounterPart, counter_m: int) -> _Pair:
    own = _own_odometer(case, counter.ecu)
    return _Pair(
        name=name,
        counter=counter,
        counter_m=counter_m,
        evidence=f"{case.name}/counters/{name}/{place}",
        odometer=own or best,
        own=own is not None,
    )


def _own_odometer(case: Case, ecu: str) -> Entry | None:
    own = [
        entry
        for entry in case.entries
        if entry.visit == case.index
        and ecu
        and entry.ecu == ecu
        and entry.trust in (Trust.STANDARD, Trust.CONFIRMED)
        and entry.quarantined not in {"zero", "implausible"}
    ]
    return min(own, key=lambda entry: entry.rank, default=None)


def _judged(case: Case, pair: _Pair) -> Result:
    whole_m = pair.odometer.odometer_m
    if pair.excess_m <= max(ROUNDING_M, TYRE_SHARE * whole_m):
        return Result.CONSISTENT
    if pair.odometer.source == "dash" and case.shows_miles and pair.counter_m <= whole_m * KM_PER_MILE:
        return Result.CONSISTENT
    sure = pair.excess_m > max(SURE_M, SURE_SHARE * whole_m)
    return Result.IMPOSSIBLE if sure and pair.own and not _unit_was_replaced(case, pair) else Result.SUSPICIOUS


def _unit_was_replaced(case: Case, pair: _Pair) -> bool:
    """Signs that the unit came from another car: a foreign VIN in it, or programmed after its counter had started."""
    vin = case.snapshot.vehicle.vin
    foreign = any(ecu.address == pair.counter.ecu and ecu.vin and vin and ecu.vin != vin for ecu in case.snapshot.ecus)
    programmed = [
        part.value
        for part in case.snapshot.counters.distance_since_reflash_m
        if part.ecu == pair.counter.ecu and part.value is not None and part.status is ItemStatus.READ
    ]
    return foreign or any(value <= pair.odometer.odometer_m < pair.counter_m for value in programmed)


def _said(pair: _Pair, result: Result) -> CheckPart:
    full = pair.counter.saturated or pair.counter_m >= FULL_M
    params: dict[str, str | int | float] = {
        "counter": f"@counter.{pair.name}",
        "counter_m": pair.counter_m,
        "odometer_m": pair.odometer.odometer_m,
        "gap_m": max(pair.excess_m, 0),
        "ecu": pair.counter.ecu or "@value.unknown",
    }
    confidence = {Result.CONSISTENT: 0.8, Result.SUSPICIOUS: 0.6, Result.IMPOSSIBLE: 0.95}[result]
    return outcome(
        "K3",
        result,
        params,
        variant=_variant(pair, result, full=full),
        confidence=confidence,
        evidence=(pair.evidence, pair.odometer.id),
        assumption="tyre_size" if result is Result.CONSISTENT else "unit_not_replaced",
    )


def _variant(pair: _Pair, result: Result, *, full: bool) -> str:
    """The sentence that fits: a full counter says "at least", a typed mileage may be a slip."""
    if result is Result.CONSISTENT and full:
        return "consistent_saturated"
    return "suspicious_typed" if result is Result.SUSPICIOUS and pair.odometer.source == "dash" else ""
