"""The outbox: what the edge owes upstream, durable from the moment ``append`` returns until it is stored there."""

import asyncio
import itertools
import sqlite3
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from sync import outbox_file as file
from sync import outbox_kept as kept
from sync.ballast import Ballast
from sync.clock import Clock
from sync.database import PAGE_BYTES, WAL_CHECKPOINT_PAGES, Database, is_full, open_database
from sync.errors import OutboxError, OutboxFullError
from sync.group_commit import GroupCommit, Value, Work
from sync.lock import FileLock, Marker
from sync.outbox_file import Line, Owed
from sync.outbox_lines import lines_of
from sync.outbox_room import ALARM_RATIO, NOTHING, free_bytes, give_up, no_growth, used_ratio
from sync.records import AnyBody, TombstoneBody
from sync.vault import PLAIN, Vault

log = structlog.get_logger(__name__)
SCHEMA = Path(__file__).parent / "schema"
BALLAST_BYTES = 4 * WAL_CHECKPOINT_PAGES * PAGE_BYTES  # twice what the log grows to between two foldings, and reserve
LOOK_EVERY = 64  # changes between two looks at how full it is
DAMAGED = "damaged on the disk"


@dataclass(frozen=True, slots=True)
class _Acknowledged:
    """How many records were forgotten, and by how many bytes what is kept has grown."""

    gone: int
    kept_bytes: int


