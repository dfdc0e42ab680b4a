"""What upstream has confirmed and we still have: kept a while, so that a hole found upstream can be refilled.

Each function runs inside one transaction that its caller opened. Sizes are bytes of payload.
"""

import sqlite3
from collections.abc import Sequence

from sync.outbox_file import READINGS, number_of

SHARE = 8  # at most one part in so many of the quota
_TRIMMED_AT_ONCE = 200
_SIZE = "length(CAST(payload AS BLOB))"
_KEEP = (
    f"INSERT OR REPLACE INTO kept (stream, seq, turn, acked_at, bytes, payload)"  # noqa: S608
    f" SELECT stream, seq, turn, ?, {_SIZE}, payload FROM owed WHERE stream = ? AND seq BETWEEN ? AND ? AND turn < ?"
)


def total(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(sum(bytes), 0) FROM kept").fetchone()[0])


def keep(connection: sqlite3.Connection, stream: str, ranges: Sequence[tuple[int, int]], now_ms: int) -> int:
    """Copy what is about to be forgotten, without raw readings; return its size."""
    number = number_of(connection, stream)
    size = 0
    for a, b in ranges:
        new = "SELECT coalesce(sum(bytes), 0) FROM kept WHERE stream = ? AND seq BETWEEN ? AND ?"
        connection.execute(_KEEP, (now_ms, number, a, b, READINGS))
        size += int(connection.execute(new, (number, a, b)).fetchone()[0])
    return size


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
