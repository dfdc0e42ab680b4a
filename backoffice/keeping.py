"""The seam between the store and its kinds of database: what SQLite and PostgreSQL must each do in their own way.

All else is written once, for both. What a kind promises is tested by one suite (``tests/backoffice``) run on each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Protocol, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backoffice.chronology import StoredRecord
from sync.codec import Readings, ReceivedBatch, ReceivedRecord

MAX_BOOT = 64
WIDEST = 100_000  # seqs of one stream that are looked through at once for what is held already
PROJECTED = True  # said of what nothing is drawn from, too
COLUMNS = ("device", "stream", "seq", "received_at", "kind", "boot", "projected", "record")
Range = tuple[int, int]
StreamId = tuple[str, str]
"""Device and stream."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One batch as it came off the wire, and when."""

    batch: ReceivedBatch
    received_at: datetime

    @property
    def stream(self) -> StreamId:
        return self.batch.device, self.batch.stream

    @property
    def readings(self) -> Readings:
        """What a batch holds that consists of raw readings; for `Keeping.keep_readings` and what it does."""
        return cast("Readings", self.batch.records)

    @property
    def received_ms(self) -> int:
        return round(self.received_at.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Kept:
    """What of one batch was new: how many records, between which seqs, and those that more follows from."""

    count: int = 0
    span: Range | None = None
    telling: tuple[StoredRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreResult:
    """How one batch ended. ``holes`` are ranges that it proved lost."""

    stored: int
    duplicates: int
    holes: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """What the batches of one stream say together: all below ``lo`` should be here, and ``first..last`` came now."""

    device: str
    stream: str
    lo: int
    first: int
    last: int
    received_ms: int


def heads_of(incoming: Sequence[Incoming]) -> list[Head]:
    """One head for each stream, in order of device and stream, of batches that each hold a record."""
    streams: dict[StreamId, list[Incoming]] = {}
    for one in incoming:
        streams.setdefault(one.stream, []).append(one)
    return [_head(*stream, streams[stream]) for stream in sorted(streams)]


def _head(device: str, stream: str, mine: Sequence[Incoming]) -> Head:
    batches = [one.batch for one in mine]
    first, last = min(b.seqs[0] for b in batches), max(b.seqs[-1] for b in batches)
    return Head(device, stream, max(b.lo for b in batches), first, last, mine[-1].received_ms)


def new_of(incoming: Incoming, held: set[int]) -> Readings:
    """The readings of a batch that are not ``held``; from now on they are, so that one in two batches counts once."""
    new = incoming.readings
    if not held.isdisjoint(new.seqs):
        new = new.without(held)
    held.update(new.seqs)
    return new


class Keeping(Protocol):
    """One kind of database. Every method works on the caller's transaction."""

    draws_at_once: bool
    """True: what follows from a record is drawn in the transaction that keeps it. False: by a later one."""

    broken: tuple[type[Exception], ...]
    """What a database that fails or is away raises."""

    async def keep(self, connection: AsyncConnection, incoming: Sequence[Incoming]) -> tuple[Kept, ...]:
        """Store what of each batch is not stored yet, each record once whoever else stores now, and return it."""
        ...

    async def keep_readings(self, engine: AsyncEngine, incoming: Sequence[Incoming]) -> tuple[Kept, ...] | None:
        """Store batches of ``readings`` in one transaction, each record once, and settle their streams.

        A long queue consists of these, so they are worth a way of their own. None, and nothing is stored, when there
        is something to say about a stream: ``backoffice.recording`` says it.
        """
        ...

    async def hold_streams(self, connection: AsyncConnection, streams: Iterable[StreamId]) -> None:
        """Be alone with these streams until the transaction ends, and see all that was committed before."""
        ...

    async def hold_cars(self, connection: AsyncConnection) -> None:
        """Be alone with all that is drawn from records until the transaction ends, and see what was committed."""
        ...

    async def hold_schema(self, connection: AsyncConnection) -> None:
        """Be alone with the schema until the transaction ends."""
        ...


def rows_of(incoming: Incoming, new: Sequence[ReceivedRecord]) -> list[tuple[object, ...]]:
    """The values of ``COLUMNS`` for each of the records ``new`` of a batch."""
    device, stream = incoming.stream
    received_ms = incoming.received_ms
    return [
        (
            device,
            stream,
            one.seq,
            received_ms,
            one.kind,
            one.boot[:MAX_BOOT],
            one.about_no_car or one.kind == "tombstone",
            one.payload,
        )
        for one in new
    ]


def rows_of_readings(incoming: Incoming, new: Readings) -> Iterable[tuple[object, ...]]:
    """The same as `rows_of` for the raw readings ``new`` of a batch."""
    device, stream = map(repeat, incoming.stream)
    received_ms, kind, boot = repeat(incoming.received_ms), repeat("reading"), repeat(new.boot[:MAX_BOOT])
    return zip(device, stream, new.seqs, received_ms, kind, boot, repeat(PROJECTED), new.payloads)


def kept_of(incoming: Incoming, new: Sequence[ReceivedRecord]) -> Kept:
    """Say what was new, ``new`` in order of seq."""
    if not new:
        return Kept()
    device, stream = incoming.stream
    told = (one for one in new if not one.about_no_car)
    stored = tuple(StoredRecord(device, stream, one.seq, incoming.received_at, one.record) for one in told)
    return Kept(len(new), (new[0].seq, new[-1].seq), stored)


def result_of(incoming: Incoming, new: Kept, holes: tuple[Range, ...] = ()) -> StoreResult:
    """How a batch ended of which ``new`` was new and that proved ``holes``."""
    return StoreResult(new.count, len(incoming.batch.records) - new.count, holes)