class Outbox:
    """Use ``await Outbox.open(...)``; one process and one event loop a file. Close it when done.

    ``appended`` is set after each append, which ``appends`` counts, and cleared by its one consumer, the publisher;
    ``emptied`` is set while nothing is owed. ``fullness`` is the used part of the quota as of late, 1.0 while the disk
    has no reserve either.
    """

    def __init__(
        self, path: Path, database: Database, lock: FileLock, clock: Clock, ballast: Ballast, *, keeps: int
    ) -> None:
        self._path = path
        self._database = database
        self._lock = lock
        self._clock = clock
        self._ballast = ballast
        self._kept_limit = keeps
        self._kept_bytes = 0  # no mutate: _settle_in counts them
        self._home = file.Home(0, "", "", 0, 0)  # no mutate: _settle_in knows it
        self._pending = 0
        self._looks = 0
        self._commits = GroupCommit(path, database, self._in_full)
        self.appended = asyncio.Event()
        self.appends = 0
        self.emptied = asyncio.Event()
        self.fullness = 0.0
        self.set_aside: Path | None = None

    @classmethod
    async def open(
        cls, path: Path, *, clock: Clock, max_bytes: int, keep_acknowledged: bool = True, vault: Vault = PLAIN
    ) -> Self:
        """Open or create the outbox. Raises OutboxError when another process has it or it cannot be used.

        A damaged file is set aside whole (``set_aside`` names it), declared by a tombstone, and work goes on. With
        ``keep_acknowledged`` what upstream has confirmed stays a while in a part of the quota that is free otherwise.
        """
        lock = FileLock(path.with_name(path.name + ".lock"))
        ballast = Ballast(path.with_name(path.name + ".ballast"), BALLAST_BYTES)
        if ballast.disk_is_full():
            ballast.spend()  # on a disk without room not even opening works
        try:
            opened = await open_database(path, SCHEMA, max_bytes=max_bytes, label=str(clock.stamp().t), vault=vault)
            keeps = max_bytes // kept.SHARE if keep_acknowledged else 0
            outbox = cls(path, opened.database, lock, clock, ballast, keeps=keeps)
            outbox.set_aside = opened.set_aside
            await outbox._settle_in()
        except BaseException:
            lock.release()
            raise
        return outbox

    async def _settle_in(self) -> None:
        before = self._lock.read()
        try:
            self._settle_at(await self._database.run(lambda c: file.settle(c, self._path, before.token)))
            self._kept_bytes = await self._database.run(kept.total)
            self._count(self._home.pending)
            await self._look_around()
            if self.set_aside and before.stream:
                await self.append([file.lost_with_the_file(before.stream)])
        except sqlite3.Error as error:
            await self._database.close()
            raise OutboxError(f"{self._path}: cannot be used: {error}") from error
        except BaseException:
            await self._database.close()
            raise

    async def begin_stream(self) -> None:
        """Number what comes from now on in a new stream, as after a copy. Raises OutboxError."""
        try:
            self._settle_at(await self._database.run(lambda c: file.settle(c, self._path, "")))
        except sqlite3.Error as error:
            raise OutboxError(f"{self._path}: cannot be used: {error}") from error

    async def leave_stream(self) -> None:
        """Number what was appended since the opening anew, in a new stream: upstream has others under these numbers.

        What was owed before keeps its identity. Raises OutboxError.
        """
        old = self._home
        await self._commits.change(lambda c: file.move_on(c, self._path, old), self._settle_at)

    def _settle_at(self, home: file.Home) -> None:
        self._home = home
        self._lock.write(Marker(home.token, home.stream))

    @property
    def numbered_before(self) -> int:
        """The last seq of the stream that was given before this opening; 0 of a new stream."""
        return self._home.last_seq

    @property
    def stream(self) -> str:
        """Id under which new records are numbered; new when the file is new or was copied or restored."""
        return self._home.stream

    async def append(self, bodies: Sequence[AnyBody], *, once: str = "") -> tuple[int, ...]:
        """Keep ``bodies`` in this order and return their seqs; all of them are on the disk then, or none.

        A set named ``once`` is kept at most one time in the life of the file: later ones change nothing and give ().

        When there is no room the least missed records make way, declared by tombstones (``sync.outbox_room``). Raises
        OutboxFullError when that is not enough, OutboxError when the file cannot be trusted any more.
        """
        lines = lines_of(bodies, self._clock.stamp())
        if not lines:
            return ()

        def work(connection: sqlite3.Connection) -> int:
            if once and not file.first_time(connection, once):
                return 0
            return file.append(connection, file.home_number(connection), lines)

        last = await self._commits.change(work, lambda last: self._count(len(lines) if last else 0))
        await self._look_now_and_then()
        if not last:
            return ()
        self._announce()
        return tuple(range(last - len(lines) + 1, last + 1))

    async def owing_streams(self) -> tuple[str, ...]:
        """Streams with something owed, oldest first: records of a copied file keep the identity they had."""
        return await self._commits.read(file.owing_streams)

    async def unacknowledged(
        self, after_seq: int, limit: int, *, turn: int | None = None, stream: str | None = None
    ) -> tuple[Owed, ...]:
        """At most ``limit`` owed records above ``after_seq`` in order of seq, of one turn or of all.

        Records that the disk has changed are put into quarantine and left out.
        """
        wanted = stream or self.stream
        while True:
            rows = await self._commits.read(lambda c: file.page(c, wanted, after_seq, limit, turn))
            if not rows.damaged:
                return tuple(map(Owed, rows.seqs, rows.payloads))
            for seq in rows.damaged:
                log.error("record damaged on the disk, put aside", seq=seq)
                await self.quarantine(seq, seq, DAMAGED, stream=wanted)

    async def offer(self, after_seq: int, limit: int, *, turn: int, stream: str) -> tuple[int, file.Rows]:
        """`lowest_unacknowledged` and `unacknowledged` in one look at the file."""
        lo, rows = await self._commits.read(
            lambda c: (file.lowest(c, stream), file.page(c, stream, after_seq, limit, turn))
        )
        if rows.damaged:
            sound = await self.unacknowledged(after_seq, limit, turn=turn, stream=stream)
            rows = file.Rows([row.seq for row in sound], [row.payload for row in sound])
        return lo, rows

    async def lowest_unacknowledged(self, stream: str | None = None) -> int:
        """The seq below which everything is upstream or declared upstream; one above the last when nothing is owed."""
        wanted = stream or self.stream
        return await self._commits.read(lambda c: file.lowest(c, wanted))

    async def acknowledge(self, a: int, b: int, *, stream: str | None = None) -> int:
        """Stop owing ``a..b``, which upstream has stored; return how many that were."""
        return await self.acknowledge_ranges([(a, b)], stream=stream)

    async def acknowledge_ranges(self, ranges: Sequence[tuple[int, int]], *, stream: str | None = None) -> int:
        """Stop owing several ranges in one commit.

        A power cut may undo it: they are sent again then, and upstream knows them.
        """
        wanted, wished, now_ms = stream or self.stream, tuple(ranges), self._clock.stamp().t
        attempts = itertools.count()

        def work(connection: sqlite3.Connection) -> _Acknowledged:
            # a second attempt means that there was no room: forgetting must not need any
            keeps = next(attempts) == 0 and self._may_keep(connection)
            grown = self._keep(connection, wanted, wished, now_ms) if keeps else 0
            return _Acknowledged(file.forget(connection, wanted, wished), grown)

        done = await self._commits.change(work, self._settle_acknowledged, frees=True, lasting=False)
        await self._look_now_and_then()
        return done.gone

    async def quarantine(self, a: int, b: int, reason: str, *, stream: str | None = None) -> int:
        """Take ``a..b`` out of the way, keep it for a person and declare it by a tombstone; return how many."""
        wanted, stamp = stream or self.stream, self._clock.stamp()
        body = TombstoneBody(first_seq=a, last_seq=b, reason=reason, stream=self._foreign(wanted))

        def work(connection: sqlite3.Connection) -> int:
            gone = file.quarantine(connection, wanted, a, b, reason)
            if gone:
                file.append(connection, file.home_number(connection), lines_of([body], stamp))
            return gone

        gone = await self._commits.change(work, lambda gone: self._count(1 - gone if gone else 0), frees=True)
        self._announce()
        return gone

    async def forget_kept_before(self, acked_before_ms: int) -> int:
        """Drop what upstream confirmed earlier than that; return how many records."""
        gone = await self._commits.change(
            lambda c: kept.forget_before(c, acked_before_ms), lambda _gone: None, frees=True, lasting=False
        )
        self._kept_bytes = await self._commits.read(kept.total)
        return gone

    async def streams_view(self) -> tuple[kept.StreamView, ...]:
        """What is still known here of every stream, oldest first."""
        return await self._commits.read(kept.views)

    async def kept_rows(self, stream: str, a: int, b: int) -> tuple[tuple[int, bytes], ...]:
        """Records ``a..b`` as far as they are kept since upstream confirmed them."""
        return await self._commits.read(lambda c: kept.rows(c, stream, a, b))

    async def refill(self, stream: str, ranges: Sequence[tuple[int, int]]) -> int:
        """Owe again what is kept of ``ranges``; return how many records that are."""

        def settled(done: tuple[int, int]) -> None:
            self._count(done[0])
            self._kept_bytes -= done[1]

        count, _ = await self._commits.change(lambda c: kept.refill(c, stream, tuple(ranges)), settled)
        self._announce()
        return count

    def pending_count(self) -> int:
        """How many records are owed now."""
        return self._pending

    async def used_ratio(self) -> float:
        """Part of the quota that owed records take, 0..1; an alarm is due from 0.8 on."""
        return await self._commits.read(lambda c: used_ratio(c, self._kept_bytes))

    async def close(self) -> None:
        """Finish what was asked for and let go of the file."""
        await self._commits.close()
        try:
            self._lock.write(Marker(await self._database.run(file.renew_token), self.stream))
        except (sqlite3.Error, ValueError):
            pass  # the next opening then begins a new stream, which costs nothing
        finally:
            await self._database.close()
            self._lock.release()

    def _announce(self) -> None:
        self.appends += 1
        self.appended.set()

    def _foreign(self, stream: str) -> str:
        return "" if stream == self.stream else stream

    def _may_keep(self, connection: sqlite3.Connection) -> bool:
        return bool(self._kept_limit) and self._ballast.stands and free_bytes(connection) > self._kept_limit

    def _keep(self, connection: sqlite3.Connection, stream: str, ranges: Sequence[tuple[int, int]], now_ms: int) -> int:
        grown = kept.keep(connection, stream, ranges, now_ms)
        return grown - kept.trim(connection, self._kept_bytes + grown - self._kept_limit)

    def _settle_acknowledged(self, done: _Acknowledged) -> None:
        self._kept_bytes += done.kept_bytes
        self._count(-done.gone)

    async def _in_full(self, work: Work[Value], *, frees: bool) -> Value:
        """Do ``work`` that found no room. On a full disk the ballast gives it, but never for the growth of new records.

        What makes way goes in the same transaction: nothing is given up for work that is refused all the same.
        """
        full_disk = self._ballast.disk_is_full()
        if full_disk and not self._ballast.spend():
            await self._fold()  # the log's own room is the last there is
            if not frees and not (self._ballast.build() and self._ballast.spend()):
                raise OutboxFullError(f"{self._path}: the disk is full; free some of it")
        try:
            return await self._instead_of_others(work, grows=frees or not full_disk)
        finally:
            if not frees:
                await self._restore_ballast()

    async def _instead_of_others(self, work: Work[Value], *, grows: bool) -> Value:
        """Let more and more of what is least missed go, until ``work`` finds room in its place."""
        stamp, rounds, given = self._clock.stamp(), 0, NOTHING

        def tombstone(a: int, b: int, stream: str, reason: str) -> Line:
            return lines_of([TombstoneBody(first_seq=a, last_seq=b, reason=reason, stream=stream)], stamp)[0]

        def attempt(connection: sqlite3.Connection) -> Value:
            nonlocal given
            with nullcontext() if grows else no_growth(connection):
                given = give_up(connection, file.home_number(connection), rounds, tombstone)
                return work(connection)

        while True:
            gone = given.gone
            try:
                done = await self._database.run(attempt)
            except sqlite3.Error as error:
                if not is_full(error):
                    raise
                if rounds and given.gone == gone:
                    raise OutboxFullError(
                        f"{self._path}: full; free the disk or raise storage.outbox_max_mb"
                    ) from error
                rounds = 2 * rounds or 1
            else:
                self._kept_bytes -= given.unkept
                self._count(given.delta)
                return done

    async def _fold(self) -> None:
        """Bring the log home, which gives its room back to the disk."""
        try:
            await self._database.fold()
        except sqlite3.Error as error:
            if not is_full(error):
                raise

    async def _restore_ballast(self) -> None:
        await self._fold()
        if not self._ballast.build():
            self.fullness = 1.0  # tried again with each change from now on

    async def _look_now_and_then(self) -> None:
        self._looks += 1
        if self._looks % LOOK_EVERY == 0 or self.fullness >= ALARM_RATIO:
            await self._look_around()

    async def _look_around(self) -> None:
        """Measure how full it is, say so once when it becomes an alarm, and restore the reserve."""
        before = self.fullness
        if not self._ballast.stands:
            await self._database.fold()
        self.fullness = await self.used_ratio() if self._ballast.build() else 1.0
        if before < ALARM_RATIO <= self.fullness:
            log.warning("outbox nearly full", used=round(self.fullness, 2), owed=self._pending)

    def _count(self, delta: int) -> None:
        self._pending += delta
        if self._pending:
            self.emptied.clear()
        else:
            self.emptied.set()
