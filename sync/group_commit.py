"""One queue for all that changes a file: whatever waits while a commit runs is committed together by the next.

After any failure but a full disk nothing is tried again on the same connection: nobody knows what the disk holds.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from sync.database import Database, is_full
from sync.errors import OutboxError

Value = TypeVar("Value")
Work = Callable[[sqlite3.Connection], Value]


@dataclass(frozen=True, slots=True)
class _Change(Generic[Value]):
    """A piece of work for the next commit; one that ``frees`` may use the last room there is.

    One that is not ``lasting`` may be undone by a power cut: nobody was promised it.
    """

    work: Work[Value]
    settled: Callable[[Value], None]
    frees: bool
    lasting: bool
    done: "asyncio.Future[Value]"


class InFull(Protocol):
    """Does ``work`` that found the file full all the same, or raises OutboxFullError; others raise as ever."""

    async def __call__(self, work: Work[Value], *, frees: bool) -> Value: ...


class GroupCommit:
    """Work that found no room is left to ``in_full``."""

    def __init__(self, path: Path, database: Database, in_full: InFull) -> None:
        self._path = path
        self._database = database
        self._in_full = in_full
        self._waiting: list[_Change[object]] = []
        self._committer: asyncio.Task[None] | None = None
        self._broken: OutboxError | None = None

    async def change(
        self, work: Work[Value], settled: Callable[[Value], None], *, frees: bool = False, lasting: bool = True
    ) -> Value:
        """Queue ``work`` for the next commit and wait until it is durable; a cancelled caller does not undo it.

        ``settled`` is told the value in any case, before the caller. What is not ``lasting`` does not wait for the
        disk: a power cut may undo it, but never what came before it. It must not number anything.
        """
        self._refuse_if_broken()
        done: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Change(work, settled, frees, lasting, done))  # type: ignore[arg-type]
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_waiting(), name="outbox-commit")
        return await done

    async def read(self, work: Work[Value]) -> Value:
        try:
            return await self._database.run(work)
        except (sqlite3.Error, ValueError) as error:
            raise self._broken or OutboxError(f"{self._path}: cannot be read: {error}") from error

    async def close(self) -> None:
        """Finish what was asked for; nothing more is taken."""
        while self._committer is not None:
            await asyncio.wait([self._committer])
        self._broken = self._broken or OutboxError(f"{self._path}: closed")

    def _refuse_if_broken(self) -> None:
        if self._broken:
            raise self._broken

    def _break_unless_full(self, error: Exception) -> None:
        if isinstance(error, sqlite3.Error) and not is_full(error) and not self._broken:
            self._broken = OutboxError(f"{self._path}: cannot be written: {error}; restart the agent")
            self._broken.__cause__ = error

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
            lasting = any(change.lasting for change in changes)
            values = await self._database.run(lambda c: [change.work(c) for change in changes], lasting=lasting)
        except Exception as error:  # noqa: BLE001 - each caller gets its own outcome below
            self._break_unless_full(error)
            for change in changes:  # one of them may be too large: none of the others pays for it
                await self._commit_alone(change)
        else:
            for change, value in zip(changes, values, strict=True):
                _settle(change, value)

    async def _commit_alone(self, change: _Change[object]) -> None:
        try:
            _settle(change, await self._with_room(change))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits this change
            if not change.done.done():
                change.done.set_exception(error)

    async def _with_room(self, change: _Change[Value]) -> Value:
        self._refuse_if_broken()
        try:
            try:
                return await self._database.run(change.work)
            except sqlite3.Error as error:
                if not is_full(error):
                    raise
            return await self._in_full(change.work, frees=change.frees)
        except sqlite3.Error as error:
            self._break_unless_full(error)
            self._refuse_if_broken()
            raise


def _settle(change: _Change[Value], value: Value) -> None:
    change.settled(value)
    if not change.done.done():
        change.done.set_result(value)
