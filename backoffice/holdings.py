"""What is held of a device's stream, as ranges and digests, for a device that compares. On the caller's transaction."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.keeping import Range
from backoffice.recording import HOLE, Place, held_ranges, note_holes, uncovered
from backoffice.tables import gaps, records
from sync.digest import digest_of
from sync.wire import MAX_DIGEST_SPAN, Holding

MAX_RANGES = 2000  # more than that would not fit one answer; the rest counts as missing and comes again


async def holding(connection: AsyncConnection, place: Place, lo: int, span: Range) -> Holding:
    """One span. A seq below ``lo`` that is neither held nor accounted for is a hole: noted, cause for an alarm."""
    found = await connection.execute(held_ranges(place, span).limit(MAX_RANGES))
    held = [(int(a), int(b)) for a, b in found]
    noted = await _noted(connection, place, span)
    missing = [(a, min(b, lo - 1)) for a, b in uncovered(span, [*held, *noted]) if a < lo]
    await note_holes(connection, place, missing)
    digest = await _digest(connection, place, span) if span[1] - span[0] < MAX_DIGEST_SPAN else ""
    return Holding(of=span, held=tuple(held), noted=tuple(noted), digest=digest)


async def _noted(connection: AsyncConnection, place: Place, span: Range) -> list[Range]:
    of = (gaps.c.device == place.device, gaps.c.stream == place.stream, gaps.c.cause != HOLE)
    touching = (gaps.c.first_seq <= span[1], gaps.c.last_seq >= span[0])
    found = await connection.execute(select(gaps.c.first_seq, gaps.c.last_seq).where(*of, *touching).limit(MAX_RANGES))
    return [(max(a, span[0]), min(b, span[1])) for a, b in found]


async def _digest(connection: AsyncConnection, place: Place, span: Range) -> str:
    of = (records.c.device == place.device, records.c.stream == place.stream, records.c.seq.between(*span))
    rows = select(records.c.seq, records.c.record).where(*of).order_by(records.c.seq)
    return digest_of([(int(seq), str(record)) for seq, record in await connection.execute(rows)])
