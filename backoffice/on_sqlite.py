"""Keeping records in a SQLite file: one process, one connection, so a transaction is alone with everything anyway."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import cast

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backoffice.keeping import (
    COLUMNS,
    MAX_BOOT,
    WIDEST,
    Head,
    Incoming,
    Kept,
    StreamId,
    heads_of,
    kept_of,
    new_of,
    rows_of,
)
from sync.codec import Readings, ReceivedRecord
from sync.database import Database as FileDatabase

ROWS_AT_ONCE = 50
_HELD = "SELECT seq FROM records WHERE device = ? AND stream = ? AND seq BETWEEN ? AND ?"
_INSERT = f"INSERT INTO records ({', '.join(COLUMNS)}) VALUES"
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

    async def keep_readings(self, engine: AsyncEngine, incoming: Sequence[Incoming]) -> tuple[Kept, ...] | None:
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
    new = _new(file, incoming)
    file.executemany(f"{_INSERT} ({', '.join('?' * len(COLUMNS))})", rows_of(incoming, new))
    return kept_of(incoming, new)


def _keep_quietly(file: sqlite3.Connection, incoming: Sequence[Incoming]) -> tuple[Kept, ...]:
    heads = heads_of(incoming)
    if any(head.last - head.first > WIDEST for head in heads):
        raise _NotQuietError
    held = {(head.device, head.stream): _held_seqs(file, head) for head in heads}
    kept = tuple([_insert(file, one, new_of(one, held[one.stream])) for one in incoming])
    for head in heads:
        _settle_quietly(file, head)
    return kept


def _insert(file: sqlite3.Connection, incoming: Incoming, new: Readings) -> Kept:
    """Many rows a statement: stepping through one after the other gives Python's lock away and back for each."""
    same = (*incoming.stream, incoming.received_ms, new.boot[:MAX_BOOT])
    for first in range(0, len(new), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        columns = new.seqs[rows], new.payloads[rows]
        file.execute(_insert_readings(len(columns[0])), (*same, *chain.from_iterable(zip(*columns, strict=True))))
    return Kept(len(new))


@cache
def _insert_readings(rows: int) -> str:
    """What is the same for all rows is handed over once: each value that is not takes as long as the row itself."""
    each = (f"(?1, ?2, ?{at}, ?3, 'reading', ?4, 1, ?{at + 1})" for at in range(5, 5 + 2 * rows, 2))
    return f"{_INSERT} {', '.join(each)}"


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


def _new(file: sqlite3.Connection, incoming: Incoming) -> Sequence[ReceivedRecord]:
    """The records that are not held; within one transaction of the only writer that stays so."""
    if not incoming.batch.records:
        return ()
    (head,) = heads_of([incoming])
    held = _held_seqs(file, head)
    return [one for one in incoming.batch.records if one.seq not in held] if held else incoming.batch.records


def _held_seqs(file: sqlite3.Connection, head: Head) -> set[int]:
    return {row[0] for row in file.execute(_HELD, (head.device, head.stream, head.first, head.last))}
