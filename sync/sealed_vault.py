"""The encrypted Vault: SQLCipher for databases, sealed bytes for everything else. Needs the extra ``encrypted``."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlcipher3 import dbapi2 as sqlcipher

from sync.sealed_bytes import sealed, unsealed

SILENT = "PRAGMA cipher_log_level = NONE"  # it would write to standard error; what it has to say comes as an error too


class SealedVault:
    """Everything below one storage key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def connect(self, path: Path) -> sqlite3.Connection:
        with plainly():
            return opened(str(path), self._key)

    def plainly(self) -> AbstractContextManager[None]:
        return plainly()

    def seal(self, name: str, data: bytes) -> bytes:
        return sealed(self._key, name, data)

    def unseal(self, name: str, data: bytes) -> bytes:
        return unsealed(self._key, name, data)


def opened(database: str, key: bytes | None, *, uri: bool = False) -> sqlite3.Connection:
    """A connection of SQLCipher's driver, which has the methods of the standard one; without a key for a plain file.

    A raw key: its 32 bytes are random already, and stretching a password takes 80 ms at each opening.
    """
    connection: sqlite3.Connection = sqlcipher.connect(database, isolation_level=None, uri=uri)
    connection.execute(SILENT)
    if key is not None:
        connection.execute(key_pragma(key))
    return connection


def key_pragma(key: bytes) -> str:
    return f"PRAGMA key = \"x'{key.hex()}'\""


@contextmanager
def plainly() -> Iterator[None]:
    """SQLCipher's errors are no relatives of sqlite3's; the rest of the program knows only those."""
    try:
        yield
    except sqlcipher.Error as error:
        raise _as_sqlite(error) from error


def _as_sqlite(error: Exception) -> sqlite3.Error:
    known: type[sqlite3.Error] = getattr(sqlite3, type(error).__name__, sqlite3.DatabaseError)
    same = known(*error.args)
    for name in ("sqlite_errorcode", "sqlite_errorname"):
        if hasattr(error, name):
            setattr(same, name, getattr(error, name))
    return same


def fits(path: Path, key: bytes) -> bool:
    """Whether ``key`` opens any page of the database at ``path``; looks only, and leaves file and log as they are."""
    bad, pages = _bad_pages(path, key)
    return bad < pages


def is_intact(path: Path, key: bytes) -> bool:
    """Whether ``key`` opens every page; looks only."""
    return _bad_pages(path, key)[0] == 0


def _bad_pages(path: Path, key: bytes) -> tuple[int, int]:
    """How many pages ``key`` does not open, and how many there are."""
    with plainly():
        connection = opened(f"file:{quote(str(path))}?immutable=1", key, uri=True)
        try:
            pages = -(-path.stat().st_size // _page_bytes(connection))
            return len(connection.execute("PRAGMA cipher_integrity_check").fetchall()), pages
        finally:
            connection.close()


def _page_bytes(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA cipher_page_size").fetchone()[0])
