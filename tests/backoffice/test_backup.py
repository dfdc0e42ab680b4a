"""Backups of the store: whole while records come in, as encrypted as the store, and no mistake costs what is there."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backoffice import backup
from backoffice.backup import back_up
from backoffice.cli import app
from backoffice.office_settings import DatabaseSettings, OfficeSettings
from backoffice.premises import place_of
from backoffice.store import RecordStore
from sync.lock import FileLock
from sync.records import ReadingBody
from sync.storage_key import StorageKey
from tests.backoffice.conftest import empty_files
from tests.backoffice.facts import START, VIN_A, row, visit
from tests.backoffice.office_process import config_file
from tests.backoffice.test_premises import configured
from tests.sealed import KEY, OTHER_KEY, files_below, key_file, need_cipher, telling, vault_with

COLUMNS = "device, stream, seq, received_at, kind, boot, projected, record"
SPEED = ReadingBody(signal="Vehicle.Speed", value=0)


@pytest.fixture(autouse=True)
def no_key_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CREDENTIALS_DIRECTORY", "FORECOURT_OFFICE_DATABASE__KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


def filled(folder: Path, *seqs: int, key: Path | None = None) -> None:
    """A store in ``folder / "state"`` holds these records too, and is encrypted where there is a key."""
    state = folder / "state"
    for name, content in empty_files().items() if not state.exists() else ():
        state.mkdir(exist_ok=True)
        (state / name).write_bytes(content)
    with closing(sqlite3.connect(state / "office.db", isolation_level=None)) as database:
        for seq in seqs:
            values = ("bay-1", "s1", seq, "2026-03-02", "snapshot", "boot-1", 0, json.dumps(row(visit("v", vin=VIN_A))))
            database.execute(f"INSERT INTO records ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
    if key:
        from sync.sealing import convert  # needs the extra

        convert(place_of(state / "office.db"), StorageKey(key, bytes.fromhex(key.read_text().strip())))


def office(*arguments: str | Path, config: Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--config", str(config)])


def seqs_in(path: Path, key: str = "") -> list[int]:
    with closing(vault_with(key).connect(path) if key else sqlite3.connect(path)) as database:
        return [int(seq) for (seq,) in database.execute("SELECT seq FROM records ORDER BY seq")]


def assert_refused(said: Result, words: str, code: int = 2) -> None:
    assert (said.exit_code, said.stdout, said.stderr.count("\n")) == (code, "", 1), said.output
    assert words in said.stderr


async def test_a_copy_made_while_records_come_in_holds_a_beginning_of_them(tmp_path: Path) -> None:
    filled(tmp_path)
    settings = OfficeSettings(database=DatabaseSettings(directory=tmp_path / "state"))
    store, copies = await RecordStore.open(settings), []
    try:
        for seq in range(1, 9):
            await store.store_batch("bay-1", "s1", 1, [(seq, row(SPEED))], START)
            if seq % 4 == 0:
                copies.append(asyncio.create_task(asyncio.to_thread(back_up, settings, tmp_path / f"{seq}")))
        await asyncio.gather(*copies)
        await store.store_batch("bay-1", "s1", 1, [(9, row(SPEED))], START)  # a backup disturbs nobody
    finally:
        await store.close()

    for seq in (4, 8):
        held = seqs_in(tmp_path / f"{seq}")
        assert held == list(range(1, len(held) + 1))
        assert len(held) >= seq
    assert (tmp_path / "4").stat().st_mode & 0o777 == 0o600


def test_a_backup_of_an_encrypted_store_tells_nothing_and_comes_back_with_its_key_alone(tmp_path: Path) -> None:
    need_cipher()
    key, kept = key_file(tmp_path), tmp_path / "kept"
    kept.mkdir()
    filled(tmp_path, 1, 2, key=key)
    sealed = configured(tmp_path, key)
    assert office("backup", kept / "office", config=sealed).exit_code == 0
    assert telling(kept, VIN_A, VIN_A[-6:]) == {}
    assert set(files_below(kept)) == {"office"}
    assert seqs_in(kept / "office", KEY) == [1, 2]

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert_refused(office("restore", kept / "office", config=configured(elsewhere, None)), "no key was given")
    other = configured(elsewhere, key_file(tmp_path, OTHER_KEY, "other"))
    assert_refused(office("restore", kept / "office", config=other), "not encrypted with the key")
    assert not (elsewhere / "state" / "office.db").exists()

    assert office("restore", kept / "office", config=configured(elsewhere, key)).exit_code == 0
    assert seqs_in(elsewhere / "state" / "office.db", KEY) == [1, 2]
    assert telling(elsewhere, VIN_A) == {}


def test_a_backup_takes_the_place_of_a_store_only_when_told_to_and_that_one_is_kept(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    config, path = config_file(tmp_path), tmp_path / "state" / "office.db"
    assert office("backup", tmp_path / "b", config=config).exit_code == 0
    filled(tmp_path, 2, 3)
    before = path.read_bytes()
    assert_refused(office("restore", tmp_path / "b", config=config), "give --replace")
    assert path.read_bytes() == before

    said = json.loads(office("restore", tmp_path / "b", "--replace", config=config).stdout)

    assert said == {"restored": str(path), "records": 1, "before": str(path.with_name("office.db.before-1"))}
    assert seqs_in(path) == [1]
    assert seqs_in(path.with_name("office.db.before-1")) == [1, 2, 3]
    filled(tmp_path, 2)  # and it goes on


def test_what_the_killed_store_had_in_its_log_is_kept_too(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    config, path = config_file(tmp_path), tmp_path / "state" / "office.db"
    office("backup", tmp_path / "b", config=config)
    path.write_bytes(b"no database, and a log that nobody can fold")
    path.with_name("office.db-wal").write_bytes(b"the log")

    said = office("restore", tmp_path / "b", "--replace", config=config)

    assert said.exit_code == 0, said.stderr
    aside = files_below(tmp_path / "state")
    assert aside["office.db.before-1-wal"] == b"the log"
    assert "office.db-wal" not in aside
    assert seqs_in(path) == [1]


@pytest.mark.parametrize("harm", ["cut", "flipped", "foreign", "newer", "none"])
def test_what_is_no_sound_backup_changes_nothing(tmp_path: Path, harm: str) -> None:
    filled(tmp_path, 1)
    config, source = config_file(tmp_path), tmp_path / "b"
    office("backup", source, config=config)
    words = _harm(source, harm)
    before = files_below(tmp_path / "state")

    assert_refused(office("restore", source, "--replace", config=config), words)

    assert files_below(tmp_path / "state") == before


def _harm(source: Path, harm: str) -> str:
    """Spoil a backup; what is said of it then."""
    data = source.read_bytes()
    if harm == "cut":
        source.write_bytes(data[: len(data) // 2])
    elif harm == "flipped":
        source.write_bytes(data[:8192] + bytes(4096) + data[12288:])
    elif harm == "none":
        source.unlink()
        return "no backup at"
    elif harm == "foreign":
        source.unlink()
        with closing(sqlite3.connect(source, isolation_level=None)) as database:
            database.execute("CREATE TABLE records (a)")
    else:
        with closing(sqlite3.connect(source, isolation_level=None)) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
        return "newer Forecourt (schema 9999)"
    return "is damaged or no store"


def test_a_store_in_use_is_not_replaced(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    config = config_file(tmp_path)
    office("backup", tmp_path / "b", config=config)
    with FileLock(tmp_path / "state" / "office.db.lock"):
        assert_refused(office("restore", tmp_path / "b", "--replace", config=config), "another forecourt-office")
        assert office("backup", tmp_path / "c", config=config).exit_code == 0


def test_mistakes_are_told_in_one_line_and_write_nothing(tmp_path: Path) -> None:
    config = config_file(tmp_path)
    assert_refused(office("backup", tmp_path / "b", config=config), "no store")
    chinese = CliRunner().invoke(app, ["backup", str(tmp_path / "b"), "--config", str(config)], env={"LANG": "zh_CN"})
    assert "没有可备份的数据库" in chinese.stderr
    filled(tmp_path, 1)
    (tmp_path / "b").write_bytes(b"mine")
    assert_refused(office("backup", tmp_path / "b", config=config), "exists already")
    assert_refused(office("backup", tmp_path / "nowhere" / "b", config=config), "No such file", code=3)
    assert (tmp_path / "b").read_bytes() == b"mine"
    config.write_text(config.read_text().replace("[database]\n", "[database]\nurl = 'postgresql+asyncpg://h/office'\n"))
    for command in ("backup", "restore"):
        assert_refused(office(command, tmp_path / "b", config=config), "pg_dump")


def test_a_full_disk_leaves_no_half_of_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(draft: Path, path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    filled(tmp_path, 1)
    monkeypatch.setattr(backup, "_put", full)

    assert_refused(office("backup", tmp_path / "b", config=config_file(tmp_path)), "No space left", code=3)
    assert not list(tmp_path.glob("b*"))


@pytest.mark.parametrize("made_with", ["", OTHER_KEY])
def test_what_is_restored_takes_the_key_of_the_store(tmp_path: Path, made_with: str) -> None:
    need_cipher()
    older = key_file(tmp_path, made_with, "older") if made_with else None
    filled(tmp_path, 1, key=older)
    office("backup", tmp_path / "b", config=configured(tmp_path, older))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    named = ("--key", older) if older else ()

    said = office("restore", tmp_path / "b", *named, config=configured(elsewhere, key_file(tmp_path)))

    assert said.exit_code == 0, said.stderr
    assert seqs_in(elsewhere / "state" / "office.db", KEY) == [1]
    assert telling(elsewhere, VIN_A) == {}
