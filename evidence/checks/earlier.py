"""K8: the mileage of this visit against every earlier one, each witness against itself where it spoke before."""

from collections.abc import Iterable

from evidence.checks.case import Case, differ_as_miles, not_determinable, outcome
from evidence.entry import AGREEMENT_RANK, WORST_STANDING_RANK, Entry, agree
from evidence.snapshot import CheckPart, Result


def below_earlier(case: Case) -> CheckPart:
    """K8: lower than an earlier value somebody stands for. A cluster swap and an earlier slip look the same.

    A drop that was read once stands until a person voids it: a mileage put back afterwards does not undo it.
    """
    if case.odometer is None:
        return not_determinable("K8", "no_odometer")
    pairs = [(now, before) for now in _now(case, case.odometer) for before in _before(case, now, case.index)]
    if not pairs:
        return not_determinable("K8", "first_visit")
    worst = max(pairs, key=_weight)
    return _judged(*worst) if _drops(*worst) else _judged(*_standing_drop(case) or worst)


def _standing_drop(case: Case) -> tuple[Entry, Entry] | None:
    """The latest earlier visit at which the car itself read less than before, and the value it fell below."""
    fell = [
        (low, before)
        for low in case.entries
        if low.quarantined == "below_earlier"
        and not low.voided
        and 0 <= low.visit < case.index
        and low.rank <= AGREEMENT_RANK
        for before in _before(case, low, low.visit)
        if _drops(low, before) and _both_read(low, before)
    ]
    return max(fell, key=lambda pair: (pair[0].visit, pair[1].odometer_m), default=None)


def _now(case: Case, best: Entry) -> list[Entry]:
    """Every witness the car itself gave; what was typed only where nothing could be read."""
    read = [
        entry
        for entry in case.entries
        if entry.visit == case.index and entry.rank <= AGREEMENT_RANK and entry.quarantined not in _NO_READING
    ]
    return read or [best]


_NO_READING = {"zero", "implausible"}


def _before(case: Case, now: Entry, visit: int) -> Iterable[Entry]:
    """One value of each visit before ``visit``: the same witness if it spoke, else the best of that visit."""
    best: dict[int, Entry] = {}
    for entry in (entry for entry in case.entries if entry.usable and entry.rank <= WORST_STANDING_RANK):
        if entry.visit < 0 and _service_before(entry, case):
            yield entry
        elif 0 <= entry.visit < visit:
            known = best.get(entry.visit)
            if known is None or _nearness(entry, now) < _nearness(known, now):
                best[entry.visit] = entry
    yield from best.values()


def _nearness(entry: Entry, now: Entry) -> tuple[bool, int]:
    return (entry.source, entry.ecu) != (now.source, now.ecu), entry.rank


def _service_before(entry: Entry, case: Case) -> bool:
    return case.at is not None and entry.at is not None and entry.at <= case.at


def _weight(pair: tuple[Entry, Entry]) -> tuple[bool, bool, int]:
    """The pair to tell: a drop first, between readings before typed values, then the largest."""
    now, before = pair
    drops = _drops(now, before)
    return drops, _both_read(now, before) if drops else False, before.odometer_m - (now.odometer_m if drops else 0)


def _drops(now: Entry, before: Entry) -> bool:
    return before.odometer_m > now.odometer_m and not agree(before.odometer_m, now.odometer_m)


def _both_read(now: Entry, before: Entry) -> bool:
    return now.rank <= AGREEMENT_RANK and before.rank <= AGREEMENT_RANK


def _judged(now: Entry, before: Entry) -> CheckPart:
    params: dict[str, str | int | float] = {
        "odometer_m": now.odometer_m,
        "earlier_m": before.odometer_m,
        "earlier_date": before.at.date().isoformat() if before.at else "@value.unknown",
        "gap_m": max(0, before.odometer_m - now.odometer_m),
    }
    evidence, sure = (now.id, before.id), _both_read(now, before)
    if not _drops(now, before):
        return outcome("K8", Result.CONSISTENT, params, confidence=0.9 if sure else 0.7, evidence=evidence)
    if not sure and differ_as_miles(now.odometer_m, before.odometer_m):
        return outcome(
            "K8",
            Result.CONSISTENT,
            params,
            variant="consistent_miles",
            confidence=0.5,
            evidence=evidence,
            assumption="earlier_in_miles",
        )
    return outcome(
        "K8",
        Result.SUSPICIOUS,
        params,
        confidence=0.9 if sure else 0.6,
        evidence=evidence,
        assumption="earlier_right",
    )
