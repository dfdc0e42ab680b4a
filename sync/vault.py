"""How what is kept comes to the disk: as it is here, encrypted in ``sync.sealed_vault``. A process has one Vault."""

import sqlite3
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

SQLITE_MAGIC = b"SQLite format 3\x00"
SEALED_MAGIC = b"forecourt-sealed/1\n"
"""What every sealed content begins with."""


class DamagedContentError(Exception):
    """What was kept cannot be read as it was written: changed on the disk, moved, or of another key."""


class Vault(Protocol):
    """Opens database files and writes the bytes of all others; whoever uses one need not know which it is."""

    def connect(self, path: Path) -> sqlite3.Connection:
        """A connection in autocommit mode; nothing is read yet. Raises sqlite3.Error."""
        ...

    def plainly(self) -> AbstractContextManager[None]:
        """Inside, whatever the connection's own driver raises comes out as the sqlite3.Error of the same name."""
        ...

    def seal(self, name: str, data: bytes) -> bytes:
        """``data`` as it may lie on the disk in a file called ``name``."""
        ...

    def unseal(self, name: str, data: bytes) -> bytes:
        """What ``seal`` was given; raise DamagedContentError when this is not what it made for ``name``."""
        ...


class PlainVault:
    """Everything lies on the disk as it is; for a box whose disk is encrypted, or whose owner does without."""

    _plainly = nullcontext()

    def connect(self, path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None)

    def plainly(self) -> AbstractContextManager[None]:
        return self._plainly

    def seal(self, name: str, data: bytes) -> bytes:
        return data

    def unseal(self, name: str, data: bytes) -> bytes:
        if data.startswith(SEALED_MAGIC):
            raise DamagedContentError(f"{name}: encrypted, and there is no key here")
        return data


PLAIN = PlainVault()
