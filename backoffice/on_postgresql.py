"""Keeping records in PostgreSQL, where many processes write at once: the database itself says what was new.

Locks are taken in one order (streams by number, then rows by key, then cars) and end with the transaction, so that no
two workers wait for each other and a worker that is killed leaves none behind.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import blake2b
from typing import Any, cast

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from backoffice.keeping import (
    COLUMNS,
    WIDEST,
    Head,
    Incoming,
    Kept,
    StreamId,
    heads_of,
    kept_of,
    new_of,
    rows_of,
    rows_of_readings,
)
from sync.codec import ReceivedRecord

_TYPES = ("text", "text", "bigint", "bigint", "text", "text", "boolean", "text")
_ARRAYS = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_TYPES, start=1))
_INSERT = (
    f"WITH new AS (INSERT INTO records ({', '.join(COLUMNS)}) SELECT * FROM unnest({_ARRAYS})"  # noqa: S608
    " ON CONFLICT DO NOTHING RETURNING device, stream, seq)"
    " SELECT device, stream, array_agg(seq) AS seqs FROM new GROUP BY device, stream"
)
_HELD = "SELECT seq FROM records WHERE device = $1 AND stream = $2 AND seq BETWEEN $3 AND $4"
# only the streams that are whole below ``lo`` and had no hole where something came now
_SETTLE_PLAIN = """
INSERT INTO streams (device, stream, checked_below, last_received_at)
SELECT head.device, head.stream, head.lo, head.received_at
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
    AS head(device, stream, lo, first, last, received_at)
LEFT JOIN streams AS known ON known.device = head.device AND known.stream = head.stream
WHERE NOT EXISTS (
    SELECT FROM gaps WHERE gaps.device = head.device AND gaps.stream = head.stream
    AND cause = 'hole' AND first_seq <= head.last AND last_seq >= head.first
) AND greatest(0, head.lo - coalesce(known.checked_below, 1)) = (
    SELECT count(*) FROM records WHERE records.device = head.device AND records.stream = head.stream
    AND seq >= coalesce(known.checked_below, 1) AND seq < head.lo
)
ON CONFLICT (device, stream) DO UPDATE SET
    checked_below = greatest(streams.checked_below, excluded.checked_below),
    last_received_at = excluded.last_received_at
