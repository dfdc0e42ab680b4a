"""Files that are there whole or not at all, for their owner alone."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sync import durable
from sync.durable import own_like, sync_folder, write_whole


def cut_off() -> Iterator[bytes]:
    yield b"half"
    raise OSError(28, "No space left on device")


def test_a_file_takes_the_place_of_the_one_before_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"before, and longer")
    path.chmod(0o644)

    write_whole(path, [b"one", b"", b"two"])

    assert path.read_bytes() == b"onetwo"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_halfway_leaves_what_was_there_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"before")
    (tmp_path / "key.new").write_bytes(b"a draft of an earlier attempt")

    with pytest.raises(OSError, match="No space"):
        write_whole(path, cut_off())

    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"key": b"before"}


def test_it_is_on_the_disk_before_it_takes_the_place_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[dict[str, bytes]] = []
    monkeypatch.setattr(os, "fsync", lambda _file: steps.append({f.name: f.read_bytes() for f in tmp_path.iterdir()}))

    write_whole(tmp_path / "key", [b"content"])

    assert steps == [{"key.new": b"content"}, {"key": b"content"}]


@pytest.mark.parametrize(("user", "given"), [(0, [(7, 8)]), (1000, [])])
def test_only_root_gives_a_file_to_whom_another_belongs(
    tmp_path: Path, user: int, given: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    other = SimpleNamespace(stat=lambda: SimpleNamespace(st_uid=7, st_gid=8))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "chown", lambda _path, *ids: told.append(ids))

    own_like(tmp_path, other)  # type: ignore[arg-type]

    assert told == given


@pytest.mark.parametrize("stands", [True, False])
def test_a_new_file_belongs_to_whom_the_one_before_did_else_its_folder(
    tmp_path: Path, stands: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, likes = tmp_path / "key", []
    if stands:
        path.touch()
    monkeypatch.setattr(durable, "own_like", lambda _draft, other: likes.append(other))

    write_whole(path, [b""])

    assert likes == [path if stands else tmp_path]


def test_a_folder_that_cannot_be_synced_holds_nobody_up_and_no_descriptor_is_kept(tmp_path: Path) -> None:
    def lowest_free() -> int:
        free = os.dup(0)
        os.close(free)
        return free

    before = lowest_free()

    sync_folder(tmp_path / "gone")
    sync_folder(tmp_path)

    assert lowest_free() == before
