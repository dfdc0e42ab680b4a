"""Where the storage key comes from: a file that the owner names, or a credential that systemd hands to the service."""

import os
import re
import secrets
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.catalogue import texts
from config.errors import SettingsError

CREDENTIAL = "storage-key"
CREDENTIALS = "CREDENTIALS_DIRECTORY"
KEY_BYTES = 32
READ_MAX_BYTES = 1024
_HEX = re.compile(rb"[0-9A-Fa-f]{%d}" % (2 * KEY_BYTES))


@dataclass(frozen=True, slots=True)
class StorageKey:
    """The key, and the file it was read from, which messages may name."""

    source: Path
    key: bytes = field(repr=False)


def read_key(key_file: Path | None, environment: Mapping[str, str] = os.environ) -> StorageKey | None:
    """The key of ``key_file``, else of the credential; None when there is neither.

    Raise SettingsError for a file that cannot be read, that others than its owner may read, or that holds no key.
    """
    folder = Path(environment[CREDENTIALS]) if environment.get(CREDENTIALS) else None
    path = key_file or (folder / CREDENTIAL if folder else None)
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(READ_MAX_BYTES).strip()
    except OSError as error:
        if key_file is None and isinstance(error, FileNotFoundError):
            return None
        raise refused("seal.key_unreadable", source=path, detail=error.strerror or str(error)) from error
    if sys.platform != "win32" and mode & _others(path, folder):
        raise refused("seal.key_open", source=path)
    if not _HEX.fullmatch(content):
        raise refused("seal.key_form", source=path)
    return StorageKey(path, bytes.fromhex(content.decode("ascii")))


def _others(path: Path, credentials: Path | None) -> int:
    """The bits of others. systemd lets the service in by an access list, whose mask shows as the group's bits."""
    is_credential = credentials is not None and path.parent == credentials
    return stat.S_IRWXO if is_credential else stat.S_IRWXG | stat.S_IRWXO


def new_key(path: Path) -> None:
    """Write a fresh key to ``path``, readable by its owner alone; raise SettingsError when that is not possible."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise refused("seal.key_exists", source=path) from error
    except OSError as error:
        raise refused("seal.key_not_written", source=path, detail=error.strerror or str(error)) from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(handle)


def refused(sentence: str, **params: object) -> SettingsError:
    """The user's mistake in both languages."""
    said = texts(sentence, **{name: str(value) for name, value in params.items()})
    return SettingsError(said["en"], said["zh"])
