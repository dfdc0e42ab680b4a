"""Opening the store's database: one connection on SQLite, durable commits, the schema brought up to date."""

import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from backoffice.errors import StoreBusyError, StoreFailedError
from backoffice.keeping import Keeping
from backoffice.on_sqlite import SqliteKeeping
from backoffice.premises import sqlite_path, vault_for
from sync.database import Database as FileDatabase
from sync.durable import begin_file
from sync.errors import OutboxError
from sync.lock import FileLock
from sync.vault import Vault

MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """An open database. Close it: aiosqlite's thread keeps the process alive otherwise."""

    def __init__(self, engine: AsyncEngine, keeping: Keeping, lock: FileLock | None) -> None:
        self.engine = engine
        self.keeping = keeping
        self._lock = lock

    async def close(self) -> None:
        await self.engine.dispose()
        if self._lock is not None:
            self._lock.release()


async def open_database(url: str, *, busy_timeout_s: float, key_file: Path | None = None) -> Database:
    """Open ``url`` with its schema up to date; raise StoreBusyError or StoreFailedError.

    Raise SettingsError when the storage key does not belong to the file; nothing was touched then.
    """
    lock = lock_file(url)
    try:
        database = _database(url, busy_timeout_s, vault_for(url, key_file), lock)
    except BaseException as error:
        if lock is not None:
            lock.release()
        if isinstance(error, ModuleNotFoundError):
            raise StoreFailedError(f"{_shown(url)}: needs the Python package {error.name}; install it") from error
        if isinstance(error, OSError):
            raise StoreFailedError(f"{_shown(url)}: {one_line(error)}; check the path and its owner") from error
        raise
    try:
        async with database.engine.begin() as connection:
            await database.keeping.hold_schema(connection)
            await connection.run_sync(upgrade)
    except database.keeping.broken as error:
        await database.close()
        raise StoreFailedError(f"{_shown(url)}: {one_line(error)}; {_advice(url)}") from error
    except BaseException:
        await database.close()
        raise
    return database


def upgrade(connection: Connection) -> None:
    """Run the migrations that are still missing, inside the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def lock_file(url: str) -> FileLock | None:
    """The lock of a SQLite file; raise StoreBusyError, StoreFailedError.

    Two processes that write one SQLite file can corrupt it before SQLite 3.51.3.
    """
    path = sqlite_path(url)
    if path is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(path.with_name(path.name + ".lock"))
    except OutboxError as error:
        raise StoreBusyError(
            f"{path}: another forecourt-office uses this file; stop that one, or set database.url to PostgreSQL"
        ) from error
    except OSError as error:
        raise StoreFailedError(f"{path}: {one_line(error)}; check the path and its owner") from error


def _database(url: str, busy_timeout_s: float, vault: Vault, lock: FileLock | None) -> Database:
    path = sqlite_path(url)
    if path is not None:
        return Database(_sqlite_engine(url, path, busy_timeout_s, vault), SqliteKeeping(), lock)
    from backoffice.on_postgresql import PostgresqlKeeping, postgresql_engine  # its driver is an extra

    return Database(postgresql_engine(url, busy_timeout_s), PostgresqlKeeping(), lock)


def _sqlite_engine(url: str, path: Path, busy_timeout_s: float, vault: Vault) -> AsyncEngine:
    def open_file() -> sqlite3.Connection:
        begin_file(path)
        return vault.connect(path)

    async def connect() -> FileDatabase:
        return await FileDatabase(open_file, vault).opened()

    engine = create_async_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_timeout=busy_timeout_s,
        pool_reset_on_return=None,  # nobody else can see what was left open, and whoever left it has undone it
        async_creator=connect,
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late for savepoints and schema changes; _begin sends it instead.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=1000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def is_known(revision: str) -> bool:
    """Whether this version of the program has the migration that a schema names as its last."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return revision in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _shown(url: str) -> str:
    """The address without name, password and options, also where a password is not written as an address wants it."""
    kind, _, rest = url.partition("://")
    return f"{kind}://{rest.rpartition('@')[2].partition('?')[0]}"


def _advice(url: str) -> str:
    if sqlite_path(url) is None:
        return "see that PostgreSQL runs there and that database.url is right"
    return "check the path, its owner and free space"


def one_line(error: Exception) -> str:
    return (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0][:200]
