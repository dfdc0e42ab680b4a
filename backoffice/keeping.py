"""The seam between the store and its kinds of database: what SQLite and PostgreSQL must each do in their own way.

All else is written once, for both. What a kind promises is tested by one suite (``tests/backoffice``) run on each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.chronology import StoredRecord
from sync.codec import ReceivedBatch, ReceivedRecord
from sync.records import ReadingBody, Record, TombstoneBody

MAX_BOOT = 64
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


@dataclass(frozen=True, slots=True)
class Kept:
    """What of one batch was new: how many records, between which seqs, and those that more follows from."""

    count: int = 0
    span: Range | None = None
    telling: tuple[StoredRecord, ...] = ()


class Keeping(Protocol):
    """One kind of database. Every method works on the caller's transaction."""

    draws_at_once: bool
    """True: what follows from a record is drawn in the transaction that keeps it. False: by a later one."""

    broken: tuple[type[Exception], ...]
    """What a database that fails or is away raises."""

    async def keep(self, connection: AsyncConnection, incoming: Sequence[Incoming]) -> tuple[Kept, ...]:
        """Store what of each batch is not stored yet, each record once whoever else stores now, and return it."""
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


def concerns_a_car(record: Record) -> bool:
    """Whether a record must be placed (or dates others); any other is finished as soon as it is kept."""
    body = record.body
    if isinstance(body, ReadingBody):
        of = body.vehicle
        return bool(of.vin or of.stock_number or of.plate or of.intake_id)
    return not isinstance(body, TombstoneBody)


def rows_of(incoming: Incoming) -> list[tuple[object, ...]]:
    """The values of ``COLUMNS`` for each record of a batch."""
    device, stream = incoming.stream
    received_ms = round(incoming.received_at.timestamp() * 1000)
    return [
        (
            device,
            stream,
            one.seq,
            received_ms,
            one.record.body.kind,
            one.record.boot[:MAX_BOOT],
            not concerns_a_car(one.record),
            one.payload,
        )
        for one in incoming.batch.records
    ]


def kept_of(incoming: Incoming, new: Sequence[ReceivedRecord]) -> Kept:
    """Say what was new, ``new`` in order of seq."""
    if not new:
        return Kept()
    device, stream = incoming.stream
    telling = (one for one in new if isinstance(one.record.body, TombstoneBody) or concerns_a_car(one.record))
    stored = tuple(StoredRecord(device, stream, one.seq, incoming.received_at, one.record) for one in telling)
    return Kept(len(new), (new[0].seq, new[-1].seq), stored)
