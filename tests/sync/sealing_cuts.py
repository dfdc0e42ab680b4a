"""Cuts a conversion off at each of its steps on the disk: ``python -m tests.sync.sealing_cuts WORK FROM CUTS``.

Copies the folder FROM into CUTS/1, CUTS/2 ... and does WORK (``seal`` or ``rekey``) to each copy in a process that dies
at its first, second ... step, until one comes through. Nothing of that process runs after its death, as with kill -9.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from sync import rekeying, sealing
from sync.seal import Place
from sync.storage_key import StorageKey
from tests.sealed import KEY, OTHER_KEY

STEPS = {"open", "os.rename", "os.remove", "os.chown", "os.truncate", "sqlite3.connect"}
KILLED = 9
MOST = 400


def place_in(folder: Path) -> Place:
    databases = (folder / "a.db", folder / "b.db")
    return Place(folder, folder / "the.seal", databases, ("files/*",), "storage.key_file", "forecourt seal")


def key() -> StorageKey:
    return StorageKey(Path("the-key"), bytes.fromhex(KEY))


def other_key() -> StorageKey:
    return StorageKey(Path("other-key"), bytes.fromhex(OTHER_KEY))


WORKS: dict[str, Callable[[Place], object]] = {
    "seal": lambda place: sealing.convert(place, key()),
    "rekey": lambda place: rekeying.change_key(place, key(), other_key()),
}


def die_at(step: int, folder: str) -> None:
    """End this process without another word right before its step number ``step`` below ``folder``."""
    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(KILLED)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in STEPS and str(arguments[0]).startswith(folder):
            count()

    really_sync = os.fsync

    def fsync(descriptor: int) -> None:
        count()
        really_sync(descriptor)

    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(watch)


def main(work: Callable[[Place], object], before: Path, cuts: Path) -> None:
    for step in range(1, MOST):
        folder = cuts / str(step)
        shutil.copytree(before, folder)
        child = os.fork()
        if child == 0:
            die_at(step, str(folder))
            work(place_in(folder))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code != KILLED:
            print(step, code)
            return


if __name__ == "__main__":
    main(WORKS[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3]))
