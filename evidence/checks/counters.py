"""K3: a part cannot be longer than the whole. Counters 31, 21 and C7 against the odometer."""

from collections.abc import Iterable
from dataclasses import dataclass

from evidence.checks.case import Case, not_determinable, outcome
from evidence.entry import KM_PER_MILE, Entry, agree, most_trusted, tells_mileage
from evidence.monitors import FULL_M
from evidence.quarantine import MOST_PER_DAY_M
from evidence.snapshot import CheckPart, CounterPart, Result, Snapshot
from evidence.travel import identity_of, moves_as_miles
from protocols.readings import ItemStatus, Trust

SINCE_CLEAR, SINCE_REFLASH = "distance_since_clear_m", "distance_since_reflash_m"
COUNTERS = (SINCE_CLEAR, "distance_with_mil_m", SINCE_REFLASH)
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
    def whole_m(self) -> int:
        return self.odometer.life_m

    @property
    def excess_m(self) -> int:
        return self.counter_m - self.whole_m

    @property
    def exceeds(self) -> bool:
        return self.excess_m > max(ROUNDING_M, TYRE_SHARE * self.whole_m)

    @property
    def surely(self) -> bool:
        return self.excess_m > max(SURE_M, SURE_SHARE * self.whole_m)


def counter_exceeds(case: Case) -> CheckPart:
    """K3: a replaced unit is the first explanation; impossible only where something proves that the unit is the car's.

    A used unit coded to this car tells the car's odometer beside the counters of its earlier life. So a unit's own
    contradiction is proof when it was seen to fall while its counter ran on, or when two units or two counters say it.
    """
    counters = _counters(case.snapshot)
    if not counters:
        return not_determinable("K3", "no_counter")
    if case.odometer is None:
        return not_determinable("K3", case.without_odometer)
    pairs = [_pair(case, case.odometer, *counter) for counter in counters]
    judged = [(pair, _judged(case, pair, pairs)) for pair in pairs]
    worst, result = max(judged, key=lambda one: (_ORDER[one[1]], one[0].excess_m))
    if result is Result.SUSPICIOUS and _may_be_miles(case, worst):
        return not_determinable("K3", "unit_unclear")
    return _said(worst, result)


def _may_be_miles(case: Case, pair: _Pair) -> bool:
    """Only a dashboard speaks, it moves against the counter as miles do, and as miles it holds the counter."""
    typed = pair.odometer.source == "dash" and pair.counter_m <= pair.whole_m * KM_PER_MILE
    return typed and moves_as_miles(case.entries, case.history.visits)


_ORDER = {Result.CONSISTENT: 0, Result.SUSPICIOUS: 1, Result.IMPOSSIBLE: 2}


def _counters(snapshot: Snapshot) -> list[tuple[str, int, CounterPart, int]]:
    return [
        (name, place, counter, counter.value)
        for name in COUNTERS
        for place, counter in enumerate(getattr(snapshot.counters, name))
        if counter.status is ItemStatus.READ and counter.value is not None
    ]


def _pair(case: Case, best: Entry, name: str, place: int, counter: CounterPart, counter_m: int) -> _Pair:
    own = _own_odometer(case, counter.ecu, case.index)
    return _Pair(
        name=name,
        counter=counter,
        counter_m=counter_m,
        evidence=f"{case.name}/counters/{name}/{place}",
        odometer=own or best,
        own=own is not None,
    )


def _own_odometer(case: Case, ecu: str, visit: int) -> Entry | None:
    own = [entry for entry in case.at_visit(visit) if ecu and entry.ecu == ecu and tells_mileage(entry)]
    return most_trusted(entry for entry in own if entry.trust in (Trust.STANDARD, Trust.CONFIRMED))


def _judged(case: Case, pair: _Pair, pairs: list[_Pair]) -> Result:
    if not pair.exceeds:
        return Result.CONSISTENT
    if pair.odometer.source == "dash" and case.shows_miles and pair.counter_m <= pair.whole_m * KM_PER_MILE:
        return Result.CONSISTENT
    return Result.IMPOSSIBLE if pair.own and pair.surely and _is_the_cars_own(case, pair, pairs) else Result.SUSPICIOUS


