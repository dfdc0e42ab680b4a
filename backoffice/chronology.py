"""When things happened, as far as anybody can tell: records in their order, each with the best instant known for it.

Within a stream the order is the sequence number and nothing else; clocks only place streams beside each other.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from evidence.snapshot import ClockQuality
from sync.records import ClockBody, Record

NANOSECONDS_A_MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record with its identity and the office's own time of receipt."""

    device: str
    stream: str
    seq: int
    received_at: datetime
    record: Record

    @property
    def key(self) -> str:
        return f"{self.device}/{self.stream}/{self.seq}"


@dataclass(frozen=True, slots=True)
class Dated:
    """``at`` is when it happened, ``order`` an instant that never runs against the stream's own order."""

    stored: StoredRecord
    at: datetime
    clock: ClockQuality
    order: datetime


Fixes = Mapping[tuple[str, str], tuple[int, int]]
"""(device, boot) to (wall ms, monotonic ns) of that boot's first trustworthy time."""


def clock_fixes(records: Iterable[StoredRecord]) -> Fixes:
    """Collect what ``clock`` records say; the first of a boot counts."""
    fixes: dict[tuple[str, str], tuple[int, int]] = {}
    for stored in records:
        if isinstance(stored.record.body, ClockBody):
            fix = (stored.record.body.wall_ms, stored.record.mono_ns)
            fixes.setdefault((stored.device, stored.record.boot), fix)
    return fixes


def in_order(records: Iterable[StoredRecord], fixes: Fixes) -> tuple[Dated, ...]:
    """Date ``records`` and put them in order."""
    streams: dict[tuple[str, str], list[StoredRecord]] = defaultdict(list)
    for stored in records:
        streams[stored.device, stored.stream].append(stored)
    dated = [one for stream in streams.values() for one in _along(sorted(stream, key=lambda s: s.seq), fixes)]
    return tuple(sorted(dated, key=lambda d: (d.order, d.stored.device, d.stored.stream, d.stored.seq)))


def _along(stream: Sequence[StoredRecord], fixes: Fixes) -> list[Dated]:
    """One stream's records; an instant later than that of a later record was a clock's error and is pulled back."""
    dated: list[Dated] = []
    latest = datetime.max.replace(tzinfo=UTC)
    for stored in reversed(stream):
        one = _date(stored, fixes)
        latest = min(latest, one.order)
        dated.append(replace(one, order=latest))
    return dated[::-1]


def _date(stored: StoredRecord, fixes: Fixes) -> Dated:
    record = stored.record
    wall_ms, clock = record.t, record.tq
    fix = fixes.get((stored.device, record.boot))
    if clock is not ClockQuality.NTP and fix is not None:
        wall_ms = fix[0] + (record.mono_ns - fix[1]) // NANOSECONDS_A_MILLISECOND
        clock = ClockQuality.NTP
    if clock is ClockQuality.NONE:
        return Dated(stored, stored.received_at, clock, stored.received_at)
    at = wall_time(wall_ms, stored.received_at)
    # Nothing arrives before it happened: receipt bounds every clock.
    return Dated(stored, at, clock, min(at, stored.received_at))


def wall_time(wall_ms: int, otherwise: datetime) -> datetime:
    """Milliseconds since 1970 as an instant; ``otherwise`` when no calendar reaches that far."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=wall_ms)
    except OverflowError:
        return otherwise
