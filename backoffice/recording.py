"""Keeping raw records: each once, and knowing for each stream what should have come and did not.

Every function works on the caller's transaction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, Table, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.chronology import StoredRecord
from backoffice.tables import gaps, records, streams
from sync.codec import MAX_SEQ, ReceivedBatch
from sync.records import ReadingBody, Record, TombstoneBody

MAX_REASON = 300
HOLE, REFUSED, TOMBSTONE = "hole", "refused", "tombstone"
Range = tuple[int, int]
COLUMNS = ("device", "stream", "seq", "received_at", "kind", "boot", "projected", "record")


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


Kept = tuple[StoredRecord, ...]
"""What of one batch was new, in the stream's order."""


async def keep(connection: AsyncConnection, incoming: Sequence[Incoming]) -> tuple[Kept, ...]:
    """Store what of each batch is not stored yet and return it."""
    if connection.dialect.name == "postgresql":
        return tuple([await _keep_on_postgresql(connection, one) for one in incoming])
    known: dict[tuple[str, str], set[int]] = {}
    kept: list[Kept] = []
    for one in incoming:
        place = (one.batch.device, one.batch.stream)
        held = known.setdefault(place, set())
        held |= await _held_seqs(connection, one)
        kept.append(tuple(stored for stored in _stored(one) if stored.seq not in held))
        held |= {stored.seq for stored in kept[-1]}
    await _insert(connection, incoming, kept)
    return tuple(kept)


def concerns_a_car(stored: StoredRecord) -> bool:
    """Whether a record must be placed (or dates others); any other is finished as soon as it is kept."""
    body = stored.record.body
    if isinstance(body, ReadingBody):
        of = body.vehicle
        return bool(of.vin or of.stock_number or of.plate or of.intake_id)
    return not isinstance(body, TombstoneBody)


def _stored(incoming: Incoming) -> Iterator[StoredRecord]:
    batch, at = incoming.batch, incoming.received_at
    return (StoredRecord(batch.device, batch.stream, one.seq, at, one.record) for one in batch.records)


async def _held_seqs(connection: AsyncConnection, incoming: Incoming) -> set[int]:
    """Seqs of a batch that are stored already; within one transaction of the only writer that stays so."""
    batch = incoming.batch
    if not batch.records:
        return set()
    span = (batch.records[0].seq, batch.records[-1].seq)
    of = "SELECT seq FROM records WHERE device = ? AND stream = ? AND seq BETWEEN ? AND ?"
    return {row[0] for row in await connection.exec_driver_sql(of, (batch.device, batch.stream, *span))}


async def _insert(connection: AsyncConnection, incoming: Sequence[Incoming], kept: Sequence[Kept]) -> None:
    """All new rows in one statement of the driver: building it with SQLAlchemy costs forty times as much a row."""
    rows = []
    for one, new in zip(incoming, kept, strict=True):
        payloads = {record.seq: record.payload for record in one.batch.records}
        rows += [_row(stored, payloads[stored.seq]) for stored in new]
    if rows:
        marks = ", ".join("?" * len(COLUMNS))
        await connection.exec_driver_sql(f"INSERT INTO records ({', '.join(COLUMNS)}) VALUES ({marks})", rows)  # noqa: S608


async def _keep_on_postgresql(connection: AsyncConnection, incoming: Incoming) -> Kept:
    """Several workers write at once there: the database itself says what was new."""
    payloads = {record.seq: record.payload for record in incoming.batch.records}
    if not payloads:
        return ()
    rows = [dict(zip(COLUMNS, _row(stored, payloads[stored.seq]), strict=True)) for stored in _stored(incoming)]
    values = [row | {"received_at": incoming.received_at} for row in rows]
    statement = postgresql.insert(records).values(values).on_conflict_do_nothing().returning(records.c.seq)
    new = set((await connection.execute(statement)).scalars())
    return tuple(stored for stored in _stored(incoming) if stored.seq in new)


async def settle_streams(
    connection: AsyncConnection, incoming: Sequence[Incoming], kept: Sequence[Kept]
) -> tuple[tuple[Range, ...], ...]:
    """Note what was refused or given up, then look for holes below each stream's ``lo``.

    Return for each batch the holes found now; those of a stream stand with its last batch.
    """
    last: dict[tuple[str, str], int] = {}
    for at, (one, new) in enumerate(zip(incoming, kept, strict=True)):
        await _settle_batch(connection, one, new)
        last[one.batch.device, one.batch.stream] = at
    holes: list[tuple[Range, ...]] = [()] * len(incoming)
    for (device, stream), at in last.items():
        of = [one for one in incoming if (one.batch.device, one.batch.stream) == (device, stream)]
        place = Place(device, stream, incoming[at].received_at)
        holes[at] = await _find_holes(connection, place, max(one.batch.lo for one in of))
    return tuple(holes)


async def _settle_batch(connection: AsyncConnection, incoming: Incoming, new: Kept) -> None:
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


def _row(stored: StoredRecord, payload: str) -> tuple[object, ...]:
    """The values of ``COLUMNS``."""
    record = stored.record
    received_ms = round(stored.received_at.timestamp() * 1000)
    finished = not concerns_a_car(stored)
    place = (stored.device, stored.stream, stored.seq)
    return *place, received_ms, record.body.kind, record.boot[:64], finished, payload


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


def held_ranges(place: Place, span: Range) -> Select[int, int]:
    """What is stored within ``span`` as ranges without a gap: a seq minus its rank is the same throughout one."""
    island = (records.c.seq - func.row_number().over(order_by=records.c.seq)).label("island")
    rows = select(records.c.seq, island).where(*_of(records, place), records.c.seq.between(*span)).subquery()
    return select(func.min(rows.c.seq), func.max(rows.c.seq)).group_by(rows.c.island).order_by(func.min(rows.c.seq))


async def _missing(connection: AsyncConnection, place: Place, span: Range) -> tuple[Range, ...]:
    """Ranges within ``span`` that are neither stored nor accounted for."""
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
