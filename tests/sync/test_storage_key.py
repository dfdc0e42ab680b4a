"""The storage key: where it is looked for, and one line for each way it cannot be used."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.errors import SettingsError
from sync.storage_key import CREDENTIAL, CREDENTIALS, StorageKey, new_key, read_key
from tests.sealed import KEY, OTHER_KEY, as_somebody, key_file


def refusal(path: Path) -> str:
    with pytest.raises(SettingsError) as refused:
        read_key(path, {})
    assert refused.value.zh != str(refused.value)
    assert not {"\n", KEY} & {str(refused.value), *str(refused.value)}
    return str(refused.value)


def test_a_key_is_read_from_the_file_that_the_settings_name(tmp_path: Path) -> None:
    path = key_file(tmp_path)

    assert read_key(path, {}) == StorageKey(path, bytes.fromhex(KEY))


def test_without_a_file_the_credential_of_the_service_is_taken(tmp_path: Path) -> None:
    credential = key_file(tmp_path, name=CREDENTIAL)
    credential.chmod(0o440)  # systemd lets the service in by an access list, whose mask shows as the group's bits
    named = key_file(tmp_path, OTHER_KEY, name="named")

    assert read_key(None, {CREDENTIALS: str(tmp_path)}) == StorageKey(credential, bytes.fromhex(KEY))
    assert read_key(named, {CREDENTIALS: str(tmp_path)}) == StorageKey(named, bytes.fromhex(OTHER_KEY))


@pytest.mark.parametrize("environment", [{}, {CREDENTIALS: ""}, {CREDENTIALS: "/not/there"}])
def test_where_nobody_gives_a_key_there_is_none(environment: dict[str, str]) -> None:
    assert read_key(None, environment) is None


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'gone'} cannot be read: No such file" in refusal(tmp_path / "gone")
    assert "cannot be read: Is a directory" in refusal(tmp_path)


@pytest.fixture
def unreadable(tmp_path: Path) -> Path:
    path = key_file(tmp_path)
    path.chmod(0)
    return path


def test_a_file_that_we_may_not_read_is_named(unreadable: Path) -> None:
    with as_somebody():
        assert f"{unreadable} cannot be read: Permission denied" in refusal(unreadable)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder of credentials that the service may not enter."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    key_file(folder, name=CREDENTIAL)
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


def test_credentials_that_we_may_not_look_at_are_not_taken_for_none(closed: Path) -> None:
    with as_somebody(), pytest.raises(SettingsError, match=f"{closed / CREDENTIAL} cannot be read: Permission denied"):
        read_key(None, {CREDENTIALS: str(closed)})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path)
    path.chmod(mode)

    assert f"chmod 600 {path}" in refusal(path)


@pytest.mark.parametrize(
    "content", ["", KEY[:-1], KEY[:-2], KEY + "5a", "x" * 64, KEY + "\n" + KEY, "é" * 32, "5a " * 32]
)
def test_a_content_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    path = key_file(tmp_path, content)

    assert "64 hexadecimal digits" in refusal(path)


def test_the_key_does_not_show_when_it_is_printed(tmp_path: Path) -> None:
    key = read_key(key_file(tmp_path), {})

    assert KEY not in repr(key)
    assert str(bytes.fromhex(KEY)) not in repr(key)


def test_a_new_key_is_for_its_owner_alone_and_no_two_are_alike(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one", "two")]
    for path in paths:
        new_key(path)
    keys = [read_key(path, {}) for path in paths]

    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600, 0o600]
    assert keys[0] and keys[1] and keys[0].key != keys[1].key


def test_a_new_key_never_takes_the_place_of_a_file(tmp_path: Path) -> None:
    path = key_file(tmp_path)
    with pytest.raises(SettingsError, match="exists already"):
        new_key(path)
    with pytest.raises(SettingsError, match="cannot be written"):
        new_key(tmp_path / "no-folder" / "key")

    assert path.read_text() == KEY + "\n"
