"""K1 and K2: odometers of one visit against each other, the dashboard's and those of the control units."""

from evidence.checks.case import Case, differ_as_miles, not_determinable, outcome
from evidence.entry import AGREEMENT_RANK, Entry, agree
from evidence.snapshot import CheckPart, Result
from protocols.readings import Trust

# review beyond 100 km or 1 %: honest cars differ by a constant few km; beyond 5 % inspection apps publish "red"
REVIEW_M = 100_000
REVIEW_SHARE = 0.01
RED_SHARE = 0.05


def dash_against_reading(case: Case) -> CheckPart:
    """K1: what the dashboard shows, as a person typed it, against the best value read from the car."""
    if case.dash is None:
        return not_determinable("K1", "no_dash")
    if case.read is None:
        return not_determinable("K1", "no_reading")
    dash_m, read_m = case.dash.odometer_m, case.read.odometer_m
    evidence = (case.dash.id, case.read.id)
    gap_m = abs(dash_m - read_m)
    params = {"dash_m": dash_m, "read_m": read_m, "gap_m": gap_m, "gap_pct": round(100 * gap_m / max(read_m, 1), 1)}
    if gap_m <= max(REVIEW_M, REVIEW_SHARE * read_m):
        return outcome(
            "K1", Result.CONSISTENT, params, confidence=0.9, evidence=evidence, assumption="dash_typed_right"
        )
    if dash_m < read_m and differ_as_miles(dash_m, read_m):
        return outcome(
            "K1",
            Result.CONSISTENT,
            params,
            variant="consistent_miles",
            confidence=0.7,
            evidence=evidence,
            assumption="dash_in_miles",
        )
    confidence = 0.9 if gap_m > RED_SHARE * read_m else 0.6
    return outcome(
        "K1", Result.SUSPICIOUS, params, confidence=confidence, evidence=evidence, assumption="dash_typed_right"
    )


def units_against_each_other(case: Case) -> CheckPart:
    """K2: odometers of several control units at one visit. A lone unconfirmed row accuses nobody."""
    witnesses = _witnesses(case)
    if len(witnesses) < 2:
        return not_determinable("K2", "one_witness")
    low = min(witnesses, key=lambda entry: entry.odometer_m)
    high = max(witnesses, key=lambda entry: entry.odometer_m)
    evidence = tuple(entry.id for entry in witnesses)
    params: dict[str, str | int | float] = {
        "count": len(witnesses),
        "gap_m": high.odometer_m - low.odometer_m,
        "low_m": low.odometer_m,
        "low_source": _said(low),
        "high_m": high.odometer_m,
        "high_source": _said(high),
    }
    if agree(low.odometer_m, high.odometer_m):
        return outcome("K2", Result.CONSISTENT, params, confidence=0.9, evidence=evidence, assumption="own_counts")
    if high.odometer_m - low.odometer_m <= max(REVIEW_M, REVIEW_SHARE * high.odometer_m):
        return outcome("K2", Result.CONSISTENT, params, confidence=0.6, evidence=evidence, assumption="own_counts")
    if low.trust is not Trust.STANDARD and differ_as_miles(low.odometer_m, high.odometer_m):
        return outcome(
            "K2", Result.CONSISTENT, params, confidence=0.5, evidence=evidence, assumption="reading_in_miles"
        )
    return outcome(
        "K2",
        Result.SUSPICIOUS,
        params,
        confidence=0.5 if _steady(case, low, high) else 0.75,
        evidence=evidence,
        assumption="unit_not_replaced",
    )


def _witnesses(case: Case) -> list[Entry]:
    found: dict[tuple[str, str], Entry] = {}
    for entry in case.entries:
        read = entry.visit == case.index >= 0 and entry.rank <= AGREEMENT_RANK
        if read and entry.odometer_m > 0 and entry.quarantined != "implausible":
            found.setdefault((entry.source, entry.ecu), entry)
    return list(found.values())


def _steady(case: Case, low: Entry, high: Entry) -> bool:
    """Whether the same two units were apart by the same distance at an earlier visit, as after a replacement."""
    lows, highs = _by_visit(case, low), _by_visit(case, high)
    gap_m = high.odometer_m - low.odometer_m
    return any(abs(highs[visit] - lows[visit] - gap_m) <= REVIEW_M for visit in lows.keys() & highs.keys())


def _by_visit(case: Case, unit: Entry) -> dict[int, int]:
    """What one unit said at earlier visits."""
    same = (entry for entry in case.entries if (entry.source, entry.ecu) == (unit.source, unit.ecu))
    return {entry.visit: entry.odometer_m for entry in same if 0 <= entry.visit < case.index}


def _said(entry: Entry) -> str:
    return f"{entry.source} @ {entry.ecu}" if entry.ecu else entry.source
