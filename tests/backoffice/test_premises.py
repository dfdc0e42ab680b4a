"""A back office with a storage key: its file tells nothing, and no mistake with the key changes it."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backoffice.cli import app
from backoffice.office_settings import DatabaseSettings, OfficeSettings
from backoffice.premises import place_of, sqlite_path
from backoffice.store import RecordStore
from sync import seal
from tests.backoffice.facts import DAY, START, VIN_A, row, visit
from tests.backoffice.office_process import config_file
from tests.sealed import OTHER_KEY, files_below, key_file, need_cipher, telling, vault_with

PLATE = "沪A70F31"
WORDS = (VIN_A, VIN_A[-6:], PLATE, "A70F31", "S-7341")


@pytest.fixture(autouse=True)
def no_key_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CREDENTIALS_DIRECTORY", "FORECOURT_OFFICE_DATABASE__KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


async def told_by_a_car(folder: Path, key: Path | None) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """What the files tell of a car while the store is open, and after it was closed."""
    settings = OfficeSettings(database=DatabaseSettings(directory=folder, key_file=key))
    store = await RecordStore.open(settings, now=lambda: START + DAY)
    try:
        await store.store_batch(
            "bay-1", "s1", 1, [(1, row(visit("v1", vin=VIN_A, plate=PLATE, stock="S-7341")))], START
        )
        assert (await store.counts())["records"] == 1
        running = telling(folder, *WORDS)
    finally:
        await store.close()
    return running, telling(folder, *WORDS)


async def test_no_byte_of_the_store_tells_of_a_car(tmp_path: Path) -> None:
    need_cipher()
    folder = tmp_path / "state"

    assert await told_by_a_car(folder, key_file(tmp_path)) == ({}, {})
    assert {"office.db", "office.db.seal"} <= set(files_below(folder))


async def test_without_a_key_the_same_search_finds_it(tmp_path: Path) -> None:
    running, ended = await told_by_a_car(tmp_path / "state", None)

    assert set(running) == {"office.db-wal"}
    assert ended == {"office.db": set(WORDS)}


def office(*arguments: str, config: Path) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(config)])


def configured(folder: Path, key: Path | None) -> Path:
    config = config_file(folder)
    if key is not None:
        config.write_text(
            config.read_text().replace("[database]\n", f"[database]\nkey_file = {json.dumps(str(key))}\n")
        )
    return config


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A folder below which ``state`` is sealed; ``storage-key`` is its key."""
    need_cipher()
    assert office("migrate", config=configured(tmp_path, key_file(tmp_path))).exit_code == 0
    return tmp_path


def assert_refused(folder: Path, key: Path | None, words: str) -> None:
    before = files_below(folder / "state")
    for command in ("migrate", "run", "ingest"):
        refused = office(command, config=configured(folder, key))

        assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
        assert words in refused.stderr
    assert files_below(folder / "state") == before


def test_the_right_key_opens_it_again(sealed: Path) -> None:
    assert office("migrate", config=configured(sealed, sealed / "storage-key")).exit_code == 0


def test_each_wrong_key_is_said_in_one_line_and_nothing_is_touched(sealed: Path) -> None:
    assert_refused(sealed, None, "is encrypted, and no key was given: set database.key_file")
    assert_refused(sealed, key_file(sealed, OTHER_KEY, "other"), "is not the one")
    assert_refused(sealed, sealed / "gone", "cannot be read: No such file")
    assert_refused(sealed, key_file(sealed, "5a5a", "short"), "64 hexadecimal digits")


def test_without_the_extra_it_says_what_to_install(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "NEEDED", ("a_package_that_is_nowhere",))

    assert_refused(sealed, sealed / "storage-key", "forecourt[encrypted]")


def test_a_plain_store_names_the_command_that_converts_it_and_then_opens(tmp_path: Path) -> None:
    need_cipher()
    asyncio.run(told_by_a_car(tmp_path / "state", None))
    config = configured(tmp_path, key_file(tmp_path))
    assert_refused(tmp_path, tmp_path / "storage-key", "convert it once: forecourt-office seal")

    said = CliRunner().invoke(app, ["seal", "--config", str(config)])
    again = CliRunner().invoke(app, ["seal", "--config", str(config)])

    path = tmp_path / "state" / "office.db"
    assert [json.loads(one.stdout) for one in (said, again)] == [
        {"encrypted": count, "file": str(path)} for count in (1, 0)
    ]
    assert telling(tmp_path / "state", *WORDS) == {}
    with closing(vault_with().connect(path)) as database:
        assert database.execute("SELECT count(*) FROM records").fetchone() == (1,)


def test_a_store_takes_another_key(sealed: Path) -> None:
    other = key_file(sealed, OTHER_KEY, "other")
    config, path = configured(sealed, sealed / "storage-key"), sealed / "state" / "office.db"

    said = [office("rekey", "--new", str(other), config=config) for _ in range(2)]

    assert [json.loads(one.stdout) for one in said] == [{"changed": count, "file": str(path)} for count in (1, 0)]
    assert office("migrate", config=configured(sealed, other)).exit_code == 0
    assert_refused(sealed, sealed / "storage-key", "is not the one")


def test_a_store_without_a_key_cannot_be_converted(tmp_path: Path) -> None:
    said = office("seal", config=config_file(tmp_path))

    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert "forecourt-office seal --new-key FILE, then set database.key_file" in said.stderr


def test_a_new_key_is_made_and_shown_where(tmp_path: Path) -> None:
    key = tmp_path / "key"
    said = CliRunner().invoke(app, ["seal", "--new-key", str(key)])
    again = CliRunner().invoke(app, ["seal", "--new-key", str(key)])

    assert json.loads(said.stdout) == {"key": str(key)}
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)


def test_a_key_for_postgresql_is_a_mistake(tmp_path: Path) -> None:
    config = configured(tmp_path, key_file(tmp_path))
    postgresql = "[database]\nurl = 'postgresql+asyncpg://127.0.0.1:1/office'\n"
    config.write_text(config.read_text().replace("[database]\n", postgresql))

    for command in ("migrate", "seal"):
        said = office(command, config=config)
        assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
        assert "for a SQLite file" in said.stderr


def test_the_file_of_an_address_is_known(tmp_path: Path) -> None:
    assert sqlite_path(f"sqlite+aiosqlite:///{tmp_path}/x.db") == tmp_path / "x.db"
    assert sqlite_path("postgresql+asyncpg://h/d") is None
    assert place_of(tmp_path / "x.db").seal == tmp_path / "x.db.seal"


def test_a_damaged_sealed_store_is_one_clear_line(sealed: Path) -> None:
    (sealed / "state" / "office.db").write_bytes(b"\xa5" * 8192)
    said = office("migrate", config=configured(sealed, sealed / "storage-key"))

    assert (said.exit_code, said.stderr.count("\n")) == (3, 1)
    assert "office.db" in said.stderr
    with pytest.raises(sqlite3.DatabaseError), closing(sqlite3.connect(sealed / "state" / "office.db")) as database:
        database.execute("SELECT 1 FROM records")
