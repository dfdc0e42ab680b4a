"""Parts of the simulated world: ways to build it wrong, a disk that forgets, the store upstream, a run's outcome."""

import functools
import random
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from sync.codec import ReceivedBatch
from sync.outbox import SCHEMA
from sync.receiver import Declared, declared_in, holes
from sync.seqs import Seqs

POISON = "poison"
SYNC_EVERY = 25  # commits between two syncs of a disk set up with synchronous=NORMAL (it syncs at checkpoints only)
_NUMBER = re.compile(r'"(?:value|odometer_m)":([0-9]+)')
Value = TypeVar("Value")


class Control(StrEnum):
    """Ways to build it wrong. Each must lose records, or the world shows nothing."""

    NONE = "built right"
    TRUST_BROKER = "delete on PUBACK"
    SYNC_NORMAL = "synchronous=NORMAL"
    ANSWER_FIRST = "acknowledge before the commit"


class PowerCutError(Exception):
    """The machine goes dark at this very step."""


@dataclass(slots=True)
class Outcome:
    """What a run came to; a sound one lost, doubled and reordered nothing, alarmed about nothing and drained."""

    seed: int
    produced: int = 0
    crashes: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    false_alarms: int = 0
    stuck: int = 0

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.reordered or self.false_alarms or self.stuck)


class Disk:
    """The outbox's tables in memory, with a power switch: of what was not synced, only a beginning survives a cut.

    Each commit is a savepoint inside the last synced state, so that a cut is a rollback to any of them.
    """

    def __init__(self, *, sync_each: bool, connection: sqlite3.Connection | None = None) -> None:
        self.connection = connection or _new_tables()
        self._sync_each = sync_each
        self._unsynced = 0

    def commit(self, work: Callable[[sqlite3.Connection], Value], *, lasting: bool = True) -> Value:
        self._unsynced += 1
        self.connection.execute(f"SAVEPOINT commit_{self._unsynced}")
        value = work(self.connection)
        if (self._sync_each and lasting) or self._unsynced >= SYNC_EVERY:
            self.sync()
        return value

    def read(self, work: Callable[[sqlite3.Connection], Value]) -> Value:
        return work(self.connection)

    def sync(self) -> None:
        if self._unsynced:
            self.connection.execute("RELEASE commit_1")
            self._unsynced = 0

    def power_cut(self, chance: random.Random) -> None:
        surviving = chance.randint(0, self._unsynced)
        if surviving < self._unsynced:
            self.connection.execute(f"ROLLBACK TO commit_{surviving + 1}")
        self.sync()

    def close(self) -> None:
        self.connection.close()

    def copy(self) -> "Disk":
        """A copy of the whole file, as a backup takes it."""
        self.sync()
        copied = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.backup(copied)
        return Disk(sync_each=self._sync_each, connection=copied)


@dataclass(slots=True)
class Upstream:
    """The store of the back office: what was committed, each (stream, seq) once, and what was declared lost."""

    sync_each: bool = True
    rows: dict[tuple[str, int], int | str] = field(default_factory=dict)
    declared: list[Declared] = field(default_factory=list)
    _held: dict[str, Seqs] = field(default_factory=dict)
    _unsynced: list[list[tuple[str, int]]] = field(default_factory=list)

    def commit(self, batch: ReceivedBatch) -> int:
        """Store what is new; return how many holes the batch's ``lo`` proves."""
        held = self._held.setdefault(batch.stream, Seqs())
        new = [row for row in batch.records if (batch.stream, row.seq) not in self.rows]
        for received in new:
            self.rows[batch.stream, received.seq] = content_of(received.payload)
            held.add(received.seq)
        if new:
            self.declared += [loss for loss in declared_in(batch) if loss not in self.declared]
        self._unsynced.append([(batch.stream, row.seq) for row in new])
        if self.sync_each or len(self._unsynced) >= SYNC_EVERY:
            self._unsynced.clear()
        if not held.missing_below(batch.lo):
            return 0
        poison = [Declared(batch.stream, nack.a, nack.b, nack.reason) for nack in batch.poison]
        return len(holes(held.ranges(), self.declared + poison, batch.stream, batch.lo))

    def power_cut(self, chance: random.Random) -> None:
        for keys in self._unsynced[chance.randint(0, len(self._unsynced)) :]:
            for key in keys:
                del self.rows[key]
        self._unsynced.clear()

    def declares(self, stream: str, seq: int) -> bool:
        return any(loss.stream == stream and loss.first_seq <= seq <= loss.last_seq for loss in self.declared)

    def numbers(self) -> list[int]:
        """What the stored records were produced with, stream by stream in the order of their seqs."""
        return [value for _, value in sorted(self.rows.items()) if isinstance(value, int)]

    def reordered(self) -> int:
        """How often a later seq of a stream holds an earlier record."""
        latest: dict[str, int] = {}
        found = 0
        for (stream, _), value in sorted(self.rows.items()):
            if isinstance(value, int):
                found += value <= latest.get(stream, 0)
                latest[stream] = value
        return found


def content_of(payload: str) -> int | str:
    """The number a record was produced with; tombstones and poison have none."""
    number = _NUMBER.search(payload)
    return int(number[1]) if number else payload


def _new_tables() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _empty_tables().backup(connection)
    return connection


@functools.cache
def _empty_tables() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for step in sorted(SCHEMA.glob("*.sql")):
        connection.executescript(step.read_text(encoding="utf-8"))
    return connection
