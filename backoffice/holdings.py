"""What is held of a device's stream, as ranges and digests, for a device that compares. On the caller's transaction."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.recording import HOLE, Place, Range, note_holes, uncovered
from backoffice.tables import gaps, records
from sync.digest import digest_of
from sync.wire import MAX_DIGEST_SPAN, Holding

MAX_RANGES = 2000  # more than that would not fit one answer; the rest counts as missing and comes again


async def holding(connection: AsyncConnection, place: Place, lo: int, span: Range) -> Holding:
    """One span. A seq below ``lo`` that is neither held nor accounted for is a hole: noted, cause for an alarm."""
    held = await _held(connection, place, span)
    noted = await _noted(connection, place, span)
    missing = [(a, min(b, lo - 1)) for a, b in uncovered(span, [*held, *noted]) if a < lo]
    await note_holes(connection, place, missing)
    digest = await _digest(connection, place, span) if span[1] - span[0] < MAX_DIGEST_SPAN else ""
    return Holding(of=span, held=tuple(held), noted=tuple(noted), digest=digest)


async def _held(connection: AsyncConnection, place: Place, span: Range) -> list[Range]:
    """Ranges without a gap: a seq minus its rank is the same throughout one of them."""
    island = (records.c.seq - func.row_number().over(order_by=records.c.seq)).label("island")
    rows = select(records.c.seq, island).where(*_within(place, span)).subquery()
    ranges = select(func.min(rows.c.seq), func.max(rows.c.seq)).group_by(rows.c.island).order_by(func.min(rows.c.seq))
    return [(int(a), int(b)) for a, b in await connection.execute(ranges.limit(MAX_RANGES))]


async def _noted(connection: AsyncConnection, place: Place, span: Range) -> list[Range]:
    of = (gaps.c.device == place.device, gaps.c.stream == place.stream, gaps.c.cause != HOLE)
    touching = (gaps.c.first_seq <= span[1], gaps.c.last_seq >= span[0])
    found = await connection.execute(select(gaps.c.first_seq, gaps.c.last_seq).where(*of, *touching).limit(MAX_RANGES))
    return [(max(a, span[0]), min(b, span[1])) for a, b in found]


async def _digest(connection: AsyncConnection, place: Place, span: Range) -> str:
    rows = select(records.c.seq, records.c.record).where(*_within(place, span)).order_by(records.c.seq)
    return digest_of((int(seq), str(record)) for seq, record in await connection.execute(rows))


def _within(place: Place, span: Range) -> tuple[ColumnElement[bool], ...]:
    return records.c.device == place.device, records.c.stream == place.stream, records.c.seq.between(*span)
