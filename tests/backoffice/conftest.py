"""A record store on a real database whose clock stands still: a SQLite file, and for some files PostgreSQL as well."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from backoffice.database import open_database
from backoffice.office_settings import DatabaseSettings, OfficeSettings
from backoffice.store import RecordStore
from backoffice.tables import metadata
from tests.backoffice.facts import DAY, START
from tests.postgres import PostgresServer

SQLITE, POSTGRESQL = "sqlite", "postgresql"
SHARED = "shared"
# What a record store promises: each of these files runs on every kind of database, word for word. What stands on top
# of a store, pages and routes, meets PostgreSQL in the system tests.
CONFORMANCE = (
    "test_alerts", "test_clerk", "test_commands", "test_decisions", "test_identity", "test_ingest", "test_recording",
    "test_review", "test_store", "test_timeline", "test_verify",
)  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    named = metafunc.module.__name__.rpartition(".")[2]
    if "kind" in metafunc.fixturenames and named in CONFORMANCE:
        metafunc.parametrize("kind", [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.postgres)])


@pytest.fixture
def kind() -> str:
    return SQLITE


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest) -> PostgresServer | None:
    """The server of a test that runs on one."""
    found = request.getfixturevalue("postgres") if kind == POSTGRESQL else None
    return found if isinstance(found, PostgresServer) else None


@pytest.fixture
async def office(server: PostgresServer | None, tmp_path: Path) -> OfficeSettings:
    if server:
        return OfficeSettings(database=DatabaseSettings(url=await emptied(server)))
    for name, content in empty_files().items():
        (tmp_path / name).write_bytes(content)
    return OfficeSettings(database=DatabaseSettings(directory=tmp_path))


@cache
def empty_files() -> Mapping[str, bytes]:
    """The files of a store with its schema and nothing in it: made once, copied for each test."""

    async def make(office: OfficeSettings) -> None:
        database = await open_database(office.database_url, busy_timeout_s=30)
        await database.close()

    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(1) as own_loop:
        office = OfficeSettings(database=DatabaseSettings(directory=Path(name)))
        own_loop.submit(lambda: asyncio.run(make(office))).result()
        return {path.name: path.read_bytes() for path in Path(name).iterdir()}


async def emptied(server: PostgresServer) -> str:
    """The database that these tests use one after the other, its schema there and nothing in it."""
    if (SHARED,) not in await server.run("SELECT datname FROM pg_database"):
        database = await open_database(await server.new_database(name=SHARED), busy_timeout_s=30)
        await database.close()
    tables = "; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))  # noqa: S608
    await server.run(f"DO $$ BEGIN SET LOCAL lock_timeout = '10s'; {tables}; END $$", SHARED)
    return server.url(SHARED)


@pytest.fixture
async def store(office: OfficeSettings) -> AsyncIterator[RecordStore]:
    opened = await RecordStore.open(office, now=lambda: START + DAY)
    yield opened
    await opened.close()
