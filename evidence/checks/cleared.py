"""K4 and K5: was the fault memory cleared shortly before the visit? A battery change and a workshop do the same."""

from datetime import datetime, timedelta

from evidence.checks.case import Case, moment, not_determinable, outcome
from evidence.codes import codes_were_read
from evidence.history import ServiceRecord, in_utc
from evidence.monitors import RECENT_M
from evidence.snapshot import CheckPart, CounterPart, Result
from evidence.travel import ENGINE_UNITS
from protocols.readings import DtcClass, ItemStatus, Monitor

# the same rule's warm-ups
RECENT_WARMUPS = 15
# 4E counts minutes of engine time; 200 miles at a town's 30 km/h
RECENT_S = 11 * 3600
# a car whose counter reaches back to the factory was never cleared
NEVER_CLEARED_M = 50_000
# work recorded this long before the visit explains a clear (a month on the lot), if it is work that clears codes:
# a repair ends with it, a battery or a unit cannot be changed without it; an oil change does not touch the memory
WORKSHOP_DAYS = 31
# a record dated by the day alone stands at midnight or noon of some zone: it may be of any hour of the visit's own day
DAY = timedelta(days=1)
WHOLE_MINUTES = 15
CLEARING = frozenset({"repair", "diagnosis", "battery", "control_unit", "software_update", "gearbox_repair"})
CLEARING |= frozenset({"engine_repair", "emission_repair", "spark_plugs", "timing_belt"})
# at rest a starter battery below this is flat, and above that it is healthy: in between somebody charged or changed it
WEAK_V, FRESH_V = 12.0, 12.4
# 40 CFR and CARB let the evaporative monitor of petrol cars be open
SLOW_MONITORS = frozenset({"evap", "evaporative", "evaporative_system", "evap_system"})


def cleared_recently(case: Case) -> CheckPart:
    """K4: counters since the last clear small and monitors not ready."""
    distance_m = _least(case.snapshot.counters.distance_since_clear_m)
    warmups = _least(case.snapshot.counters.warmups_since_clear)
    time_s = _least(case.snapshot.counters.time_since_clear_s)
    if distance_m is None and warmups is None and time_s is None:
        return not_determinable("K4", "no_counter")
    incomplete = _incomplete(case)
    params: dict[str, str | int | float] = {
        "distance_since_clear_m": "@value.unknown" if distance_m is None else distance_m,
        "warmups_since_clear": "@value.unknown" if warmups is None else warmups,
        "incomplete": len(incomplete) if case.snapshot.readiness else "@value.unknown",
    }
    if not _recent(distance_m, warmups, time_s):
        return outcome("K4", Result.CONSISTENT, params, evidence=_evidence(case))
    if not case.snapshot.readiness and not _hidden(case):
        return not_determinable("K4", "no_readiness")
    if case.odometer and distance_m is not None and case.odometer.life_m <= distance_m + NEVER_CLEARED_M:
        return not_determinable("K4", "new_car")
    if case.snapshot.readiness and not _telling(incomplete):
        return outcome("K4", Result.CONSISTENT, params, evidence=_evidence(case))
    return _explained(case, params)


def permanent_without_stored(case: Case) -> CheckPart:
    """K5: a permanent code (0A) whose stored code (03) is gone: cleared by somebody, not healed by the car."""
    snapshot = case.snapshot
    readable = codes_were_read(snapshot, DtcClass.STORED) and codes_were_read(snapshot, DtcClass.PERMANENT)
    if not readable:
        return not_determinable("K5", "codes_not_read")
    left = _left_over(case)
    if not left:
        return outcome("K5", Result.CONSISTENT, {"codes": "@value.none"})
    params: dict[str, str | int | float] = {"codes": ", ".join(dict.fromkeys(code for _, code in left))}
    evidence = tuple(f"{case.name}/dtcs/{place}" for place, _ in left)
    work = _work_before(case)
    if work is None:
        return outcome("K5", Result.SUSPICIOUS, params, evidence=evidence, assumption="no_workshop_clear")
    return outcome(
        "K5",
        Result.CONSISTENT,
        params | _of_work(work),
        variant="consistent_workshop",
        evidence=(*evidence, work.id),
        assumption="workshop_clear",
    )


def _hidden(case: Case) -> bool:
    """Whether codes tell of the clear themselves: some of before are gone, or a permanent one is left alone."""
    return bool(_vanished(case) or _left_over(case))


def _left_over(case: Case) -> list[tuple[int, str]]:
    """Place and code of each permanent code that stands in no other list."""
    dtcs = case.snapshot.dtcs
    standing = {part.code for part in dtcs if part.dtc_class is not DtcClass.PERMANENT}
    return [
        (place, part.code)
        for place, part in enumerate(dtcs)
        if part.dtc_class is DtcClass.PERMANENT and part.code not in standing
    ]


