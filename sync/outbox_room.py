"""What makes way when the outbox is full, in which order, and how full it is. One transaction of the caller's each.

First what upstream has anyway, then raw readings, then snapshots that a later one of the same car repeats. A car's last
snapshot, odometer values, code changes and findings never make way.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sync.codec import runs
from sync.outbox_file import READINGS, Line, append, id_of
from sync.outbox_kept import trim

AT_ONCE = 200  # records dropped for one attempt to make room
UNKEPT_AT_ONCE = 256 << 10
ALARM_RATIO = 0.8
READINGS_GONE = "outbox full: raw readings given up"
REPEATED_GONE = "outbox full: repeated snapshots given up"
Tombstone = Callable[[int, int, str, str], Line]
"""First seq, last seq, stream ('' for the home stream), reason -> the line that declares it."""

_OLDEST_READINGS = "SELECT stream, seq FROM owed WHERE turn = ? ORDER BY stream, seq LIMIT ?"
_OLDEST_REPEATED = (
    "SELECT stream, seq FROM owed AS old WHERE car != '' AND spare AND EXISTS (SELECT 1 FROM owed AS late"
    " WHERE late.car = old.car AND (late.stream, late.seq) > (old.stream, old.seq)) ORDER BY stream, seq LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """``gone`` records made way; the number of owed ones changed by ``delta``, tombstones included.

    ``unkept`` is the size of those that upstream had anyway.
    """

    gone: int
    delta: int
    unkept: int = 0

    def __add__(self, other: "GivenUp") -> "GivenUp":
        return GivenUp(self.gone + other.gone, self.delta + other.delta, self.unkept + other.unkept)


NOTHING = GivenUp(0, 0)


@contextmanager
def no_growth(connection: sqlite3.Connection) -> Iterator[None]:
    """The file gets no further page meanwhile: what is written takes the place of what went."""
    limit = _pragma(connection, "max_page_count")
    connection.execute(f"PRAGMA max_page_count = {_pragma(connection, 'page_count')}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA max_page_count = {limit}")


def give_up(connection: sqlite3.Connection, number: int, rounds: int, tombstone: Tombstone) -> GivenUp:
    """Let what is least missed go in so many rounds of `make_way`; fewer when nothing is left that may go."""
    given = NOTHING
    for _ in range(rounds):
        more = make_way(connection, number, AT_ONCE, tombstone)
        if not more.gone:
            break
        given += more
    return given


def make_way(connection: sqlite3.Connection, number: int, limit: int, tombstone: Tombstone) -> GivenUp:
    """Let the ``limit`` least missed records go, declaring what was still owed in stream ``number``."""
    if unkept := trim(connection, UNKEPT_AT_ONCE):
        return GivenUp(1, 0, unkept)
    if readings := connection.execute(_OLDEST_READINGS, (READINGS, limit)).fetchall():
        return _declared(connection, number, readings, lambda a, b, of: tombstone(a, b, of, READINGS_GONE))
    repeated = connection.execute(_OLDEST_REPEATED, (limit,)).fetchall()
    return _declared(connection, number, repeated, lambda a, b, of: tombstone(a, b, of, REPEATED_GONE))


def used_ratio(connection: sqlite3.Connection, kept_bytes: int) -> float:
    """Part of the quota that what is owed takes, 0..1; what is only kept counts as free."""
    limit = _pragma(connection, "max_page_count") * _pragma(connection, "page_size")
    return max(0.0, 1 - (free_bytes(connection) + kept_bytes) / limit)


def free_bytes(connection: sqlite3.Connection) -> int:
    """What the quota still allows."""
    pages = _pragma(connection, "max_page_count") - _pragma(connection, "page_count")
    return (pages + _pragma(connection, "freelist_count")) * _pragma(connection, "page_size")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _declared(
    connection: sqlite3.Connection, number: int, gone: Sequence[tuple[int, int]], stone: Callable[[int, int, str], Line]
) -> GivenUp:
    connection.executemany("DELETE FROM owed WHERE stream = ? AND seq = ?", gone)
    stones: list[Line] = []
    for of in sorted({row[0] for row in gone}):
        foreign = "" if of == number else id_of(connection, of)
        stones += [stone(a, b, foreign) for a, b in runs(row[1] for row in gone if row[0] == of)]
    if stones:
        append(connection, number, stones)
    return GivenUp(len(gone), len(stones) - len(gone))
