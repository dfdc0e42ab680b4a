"""Converting what was kept in the clear: cut off anywhere it loses nothing, and when done nothing plain is left."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from config.errors import SettingsError
from sync.database import _SIDE_FILES
from sync.errors import OutboxError
from sync.lock import FileLock
from sync.outbox import Outbox
from sync.seal import Condition, examine, is_plain
from sync.storage_key import StorageKey
from sync.vault import SQLITE_MAGIC
from tests.sealed import OTHER_KEY, files_below, need_cipher, telling, vault_with
from tests.sync.conftest import FixedClock
from tests.sync.samples import mileage
from tests.sync.sealing_cuts import key, place_in

need_cipher()

from sync import sealing  # noqa: E402
from sync.sealing import SealingError, convert, write_database_anew, write_file_anew  # noqa: E402

MEMORY = Path("/dev/shm")
ROOT = Path(__file__).parent.parent.parent
WORD = "LFMAP22C0L0000101"
ROWS = [(number, f"{WORD} {number}") for number in range(12)]
PHOTO = WORD.encode() * 100
NOBODY = 65534


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A place in the clear whose process was killed: part of ``a.db`` is still in its log."""
    folder = tmp_path / "plain"
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "photo").write_bytes(PHOTO)
    for name in ("a.db", "b.db"):
        write_rows(folder / name, ROWS[:9])
    kill_while_writing(folder / "a.db", tmp_path)
    return folder


def write_rows(path: Path, rows: list[tuple[int, str]]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA user_version = 7;"
            "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b);"
            'CREATE INDEX by_b ON t (b); CREATE TABLE "odd name" (x);'
        )
        database.executemany("INSERT INTO t VALUES (?, ?)", rows)