def _explained(case: Case, params: dict[str, str | int | float]) -> CheckPart:
    """Recently cleared and not ready: look for the honest reason first."""
    work, battery_v = _work_before(case), _weak_battery_before(case)
    vanished = _vanished(case)
    if work is not None:
        params |= _of_work(work)
        return _clear_explained(case, params, "consistent_workshop", "workshop_clear", extra=(work.id,))
    if battery_v is not None and not _hidden(case):
        params |= {"before_v": battery_v}
        return _clear_explained(case, params, "consistent_battery", "battery_changed")
    if vanished:
        params |= {"vanished": ", ".join(vanished)}
    return outcome(
        "K4",
        Result.SUSPICIOUS,
        params,
        variant="suspicious_vanished" if vanished else "",
        grade="suspicious_left_over" if _left_over(case) else "suspicious",
        evidence=_evidence(case),
        assumption="no_workshop_clear",
    )


def _clear_explained(
    case: Case,
    params: dict[str, str | int | float],
    variant: str,
    assumption: str,
    *,
    extra: tuple[str, ...] = (),
) -> CheckPart:
    """A clear with an honest reason: consistent, and the result says which reason it rests on."""
    return outcome(
        "K4",
        Result.CONSISTENT,
        params,
        variant=variant,
        evidence=(*_evidence(case), *extra),
        assumption=assumption,
    )


def _of_work(work: ServiceRecord) -> dict[str, str | int | float]:
    named = next(item for item in work.items if item in CLEARING)
    return {"service_date": moment(work.done_at), "item": f"@work.{named}"}


def _weak_battery_before(case: Case) -> float | None:
    """The battery's voltage at the visit before, when it was flat then and is not now: taken off, it clears codes.

    Only at rest a voltage says anything: with the engine running the alternator's is read.
    """
    earlier = [visit.snapshot.battery_v for visit in case.history.visits[:-1] if visit.snapshot.battery_v is not None]
    now_v = case.snapshot.battery_v
    if not earlier or now_v is None:
        return None
    before_v = earlier[-1]
    healthy = now_v >= FRESH_V
    return before_v if 6 <= before_v < WEAK_V and healthy else None


def _least(counters: tuple[CounterPart, ...]) -> int | None:
    """The engine unit's value, else the smallest: a gearbox programmed alone hides nothing of the engine."""
    read = [(part.ecu, part.value) for part in counters if part.status is ItemStatus.READ and part.value is not None]
    engine = [value for ecu, value in read if ecu in ENGINE_UNITS]
    return min(engine or [value for _, value in read], default=None)


def _recent(distance_m: int | None, warmups: int | None, time_s: int | None) -> bool:
    pairs = ((distance_m, RECENT_M), (warmups, RECENT_WARMUPS), (time_s, RECENT_S))
    known = [value <= limit for value, limit in pairs if value is not None]
    return all(known)


def _incomplete(case: Case) -> list[str]:
    return [name for name, state in case.snapshot.readiness.items() if state is Monitor.INCOMPLETE]


def _telling(incomplete: list[str]) -> bool:
    """A lone slow monitor is open on many cars that nobody cleared."""
    return any(name.lower() not in SLOW_MONITORS for name in incomplete)


def _work_before(case: Case) -> ServiceRecord | None:
    """The latest recorded work shortly before the visit that plausibly cleared the codes."""
    at = case.at
    if at is None:
        return None
    near = [work for work in case.history.services if _shortly_before(in_utc(work.done_at), at)]
    clearing = [work for work in near if CLEARING.intersection(work.items)]
    return max(clearing, key=lambda work: (in_utc(work.done_at), work.id), default=None)


def _shortly_before(done_at: datetime, at: datetime) -> bool:
    dated_by_day = not (done_at.minute % WHOLE_MINUTES or done_at.second or done_at.microsecond)
    earliest = -DAY if dated_by_day else timedelta(0)
    return earliest <= at - done_at < (WORKSHOP_DAYS + 1) * DAY


def _vanished(case: Case) -> list[str]:
    """Codes of the latest earlier visit that could be read, now in neither the stored nor the pending list."""
    earlier = [visit.snapshot for visit in case.history.visits[:-1] if codes_were_read(visit.snapshot)]
    if not earlier or not codes_were_read(case.snapshot):
        return []
    now = {part.code for part in case.snapshot.dtcs if part.dtc_class is not DtcClass.PERMANENT}
    before = dict.fromkeys(part.code for part in earlier[-1].dtcs if part.dtc_class is DtcClass.STORED)
    return [code for code in before if code not in now]


def _evidence(case: Case) -> tuple[str, ...]:
    counters = case.snapshot.counters
    names = ("distance_since_clear_m", "warmups_since_clear", "time_since_clear_s")
    found = [f"{case.name}/counters/{name}/{place}" for name in names for place in range(len(getattr(counters, name)))]
    return (*found, *(f"{case.name}/readiness/{name}" for name in _incomplete(case)))
