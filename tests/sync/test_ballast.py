"""Room held back for a full disk: taken whole or not at all, and given back at once."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from sync.ballast import Ballast

SIZE = 64 << 10


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "o.db.ballast"


def test_it_takes_its_room_once_and_gives_all_of_it_back(path: Path) -> None:
    ballast = Ballast(path, SIZE)
    assert (ballast.stands, ballast.spend()) == (False, False)

    assert (ballast.build(), ballast.stands) == (True, True)
    assert (path.stat().st_size, path.stat().st_blocks * 512 >= SIZE) == (SIZE, True)  # room, not a hole in a file
    assert path.stat().st_mode & 0o777 == 0o600
    assert ballast.build()

    assert (ballast.spend(), ballast.stands, path.exists()) == (True, False, False)


def test_one_that_is_too_small_does_not_stand_and_is_made_whole(path: Path) -> None:
    path.write_bytes(bytes(SIZE - 1))
    ballast = Ballast(path, SIZE)

    assert not ballast.stands
    assert ballast.build()
    assert path.stat().st_size == SIZE


def test_a_disk_that_refuses_gets_back_what_was_taken_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, _offset: int, _size: int) -> None:
        os.write(descriptor, b"a beginning")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)

    assert not Ballast(path, SIZE).build()
    assert not path.exists()


def test_without_fallocate_the_room_is_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate")

    assert Ballast(path, SIZE).build()
    assert path.read_bytes() == bytes(SIZE)


@pytest.mark.parametrize(("blocks", "full"), [(15, True), (16, False)])
def test_a_disk_is_full_that_has_less_than_another_ballast_free(
    path: Path, blocks: int, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _place: SimpleNamespace(f_bavail=blocks, f_bfree=99, f_frsize=SIZE // 16))

    assert Ballast(path, SIZE).disk_is_full() is full


def test_a_disk_that_does_not_tell_may_be_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Ballast(path.parent / "gone" / "x", SIZE).disk_is_full()
    monkeypatch.delattr(os, "statvfs")
    assert Ballast(path, SIZE).disk_is_full()
