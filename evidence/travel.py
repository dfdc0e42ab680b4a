"""How far a car drove between two visits by its counters 31 and C7: witnesses that a set-back odometer forgets."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from evidence.entry import METRES_PER_MILE, Entry
from evidence.history import Visit
from evidence.monitors import FULL_M
from evidence.snapshot import CounterPart, Snapshot
from protocols.readings import ItemStatus

# answer addresses of the engine unit: ISO 15765-4 with 11 and 29 bits, ISO 9141 and KWP
ENGINE_UNITS = frozenset({"7E8", "18DAF110", "10"})
# dashboard and counter follow the same wheels: rounding, and a little of scale
COUNTED_M = 5_000
COUNTED_SHARE = 0.005
# a drive between two visits from which the unit of a dashboard can be told
UNIT_LEAST_M = 1_000_000
UNIT_SHARE = 0.015


def identity_of(snapshot: Snapshot, ecu: str) -> tuple[object, ...]:
    """What the unit says of itself: VIN, calibration ids, their checksums; empty where it says nothing."""
    for part in snapshot.ecus:
        if part.address == ecu:
            return part.vin, part.calibration_ids, part.cvns
    return "", (), ()


def other_unit(before: Snapshot, now: Snapshot, ecu: str) -> bool:
    """Whether the unit at ``ecu`` tells another VIN, calibration or checksum than before; silence tells nothing."""
    return tells_another(identity_of(before, ecu), identity_of(now, ecu))


def tells_another(then: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """The same of two identities."""
    return then != now and any(one and other and one != other for one, other in zip(then, now, strict=True))


def travelled_m(visits: Sequence[Visit], first: int, last: int) -> int | None:
    """Metres between two visits by the engine unit's distances since the last clear and reflash; None when none ran on.

    A counter that was reset between two visits and has overtaken its old value says less than was driven, never more.
    """
    return max((driven_m for driven_m, _ in _ran(visits, first, last)), default=None)


def since_reset_m(visits: Sequence[Visit], first: int, last: int) -> int | None:
    """What stands at ``last`` on the counters that ran on: so much was driven at least if one was reset on the way."""
    return max((counted_m for _, counted_m in _ran(visits, first, last)), default=None)


def _ran(visits: Sequence[Visit], first: int, last: int) -> list[tuple[int, int]]:
    """Of each counter that ran on: by how much, and what it stands at."""
    seen = [_engine_counts(visit.snapshot) for visit in visits[first : last + 1]]
    before, now = visits[first].snapshot, visits[last].snapshot
    return [
        (now_m - seen[0][name, ecu], now_m)
        for (name, ecu), now_m in seen[-1].items()
        if (name, ecu) in seen[0]
        and _runs_on([one[name, ecu] for one in seen if (name, ecu) in one])
        and not other_unit(before, now, ecu)
    ]


def counted_m(snapshot: Snapshot) -> int:
    """What the engine unit has counted at least, since a clear or a reflash; 0 when it told nothing."""
    counters = snapshot.counters
    parts = (*counters.distance_since_clear_m, *counters.distance_since_reflash_m)
    told = (part.value or 0 for part in parts if part.status is ItemStatus.READ and part.ecu in ENGINE_UNITS)
    return max(told, default=0)


def _runs_on(counted: Sequence[int]) -> bool:
    return all(later >= earlier for earlier, later in pairwise(counted))


def moves_as_miles(entries: Iterable[Entry], visits: Sequence[Visit]) -> bool:
    """Whether the dashboard moved by one for every 1.609 km that the counter ran, each time both can be told."""
    shown = {entry.visit: entry.odometer_m for entry in entries if entry.source == "dash" and not entry.voided}
    ratios = []
    for first, last in pairwise(sorted(shown)):
        driven_m = travelled_m(visits, first, last)
        if driven_m is not None and driven_m >= UNIT_LEAST_M and shown[last] > shown[first]:
            ratios.append(driven_m / (shown[last] - shown[first]) / (METRES_PER_MILE / 1000))
    fitting = sum(abs(ratio - 1) <= UNIT_SHARE for ratio in ratios)
    # one slip of the keys spoils the two drives beside it
    return fitting > 0 and len(ratios) - fitting <= min(2, fitting)


def _engine_counts(snapshot: Snapshot) -> dict[tuple[str, str], int]:
    counters = snapshot.counters
    named = {"clear": counters.distance_since_clear_m, "reflash": counters.distance_since_reflash_m}
    return {
        (name, part.ecu): part.value for name, parts in named.items() for part in parts if _counts(part) and part.value
    }


def _counts(part: CounterPart) -> bool:
    """A full counter stands still, whether or not the file says that it is full."""
    read = part.status is ItemStatus.READ and part.ecu in ENGINE_UNITS
    return read and not part.saturated and (part.value or 0) < FULL_M
