"""A record store on a real database whose clock stands still: a SQLite file, and for some files PostgreSQL as well."""

from collections.abc import AsyncIterator
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
# What a record store promises: each of these files runs on every kind of database, word for word.
CONFORMANCE = (
    "test_alerts", "test_api", "test_clerk", "test_command_api", "test_commands", "test_decisions", "test_identity",
    "test_ingest", "test_recording", "test_review", "test_store", "test_timeline", "test_verify",
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
    url = await emptied(server) if server else ""
    return OfficeSettings(database=DatabaseSettings(directory=tmp_path, url=url))


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
