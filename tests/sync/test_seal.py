"""Whether a key and what lies in a folder belong together: each case has its own line, and none changes a file."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from config.errors import SettingsError
from sync import seal
from sync.seal import Condition, Place, announce, examine, leave_proof, required_key, vault_of, vault_to_look
from sync.storage_key import StorageKey
from sync.vault import PLAIN
from tests.sealed import KEY, OTHER_KEY, files_below, key_file, need_cipher, vault_with

need_cipher()

from sync.sealed_vault import SealedVault  # noqa: E402

SOURCE = Path("/etc/the-key")
RIGHT = StorageKey(SOURCE, bytes.fromhex(KEY))
WRONG = StorageKey(SOURCE, bytes.fromhex(OTHER_KEY))
Made = Callable[[Place], None]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "state"
    folder.mkdir()
    databases = (folder / "a.db", folder / "b.db")
    return Place(folder, folder / "the.seal", databases, ("files/*",), "storage.key_file", "forecourt seal")


def nothing(_: Place) -> None:
    pass


def plain(place: Place) -> None:
    with closing(PLAIN.connect(place.databases[0])) as database:
        database.execute("CREATE TABLE t (a)")


def plain_file(place: Place) -> None:
    (place.folder / "files").mkdir()
    (place.folder / "files" / "photo").write_bytes(b"a picture")


def sealed(place: Place) -> None:
    unproven(place)
    leave_proof(place, RIGHT)


def unproven(place: Place) -> None:
    """Everything a sealed place holds but the proof of its key."""
    vault = vault_with()
    with closing(vault.connect(place.databases[0])) as database:
        database.execute("CREATE TABLE t (a)")
    (place.folder / "files").mkdir()
    (place.folder / "files" / "photo").write_bytes(vault.seal("photo", b"a picture"))


def one_sealed_one_plain(place: Place) -> None:
    sealed(place)
    with closing(PLAIN.connect(place.databases[1])) as database:
        database.execute("CREATE TABLE t (a)")


def proof_torn(place: Place) -> None:
    sealed(place)
    place.seal.write_bytes(place.seal.read_bytes()[:20])


def proof_of_another_form(place: Place) -> None:
    sealed(place)
    place.seal.write_bytes(b"[]")


def only_a_file_left(place: Place) -> None:
    proof_torn(place)
    place.databases[0].unlink()


def only_a_database_left(place: Place) -> None:
    proof_torn(place)
    (place.folder / "files" / "photo").unlink()


def damaged_without_proof(place: Place) -> None:
    unproven(place)
    place.databases[0].write_bytes(b"\xa5" * 8192)


def damaged(place: Place) -> None:
    sealed(place)
    place.databases[0].write_bytes(b"\xa5" * 8192)


def one_damaged_page(place: Place) -> None:
    unproven(place)
    content = bytearray(place.databases[0].read_bytes())
    content[200:300] = bytes(100)
    place.databases[0].write_bytes(content)


def database_only(place: Place) -> None:
    unproven(place)
    (place.folder / "files" / "photo").unlink()


def file_only(place: Place) -> None:
    unproven(place)
    place.databases[0].unlink()


def announced(place: Place) -> None:
    """A conversion that was cut off before it changed anything."""
    plain(place)
    plain_file(place)
    announce(place)


def begun(place: Place) -> None:
    """A conversion that was cut off after the first database."""
    unproven(place)
    with closing(PLAIN.connect(place.databases[1])) as database:
        database.execute("CREATE TABLE t (a)")
    announce(place)


def noise_in_a_plain_one(place: Place) -> None:
    plain(place)
    place.databases[1].write_bytes(bytes(random.Random(1).randbytes(8192)))


@pytest.mark.parametrize(
    ("made", "key", "condition"),
    [
        (nothing, None, Condition.PLAIN),
        (announced, None, Condition.PLAIN),
        (noise_in_a_plain_one, None, Condition.PLAIN),
        (plain, None, Condition.PLAIN),
        (plain_file, None, Condition.PLAIN),
        (nothing, RIGHT, Condition.UNPROVEN),
        (unproven, RIGHT, Condition.UNPROVEN),
        (one_damaged_page, RIGHT, Condition.UNPROVEN),
        (proof_torn, RIGHT, Condition.UNPROVEN),
        (proof_of_another_form, RIGHT, Condition.UNPROVEN),
        (sealed, RIGHT, Condition.SEALED),
        (damaged, RIGHT, Condition.SEALED),
    ],
)
def test_what_belongs_together_is_opened(
    place: Place, made: Made, key: StorageKey | None, condition: Condition
) -> None:
    made(place)

    assert examine(place, key) is condition
    assert isinstance(vault_of(place, key), SealedVault) is (key is not None)
    assert examine(place, key) is (Condition.SEALED if key else Condition.PLAIN)


@pytest.mark.parametrize(
    ("made", "key", "words"),
    [
        (sealed, None, "state is encrypted, and no key was given: set storage.key_file"),
        (unproven, None, "is encrypted, and no key was given"),
        (sealed, WRONG, "key in /etc/the-key is not the one"),
        (unproven, WRONG, "a.db cannot be read with the key"),
        (database_only, WRONG, "a.db cannot be read with the key"),
        (file_only, WRONG, "photo cannot be read with the key"),
        (proof_torn, WRONG, "a.db cannot be read with the key"),
        (damaged_without_proof, RIGHT, "a.db cannot be read with the key"),
        (damaged, WRONG, "is not the one"),
        (plain, RIGHT, "a.db is not encrypted, but a key is given (/etc/the-key). Stop the service"),
        (plain, RIGHT, ": forecourt seal."),
        (plain_file, RIGHT, "photo is not encrypted, but a key is given"),
        (one_sealed_one_plain, RIGHT, "b.db is not encrypted, but a key is given"),
        (one_sealed_one_plain, WRONG, "is not the one"),
        (one_sealed_one_plain, None, "is encrypted, and no key was given"),
        (proof_torn, None, "is encrypted, and no key was given"),
        (only_a_file_left, None, "is encrypted, and no key was given"),
        (only_a_database_left, None, "is encrypted, and no key was given"),
        (begun, None, "is encrypted, and no key was given"),
        (begun, RIGHT, "b.db is not encrypted, but a key is given"),
        (begun, WRONG, "a.db cannot be read with the key"),
        (announced, RIGHT, "a.db is not encrypted, but a key is given"),
    ],
)  # fmt: skip
def test_what_does_not_is_refused_and_left_as_it_was(
    place: Place, made: Made, key: StorageKey | None, words: str
) -> None:
    made(place)
    before = files_below(place.folder)

    with pytest.raises(SettingsError) as refused:
        vault_of(place, key)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "没有改动任何内容" in refused.value.zh
    assert files_below(place.folder) == before


def test_a_key_is_refused_where_we_cannot_encrypt(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed(place)
    before = files_below(place.folder)
    monkeypatch.setattr(seal, "NEEDED", ("sqlcipher3", "a_package_that_is_nowhere"))

    with pytest.raises(SettingsError, match=r"forecourt\[encrypted\]"):
        vault_of(place, RIGHT)

    assert files_below(place.folder) == before


def test_converting_needs_a_key(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SettingsError, match="forecourt seal --new-key FILE, then set storage"):
        required_key(place, None)

    assert required_key(place, key_file(tmp_path)).key == RIGHT.key


def test_looking_refuses_nobody_and_leaves_nothing(place: Place, tmp_path: Path) -> None:
    assert vault_to_look(place, key_file(tmp_path)) is PLAIN
    assert not place.seal.exists()

    sealed(place)

    assert vault_to_look(place, tmp_path / "gone") is PLAIN
    assert vault_to_look(place, key_file(tmp_path, OTHER_KEY, "other")) is PLAIN
    assert isinstance(vault_to_look(place, key_file(tmp_path)), SealedVault)


def test_the_proof_may_be_the_first_file_of_a_new_box(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "state"
    place = Place(folder, folder / "the.seal", (folder / "a.db",), (), "storage.key_file", "forecourt seal")

    for condition in (Condition.UNPROVEN, Condition.SEALED):
        assert examine(place, RIGHT) is condition
        vault_of(place, RIGHT)
    leave_proof(place, RIGHT)


def test_the_proof_says_nothing_of_the_key_and_differs_each_time(place: Place) -> None:
    leave_proof(place, RIGHT)
    first = place.seal.read_bytes()
    leave_proof(place, RIGHT)

    assert first != place.seal.read_bytes()
    assert KEY.encode() not in first


def test_what_is_no_sealed_database_is_not_taken_for_one(place: Place) -> None:
    place.databases[0].write_bytes(b"not a database, but long enough " * 400)
    place.databases[1].write_bytes(b"")

    assert examine(place, None) is Condition.PLAIN


def test_a_plain_database_can_still_be_read_by_anybody(place: Place) -> None:
    plain(place)
    with closing(sqlite3.connect(place.databases[0])) as database:
        assert database.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_converting_takes_the_key_of_the_place_and_no_other(place: Place, tmp_path: Path) -> None:
    sealed(place)
    right, other = key_file(tmp_path), key_file(tmp_path, OTHER_KEY, "other")

    assert required_key(place, right).key == RIGHT.key
    with pytest.raises(SettingsError, match="is not the one"):
        required_key(place, other)


@pytest.mark.parametrize("only", ["databases", "files"])
def test_another_key_is_refused_also_where_only_one_sort_of_file_is_left(place: Place, only: str) -> None:
    sealed(place)
    for path in [*place.databases, place.folder / "files" / "photo"]:
        if (path in place.databases) == (only == "files"):
            path.unlink(missing_ok=True)

    with pytest.raises(SettingsError, match="is not the one"):
        examine(place, WRONG)


def test_a_place_in_the_clear_is_opened_as_it_is(place: Place) -> None:
    plain(place)

    assert vault_of(place, None) is PLAIN
