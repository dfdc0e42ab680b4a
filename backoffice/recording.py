"""Keeping raw records: each once, and knowing for each stream what should have come and did not.

Every function works on the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.chronology import StoredRecord
from backoffice.keeping import Incoming, Kept, Range, StreamId
from backoffice.tables import gaps, records, streams
from sync.codec import MAX_SEQ
from sync.records import Record, TombstoneBody

MAX_REASON = 300
HOLE, REFUSED, TOMBSTONE = "hole", "refused", "tombstone"


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


def streams_touched(incoming: Sequence[Incoming]) -> frozenset[StreamId]:
    """The streams about which `settle_streams` may note something."""
    bodies = (
        (one.batch.device, received.record.body)
        for one in incoming
        for received in one.batch.records
        if received.kind == "tombstone"
    )
    declared = ((device, body.stream) for device, body in bodies if isinstance(body, TombstoneBody) and body.stream)
    return frozenset((*(one.stream for one in incoming), *declared))


async def settle_streams(
    connection: AsyncConnection, incoming: Sequence[Incoming], kept: Sequence[Kept]
) -> tuple[tuple[Range, ...], ...]:
    """Note what was refused or given up, fill holes with what came, look for holes below each stream's ``lo``.

    Return for each batch the holes found now; those of a stream stand with its last batch.
    """
    last = {one.stream: at for at, one in enumerate(incoming)}
    holes: list[tuple[Range, ...]] = [()] * len(incoming)
    for one, new in zip(incoming, kept, strict=True):
        await _note_losses(connection, one, new)
    for (device, stream), at in last.items():
        mine = [n for n, one in enumerate(incoming) if one.stream == (device, stream)]
        place = Place(device, stream, incoming[at].received_at)
        await _fill_holes(connection, place, [span for n in mine if (span := kept[n].span)])
        holes[at] = await _find_holes(connection, place, max(incoming[n].batch.lo for n in mine))
    return tuple(holes)


async def _note_losses(connection: AsyncConnection, incoming: Incoming, new: Kept) -> None:
    place = Place(*incoming.stream, incoming.received_at)
    for nack in incoming.batch.poison:
        await _note(connection, place, (nack.a, nack.b), REFUSED, nack.reason)
    for stored in new.telling:
        body = stored.record.body
        if isinstance(body, TombstoneBody) and 0 < body.first_seq <= body.last_seq <= MAX_SEQ:
            lost, seqs = replace(place, stream=body.stream or place.stream), (body.first_seq, body.last_seq)
            await _note(connection, lost, seqs, TOMBSTONE, body.reason[:MAX_REASON])
            await _fill_holes(connection, lost, [seqs])


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


async def _fill_holes(connection: AsyncConnection, place: Place, spans: Sequence[Range]) -> None:
    """A hole that is filled after all (a restored edge sends again) shrinks to what is still missing."""
    if not spans:
        return
    whole = (min(span[0] for span in spans), max(span[1] for span in spans))
    touched = (gaps.c.cause == HOLE, gaps.c.first_seq <= whole[1], gaps.c.last_seq >= whole[0])
    found = (
        await connection.execute(select(gaps.c.first_seq, gaps.c.last_seq).where(*_of(gaps, place), *touched))
    ).all()
    if not found:
        return
    await connection.execute(delete(gaps).where(*_of(gaps, place), *touched))
    for first, last in found:
        for rest in await _missing(connection, place, (first, last)):
            await _note(connection, place, rest, HOLE, "")


def held_ranges(place: Place, span: Range) -> Select[int, int]:
    """What is stored within ``span`` as ranges without a gap: a seq minus its rank is the same throughout one."""
    island = (records.c.seq - func.row_number().over(order_by=records.c.seq)).label("island")
    rows = select(records.c.seq, island).where(*_of(records, place), records.c.seq.between(*span)).subquery()
    return select(func.min(rows.c.seq), func.max(rows.c.seq)).group_by(rows.c.island).order_by(func.min(rows.c.seq))


async def _missing(connection: AsyncConnection, place: Place, span: Range) -> tuple[Range, ...]:
    """Ranges within ``span`` that are neither stored nor accounted for."""
    stored = select(func.count()).select_from(records).where(*_of(records, place), records.c.seq.between(*span))
    if (await connection.execute(stored)).scalar_one() == span[1] - span[0] + 1:
        return ()
    held = held_ranges(place, span)
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
