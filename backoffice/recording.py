"""Keeping raw records: each once, and knowing for each stream what should have come and did not.

Every function works on the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Table, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.chronology import StoredRecord
from backoffice.tables import gaps, records, streams
from sync.codec import MAX_SEQ, ReceivedBatch, ReceivedRecord
from sync.records import Record, TombstoneBody

MAX_REASON = 300
HOLE, REFUSED, TOMBSTONE = "hole", "refused", "tombstone"
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One batch as it came off the wire, and when."""

    batch: ReceivedBatch
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A stream of a device, and the time at which something is noted about it."""

    device: str
    stream: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Placed:
    """A record and the car it speaks of; None for a record about no car."""

    stored: StoredRecord
    vehicle_id: str | None
    snapshot_id: str


async def keep(connection: AsyncConnection, incoming: Incoming) -> tuple[StoredRecord, ...]:
    """Store what is not stored yet and return it, in the stream's order."""
    batch = incoming.batch
    if not batch.records:
        return ()
    rows = [_row(incoming, received) for received in batch.records]
    # Both dialects spell this alike, but each has its own insert().
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(records).values(rows).on_conflict_do_nothing().returning(records.c.seq)
    new = set((await connection.execute(statement)).scalars())
    return tuple(
        StoredRecord(batch.device, batch.stream, received.seq, incoming.received_at, received.record)
        for received in batch.records
        if received.seq in new
    )


async def settle_stream(
    connection: AsyncConnection, incoming: Incoming, new: Sequence[StoredRecord]
) -> tuple[Range, ...]:
    """Note what was refused or given up, then look for holes below ``lo``; return the holes found now."""
    place = Place(incoming.batch.device, incoming.batch.stream, incoming.received_at)
    for nack in incoming.batch.poison:
        await _note(connection, place, (nack.a, nack.b), REFUSED, nack.reason)
    for stored in new:
        body = stored.record.body
        if isinstance(body, TombstoneBody) and 0 < body.first_seq <= body.last_seq <= MAX_SEQ:
            lost = replace(place, stream=body.stream or place.stream)
            await _note(connection, lost, (body.first_seq, body.last_seq), TOMBSTONE, body.reason[:MAX_REASON])
            await _fill_holes(connection, lost, (body.first_seq, body.last_seq))
    if new:
        await _fill_holes(connection, place, (new[0].seq, new[-1].seq))
    return await _find_holes(connection, place, incoming.batch.lo)


async def mark(connection: AsyncConnection, placed: Sequence[Placed]) -> None:
    """Note that records have been taken into the projections, and whose they are."""
    if not placed:
        return
    statement = (
        update(records)
        .where(records.c.device == bindparam("of_device"), records.c.stream == bindparam("of_stream"))
        .where(records.c.seq == bindparam("of_seq"))
        .values(vehicle_id=bindparam("car"), snapshot_id=bindparam("visit"), projected=True)
    )
    await connection.execute(statement, [_mark(one) for one in placed])


def _mark(placed: Placed) -> dict[str, object]:
    stored = placed.stored
    return {
        "of_device": stored.device,
        "of_stream": stored.stream,
        "of_seq": stored.seq,
        "car": placed.vehicle_id,
        "visit": placed.snapshot_id or None,
    }


def stored_record(row: Row[tuple[object, ...]]) -> StoredRecord:
    """A row of ``records`` as the value it was."""
    return StoredRecord(row.device, row.stream, row.seq, row.received_at, Record.model_validate_json(row.record))


def _row(incoming: Incoming, received: ReceivedRecord) -> dict[str, object]:
    return {
        "device": incoming.batch.device,
        "stream": incoming.batch.stream,
        "seq": received.seq,
        "received_at": incoming.received_at,
        "kind": received.record.body.kind,
        "boot": received.record.boot[:64],
        "projected": False,
        "record": received.payload,
    }


async def _note(connection: AsyncConnection, place: Place, seqs: Range, cause: str, reason: str) -> None:
    key = {"device": place.device, "stream": place.stream, "first_seq": seqs[0], "last_seq": seqs[1], "cause": cause}
    known = select(func.count()).select_from(gaps).where(*(gaps.c[name] == value for name, value in key.items()))
    if not (await connection.execute(known)).scalar_one():
        await connection.execute(insert(gaps).values(**key, reason=reason, found_at=place.received_at))


async def _find_holes(connection: AsyncConnection, place: Place, lo: int) -> tuple[Range, ...]:
    """Prove holes: the edge keeps nothing below ``lo``, so all of it must be here, refused or given up."""
    row = (await connection.execute(select(streams.c.checked_below).where(*_of(streams, place)))).first()
    checked_below = row[0] if row else 1
    holes: tuple[Range, ...] = ()
    if lo > checked_below:
        holes = await _missing(connection, place, (checked_below, lo - 1))
        for hole in holes:
            await _note(connection, place, hole, HOLE, "")
    values = {"checked_below": max(lo, checked_below), "last_received_at": place.received_at}
    if row:
        await connection.execute(update(streams).where(*_of(streams, place)).values(**values))
    else:
        await connection.execute(insert(streams).values(device=place.device, stream=place.stream, **values))
    return holes


async def note_holes(connection: AsyncConnection, place: Place, holes: Sequence[Range]) -> None:
    """Note losses that were found by comparing; the parts that are noted already stay as they are."""
    for hole in holes:
        known = select(gaps.c.first_seq, gaps.c.last_seq).where(
            *_of(gaps, place), gaps.c.first_seq <= hole[1], gaps.c.last_seq >= hole[0]
        )
        covered = [tuple(row) for row in (await connection.execute(known)).all()]
        for rest in uncovered(hole, covered):
            await _note(connection, place, rest, HOLE, "")


async def _fill_holes(connection: AsyncConnection, place: Place, span: Range) -> None:
    """A hole that is filled after all (a restored edge sends again) shrinks to what is still missing."""
    overlapping = and_(*_of(gaps, place), gaps.c.cause == HOLE, gaps.c.first_seq <= span[1], gaps.c.last_seq >= span[0])
    found = (await connection.execute(select(gaps.c.first_seq, gaps.c.last_seq).where(overlapping))).all()
    if not found:
        return
    await connection.execute(delete(gaps).where(overlapping))
    for first, last in found:
        for rest in await _missing(connection, place, (first, last)):
            await _note(connection, place, rest, HOLE, "")


async def _missing(connection: AsyncConnection, place: Place, span: Range) -> tuple[Range, ...]:
    """Ranges within ``span`` that are neither stored nor accounted for."""
    held = select(records.c.seq, records.c.seq).where(*_of(records, place), records.c.seq.between(*span))
    noted = select(gaps.c.first_seq, gaps.c.last_seq).where(
        *_of(gaps, place), gaps.c.cause != HOLE, gaps.c.first_seq <= span[1], gaps.c.last_seq >= span[0]
    )
    covered = [tuple(row) for statement in (held, noted) for row in (await connection.execute(statement)).all()]
    return uncovered(span, covered)


def uncovered(span: Range, covered: Sequence[Sequence[int]]) -> tuple[Range, ...]:
    """What of the closed range ``span`` no closed range of ``covered`` covers."""
    holes: list[Range] = []
    expected = span[0]
    for first, last in sorted((item[0], item[1]) for item in covered):
        if first > span[1]:
            break
        if first > expected:
            holes.append((expected, first - 1))
        expected = max(expected, last + 1)
    if expected <= span[1]:
        holes.append((expected, span[1]))
    return tuple(holes)


def _of(table: Table, place: Place) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.device == place.device, table.c.stream == place.stream
