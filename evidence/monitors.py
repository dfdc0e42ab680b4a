"""Which monitor of the car watches for a trouble code, and whether it has run again since the memory was cleared."""

from collections.abc import Iterable

from evidence.snapshot import CounterPart, Snapshot
from protocols.readings import ItemStatus, Monitor

# SAE J2012 groups, the longest beginning first; names as in a snapshot's readiness
_WATCHED_BY = (
    ("P030", "misfire"),
    ("P031", "misfire"),
    ("P0420", "catalyst"),
    ("P042", "catalyst"),
    ("P043", "catalyst"),
    ("P044", "evaporative_system"),
    ("P045", "evaporative_system"),
    ("P049", "evaporative_system"),
    ("P041", "secondary_air"),
    ("P040", "egr_vvt"),
    ("P013", "oxygen_sensor"),
    ("P014", "oxygen_sensor"),
    ("P015", "oxygen_sensor"),
    ("P016", "oxygen_sensor"),
    ("P017", "fuel_system"),
    ("P200", "pm_filter"),
    ("P246", "pm_filter"),
    ("P20E", "nox_scr"),
)
# J1979: these watch all the time and say "complete" from the first second after a clear: that proves nothing
CONTINUOUS = frozenset({"misfire", "fuel_system", "components"})
OTHERS = "components"
# a fault that is still there comes back within this many warm-ups (the third drive without it puts the light out)
WARMUPS_PROVE = 3
DISTANCE_PROVES_M = 50_000
# the car itself forgets a code after 40 warm-ups without the fault (SAE J1979, ISO 15031-5)
WARMUPS_FORGET = 40
SATURATED_WARMUPS = 255
# 01 31 and 01 21 hold two bytes of km: this value means "at least this much" (SAE J1979)
FULL_M = 65_535_000
# California lets a permanent code stand only until 200 miles and 15 warm-ups since the clear: before that it is recent
RECENT_M = 322_000


def monitor_of(code: str) -> str:
    """The monitor that would see the fault again; ``components`` for what no special one watches."""
    return next((name for beginning, name in _WATCHED_BY if code.startswith(beginning)), OTHERS)


def ran_since_clear(snapshot: Snapshot, monitor: str) -> bool:
    """Whether ``monitor`` has provably run since the last clear; False when that is not known."""
    warmups, distance_m = warmups_of(snapshot), distance_of(snapshot)
    if warmups is not None and warmups >= WARMUPS_FORGET:
        return True
    if monitor in CONTINUOUS:
        driven = distance_m is None or distance_m >= DISTANCE_PROVES_M
        return warmups is not None and warmups >= WARMUPS_PROVE and driven
    state = snapshot.readiness.get(monitor, Monitor.UNSUPPORTED)
    if state is not Monitor.UNSUPPORTED:
        return state is Monitor.COMPLETE
    once = [state for name, state in snapshot.readiness.items() if name not in CONTINUOUS]
    fitted = [state for state in once if state is not Monitor.UNSUPPORTED]
    return bool(fitted) and all(state is Monitor.COMPLETE for state in fitted)


def cleared_between(before: Snapshot, after: Snapshot, ecu: str = "") -> bool | None:
    """Whether the fault memory was cleared between two readings of a car; None when its counters do not tell.

    A unit is compared with itself alone; where the one at ``ecu``, which held the code, tells, no other is asked.
    """
    pairs = [
        (one, then, now)
        for name in ("warmups_since_clear", "distance_since_clear_m")
        for one, then, now in _same_units(getattr(before.counters, name), getattr(after.counters, name))
    ]
    told = [pair for pair in pairs if pair[0] == ecu] or pairs
    driven_m = _driven_m(before, after)
    ran = [part for part in _read(after.counters.distance_since_clear_m) if not _is_full(part)]
    own = [part for part in ran if part.ecu == ecu] or [p for p in ran if p.ecu in {pair[0] for pair in told}]
    if any(now < then for _, then, now in told):
        return True
    if driven_m is not None and any((part.value or 0) + _SLACK_M < driven_m for part in own):
        return True
    return False if told else None


_SLACK_M = 5_000


def _same_units(before: Iterable[CounterPart], after: Iterable[CounterPart]) -> list[tuple[str, int, int]]:
    """Address and both values of each unit that told at both."""
    then = {part.ecu: part.value for part in _read(before)}
    return [(part.ecu, then[part.ecu] or 0, part.value or 0) for part in _read(after) if part.ecu in then]


def _read(parts: Iterable[CounterPart]) -> list[CounterPart]:
    return [part for part in parts if part.status is ItemStatus.READ and part.value is not None]


def _is_full(part: CounterPart) -> bool:
    """A full counter says "at least this much"."""
    return part.saturated or (part.value or 0) >= FULL_M


def warmups_of(snapshot: Snapshot) -> int | None:
    return _least(snapshot.counters.warmups_since_clear)


def distance_of(snapshot: Snapshot) -> int | None:
    return _least(snapshot.counters.distance_since_clear_m)


def _least(parts: tuple[CounterPart, ...]) -> int | None:
    """The unit that was cleared last has the lowest count."""
    return min((part.value for part in _read(parts) if part.value is not None), default=None)


def _driven_m(before: Snapshot, after: Snapshot) -> int | None:
    """Distance between two readings by the same witness."""
    first = {(part.source, part.ecu): part.odometer_m for part in before.odometer if part.odometer_m is not None}
    for part in after.odometer:
        start = first.get((part.source, part.ecu))
        if start is not None and part.odometer_m is not None and part.odometer_m >= start:
            return part.odometer_m - start
    return None
