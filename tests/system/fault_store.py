"""Where the back office of a fault run keeps its records, and how the run looks at them from outside."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Protocol

from tests.postgres import PostgresServer

Rows = list[tuple[object, ...]]


class FaultStore(Protocol):
    """One kind of database; ``settings`` are its lines in ``office.toml``, ``options`` those of ``ingest``."""

    settings: str
    options: tuple[str, ...]
    faults: tuple[str, ...]
    """Faults of its own, on top of those that every run has."""
    on_files: tuple[str, ...]
    """The process that keeps its records in a file itself, if one does."""

    async def query(self, statement: str) -> Rows:
        """The rows that ``statement`` gives; OSError while the database is away."""
        ...

    async def restart(self, pause_s: float) -> None:
        """Kill the database's own processes and start them again."""
        ...


class FileStore:
    """A SQLite file, kept by the back office's one process."""

    options: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    on_files: tuple[str, ...] = ("office",)

    def __init__(self, folder: Path) -> None:
        self._path = folder / "office" / "office.db"
        self.settings = f'directory = "{folder}/office"'

    async def query(self, statement: str) -> Rows:
        database = sqlite3.connect(self._path)
        try:
            return database.execute(statement).fetchall()
        finally:
            database.close()

    async def restart(self, pause_s: float) -> None:
        raise NotImplementedError


class ServerStore:
    """A PostgreSQL database that two worker processes share."""

    options: tuple[str, ...] = ("--workers", "2")
    faults: tuple[str, ...] = ("database_restarts", "kill_worker", "stop_worker", "database_restarts", "kill_worker")
    on_files: tuple[str, ...] = ()

    def __init__(self, server: PostgresServer, url: str) -> None:
        self._server = server
        self._name = url.rpartition("/")[2]
        self.settings = f'url = "{url}"\nbusy_timeout_s = 3'

    async def query(self, statement: str) -> Rows:
        return await self._server.run(statement, self._name)

    async def restart(self, pause_s: float) -> None:
        self._server.kill()
        await asyncio.sleep(pause_s)
        await asyncio.to_thread(self._server.start)
