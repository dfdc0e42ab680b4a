"""One SQLite file in the way every local store uses it: one connection, WAL, FULL, numbered schema, whole transactions.

Two connections that write one file can corrupt it in SQLite before 3.51.3, hence the lock file and EXCLUSIVE locking.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

from sync.durable import begin_file
from sync.errors import OutboxError
from sync.vault import PLAIN, Vault

Result = TypeVar("Result")
Row = dict[str, Any]
PAGE_BYTES = 4096
THREAD_END_S = 5.0
WAL_CHECKPOINT_PAGES = 128  # a small log: on a full disk it must be possible to fold it back
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SIDE_FILES = ("", "-wal", "-shm", "-journal")


class DamagedFileError(Exception):
    """The file is not a sound SQLite database; set it aside whole and begin a new one."""


class Database(aiosqlite.Connection):
    """The one connection of a file. Every use is a whole function on the connection's own thread."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], vault: Vault = PLAIN) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._vault = vault
        self._thread.daemon = True  # a store left open must not keep a dying process alive

    async def opened(self) -> Self:
        """Connect. When that fails the thread has ended too: it would report to an event loop that may be gone."""
        try:
            await self
        except BaseException:
            await asyncio.to_thread(self._thread.join, THREAD_END_S)
            raise
        return self

    async def run(self, work: Callable[[sqlite3.Connection], Result], *, lasting: bool = True) -> Result:
        """Run ``work`` between BEGIN and COMMIT; durable when this returns, rolled back when it raises.

        What is not ``lasting`` is durable with the next transaction that is. One submitted function, so that a
        cancelled caller does not cut the transaction in two. Raises sqlite3.Error, ValueError when closed.
        """
        outcome: Result = await self._execute(lambda: (transact if lasting else transact_unsynced)(self._conn, work))
        return outcome

    async def run_within(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run ``work`` as a part of the transaction that is open, in one piece. Raises sqlite3.Error, ValueError."""
        outcome: Result = await self._execute(lambda: work(self._conn))
        return outcome

    async def fold(self) -> None:
        """Bring the log home into the file and give its room back to the disk. Raises sqlite3.Error."""
        await self._execute(lambda: self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The one way to the connection's thread; errors come back as sqlite3's whatever driver is behind."""
        with self._vault.plainly():
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Opened:
    """A database ready for use; ``set_aside`` names the damaged file that stood in its place."""

    database: Database
    set_aside: Path | None


def transact(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result]) -> Result:
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcome = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLITE_FULL and I/O errors may have rolled back already
            connection.execute("ROLLBACK")
        raise
    return outcome


def transact_unsynced(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result]) -> Result:
    """The same without waiting for the disk. The log keeps its order, so a later commit that waits covers this one."""
    level = connection.execute("PRAGMA synchronous").fetchone()[0]
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        return transact(connection, work)
    finally:
        connection.execute(f"PRAGMA synchronous = {level}")


def named_rows(connection: sqlite3.Connection, query: str, *values: str | int) -> list[Row]:
    """What ``query`` finds, each row by the names of its columns."""
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


async def open_database(
    path: Path, schema: Path, *, max_bytes: int | None = None, label: str = "", vault: Vault = PLAIN
) -> Opened:
    """Open or create ``path`` and bring it to the newest schema of folder ``schema``.

    A damaged file is renamed with ``label`` (never deleted) and a new one takes its place. Raises OutboxError when
    the file belongs to a newer version or cannot be opened.
    """
    set_aside = None
    try:
        database = await _connect(path, schema, max_bytes, vault)
    except DamagedFileError:
        set_aside = await asyncio.to_thread(_set_aside, path, label)
        database = await _connect(path, schema, max_bytes, vault)
    return Opened(database, set_aside)


async def _connect(path: Path, schema: Path, max_bytes: int | None, vault: Vault) -> Database:
    try:
        return await Database(lambda: _prepare(path, schema, max_bytes, vault), vault).opened()
    except (sqlite3.Error, OSError) as error:
        raise OutboxError(f"{path}: cannot be opened: {error}") from error


def _prepare(path: Path, schema: Path, max_bytes: int | None, vault: Vault) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    begin_file(path)  # VINs and plates lie in it; SQLite gives its log the same mode
    connection = vault.connect(path)
    try:
        with vault.plainly():
            _configure(connection)
            _migrate(connection, schema, path)
            if max_bytes is not None:  # only now: a file that is full must still get its new schema
                connection.execute(f"PRAGMA max_page_count = {max(16, max_bytes // PAGE_BYTES)}")
    except sqlite3.DatabaseError as error:
        connection.close()
        if is_damage(error):
            raise DamagedFileError(str(error)) from error
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {4 * WAL_CHECKPOINT_PAGES * PAGE_BYTES}")
    # the whole check: a damaged index could hide records that are owed
    if (verdict := connection.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
        raise DamagedFileError(str(verdict))


def _migrate(connection: sqlite3.Connection, schema: Path, path: Path) -> None:
    steps = sorted(schema.glob("[0-9][0-9][0-9].sql"))
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(steps):
        raise OutboxError(f"{path}: written by a newer Forecourt (schema {version}); update this one")
    for number, step in enumerate(steps, start=1):
        if number > version:
            script = step.read_text(encoding="utf-8")
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def is_damage(error: sqlite3.Error) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGE


def is_full(error: sqlite3.Error) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_FULL


def _set_aside(path: Path, label: str) -> Path:
    """Move the file and its log away together: the log may hold what the file does not."""
    target = _free_name(path, label)
    for suffix in _SIDE_FILES:
        source = path.with_name(path.name + suffix)
        if source.exists():
            os.replace(source, target.with_name(target.name + suffix))  # noqa: PTH105 - Path.replace says no more
    return target


def _free_name(path: Path, label: str) -> Path:
    stem = f"{path.name}.damaged{'-' + label if label else ''}"
    names = (path.with_name(stem if number == 1 else f"{stem}.{number}") for number in range(1, 1000))
    return next(name for name in names if not name.exists())