"""
_HOLD_STREAMS = "SELECT count(pg_advisory_xact_lock(number)) FROM unnest($1::bigint[]) AS number"
OUR_LOCKS, CARS, SCHEMA = 0x464F5245, 1, 2
FORGOTTEN_AFTER = "30s"
KEEPALIVES = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
# what asyncpg raises while connecting does not go through SQLAlchemy
BROKEN: tuple[type[Exception], ...] = (
    SQLAlchemyError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError,
)  # fmt: skip


class _NotQuietError(Exception):
    """There is something to say about a stream; the transaction is undone."""


class PostgresqlKeeping:
    """`backoffice.keeping.Keeping` on PostgreSQL."""

    draws_at_once = False
    broken = BROKEN

    async def keep(self, connection: AsyncConnection, incoming: Sequence[Incoming]) -> tuple[Kept, ...]:
        """All rows in one statement, in the key's order: two workers that were sent the same ones don't deadlock."""
        rows = sorted(row for one in incoming for row in _rows_without_nul(one, one.batch.records))
        if not rows:
            return (Kept(),) * len(incoming)
        found = await connection.exec_driver_sql(_INSERT, tuple(map(list, zip(*rows, strict=True))))
        new = {(row.device, row.stream): set(row.seqs) for row in found}
        return tuple(_taken(one, new.get(one.stream, set())) for one in incoming)

    async def keep_readings(self, engine: AsyncEngine, incoming: Sequence[Incoming]) -> tuple[Kept, ...] | None:
        """By COPY, which knows of no conflicts: whoever is alone with the streams can look for what is held before."""
        heads = heads_of(incoming)
        if any(head.last - head.first > WIDEST for head in heads):
            return None
        async with engine.connect() as connection:
            driver = cast("asyncpg.Connection", (await connection.get_raw_connection()).driver_connection)
            try:
                async with _alone_with(driver, _numbers_of((head.device, head.stream) for head in heads)):
                    held = {(head.device, head.stream): await _held_seqs(driver, head) for head in heads}
                    kept = await _copy_new(driver, incoming, held)
                    await _settle_plain(driver, heads)
            except _NotQuietError:
                return None
        return kept

    async def hold_streams(self, connection: AsyncConnection, streams: Iterable[StreamId]) -> None:
        await connection.exec_driver_sql(_HOLD_STREAMS, (_numbers_of(streams),))

    async def hold_cars(self, connection: AsyncConnection) -> None:
        await _hold(connection, CARS)

    async def hold_schema(self, connection: AsyncConnection) -> None:
        await _hold(connection, SCHEMA)


@asynccontextmanager
async def _alone_with(driver: asyncpg.Connection, numbers: Sequence[int]) -> AsyncIterator[None]:
    """A transaction that holds these locks, begun in one trip to the server."""
    try:
        await driver.execute("BEGIN;" + "".join(f"SELECT pg_advisory_xact_lock({number});" for number in numbers))
        yield
    except BaseException:
        await driver.execute("ROLLBACK")
        raise
    await driver.execute("COMMIT")


async def _held_seqs(driver: asyncpg.Connection, head: Head) -> set[int]:
    found = await driver.fetch(_HELD, head.device, head.stream, head.first, head.last)
    return {row["seq"] for row in found}


async def _copy_new(
    driver: asyncpg.Connection, incoming: Sequence[Incoming], held: dict[StreamId, set[int]]
) -> tuple[Kept, ...]:
    """Store what of each batch is not ``held``."""
    rows, kept = list[tuple[object, ...]](), list[Kept]()
    for one in incoming:
        new = new_of(one, held[one.stream])
        rows += rows_of_readings(one, replace(new, boot=_replaced(new.boot)))
        kept.append(Kept(len(new)))
    await driver.copy_records_to_table("records", records=rows, columns=COLUMNS)
    return tuple(kept)


async def _settle_plain(driver: asyncpg.Connection, heads: Sequence[Head]) -> None:
    """Note how far the streams are whole; raise _NotQuietError where that is not as simple."""
    columns = zip(*((h.device, h.stream, h.lo, h.first, h.last, h.received_ms) for h in heads), strict=True)
    if await driver.execute(_SETTLE_PLAIN, *map(list, columns)) != f"INSERT 0 {len(heads)}":
        raise _NotQuietError


async def _hold(connection: AsyncConnection, number: int) -> None:
    """Wait for one of our locks; it is given back with the end of the transaction."""
    await connection.exec_driver_sql("SELECT pg_advisory_xact_lock($1, $2)", (OUR_LOCKS, number))


def postgresql_engine(url: str, busy_timeout_s: float) -> AsyncEngine:
    """Connections on which no wait is endless, on either side: a peer that went away without a word is given up."""
    wait_ms = str(round(busy_timeout_s * 1000))
    session = {
        "application_name": "forecourt-office",
        "lock_timeout": wait_ms,
        "idle_in_transaction_session_timeout": FORGOTTEN_AFTER,
    }
    engine = create_async_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=busy_timeout_s,
        connect_args={
            "timeout": busy_timeout_s,
            "command_timeout": busy_timeout_s * 3,
            "server_settings": session | KEEPALIVES,
        },
    )
    event.listen(engine.sync_engine, "before_cursor_execute", _replace_nul, retval=True)
    return engine


def _taken(incoming: Incoming, new: set[int]) -> Kept:
    """What of a batch was new; a record that came in two batches counts for the first."""
    if not new:
        return Kept()
    mine = [received for received in incoming.batch.records if received.seq in new]
    new.difference_update(received.seq for received in mine)
    return kept_of(incoming, mine)


def _numbers_of(streams: Iterable[StreamId]) -> list[int]:
    """The locks of ``streams``, in the order in which everybody takes them."""
    return sorted(_number_of(stream) for stream in streams)


def _number_of(stream: StreamId) -> int:
    digest = blake2b("/".join(stream).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _rows_without_nul(incoming: Incoming, new: Sequence[ReceivedRecord]) -> list[tuple[object, ...]]:
    """A boot id is any text, and PostgreSQL keeps no NUL in one; the record itself is JSON, which escapes it."""
    return rows_of(incoming, [one._replace(boot=_replaced(one.boot)) if "\x00" in one.boot else one for one in new])


def _replace_nul(
    _connection: object,
    _cursor: object,
    statement: str,
    parameters: Any,
    _context: object,
    executemany: bool,  # noqa: FBT001
) -> tuple[str, Any]:
    """What a car or a person put into a text may hold a NUL, which PostgreSQL keeps in none."""
    return statement, [_replaced_in(row) for row in parameters] if executemany else _replaced_in(parameters)


def _replaced_in(parameters: Any) -> Any:
    if isinstance(parameters, dict):
        return {name: _replaced(value) for name, value in parameters.items()}
    return tuple(_replaced(value) for value in parameters)


def _replaced(value: Any) -> Any:
    return value.replace("\x00", "\ufffd") if isinstance(value, str) and "\x00" in value else value
