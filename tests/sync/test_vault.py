"""The one door to the disk: nothing else in the product opens a database, and both vaults keep the same promises."""

import re
import sqlite3
from pathlib import Path

import pytest

from sync.database import DamagedFileError, _prepare, open_database
from sync.errors import OutboxFullError
from sync.outbox import Outbox
from sync.vault import PLAIN, SEALED_MAGIC, DamagedContentError, Vault
from tests.sealed import OTHER_KEY, need_cipher, vault_with
from tests.sync.conftest import FixedClock
from tests.sync.samples import mileage

ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("agent", "backoffice", "collector", "config", "evidence", "protocols", "sync")
OPENS = re.compile(
    r"(?:sqlite3|aiosqlite|sqlcipher3?|apsw|dbapi2?)\.(?:connect|Connection)\(|create_(?:async_)?engine\("
)
ALLOWED = {
    "sync/vault.py": 1,
    "sync/sealed_vault.py": 1,
    "backoffice/database.py": 1,  # its connections are the vault's: a test of the store with a key shows it
    "backoffice/on_postgresql.py": 1,
}
SCHEMA = "CREATE TABLE words (word TEXT NOT NULL UNIQUE);"


@pytest.fixture(params=["plain", "sealed"])
def vault(request: pytest.FixtureRequest) -> Vault:
    if request.param == "plain":
        return PLAIN
    need_cipher()
    return vault_with()


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "001.sql").write_text(SCHEMA)
    return folder


def openings() -> dict[str, int]:
    """The files of the product that open a database by themselves, and how often."""
    files = (path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py"))
    found = {path.relative_to(ROOT).as_posix(): len(OPENS.findall(path.read_text("utf-8"))) for path in files}
    return {name: count for name, count in found.items() if count}


def test_every_database_of_the_product_is_opened_by_the_vault() -> None:
    assert openings() == ALLOWED


@pytest.mark.parametrize(
    "line",
    ["sqlite3.connect(path)", "await aiosqlite.connect(path)", "sqlcipher.connect(p)", "create_async_engine(url)"],
)
def test_the_search_would_find_another_door(line: str) -> None:
    assert OPENS.search(line)


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path, schema: Path, vault: Vault) -> None:
    for word in ("first", "second"):
        database = (await open_database(tmp_path / "a.db", schema, vault=vault)).database
        await database.run(lambda db, word=word: db.execute("INSERT INTO words VALUES (?)", (word,)))  # type: ignore[misc]
        await database.close()

    database = (await open_database(tmp_path / "a.db", schema, vault=vault)).database
    words = await database.run(lambda db: [row[0] for row in db.execute("SELECT word FROM words ORDER BY word")])
    await database.close()
    assert words == ["first", "second"]


async def test_a_failed_statement_raises_what_sqlite3_would(tmp_path: Path, schema: Path, vault: Vault) -> None:
    database = (await open_database(tmp_path / "a.db", schema, vault=vault)).database
    insert = "INSERT INTO words VALUES ('same')"
    await database.run(lambda db: db.execute(insert))

    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE") as same:
        await database.run(lambda db: db.execute(insert))
    with pytest.raises(sqlite3.OperationalError, match="syntax"):
        await database.execute("SELEC")
    await database.close()
    assert same.value.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CONSTRAINT


async def test_settings_of_durability_are_the_same(tmp_path: Path, schema: Path, vault: Vault) -> None:
    database = (await open_database(tmp_path / "a.db", schema, vault=vault)).database
    asked = ("journal_mode", "synchronous", "locking_mode", "page_size", "wal_autocheckpoint")
    found = await database.run(lambda db: [str(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in asked])
    await database.close()

    assert found == ["wal", "2", "exclusive", "4096", "128"]


async def test_a_damaged_file_is_set_aside_whole(tmp_path: Path, schema: Path, vault: Vault) -> None:
    path = tmp_path / "a.db"
    await (await open_database(path, schema, vault=vault)).database.close()
    damaged = path.read_bytes()[:4096] + b"\xa5" * 4096
    path.write_bytes(damaged)

    opened = await open_database(path, schema, vault=vault)
    await opened.database.close()

    assert opened.set_aside is not None
    assert opened.set_aside.read_bytes() == damaged


async def test_a_full_outbox_makes_way_and_goes_on(tmp_path: Path, vault: Vault) -> None:
    outbox = await Outbox.open(tmp_path / "outbox.db", clock=FixedClock(), max_bytes=1 << 20, vault=vault)
    taken = 0
    with pytest.raises(OutboxFullError):
        for _ in range(400):
            taken += len(await outbox.append([mileage(n) for n in range(50)]))
    owed = await outbox.unacknowledged(0, 10)
    await outbox.acknowledge(1, taken)
    again = await outbox.append([mileage(1)])
    await outbox.close()

    assert len(owed) == 10
    assert again


def test_what_was_sealed_is_given_back_and_of_anybody_elses_nothing(vault: Vault) -> None:
    kept, foreign = vault.seal("photo", b"a picture"), SEALED_MAGIC + b"x" * 64

    assert vault.unseal("photo", kept) == b"a picture"
    with pytest.raises(DamagedContentError, match="photo"):
        vault.unseal("photo", foreign)


async def test_another_key_reads_nothing_and_nobody_grumbles_to_standard_error(
    tmp_path: Path, schema: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    need_cipher()
    path = tmp_path / "a.db"
    await (await open_database(path, schema, vault=vault_with())).database.close()

    with pytest.raises(DamagedFileError):
        _prepare(path, schema, None, vault_with(OTHER_KEY))
    assert capfd.readouterr().err == ""
