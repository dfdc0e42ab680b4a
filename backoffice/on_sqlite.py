"""Keeping records in a SQLite file: one process, one connection, so a transaction is alone with everything anyway."""

from collections.abc import Iterable, Sequence

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.keeping import COLUMNS, Incoming, Kept, StreamId, kept_of, rows_of

_HELD = "SELECT seq FROM records WHERE device = ? AND stream = ? AND seq BETWEEN ? AND ?"
_INSERT = f"INSERT INTO records ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
SEQ = COLUMNS.index("seq")


class SqliteKeeping:
    """`backoffice.keeping.Keeping` on SQLite."""

    draws_at_once = True
    broken: tuple[type[Exception], ...] = (SQLAlchemyError, OSError)

    async def keep(self, connection: AsyncConnection, incoming: Sequence[Incoming]) -> tuple[Kept, ...]:
        """All new rows in one statement of the driver: building it with SQLAlchemy costs forty times as much a row."""
        known: dict[StreamId, set[int]] = {}
        kept: list[Kept] = []
        rows: list[tuple[object, ...]] = []
        for one in incoming:
            held = known.setdefault(one.stream, set())
            held |= await _held_seqs(connection, one)
            new = (
                [received for received in one.batch.records if received.seq not in held] if held else one.batch.records
            )
            kept.append(kept_of(one, new))
            rows += [row for row in rows_of(one) if row[SEQ] not in held] if held else rows_of(one)
            held.update(received.seq for received in new)
        if rows:
            await connection.exec_driver_sql(_INSERT, rows)
        return tuple(kept)

    async def hold_streams(self, connection: AsyncConnection, streams: Iterable[StreamId]) -> None:
        pass

    async def hold_cars(self, connection: AsyncConnection) -> None:
        pass

    async def hold_schema(self, connection: AsyncConnection) -> None:
        pass


async def _held_seqs(connection: AsyncConnection, incoming: Incoming) -> set[int]:
    """Seqs of a batch that are stored already; within one transaction of the only writer that stays so."""
    batch = incoming.batch
    if not batch.records:
        return set()
    span = (batch.records[0].seq, batch.records[-1].seq)
    found = await connection.exec_driver_sql(_HELD, (batch.device, batch.stream, *span))
    return {row[0] for row in found}
