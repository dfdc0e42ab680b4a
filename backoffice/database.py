"""Opening the store's database: one connection on SQLite, durable commits, the schema brought up to date."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from backoffice.errors import StoreBusyError, StoreFailedError
from sync.errors import OutboxError
from sync.lock import FileLock

MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """An open database. Close it: aiosqlite's thread keeps the process alive otherwise."""

    def __init__(self, engine: AsyncEngine, lock: FileLock | None) -> None:
        self.engine = engine
        self._lock = lock

    async def close(self) -> None:
        await self.engine.dispose()
        if self._lock is not None:
            self._lock.release()


async def open_database(url: str, *, busy_timeout_s: float) -> Database:
    """Open ``url`` with its schema up to date; raise StoreBusyError or StoreFailedError."""
    lock = _lock_file(url)
    try:
        database = Database(_engine(url, busy_timeout_s), lock)
    except ModuleNotFoundError as error:
        raise StoreFailedError(f"{_shown(url)}: needs the Python package {error.name}; install it") from error
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(upgrade)
    except (SQLAlchemyError, OSError) as error:
        await database.close()
        raise StoreFailedError(f"{_shown(url)}: {one_line(error)}; check the path, its owner and free space") from error
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


def _lock_file(url: str) -> FileLock | None:
    """Two processes that write one SQLite file can corrupt it before SQLite 3.51.3."""
    path = _sqlite_path(url)
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


def _engine(url: str, busy_timeout_s: float) -> AsyncEngine:
    if _sqlite_path(url) is None:
        return create_async_engine(url, pool_pre_ping=True, pool_timeout=busy_timeout_s)
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=busy_timeout_s)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late for savepoints and schema changes; _begin sends it instead.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=200"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _sqlite_path(url: str) -> Path | None:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or "office.db")


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def one_line(error: Exception) -> str:
    return (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0][:200]