def _is_the_cars_own(case: Case, pair: _Pair, pairs: list[_Pair]) -> bool:
    """Whether something proves that this unit has always been in this car, and nothing that it came from another."""
    if case.unit_ever_changed(pair.counter.ecu) or _carries_another_vin(case, pair.counter.ecu):
        return False
    if _fell_while_counting(case, pair):
        return True
    if _programmed_since(case, pair) or _another_unit_fits(pair, pairs):
        return False
    return _another_says_so(pair, pairs)


def _carries_another_vin(case: Case, ecu: str) -> bool:
    vin, told = case.snapshot.vehicle.vin, identity_of(case.snapshot, ecu)[0]
    return bool(vin and told and told != vin)


def _programmed_since(case: Case, pair: _Pair) -> bool:
    """C7 within the car's life while the counter is beyond it: the unit was coded to this car with its past in it."""
    since = [
        part.value
        for part in case.snapshot.counters.distance_since_reflash_m
        if part.ecu == pair.counter.ecu and part.value is not None and part.status is ItemStatus.READ
    ]
    return any(value <= pair.whole_m for value in since)


def _another_unit_fits(pair: _Pair, pairs: Iterable[_Pair]) -> bool:
    """Another unit has counted since its last clear, and what it counted fits into this car's life."""
    others = (one for one in pairs if one.name == SINCE_CLEAR and one.counter.ecu != pair.counter.ecu)
    return any(not one.exceeds for one in others)


def _another_says_so(pair: _Pair, pairs: Iterable[_Pair]) -> bool:
    """A second unit, or the same one's distance since it was programmed, is beyond the odometer too."""
    beyond = [one for one in pairs if one.surely]
    return any(one.counter.ecu != pair.counter.ecu for one in beyond) or any(
        one.name == SINCE_REFLASH and one.counter.ecu == pair.counter.ecu for one in beyond
    )


def _fell_while_counting(case: Case, pair: _Pair) -> bool:
    """Earlier this unit's own odometer stood higher, and nothing says that its counter is another one since."""
    for visit in range(case.index):
        before = _own_odometer(case, pair.counter.ecu, visit)
        if before is None or before.life_m <= pair.whole_m or agree(before.life_m, pair.whole_m):
            continue
        counted = _counted_before(case, pair, visit)
        if not counted or any(_runs_on(case, pair, visit, counted_m) for counted_m in counted):
            return True
    return False


def _counted_before(case: Case, pair: _Pair, visit: int) -> list[int]:
    return [
        value
        for name, _, counter, value in _counters(case.history.visits[visit].snapshot)
        if name == pair.name and counter.ecu == pair.counter.ecu
    ]


def _runs_on(case: Case, pair: _Pair, visit: int, counted_m: int) -> bool:
    """Whether the counter now is the counter then and what can be driven in between."""
    before, at = case.history.visits[visit].at, case.at
    days = max(abs((at - before).days), 1) if at and before else 3_650
    return counted_m <= pair.counter_m <= counted_m + days * MOST_PER_DAY_M


def _said(pair: _Pair, result: Result) -> CheckPart:
    full = pair.counter.saturated or pair.counter_m >= FULL_M
    params: dict[str, str | int | float] = {
        "counter": f"@counter.{pair.name}",
        "counter_m": pair.counter_m,
        "odometer_m": pair.whole_m,
        "gap_m": max(pair.excess_m, 0),
        "ecu": pair.counter.ecu or "@value.unknown",
    }
    return outcome(
        "K3",
        result,
        params,
        variant=_variant(pair, result, full=full),
        evidence=(pair.evidence, pair.odometer.id),
        assumption="tyre_size" if result is Result.CONSISTENT else "unit_not_replaced",
    )


def _variant(pair: _Pair, result: Result, *, full: bool) -> str:
    """The sentence that fits: a full counter says "at least", a typed mileage may be a slip."""
    if result is Result.CONSISTENT and full:
        return "consistent_saturated"
    return "suspicious_typed" if result is Result.SUSPICIOUS and pair.odometer.source == "dash" else ""
