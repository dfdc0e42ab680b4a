"""One process a store, also after a crash."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sync.errors import OutboxError
from sync.lock import FileLock, Marker


def test_a_second_holder_is_told_at_once(tmp_path: Path) -> None:
    with FileLock(tmp_path / "l"):
        free = next_descriptor()
        with pytest.raises(OutboxError, match="in use by another process"):
            FileLock(tmp_path / "l")
        assert next_descriptor() == free, "nothing of the attempt stays open"

    FileLock(tmp_path / "l").release()


def test_a_lock_may_be_the_first_file_of_its_folder(tmp_path: Path) -> None:
    for _ in range(2):
        with FileLock(tmp_path / "new" / "folder" / "l") as lock:
            assert lock.read() == Marker()


def next_descriptor() -> int:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor


def test_a_killed_holder_leaves_the_lock_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from sync.lock import FileLock; lock = FileLock(Path(sys.argv[1]))"
    )
    hold = code + "; print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold, tmp_path / "l"], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(OutboxError):
            FileLock(tmp_path / "l")
        holder.kill()

    FileLock(tmp_path / "l").release()


def test_the_marker_is_read_back(tmp_path: Path) -> None:
    with FileLock(tmp_path / "l") as lock:
        lock.write(Marker("a long token", "stream"))
        lock.write(Marker("token", "stream"))

        assert lock.read() == Marker("token", "stream")


@pytest.mark.parametrize("torn", [b"", b'{"tok', b"[]", b"\xff", b'{"token": "x"}'])
def test_a_torn_marker_is_no_marker(torn: bytes, tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(torn)

    with FileLock(tmp_path / "l") as lock:
        assert lock.read() == Marker()
