"""The outbox: what the edge owes upstream, durable from the moment ``append`` returns until upstream says it is stored.

All that changes the file goes through one queue: whatever waits while a commit runs is committed together by the next.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Self, TypeVar

from sync import outbox_file as file
from sync.clock import Clock, Stamp
from sync.codec import MAX_RECORD_BYTES
from sync.database import Database, is_full, open_database
from sync.errors import OutboxError, OutboxFullError
from sync.lock import FileLock, Marker
from sync.outbox_file import PEOPLE, READINGS, Line, Owed
from sync.records import AnyBody, Record, TombstoneBody

SCHEMA = Path(__file__).parent / "schema"
GIVE_UP_AT_ONCE = 200  # readings dropped for one attempt to make room
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Change(Generic[Value]):
    """A piece of work for the next commit; returns its value and by how much the number of owed records changed."""

    work: Callable[[sqlite3.Connection], tuple[Value, int]]
    done: "asyncio.Future[Value]"


class Outbox:
    """Use ``await Outbox.open(...)``; one process and one event loop a file. Close it when done.

    ``appended`` is set after each append and cleared by its one consumer, the publisher; ``emptied`` is set while
    nothing is owed.
    """

    def __init__(self, path: Path, database: Database, lock: FileLock, clock: Clock, home: file.Home) -> None:
        self._path = path
        self._database = database
        self._lock = lock
        self._clock = clock
        self._home = home
        self._pending = home.pending
        self._waiting: list[_Change[object]] = []
        self._committer: asyncio.Task[None] | None = None
        self._broken: OutboxError | None = None
        self.appended = asyncio.Event()
        self.emptied = asyncio.Event()
        self._count(0)
        self.set_aside: Path | None = None

    @classmethod
    async def open(cls, path: Path, *, clock: Clock, max_bytes: int) -> Self:
        """Open or create the outbox. Raises OutboxError when another process has it or it cannot be used.

        A damaged file is set aside whole (``set_aside`` names it), declared by a tombstone, and work goes on.
        """
        lock = FileLock(path.with_name(path.name + ".lock"))
        try:
            return await cls._open_locked(path, lock, clock, max_bytes)
        except BaseException:
            lock.release()
            raise

    @classmethod
    async def _open_locked(cls, path: Path, lock: FileLock, clock: Clock, max_bytes: int) -> Self:
        before = lock.read()
        opened = await open_database(path, SCHEMA, max_bytes=max_bytes, label=str(clock.stamp().t))
        try:
            home = await opened.database.run(lambda c: file.settle(c, path, before.token))
            lock.write(Marker(home.token, home.stream))
            outbox = cls(path, opened.database, lock, clock, home)
            outbox.set_aside = opened.set_aside
            if opened.set_aside and before.stream:
                await outbox.append([file.lost_with_the_file(before.stream)])
        except sqlite3.Error as error:
            await opened.database.close()
            raise OutboxError(f"{path}: cannot be used: {error}") from error
        except BaseException:
            await opened.database.close()
            raise
        return outbox

    @property
    def stream(self) -> str:
        """Id under which new records are numbered; new when the file is new or was copied or restored."""
        return self._home.stream

    async def append(self, bodies: Sequence[AnyBody], *, once: str = "") -> tuple[int, ...]:
        """Keep ``bodies`` in this order and return their seqs; all of them are on the disk then, or none.

        A set named ``once`` is kept at most one time in the life of the file: later ones change nothing and give ().

        When the quota is reached the oldest raw readings are given up and declared by tombstones. Raises
        OutboxFullError when that is not enough, OutboxError when the file cannot be trusted any more.
        """
        stamp = self._clock.stamp()
        lines = [_line(body, stamp) for body in bodies]
        if not lines:
            return ()

        def work(connection: sqlite3.Connection) -> tuple[int, int]:
            if once and not file.first_time(connection, once):
                return 0, 0
            return file.append(connection, self._home.number, lines), len(lines)

        last = await self._change(work)
        if not last:
            return ()
        self.appended.set()
        return tuple(range(last - len(lines) + 1, last + 1))

    async def owing_streams(self) -> tuple[str, ...]:
        """Streams with something owed, oldest first: records of a copied file keep the identity they had."""
        return await self._read(file.owing_streams)

    async def unacknowledged(
        self, after_seq: int, limit: int, *, turn: int | None = None, stream: str | None = None
    ) -> tuple[Owed, ...]:
        """At most ``limit`` owed records above ``after_seq`` in order of seq; ``turn`` 0 people's, 1 raw readings."""
        wanted = stream or self.stream
        return await self._read(lambda c: file.page(c, wanted, after_seq, limit, turn))

    async def lowest_unacknowledged(self, stream: str | None = None) -> int:
        """The seq below which everything is upstream or declared upstream; one above the last when nothing is owed."""
        wanted = stream or self.stream
        return await self._read(lambda c: file.lowest(c, wanted))

    async def acknowledge(self, a: int, b: int, *, stream: str | None = None) -> int:
        """Forget ``a..b``, which upstream has stored; return how many that were."""
        return await self.acknowledge_ranges([(a, b)], stream=stream)

    async def acknowledge_ranges(self, ranges: Sequence[tuple[int, int]], *, stream: str | None = None) -> int:
        """Forget several ranges in one commit."""
        wanted, wished = stream or self.stream, tuple(ranges)

        def work(connection: sqlite3.Connection) -> tuple[int, int]:
            gone = file.forget(connection, wanted, wished)
            return gone, -gone

        return await self._change(work)

    async def quarantine(self, a: int, b: int, reason: str, *, stream: str | None = None) -> int:
        """Take ``a..b`` out of the way, keep it for a person and declare it by a tombstone; return how many."""
        wanted, stamp = stream or self.stream, self._clock.stamp()

        def work(connection: sqlite3.Connection) -> tuple[int, int]:
            gone = file.quarantine(connection, wanted, a, b, reason)
            if not gone:
                return 0, 0
            body = TombstoneBody(first_seq=a, last_seq=b, reason=reason, stream=self._foreign(wanted))
            file.append(connection, self._home.number, [_line(body, stamp)])
            return gone, 1 - gone

        gone = await self._change(work)
        self.appended.set()
        return gone

    def pending_count(self) -> int:
        """How many records are owed now."""
        return self._pending

    async def used_ratio(self) -> float:
        """Used part of the quota, 0..1; an alarm is due from 0.8 on."""
        return await self._read(file.used_ratio)

    async def close(self) -> None:
        """Finish what was asked for and let go of the file."""
        while self._committer is not None:
            await asyncio.wait([self._committer])
        self._broken = self._broken or OutboxError(f"{self._path}: closed")
        try:
            self._lock.write(Marker(await self._database.run(file.renew_token), self.stream))
        except (sqlite3.Error, ValueError):
            pass  # the next opening then begins a new stream, which costs nothing
        finally:
            await self._database.close()
            self._lock.release()

    def _foreign(self, stream: str) -> str:
        return "" if stream == self.stream else stream

    def _break_unless_full(self, error: Exception) -> None:
        """After a failed sync nobody knows what the disk holds: nothing is tried again on this connection."""
        if isinstance(error, sqlite3.Error) and not is_full(error) and not self._broken:
            self._broken = OutboxError(f"{self._path}: cannot be written: {error}; restart the agent")
            self._broken.__cause__ = error

    def _refuse_if_broken(self) -> None:
        if self._broken:
            raise self._broken

    async def _read(self, work: Callable[[sqlite3.Connection], Value]) -> Value:
        try:
            return await self._database.run(work)
        except (sqlite3.Error, ValueError) as error:
            raise self._broken or OutboxError(f"{self._path}: cannot be read: {error}") from error

    async def _change(self, work: Callable[[sqlite3.Connection], tuple[Value, int]]) -> Value:
        """Queue ``work`` for the next commit and wait until it is durable; a cancelled caller does not undo it."""
        self._refuse_if_broken()
        done: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Change(work, done))  # type: ignore[arg-type]
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_waiting(), name="outbox-commit")
        return await done

    async def _commit_waiting(self) -> None:
        try:
            while self._waiting:
                changes, self._waiting = self._waiting, []
                await self._commit(changes)
        finally:
            self._committer = None

    async def _commit(self, changes: list[_Change[object]]) -> None:
        try:
            self._refuse_if_broken()
            outcomes = await self._database.run(lambda c: [change.work(c) for change in changes])
        except Exception as error:  # noqa: BLE001 - each caller gets its own outcome below
            self._break_unless_full(error)
            for change in changes:  # one of them may be too large: none of the others pays for it
                await self._commit_alone(change)
        else:
            for change, outcome in zip(changes, outcomes, strict=True):
                self._settle(change, outcome)

    async def _commit_alone(self, change: _Change[object]) -> None:
        try:
            self._settle(change, await self._with_room(change.work))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits this change
            if not change.done.done():
                change.done.set_exception(error)

    async def _with_room(self, work: Callable[[sqlite3.Connection], tuple[Value, int]]) -> tuple[Value, int]:
        while True:
            self._refuse_if_broken()
            try:
                return await self._database.run(work)
            except sqlite3.Error as error:
                self._break_unless_full(error)
                self._refuse_if_broken()
            await self._give_up_readings()

    async def _give_up_readings(self) -> None:
        stamp = self._clock.stamp()

        def tombstone(a: int, b: int, stream: str) -> Line:
            reason = "outbox full: raw readings given up"
            return _line(TombstoneBody(first_seq=a, last_seq=b, reason=reason, stream=stream), stamp)

        number = self._home.number
        try:
            change = await self._database.run(lambda c: file.give_up_readings(c, number, GIVE_UP_AT_ONCE, tombstone))
        except sqlite3.Error as error:
            raise OutboxFullError(f"{self._path}: full, and nothing can be given up: {error}") from error
        self._count(change.delta)
        if not change.gone:
            raise OutboxFullError(f"{self._path}: full; free the disk or raise storage.outbox_max_mb")

    def _count(self, delta: int) -> None:
        self._pending += delta
        if self._pending:
            self.emptied.clear()
        else:
            self.emptied.set()

    def _settle(self, change: _Change[object], outcome: tuple[object, int]) -> None:
        value, delta = outcome
        self._count(delta)
        if not change.done.done():
            change.done.set_result(value)


def _line(body: AnyBody, stamp: Stamp) -> Line:
    record = Record(t=stamp.t, tq=stamp.tq, mono_ns=stamp.mono_ns, boot=stamp.boot, body=body)
    payload = record.model_dump_json(by_alias=True)
    if len(payload.encode()) > MAX_RECORD_BYTES:
        raise OutboxError(f"a {body.kind} record of {len(payload)} characters is more than the wire carries")
    accounts = (body.stream, body.first_seq) if isinstance(body, TombstoneBody) else None
    return Line(READINGS if body.kind == "reading" else PEOPLE, payload, accounts)
