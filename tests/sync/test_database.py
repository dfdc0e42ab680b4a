"""The store's file: durable settings, numbered schema, damage set aside whole."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sync import durable
from sync.database import named_rows, open_database
from sync.errors import OutboxError

FIRST = "CREATE TABLE notes (text TEXT NOT NULL);"
SECOND = "ALTER TABLE notes ADD COLUMN at INTEGER NOT NULL DEFAULT 7;"


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "001.sql").write_text(FIRST)
    return folder


def insert(connection: sqlite3.Connection, text: str) -> None:
    connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))


def texts(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT text FROM notes ORDER BY rowid")]


async def test_a_later_step_of_the_schema_is_added_to_an_older_file(tmp_path: Path, schema: Path) -> None:
    database = (await open_database(tmp_path / "a.db", schema)).database
    await database.run(lambda c: insert(c, "kept"))
    await database.close()
    (schema / "002.sql").write_text(SECOND)

    database = (await open_database(tmp_path / "a.db", schema)).database

    assert await database.run(lambda c: c.execute("SELECT * FROM notes").fetchall()) == [("kept", 7)]
    await database.close()


async def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, schema: Path) -> None:
    await (await open_database(tmp_path / "a.db", schema)).database.close()
    (schema / "002.sql").write_text("CREATE TABLE half (x); CREATE TABLE notes (again);")

    with pytest.raises(OutboxError):
        await open_database(tmp_path / "a.db", schema)

    with sqlite3.connect(tmp_path / "a.db") as reader:
        assert [row[0] for row in reader.execute("SELECT name FROM sqlite_master")] == ["notes"]
    reader.close()


async def test_a_file_of_a_newer_version_is_refused_and_untouched(tmp_path: Path, schema: Path) -> None:
    (schema / "002.sql").write_text(SECOND)
    await (await open_database(tmp_path / "a.db", schema)).database.close()
    (schema / "002.sql").unlink()

    with pytest.raises(OutboxError, match="newer Forecourt") as refused:
        await open_database(tmp_path / "a.db", schema)

    assert "schema 2" in str(refused.value)
    with closing(sqlite3.connect(tmp_path / "a.db", timeout=0)) as other:
        other.execute("BEGIN EXCLUSIVE")  # nobody has it open any more


@pytest.mark.parametrize("content", [b"SQLite format 3\0" + b"\xa5" * 9000, b"plain text, no database at all" * 500])
async def test_a_damaged_file_is_set_aside_whole_and_work_goes_on(content: bytes, tmp_path: Path, schema: Path) -> None:
    (tmp_path / "a.db").write_bytes(content)

    opened = await open_database(tmp_path / "a.db", schema, label="77")

    assert opened.set_aside == tmp_path / "a.db.damaged-77"
    assert opened.set_aside.read_bytes() == content
    await opened.database.run(lambda c: insert(c, "new"))
    await opened.database.close()


async def test_a_second_damaged_file_does_not_replace_the_first(tmp_path: Path, schema: Path) -> None:
    (tmp_path / "a.db.damaged-77").write_bytes(b"the first")
    (tmp_path / "a.db").write_bytes(b"no database" * 1000)

    opened = await open_database(tmp_path / "a.db", schema, label="77")

    assert opened.set_aside == tmp_path / "a.db.damaged-77.2"
    assert (tmp_path / "a.db.damaged-77").read_bytes() == b"the first"
    await opened.database.close()


async def test_work_that_raises_leaves_nothing_behind(tmp_path: Path, schema: Path) -> None:
    database = (await open_database(tmp_path / "a.db", schema)).database

    def half(connection: sqlite3.Connection) -> None:
        insert(connection, "half")
        raise LookupError("changed my mind")

    with pytest.raises(LookupError):
        await database.run(half)
    await database.run(lambda c: insert(c, "whole"))

    assert await database.run(texts) == ["whole"]
    await database.close()


async def test_a_part_of_an_open_transaction_ends_with_it(tmp_path: Path, schema: Path) -> None:
    database = (await open_database(tmp_path / "new" / "folder" / "a.db", schema)).database
    await database.run_within(lambda c: c.execute("BEGIN"))
    await database.run_within(lambda c: insert(c, "undone"))
    assert await database.run_within(texts) == ["undone"]
    await database.run_within(lambda c: c.execute("ROLLBACK"))

    assert await database.run(texts) == []
    assert await database.run(lambda c: named_rows(c, "SELECT ? AS one, 2 AS two", 1)) == [{"one": 1, "two": 2}]
    await database.close()


async def test_a_cancelled_caller_does_not_cut_a_transaction_in_two(tmp_path: Path, schema: Path) -> None:
    database = (await open_database(tmp_path / "a.db", schema)).database

    def both(connection: sqlite3.Connection) -> None:
        insert(connection, "one")
        insert(connection, "two")

    caller = asyncio.create_task(database.run(both))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert await database.run(texts) in ([], ["one", "two"])
    await database.close()


async def test_an_unreachable_place_is_one_clear_error(tmp_path: Path, schema: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutboxError, match="cannot be opened"):
        await open_database(tmp_path / "file" / "a.db", schema)


async def test_every_commit_is_synced_and_the_log_stays_small(tmp_path: Path, schema: Path) -> None:
    database = (await open_database(tmp_path / "a.db", schema)).database

    def pragma(name: str) -> object:
        return database._conn.execute(f"PRAGMA {name}").fetchone()[0]

    names = ("synchronous", "journal_mode", "locking_mode", "wal_autocheckpoint")
    assert await database.run(lambda _: [pragma(name) for name in names]) == [2, "wal", "exclusive", 128]
    await database.close()


async def test_what_need_not_last_is_committed_without_a_sync_and_the_next_one_waits_again(
    tmp_path: Path, schema: Path
) -> None:
    database = (await open_database(tmp_path / "a.db", schema)).database

    def level(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA synchronous").fetchone()[0])

    def fail(connection: sqlite3.Connection) -> None:
        raise ValueError(level(connection))

    assert await database.run(level, lasting=False) == 1
    with pytest.raises(ValueError, match="1"):
        await database.run(fail, lasting=False)
    assert await database.run(level) == 2
    await database.close()


async def test_the_name_of_a_new_file_is_on_the_disk_before_anything_is_in_it(
    tmp_path: Path, schema: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "new" / "a.db", list[tuple[Path, int]]()
    monkeypatch.setattr(durable, "sync_folder", lambda folder: synced.append((folder, path.stat().st_size)))

    for _ in range(2):
        await (await open_database(path, schema)).database.close()

    assert synced == [(path.parent, 0)]


def test_a_store_that_was_left_open_does_not_keep_a_dying_process_alive(tmp_path: Path, schema: Path) -> None:
    leave_open = "import asyncio, sys; from pathlib import Path; from sync.database import open_database as o;"
    leave_open += "print(asyncio.run(o(Path(sys.argv[1]), Path(sys.argv[2]))).set_aside)"

    ended = subprocess.run(
        [sys.executable, "-c", leave_open, tmp_path / "a.db", schema], capture_output=True, text=True, timeout=20
    )

    assert (ended.returncode, ended.stdout) == (0, "None\n")


async def test_nobody_else_may_read_the_file_or_its_log(tmp_path: Path, schema: Path) -> None:
    database = (await open_database(tmp_path / "a.db", schema)).database
    await database.run(lambda c: insert(c, "private"))

    assert modes(tmp_path) == {"a.db": 0o600, "a.db-wal": 0o600}
    await database.close()


def modes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.glob("a.db*")}
