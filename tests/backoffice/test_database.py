"""Opening the database: schema versions, durability settings, one process a file."""

import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from backoffice.database import open_database
from backoffice.errors import StoreBusyError, StoreFailedError
from backoffice.tables import metadata


def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path / 'office.db'}"


async def test_an_empty_file_gets_the_schema_that_the_tables_describe(tmp_path: Path) -> None:
    def differences(connection: Connection) -> list[object]:
        here = {"include_object": lambda one, *_: one.info.get("only", "sqlite") == "sqlite"}
        return list(compare_metadata(MigrationContext.configure(connection, opts=here), metadata))

    database = await open_database(url(tmp_path), busy_timeout_s=1)
    async with database.engine.connect() as connection:
        found = await connection.run_sync(differences)
    await database.close()

    assert found == []


async def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        database = await open_database(url(tmp_path), busy_timeout_s=1)
        await database.close()
    with sqlite3.connect(tmp_path / "office.db") as plain:
        versions = plain.execute("SELECT version_num FROM alembic_version").fetchall()
    plain.close()

    assert len(versions) == 1


async def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    database = await open_database(url(tmp_path), busy_timeout_s=1)
    async with database.engine.connect() as connection:
        mode = (await connection.execute(text("PRAGMA journal_mode"))).scalar()
        synchronous = (await connection.execute(text("PRAGMA synchronous"))).scalar()
        foreign_keys = (await connection.execute(text("PRAGMA foreign_keys"))).scalar()
    await database.close()

    assert (mode, synchronous, foreign_keys) == ("wal", 2, 1)


async def test_a_second_opener_of_the_file_is_told_what_to_do(tmp_path: Path) -> None:
    database = await open_database(url(tmp_path), busy_timeout_s=1)
    with pytest.raises(StoreBusyError, match="another forecourt-office"):
        await open_database(url(tmp_path), busy_timeout_s=1)
    await database.close()

    again = await open_database(url(tmp_path), busy_timeout_s=1)
    await again.close()


async def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "office.db").write_bytes(b"not a database, but long enough to be looked at " * 40)
    with pytest.raises(StoreFailedError) as failure:
        await open_database(url(tmp_path), busy_timeout_s=1)

    assert "office.db" in str(failure.value)
    assert "\n" not in str(failure.value)


async def test_a_directory_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreFailedError, match="check the path"):
        await open_database(url(tmp_path / "file"), busy_timeout_s=1)


async def test_nobody_else_reads_what_we_keep(tmp_path: Path) -> None:
    database = await open_database(url(tmp_path / "state"), busy_timeout_s=1)
    await database.close()

    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


async def test_nobody_else_reads_our_files_in_a_folder_that_was_there_before(tmp_path: Path) -> None:
    database = await open_database(url(tmp_path), busy_timeout_s=1)

    assert modes(tmp_path) == dict.fromkeys(("office.db", "office.db-shm", "office.db-wal", "office.db.lock"), 0o600)
    await database.close()


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(StoreFailedError, match=r"asyncpg|check the path") as failure:
        await open_database("postgresql+asyncpg://office:secret@127.0.0.1:1/office", busy_timeout_s=1)

    assert "secret" not in str(failure.value)
