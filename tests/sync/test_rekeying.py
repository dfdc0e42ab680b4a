"""Changing the key of a place: cut off anywhere nothing is lost and nobody works on a half; it can go either way."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from config.errors import SettingsError
from sync.errors import OutboxError
from sync.lock import FileLock
from sync.seal import Condition, examine, leave_proof
from sync.storage_key import StorageKey
from tests.sealed import KEY, OTHER_KEY, files_below, key_file, need_cipher, telling, vault_with
from tests.sync.sealing_cuts import key, other_key, place_in
from tests.sync.test_sealing import MEMORY, PHOTO, ROOT, ROWS, WORD

need_cipher()

from sync import sealing  # noqa: E402
from sync.rekeying import Changed, change_key, two_keys  # noqa: E402
from sync.sealed_vault import fits  # noqa: E402
from sync.sealing import SealingError, convert  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A sealed place whose process was killed: the last rows are still in the log."""
    place = tmp_path / "place"
    (place / "files").mkdir(parents=True)
    (place / "files" / "photo").write_bytes(vault_with().seal("photo", PHOTO))
    leave_proof(place_in(place), key())
    writer = vault_with().connect(place / "b.db")
    writer.executescript("PRAGMA journal_mode = WAL; PRAGMA user_version = 7; CREATE TABLE t (a, b);")
    writer.executemany("INSERT INTO t VALUES (?, ?)", ROWS)
    for suffix in ("", "-wal"):
        shutil.copy(place / f"b.db{suffix}", place / f"a.db{suffix}")
    writer.close()
    (place / "b.db").unlink()
    yield place


def holds(place: Path, word: str) -> bool:
    """Whether everything is there when opened with the key ``word``."""
    vault = vault_with(word)
    with closing(vault.connect(place / "a.db")) as database:
        rows = [(int(a), str(b)) for a, b in database.execute("SELECT a, b FROM t ORDER BY a")]
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
    return (rows, version, vault.unseal("photo", (place / "files" / "photo").read_bytes())) == (ROWS, 7, PHOTO)


def lets_in(place: Path, with_key: StorageKey | None) -> bool:
    try:
        return examine(place_in(place), with_key) is Condition.SEALED
    except SettingsError:
        return False


def test_everything_takes_the_new_key_and_only_that(folder: Path) -> None:
    assert change_key(place_in(folder), key(), other_key()) == Changed(2, ())

    assert holds(folder, OTHER_KEY)
    assert (lets_in(folder, other_key()), lets_in(folder, key()), lets_in(folder, None)) == (True, False, False)
    assert set(files_below(folder)) == {"a.db", "a.db.lock", "files/photo", "the.seal"}
    assert not fits(folder / "a.db", bytes.fromhex(KEY))


def test_a_second_time_there_is_nothing_to_do(folder: Path) -> None:
    change_key(place_in(folder), key(), other_key())
    before = files_below(folder)

    assert change_key(place_in(folder), key(), other_key()) == Changed(0, ())
    assert files_below(folder) == before


