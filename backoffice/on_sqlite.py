"""Keeping records in a SQLite file: one process, one connection, so a transaction is alone with everything anyway."""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import cast

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backoffice.keeping import COLUMNS, Head, Incoming, Kept, StreamId, heads_of, kept_of, rows_of
from sync.codec import ReceivedRecord
from sync.database import Database as FileDatabase

ROWS_AT_ONCE = 50
_HELD = "SELECT seq FROM records WHERE device = ? AND stream = ? AND seq BETWEEN ? AND ?"
_ROW = f"({', '.join('?' * len(COLUMNS))})"
_INSERT = f"INSERT INTO records ({', '.join(COLUMNS)}) VALUES {_ROW}"  # noqa: S608
_INSERT_MANY = ", ".join([_INSERT, *[_ROW] * (ROWS_AT_ONCE - 1)])

_HOLE = "SELECT 1 FROM gaps WHERE device = ? AND stream = ? AND cause = 'hole' AND first_seq <= ? AND last_seq >= ?"
_CHECKED = "SELECT checked_below FROM streams WHERE device = ? AND stream = ?"
_COUNT = "SELECT count(*) FROM records WHERE device = ? AND stream = ? AND seq >= ? AND seq < ?"
_SETTLE = (
    "INSERT INTO streams (device, stream, checked_below, last_received_at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
    " SET checked_below = max(checked_below, excluded.checked_below), last_received_at = excluded.last_received_at"
)


class _NotQuietError(Exception):
    """There is something to say about a stream; the transaction is undone."""


class SqliteKeeping:
    """`backoffice.keeping.Keeping` on SQLite."""

    draws_at_once = True
    broken: tuple[type[Exception], ...] = (SQLAlchemyError, sqlite3.Error, OSError)

    async def keep(self, connection: AsyncConnection, incoming: Sequence[Incoming]) -> tuple[Kept, ...]:
        """In one visit to the driver's thread: a hop, or a statement of SQLAlchemy, costs as much as ten rows."""
        driver = cast("FileDatabase", (await connection.get_raw_connection()).driver_connection)
        return await driver.run_within(lambda file: tuple(_keep(file, one) for one in incoming))

    async def keep_plain(self, engine: AsyncEngine, incoming: Sequence[Incoming]) -> tuple[Kept, ...] | None:
        async with engine.connect() as connection:
            driver = cast("FileDatabase", (await connection.get_raw_connection()).driver_connection)
            try:
                return await driver.run(lambda file: _keep_quietly(file, incoming))
            except _NotQuietError:
                return None

    async def hold_streams(self, connection: AsyncConnection, streams: Iterable[StreamId]) -> None:
        pass

    async def hold_cars(self, connection: AsyncConnection) -> None:
        pass

    async def hold_schema(self, connection: AsyncConnection) -> None:
        pass


def _keep(file: sqlite3.Connection, incoming: Incoming) -> Kept:
    """Within one transaction of the only writer what is held stays so."""
    new: Sequence[ReceivedRecord] = incoming.batch.records
    if held := _held_seqs(file, incoming):
        new = [one for one in new if one.seq not in held]
    _insert(file, rows_of(incoming, new))
    return kept_of(incoming, new)


def _keep_quietly(file: sqlite3.Connection, incoming: Sequence[Incoming]) -> tuple[Kept, ...]:
    kept = tuple([_keep(file, one) for one in incoming])
    for head in heads_of(incoming):
        _settle_quietly(file, head)
    return kept


def _settle_quietly(file: sqlite3.Connection, head: Head) -> None:
    """Note how far the stream is whole; raise _NotQuietError where that is not as simple."""
    of = (head.device, head.stream)
    row = file.execute(_CHECKED, of).fetchone()
    checked_below: int = row[0] if row else 1
    if file.execute(_HOLE, (*of, head.last, head.first)).fetchone():
        raise _NotQuietError
    missing = head.lo - checked_below
    if missing > 0 and file.execute(_COUNT, (*of, checked_below, head.lo)).fetchone()[0] != missing:
        raise _NotQuietError
    file.execute(_SETTLE, (*of, head.lo, head.received_ms))


def _held_seqs(file: sqlite3.Connection, incoming: Incoming) -> set[int]:
    batch = incoming.batch
    if not batch.records:
        return set()
    span = (batch.records[0].seq, batch.records[-1].seq)
    return {row[0] for row in file.execute(_HELD, (batch.device, batch.stream, *span))}


def _insert(file: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Many rows a statement: stepping through one after the other gives Python's lock away and back for each."""
    whole = len(rows) - len(rows) % ROWS_AT_ONCE
    for first in range(0, whole, ROWS_AT_ONCE):
        file.execute(_INSERT_MANY, [*chain.from_iterable(rows[first : first + ROWS_AT_ONCE])])
    file.executemany(_INSERT, rows[whole:])
