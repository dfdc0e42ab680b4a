"""What upstream has confirmed and we still have: kept a while, so that a hole found upstream can be refilled.

Each function runs inside one transaction that its caller opened. Sizes are bytes of payload.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from sync.outbox_file import READINGS, TURNS, lowest, number_of

SHARE = 8  # at most one part in so many of the quota
_TRIMMED_AT_ONCE = 200
_SIZE = "length(CAST(payload AS BLOB))"
_KEEP = (
    f"INSERT OR IGNORE INTO kept (stream, seq, turn, acked_at, bytes, payload)"  # noqa: S608
    f" SELECT stream, seq, turn, ?, {_SIZE}, payload FROM owed INDEXED BY owed_first"
    f" WHERE stream = ? AND turn IN {TURNS[:READINGS]} AND turn != {READINGS} AND seq BETWEEN ? AND ? RETURNING bytes"
)


def total(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(sum(bytes), 0) FROM kept").fetchone()[0])


def keep(connection: sqlite3.Connection, stream: str, ranges: Sequence[tuple[int, int]], now_ms: int) -> int:
    """Copy what is about to be forgotten, without raw readings; return its size."""
    number = number_of(connection, stream)
    return sum(size for a, b in ranges for (size,) in connection.execute(_KEEP, (now_ms, number, a, b)))


def trim(connection: sqlite3.Connection, excess: int) -> int:
    """Drop the oldest until at least ``excess`` is gone; return how much went."""
    gone = 0
    while gone < excess:
        oldest = connection.execute("SELECT id, bytes FROM kept ORDER BY id LIMIT ?", (_TRIMMED_AT_ONCE,)).fetchall()
        if not oldest:
            break
        for number, size in oldest:
            connection.execute("DELETE FROM kept WHERE id = ?", (number,))
            gone += size
            if gone >= excess:
                break
    return gone


def forget_before(connection: sqlite3.Connection, acked_before_ms: int) -> int:
    """Drop what was confirmed earlier than that; return how many records."""
    return connection.execute("DELETE FROM kept WHERE acked_at < ?", (acked_before_ms,)).rowcount


@dataclass(frozen=True, slots=True)
class StreamView:
    """What is known here of one stream: its last seq, and which seqs are still owed or kept, both sorted."""

    stream: str
    last_seq: int
    lowest: int
    owed: tuple[int, ...]
    kept: tuple[int, ...]


def views(connection: sqlite3.Connection) -> tuple[StreamView, ...]:
    """All streams that this file still knows, oldest first."""
    streams = connection.execute("SELECT number, id, last_seq FROM streams ORDER BY number").fetchall()
    return tuple(
        StreamView(
            stream, last, lowest(connection, stream), _seqs(connection, "owed", of), _seqs(connection, "kept", of)
        )
        for of, stream, last in streams
    )


def rows(connection: sqlite3.Connection, stream: str, a: int, b: int) -> tuple[tuple[int, bytes], ...]:
    """The kept records ``a..b`` in order."""
    wanted = "SELECT seq, CAST(payload AS BLOB) FROM kept WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq"
    return tuple(connection.execute(wanted, (number_of(connection, stream), a, b)))


def refill(connection: sqlite3.Connection, stream: str, ranges: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Owe again what is kept of ``ranges``; return how many records, and their size."""
    number, count, size = number_of(connection, stream), 0, 0
    where = "WHERE stream = ? AND seq BETWEEN ? AND ?"
    for a, b in ranges:
        select = f"SELECT stream, seq, turn, payload, bytes FROM kept {where}"  # noqa: S608
        again = connection.execute(select, (number, a, b)).fetchall()
        owe = "INSERT OR IGNORE INTO owed (stream, seq, turn, payload) VALUES (?, ?, ?, ?)"
        connection.executemany(owe, [row[:4] for row in again])
        connection.execute(f"DELETE FROM kept {where}", (number, a, b))  # noqa: S608
        count, size = count + len(again), size + sum(row[4] for row in again)
    return count, size


def _seqs(connection: sqlite3.Connection, table: str, number: int) -> tuple[int, ...]:
    found = connection.execute(f"SELECT seq FROM {table} WHERE stream = ? ORDER BY seq", (number,))  # noqa: S608
    return tuple(seq for (seq,) in found)