def test_cut_off_at_any_step_nobody_works_on_a_half_and_it_can_be_ended_either_way(folder: Path) -> None:
    cuts = (MEMORY if MEMORY.is_dir() else folder) / f"forecourt-cuts-{os.getpid()}"
    command = [sys.executable, "-m", "tests.sync.sealing_cuts", "rekey", str(folder), str(cuts)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
        steps, code = done.stdout.split()
        assert (code, done.stderr) == ("0", "")
        assert int(steps) > 15
        for place in cuts.iterdir():
            assert_can_be_ended(place, back=int(place.name) % 2 == 1)
    finally:
        shutil.rmtree(cuts, ignore_errors=True)


def assert_can_be_ended(place: Path, *, back: bool) -> None:
    assert telling(place, WORD) == {}
    opens = [word for word in (KEY, OTHER_KEY) if fits(place / "a.db", bytes.fromhex(word))]
    assert len(opens) == 1
    let_in = [word for word, one in ((KEY, key()), (OTHER_KEY, other_key())) if lets_in(place, one)]
    assert all(holds(place, word) for word in let_in)  # who is let in finds all of it
    if let_in != [OTHER_KEY]:
        last, first = (key(), other_key()) if back else (other_key(), key())
        if back and let_in == [KEY]:
            return  # it had not begun
        change_key(place_in(place), first, last)
        assert holds(place, KEY if back else OTHER_KEY)
        assert lets_in(place, last)


def test_while_a_change_is_under_way_every_program_is_told_how_to_end_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as cut:
        cut.setattr(sealing, "_sync", full)
        with pytest.raises(OSError, match="No space left"):
            change_key(place_in(folder), key(), other_key())

    third = StorageKey(Path("third"), bytes(32))
    for given in (key(), other_key(), third, None):
        with pytest.raises(SettingsError, match="forecourt rekey"):
            examine(place_in(folder), given)
    with pytest.raises(SettingsError, match="forecourt rekey"):
        convert(place_in(folder), key())
    with pytest.raises(SettingsError, match="between two other keys"):
        change_key(place_in(folder), key(), third)
    assert change_key(place_in(folder), key(), other_key()).count == 2


def test_what_was_never_finished_writing_is_cleared_away(folder: Path) -> None:
    for name in ("photo.new", "never.new"):
        (folder / "files" / name).write_bytes(vault_with().seal("photo", PHOTO)[:100])

    assert change_key(place_in(folder), key(), other_key()) == Changed(2, ())
    assert holds(folder, OTHER_KEY)
    assert {path.name for path in (folder / "files").iterdir()} == {"photo"}


@pytest.mark.parametrize("damage", ["raw", "torn"])
def test_what_was_damaged_before_stays_and_is_named(folder: Path, damage: str) -> None:
    broken = folder / "files" / "x.damaged"
    whole = vault_with().seal("x.damaged", PHOTO)
    broken.write_bytes(os.urandom(8192) if damage == "raw" else whole[:-1])
    before = broken.read_bytes()

    assert change_key(place_in(folder), key(), other_key()) == Changed(2, (broken,))
    assert broken.read_bytes() == before
    assert lets_in(folder, other_key())


def test_a_damaged_database_is_left_to_the_service_and_nothing_has_begun(folder: Path) -> None:
    data = bytearray((folder / "a.db").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "a.db").write_bytes(data)
    before = files_below(folder)

    with pytest.raises(SettingsError, match="damaged"):
        change_key(place_in(folder), key(), other_key())

    assert files_below(folder) == before


def test_keys_that_cannot_be_the_two_change_nothing(folder: Path) -> None:
    before = files_below(folder)
    for old, new, words in (
        (key(), key(), "the same key"),
        (other_key(), StorageKey(Path("third"), bytes(32)), "is not the one"),
    ):
        with pytest.raises(SettingsError, match=words):
            change_key(place_in(folder), old, new)
    assert files_below(folder) == before


def test_the_two_keys_are_read_and_without_a_present_one_there_is_nothing_to_change(tmp_path: Path) -> None:
    configured, other = key_file(tmp_path), key_file(tmp_path, OTHER_KEY, name="other")

    assert two_keys(place_in(tmp_path), configured, None, other) == (
        StorageKey(configured, bytes.fromhex(KEY)),
        StorageKey(other, bytes.fromhex(OTHER_KEY)),
    )
    assert two_keys(place_in(tmp_path), configured, other, configured)[0].source == other
    with pytest.raises(SettingsError, match=r"storage\.key_file"):
        two_keys(place_in(tmp_path), None, None, other)


def test_a_place_without_anything_encrypted_is_sent_to_seal(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="forecourt seal"):
        change_key(place_in(tmp_path), key(), other_key())
    assert files_below(tmp_path) == {}


def test_a_place_in_use_is_left_alone(folder: Path) -> None:
    with FileLock(folder / "a.db.lock"), pytest.raises(OutboxError, match="in use"):
        change_key(place_in(folder), key(), other_key())
    assert lets_in(folder, key())


def test_a_copy_that_differs_takes_nobodys_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def differ(*_: object) -> None:
        raise SealingError("differs")

    monkeypatch.setattr(sealing, "_compare", differ)
    with pytest.raises(SealingError):
        change_key(place_in(folder), key(), other_key())
    monkeypatch.undo()

    assert fits(folder / "a.db", bytes.fromhex(KEY))
    change_key(place_in(folder), other_key(), key())  # back again
    assert holds(folder, KEY)
    assert lets_in(folder, key())
