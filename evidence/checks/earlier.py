"""K8: the mileage of this visit against every earlier one."""

from evidence.checks.case import Case, differ_as_miles, not_determinable, outcome
from evidence.ledger import AGREEMENT_RANK, WORST_STANDING_RANK, Entry, agree
from evidence.snapshot import CheckPart, Result


def below_earlier(case: Case) -> CheckPart:
    """K8: lower than an earlier value somebody stands for. A cluster swap and an earlier slip look the same."""
    now = case.odometer
    if now is None:
        return not_determinable("K8", "no_odometer")
    earlier = [entry for entry in case.entries if _counts(entry, case)]
    if not earlier:
        return not_determinable("K8", "first_visit")
    read = [entry for entry in earlier if entry.rank <= AGREEMENT_RANK]
    # what the car itself said before outweighs what people typed
    highest = max(_above(read, now) or _above(earlier, now) or earlier, key=lambda entry: entry.odometer_m)
    params: dict[str, str | int | float] = {
        "odometer_m": now.odometer_m,
        "earlier_m": highest.odometer_m,
        "earlier_date": highest.at.date().isoformat() if highest.at else "@value.unknown",
        "gap_m": max(0, highest.odometer_m - now.odometer_m),
    }
    return _judged(now, highest, params)


def _counts(entry: Entry, case: Case) -> bool:
    before = entry.visit < case.index and (entry.visit >= 0 or _service_before(entry, case))
    return before and entry.usable and entry.rank <= WORST_STANDING_RANK


def _service_before(entry: Entry, case: Case) -> bool:
    at = case.visit.at or case.snapshot.taken_at
    return at is not None and entry.at is not None and entry.at <= at


def _above(entries: list[Entry], now: Entry) -> list[Entry]:
    return [e for e in entries if e.odometer_m > now.odometer_m and not agree(e.odometer_m, now.odometer_m)]


def _judged(now: Entry, highest: Entry, params: dict[str, str | int | float]) -> CheckPart:
    evidence = (now.id, highest.id)
    both_read = now.rank <= AGREEMENT_RANK and highest.rank <= AGREEMENT_RANK
    if not _above([highest], now):
        confidence = 0.9 if both_read else 0.7
        return outcome("K8", Result.CONSISTENT, params, confidence=confidence, evidence=evidence)
    if not both_read and differ_as_miles(now.odometer_m, highest.odometer_m):
        return outcome(
            "K8",
            Result.CONSISTENT,
            params,
            variant="consistent_miles",
            confidence=0.5,
            evidence=evidence,
            assumption="earlier_in_miles",
        )
    confidence = 0.9 if both_read else 0.6
    return outcome(
        "K8", Result.SUSPICIOUS, params, confidence=confidence, evidence=evidence, assumption="earlier_right"
    )
