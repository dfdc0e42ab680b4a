"""How one visit differs from the one before: codes, control units, battery. Pure, for one car."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evidence.codes import codes_were_read
from evidence.history import Visit, in_utc
from evidence.snapshot import CountersPart, EcuPart, Snapshot
from protocols.readings import DtcClass, ItemStatus

# above this an alternator charges, and the voltage says nothing about the battery
CHARGING_V = 13.2
TREND_VISITS = 3
MONTH_S = 30.44 * 86_400


class CodeFate(StrEnum):
    """What became of a code since the visit before."""

    APPEARED = "appeared"
    CAME_BACK = "came_back"
    HEALED = "healed"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class CodeDifference:
    fate: CodeFate
    code: str
    ecu: str


@dataclass(frozen=True, slots=True)
class UnitDifference:
    """``what`` is ``vin``, ``calibration_ids`` or ``cvns``; both values were told."""

    ecu: str
    what: str
    before: tuple[str, ...]
    now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """``codes`` is None where the lists of either visit could not be read, ``battery_v_a_month`` without a trend."""

    codes: tuple[CodeDifference, ...] | None
    units: tuple[UnitDifference, ...]
    battery_v_a_month: float | None = None


def difference(visits: Sequence[Visit]) -> Difference:
    """The last visit of ``visits`` against the latest earlier one that tells the same thing."""
    if not visits:
        return Difference(None, ())
    return Difference(_codes(visits), tuple(_units(visits)), battery_trend(visits))


def was_cleared(before: CountersPart, now: CountersPart) -> bool:
    """Whether a counter since the last clear stands lower than it did: by a tool, or by a battery taken off."""
    names = ("distance_since_clear_m", "warmups_since_clear", "time_since_clear_s")
    return any(_fell(before, now, name) for name in names)


def battery_trend(visits: Iterable[Visit]) -> float | None:
    """Volts a month by which the rest voltage changes, by least squares over at least three visits."""
    points = [
        (in_utc(visit.at).timestamp() / MONTH_S, volts)
        for visit in visits
        if visit.at is not None
        for volts in (visit.snapshot.battery_v,)
        if volts is not None and 6 <= volts < CHARGING_V
    ]
    if len(points) < TREND_VISITS:
        return None
    mean_at, mean_v = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((at - mean_at) ** 2 for at, _ in points)
    return sum((at - mean_at) * (volts - mean_v) for at, volts in points) / spread if spread else None


def _codes(visits: Sequence[Visit]) -> tuple[CodeDifference, ...] | None:
    read = [visit.snapshot for visit in visits if codes_were_read(visit.snapshot)]
    if len(read) < 2 or read[-1] is not visits[-1].snapshot:
        return None
    *earlier, before, now = read
    was, stands = _standing(before), _standing(now)
    ever = {key for snapshot in earlier for key in _standing(snapshot)}
    gone = CodeFate.CLEARED if was_cleared(before.counters, now.counters) else CodeFate.HEALED
    came = [_told(CodeFate.CAME_BACK if key in ever else CodeFate.APPEARED, key) for key in sorted(stands - was)]
    return (*came, *(_told(gone, key) for key in sorted(was - stands)))


def _standing(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Codes in the stored or pending list; a permanent one alone no longer stands."""
    return {(part.code, part.ecu) for part in snapshot.dtcs if part.dtc_class is not DtcClass.PERMANENT}


def _told(fate: CodeFate, key: tuple[str, str]) -> CodeDifference:
    return CodeDifference(fate, *key)


def _fell(before: CountersPart, now: CountersPart, name: str) -> bool:
    then = {part.ecu: part.value for part in getattr(before, name) if part.status is ItemStatus.READ}
    for part in getattr(now, name):
        known = then.get(part.ecu)
        if part.status is ItemStatus.READ and part.value is not None and known is not None and part.value < known:
            return True
    return False


def _units(visits: Sequence[Visit]) -> Iterable[UnitDifference]:
    for now in visits[-1].snapshot.ecus:
        for what in ("vin", "calibration_ids", "cvns"):
            said = _as_tuple(getattr(now, what))
            before = _latest(visits[:-1], now.address, what)
            if said and before and said != before:
                yield UnitDifference(now.address, what, before, said)


def _latest(visits: Sequence[Visit], address: str, what: str) -> tuple[str, ...]:
    """What the unit at ``address`` last told, or nothing."""
    units = (ecu for visit in reversed(visits) for ecu in visit.snapshot.ecus if ecu.address == address)
    return next((told for told in (_told_by(ecu, what) for ecu in units) if told), ())


def _told_by(ecu: EcuPart, what: str) -> tuple[str, ...]:
    return _as_tuple(getattr(ecu, what))


def _as_tuple(value: str | tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return value