def kill_while_writing(path: Path, elsewhere: Path) -> None:
    """Leave the last rows in the log, as a process does that never closes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executemany("INSERT INTO t VALUES (?, ?)", ROWS[9:])
        for suffix in ("", "-wal"):
            shutil.copy(path.with_name(path.name + suffix), elsewhere / (path.name + suffix))
    for suffix in ("", "-wal"):
        shutil.move(elsewhere / (path.name + suffix), path.with_name(path.name + suffix))
    assert WORD.encode() in path.with_name("a.db-wal").read_bytes()


def rows_of(path: Path) -> list[tuple[int, str]]:
    """What a database holds, plain or sealed."""
    plain = path.read_bytes()[: len(SQLITE_MAGIC)] == SQLITE_MAGIC
    with closing(sqlite3.connect(path) if plain else vault_with().connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert str(database.execute("PRAGMA user_version").fetchone()[0]) == "7"
        return [(int(a), str(b)) for a, b in database.execute("SELECT a, b FROM t ORDER BY a")]


def assert_converted(folder: Path) -> None:
    assert examine(place_in(folder), key()) is Condition.SEALED
    assert telling(folder, WORD) == {}
    assert rows_of(folder / "a.db") == ROWS
    assert not (folder / "b.db").exists() or rows_of(folder / "b.db") == ROWS[:9]
    assert vault_with().unseal("photo", (folder / "files" / "photo").read_bytes()) == PHOTO
    leftovers = {"a.db.sealing", "b.db.sealing", "a.db.sealing-journal", "photo.new"}
    assert not leftovers & {Path(name).name for name in files_below(folder)}


def test_everything_is_encrypted_and_nothing_is_missing(plain: Path) -> None:
    assert set(telling(plain, WORD)) == {"a.db", "a.db-wal", "b.db", "files/photo"}

    assert convert(place_in(plain), key()) == 3

    assert_converted(plain)


def test_a_second_time_there_is_nothing_to_do(plain: Path) -> None:
    convert(place_in(plain), key())
    before = files_below(plain)

    assert convert(place_in(plain), key()) == 0
    assert files_below(plain) == before


def test_what_takes_the_place_is_for_its_owner_alone(plain: Path) -> None:
    convert(place_in(plain), key())

    assert {(plain / name).stat().st_mode & 0o777 for name in ("a.db", "files/photo", "the.seal")} == {0o600}


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder where syncing costs nothing; it is processes that die here, not the power."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


def test_cut_off_at_any_step_it_has_lost_nothing_and_can_be_run_again(plain: Path, in_memory: Path) -> None:
    (plain / "b.db").unlink()  # the second is converted as the first
    cuts, looked = in_memory / "cuts", in_memory / "looked"
    command = [sys.executable, "-m", "tests.sync.sealing_cuts", "seal", str(plain), str(cuts)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    steps, code = done.stdout.split()

    assert (code, done.stderr) == ("0", "")
    assert int(steps) > 20
    for folder in cuts.iterdir():
        shutil.copytree(folder, looked)
        assert rows_of(looked / "a.db") == ROWS  # as the programs would find it now
        shutil.rmtree(looked)
        assert asks_to_convert(folder) or not telling(folder, WORD)
        assert asks_for_the_key(folder) or "a.db" in telling(folder, WORD)
        convert(place_in(folder), key())
        assert_converted(folder)


def asks_to_convert(folder: Path) -> bool:
    """Whether a program would refuse the key because something is plain still."""
    try:
        examine(place_in(folder), key())
    except SettingsError as refused:
        return "forecourt seal" in str(refused)
    return False


def asks_for_the_key(folder: Path) -> bool:
    """Whether a program without the key would refuse to work on it."""
    try:
        examine(place_in(folder), None)
    except SettingsError as refused:
        return "no key was given" in str(refused)
    return False


def test_drafts_that_were_never_finished_are_cleared_away(plain: Path) -> None:
    for name in ("photo.new", "never.new"):
        (plain / "files" / name).write_bytes(PHOTO[:100])
    assert convert(place_in(plain), key()) == 3
    assert_converted(plain)
    assert not (plain / "files" / "never.new").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_what_root_converts_stays_with_whom_it_belongs_to(plain: Path) -> None:
    for path in (plain, *plain.rglob("*")):
        os.chown(path, NOBODY, NOBODY)

    convert(place_in(plain), key())

    assert {path.name for path in plain.rglob("*") if path.stat().st_uid != NOBODY} == set()


def test_a_process_that_uses_the_place_is_left_alone(plain: Path) -> None:
    before = files_below(plain)
    with FileLock(plain / "b.db.lock"), pytest.raises(OutboxError, match="in use"):
        convert(place_in(plain), key())

    changed = {name: data for name, data in files_below(plain).items() if not name.endswith(".lock")}
    assert changed == before


def test_another_key_than_that_of_what_is_encrypted_changes_nothing(plain: Path) -> None:
    convert(place_in(plain), key())
    write_rows(plain / "a.db.new", ROWS)
    (plain / "a.db.new").replace(plain / "a.db")  # somebody has put a plain copy back
    before = files_below(plain)

    with pytest.raises(SettingsError, match="is not the one"):
        convert(place_in(plain), StorageKey(Path("other"), bytes.fromhex(OTHER_KEY)))

    assert files_below(plain) == before


def test_a_plain_copy_that_was_put_back_is_converted_with_the_right_key(plain: Path) -> None:
    backup = plain.with_name("backup.db")
    rows_of(plain / "a.db")  # folds the log
    shutil.copy(plain / "a.db", backup)
    convert(place_in(plain), key())
    shutil.copy(backup, plain / "a.db")
    with pytest.raises(SettingsError, match="not encrypted"):
        examine(place_in(plain), key())

    assert convert(place_in(plain), key()) == 1
    assert_converted(plain)


@pytest.mark.parametrize("lost", [5, len(ROWS) - 1])
def test_a_copy_that_differs_takes_nobodys_place(plain: Path, monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
    def cheat(database: sqlite3.Connection, table: str, path: Path) -> None:
        database.execute("DELETE FROM sealed.t WHERE a = ?", (lost,))
        honest(database, table, path)

    honest = sealing._compare
    monkeypatch.setattr(sealing, "_compare", cheat)

    with pytest.raises(SealingError, match="table t differs"):
        convert(place_in(plain), key())

    assert rows_of(plain / "a.db") == ROWS
    assert examine(place_in(plain), None) is Condition.PLAIN


def test_a_disk_without_room_leaves_the_plain_file(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(sealing, "_sync", full)

    with pytest.raises(OSError, match="No space left"):
        convert(place_in(plain), key())

    assert rows_of(plain / "a.db") == ROWS
    assert not list(plain.glob("*.sealing*"))


def test_text_that_the_disk_has_changed_does_not_hold_it_up(plain: Path) -> None:
    with closing(sqlite3.connect(plain / "b.db", isolation_level=None)) as database:
        database.execute("INSERT INTO t VALUES (99, CAST(X'FFFE41' AS TEXT))")

    assert convert(place_in(plain), key()) == 3


def test_the_plain_bytes_are_overwritten_where_they_lay(plain: Path) -> None:
    with (plain / "a.db").open("rb") as database, (plain / "files" / "photo").open("rb") as photo:
        assert WORD.encode() in database.read()

        convert(place_in(plain), key())

        for old in (database, photo):
            old.seek(0)
            assert set(old.read()) == {0}


def test_an_encrypted_database_is_on_the_disk_before_it_takes_the_place_and_its_name_before_the_plain_bytes_go(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, steps = plain / "b.db", list[tuple[bool, bool]]()
    rows_of(path)  # folds the log
    with path.open("rb", buffering=0) as before:

        def note(_file: int) -> None:
            steps.append((is_plain(path), before.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC))
            before.seek(0)

        monkeypatch.setattr(os, "fsync", note)
        write_database_anew(path, None, key())

    assert steps == [(True, True), (False, True), (False, False)]


def test_what_is_overwritten_is_so_on_the_disk_when_it_ends(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = plain / "files" / "photo", list[bytes]()
    with path.open("rb", buffering=0) as before:

        def note(_file: int) -> None:
            seen.append(before.read())
            before.seek(0)

        monkeypatch.setattr(os, "fsync", note)
        write_file_anew(path, [b"sealed"])

    assert seen == [PHOTO, PHOTO, bytes(len(PHOTO))]


def test_a_second_name_of_a_file_keeps_its_content(plain: Path) -> None:
    os.link(plain / "files" / "photo", plain.with_name("copy"))

    convert(place_in(plain), key())

    assert plain.with_name("copy").read_bytes() == PHOTO


async def test_what_the_outbox_owed_is_owed_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    outbox = await Outbox.open(folder / "a.db", clock=FixedClock(), max_bytes=8 << 20)
    stream = outbox.stream
    await outbox.append([mileage(n) for n in range(20)])
    await outbox.acknowledge(1, 5)
    before = await outbox.unacknowledged(0, 100)
    await outbox.close()

    assert convert(place_in(folder), key()) == 1

    again = await Outbox.open(folder / "a.db", clock=FixedClock(), max_bytes=8 << 20, vault=vault_with())
    after = await again.unacknowledged(0, 100, stream=stream)
    await again.close()
    assert (after, len(after)) == (before, 15)
    assert [folder / f"a.db{suffix}" for suffix in _SIDE_FILES if (folder / f"a.db{suffix}").exists()] == [
        folder / "a.db"
    ]
