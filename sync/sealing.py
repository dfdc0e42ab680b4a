"""Converts what a place keeps in the clear, once: each file is encrypted beside itself and then takes its place.

May be cut off anywhere and run again: a file is plain or encrypted, never in between, and the proof of the key, which
lets the programs in, is left last.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from sync.durable import DRAFT, own_like, sync_folder, write_whole
from sync.lock import FileLock
from sync.seal import Place, announce, is_plain, is_proven, is_sealed_file, leave_proof, refuse_unusable
from sync.sealed_bytes import seal_stream
from sync.sealed_vault import opened, plainly
from sync.storage_key import StorageKey

ZEROS = bytes(1 << 20)  # no mutate: how much is overwritten at once


class SealingError(Exception):
    """An encrypted copy does not hold what the file before it does; that one is as it was."""


def convert(place: Place, key: StorageKey) -> int:
    """Encrypt all that is plain in ``place``; return how many files that were.

    Raise SettingsError for a key that does not fit what is encrypted there already, OutboxError while another process
    uses one of the databases; sqlite3.Error, OSError or SealingError when a file cannot be converted and stays plain.
    """
    refuse_unusable(place, key)
    with held(place):
        announce(place)
        databases = [path for path in place.stored() if is_plain(path)]
        for path in databases:
            write_database_anew(path, None, key)
        if is_proven(place, key):
            return len(databases)
        others = [path for path in place.other_files() if not is_sealed_file(path) and path.suffix != DRAFT]
        for path in others:
            with path.open("rb") as source:
                write_file_anew(path, seal_stream(key.key, path.name, source))
        clear_drafts(place)
        leave_proof(place, key)
    return len(databases) + len(others)


@contextmanager
def held(place: Place) -> Iterator[None]:
    """No other process uses a database of ``place`` meanwhile; raise OutboxError when one does."""
    with ExitStack() as locks:
        for path in place.stored():
            lock = path.with_name(f"{path.name}.lock")
            locks.enter_context(FileLock(lock))
            own_like(lock, path)
        yield


def clear_drafts(place: Place) -> None:
    """Remove what was never finished writing."""
    for path in [path for path in place.other_files() if path.suffix == DRAFT]:
        with _wiped(path):
            path.unlink()


def write_file_anew(path: Path, parts: Iterable[bytes]) -> None:
    """Put ``parts`` in the place of ``path`` and overwrite what it held. Raises what ``parts`` raises, and OSError."""
    with _wiped(path):
        write_whole(path, parts)


def write_database_anew(path: Path, before: StorageKey | None, key: StorageKey) -> None:
    """Put a copy encrypted with ``key`` in the place of the database, which is plain or opened by ``before``.

    The copy is compared row by row. Raise sqlite3.Error, OSError or SealingError; the database is as it was then.
    """
    draft, log = path.with_name(f"{path.name}.sealing"), path.with_name(f"{path.name}-wal")
    with _wiped(path), _wiped(log):
        _drop(draft)
        try:
            with plainly():
                _export(path, draft, before, key)
            if log.exists():  # SQLite would play it into the new file
                raise SealingError(f"{log} could not be folded into the file")
            _sync(draft)
            own_like(draft, path)
            draft.replace(path)
        except BaseException:
            _drop(draft)
            raise
        sync_folder(path.parent)


def _drop(draft: Path) -> None:
    """What an attempt that was cut off has left."""
    for suffix in ("", "-journal"):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _export(path: Path, draft: Path, before: StorageKey | None, key: StorageKey) -> None:
    """An encrypted copy of the database and its log, compared row by row; the log is folded into the old file."""
    draft.touch(mode=0o600)
    with closing(opened(str(path), None if before is None else before.key)) as connection:
        connection.text_factory = bytes  # what the disk has changed may not even be text any more
        connection.execute("ATTACH ? AS sealed KEY ?", (str(draft), f"x'{key.key.hex()}'"))
        connection.execute("SELECT sqlcipher_export('sealed')").fetchall()
        version = connection.execute("PRAGMA main.user_version").fetchone()[0]
        connection.execute(f"PRAGMA sealed.user_version = {int(version)}")
        for (table,) in connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            _compare(connection, table.decode(), path)
        if (verdict := connection.execute("PRAGMA sealed.integrity_check(1)").fetchone()[0]) != b"ok":
            raise SealingError(f"{path}: {verdict.decode()}")


def _compare(connection: sqlite3.Connection, table: str, path: Path) -> None:
    both = [connection.execute(f'SELECT * FROM {place}."{table}"') for place in ("main", "sealed")]  # noqa: S608
    try:
        same = all(plain == sealed for plain, sealed in zip(*both, strict=True))
    except ValueError:  # one of them is longer
        same = False
    if not same:
        raise SealingError(f"{path}: the encrypted copy of table {table} differs")


@contextmanager
def _wiped(path: Path) -> Iterator[None]:
    """Overwrite what is at ``path`` now, once the block has taken it from there and no other name leads to it."""
    if not path.exists():
        yield
        return
    with path.open("r+b") as old:
        yield
        if os.fstat(old.fileno()).st_nlink == 0:
            _overwrite(old)


def _overwrite(file: BinaryIO) -> None:
    left = os.fstat(file.fileno()).st_size
    while left > 0:
        left -= file.write(ZEROS[:left])
    file.flush()
    os.fsync(file.fileno())


def _sync(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())
