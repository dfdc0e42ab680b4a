"""K1 and K2: odometers of one visit against each other, the dashboard's and those of the control units."""

from evidence.checks.case import Case, not_determinable, outcome
from evidence.entry import (
    AGREEMENT_RANK,
    METRES_PER_MILE,
    NEAR_M,
    WORST_STANDING_RANK,
    Entry,
    agree,
    near_m,
    tells_mileage,
)
from evidence.snapshot import CheckPart, Result
from evidence.typed import MILES
from protocols.readings import Trust


def dash_against_reading(case: Case) -> CheckPart:
    """K1: what the dashboard shows, as a person typed it, against the best value read from the car."""
    if case.dash is None:
        return not_determinable("K1", "no_dash")
    if case.read is None:
        return not_determinable("K1", "no_reading")
    if case.doubt:
        return _doubted(case, case.dash, case.read)
    params = _numbers(case.dash, case.read)
    evidence = (case.dash.id, case.read.id)
    if _near(case.dash.life_m, case.read.life_m):
        return outcome("K1", Result.CONSISTENT, params, evidence=evidence, assumption="dash_typed_right")
    if _other_unit(case, case.read):
        return outcome(
            "K1",
            Result.CONSISTENT,
            params,
            variant="consistent_unit",
            evidence=evidence,
            assumption="replaced_unit",
        )
    return outcome("K1", Result.SUSPICIOUS, params, evidence=evidence, assumption="dash_typed_right")


def _numbers(dash: Entry, read: Entry) -> dict[str, str | int | float]:
    gap_m = abs(dash.life_m - read.life_m)
    return {
        "dash_m": dash.life_m,
        "read_m": read.life_m,
        "gap_m": gap_m,
        "gap_pct": round(100 * gap_m / max(read.life_m, 1), 1),
    }


def _doubted(case: Case, dash: Entry, read: Entry) -> CheckPart:
    """The number typed was not meant as it stands; a dashboard in miles needs more than its ratio to agree."""
    if case.doubt != MILES:
        return not_determinable("K1", case.without_odometer)
    if not case.miles_supported:
        return not_determinable("K1", "unit_unclear")
    return outcome(
        "K1",
        Result.CONSISTENT,
        _numbers(dash, read),
        variant="consistent_miles",
        evidence=(dash.id, read.id),
        assumption="dash_in_miles",
    )


def _near(one_m: int, other_m: int) -> bool:
    return abs(one_m - other_m) <= near_m(other_m)


def _other_unit(case: Case, read: Entry) -> bool:
    """Whether the value comes from a unit that was another one before, while every other witness went on."""
    changed = [visit for visit in range(case.index) if case.unit_changed(read.ecu, visit)]
    if not changed or any(_in_step(case, read, visit) for visit in range(changed[-1] + 1, case.index)):
        return False
    # the gap is older than the unit
    if any(_in_step(case, read, visit) is False for visit in changed):
        return False
    return any(case.carries_on(read.ecu, visit) for visit in changed)


def _in_step(case: Case, read: Entry, visit: int) -> bool | None:
    """Whether this unit told at ``visit`` what another witness told; None when one of them did not speak.

    Already in the car and in step, a unit tells the car's odometer and not another's past.
    """
    at_visit = [entry for entry in case.at_visit(visit) if tells_mileage(entry)]
    own = [entry for entry in at_visit if (entry.source, entry.ecu) == (read.source, read.ecu)]
    others = [entry for entry in at_visit if entry.ecu != read.ecu and entry.rank <= WORST_STANDING_RANK]
    if not own or not others:
        return None
    return any(_near(one.life_m, other.life_m) for one in own for other in others)


def units_against_each_other(case: Case) -> CheckPart:
    """K2: odometers of several control units at one visit. A lone unconfirmed row accuses nobody."""
    witnesses = _witnesses(case)
    if len(witnesses) < 2:
        return not_determinable("K2", "one_witness")
    low = min(witnesses, key=lambda entry: entry.life_m)
    high = max(witnesses, key=lambda entry: entry.life_m)
    if agree(low.life_m, high.life_m):
        return _units(witnesses, low, high, Result.CONSISTENT, "own_counts")
    if _near(low.life_m, high.life_m):
        return _units(witnesses, low, high, Result.CONSISTENT, "own_counts", grade="consistent_near")
    if low.trust is Trust.HINT and _exactly_miles(low.life_m, high.life_m):
        return _units(witnesses, low, high, Result.CONSISTENT, "reading_in_miles", grade="consistent_miles")
    if _other_unit(case, low) or _other_unit(case, high):
        return _units(witnesses, low, high, Result.CONSISTENT, "replaced_unit", variant="consistent_unit")
    grade = "suspicious_steady" if _steady(case, low, high) else ""
    return _units(witnesses, low, high, Result.SUSPICIOUS, "unit_not_replaced", grade=grade)


def _units(
    witnesses: list[Entry],
    low: Entry,
    high: Entry,
    result: Result,
    assumption: str,
    *,
    variant: str = "",
    grade: str = "",
) -> CheckPart:
    params: dict[str, str | int | float] = {
        "count": len(witnesses),
        "gap_m": high.life_m - low.life_m,
        "low_m": low.life_m,
        "low_source": _said(low),
        "high_m": high.life_m,
        "high_source": _said(high),
    }
    evidence = tuple(entry.id for entry in witnesses)
    return outcome("K2", result, params, variant=variant, grade=grade, evidence=evidence, assumption=assumption)


def _exactly_miles(low_m: int, high_m: int) -> bool:
    """A row whose scale nobody has confirmed may count whole miles; then the two agree as copies of one count do."""
    return agree(round(low_m / 1000 * METRES_PER_MILE), high_m)


def _witnesses(case: Case) -> list[Entry]:
    found: dict[tuple[str, str], Entry] = {}
    for entry in case.at_visit(case.index):
        if entry.rank <= AGREEMENT_RANK and tells_mileage(entry):
            found.setdefault((entry.source, entry.ecu), entry)
    return list(found.values())


def _steady(case: Case, low: Entry, high: Entry) -> bool:
    """Whether the two units were apart by the same distance at an earlier visit: what one replaced long ago leaves."""
    lows, highs = _by_visit(case, low), _by_visit(case, high)
    gap_m = high.life_m - low.life_m
    return any(abs(highs[visit] - lows[visit] - gap_m) <= NEAR_M for visit in lows.keys() & highs.keys())


def _by_visit(case: Case, unit: Entry) -> dict[int, int]:
    """What one unit said at earlier visits."""
    same = (entry for entry in case.entries if (entry.source, entry.ecu) == (unit.source, unit.ecu))
    return {entry.visit: entry.life_m for entry in same if 0 <= entry.visit < case.index}


def _said(entry: Entry) -> str:
    return f"{entry.source} @ {entry.ecu}" if entry.ecu else entry.source
