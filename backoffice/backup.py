"""``forecourt-office backup`` and ``restore``: whole, checked copies of the SQLite store, as encrypted as the store is.

A backup is one file, also when records come in: SQLite copies what was committed at one moment.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

from backoffice.database import is_known, lock_file, one_line
from backoffice.errors import StoreFailedError
from backoffice.office_settings import OfficeSettings
from backoffice.premises import sqlite_path, vault_for
from sync.durable import DRAFT, own_like, sync_folder
from sync.seal import is_plain, refuse_without_extra
from sync.storage_key import StorageKey, read_key, refused
from sync.vault import PLAIN, Vault

SIDE_FILES = ("-wal", "-shm", "-journal")


def back_up(settings: OfficeSettings, target: Path) -> None:
    """Write a copy of the store to ``target``, which is new; raise SettingsError, StoreFailedError."""
    path = _store(settings)
    if not _holds_something(path):
        raise refused("backup.no_store", file=path)
    if target.exists():
        raise refused("backup.exists", file=target)
    vault = vault_for(settings.database_url, settings.database.key_file)
    with _told(target), _draft_of(target) as draft:
        with vault.plainly(), closing(vault.connect(path)) as store, closing(vault.connect(draft)) as copy:
            store.execute("PRAGMA query_only = ON")  # only the office itself writes and folds the log
            store.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, which may lie where nothing can be written
        records = _checked(vault, draft, target)
        _put(draft, target)
    _say({"backup": str(target), "records": records, "bytes": target.stat().st_size})


def restore(settings: OfficeSettings, source: Path, *, key_file: Path | None, replace: bool) -> None:
    """Put the backup ``source`` in the place of the store; one that holds something only with ``replace``.

    What stood there is kept beside it. A backup that is plain, or takes the key in ``key_file``, comes to take that of
    the store. Raise SettingsError, StoreBusyError, StoreFailedError; the store is as it was then.
    """
    path = _store(settings)
    if not _holds_something(source):
        raise refused("backup.no_backup", file=source)
    if _holds_something(path) and not replace:
        raise refused("backup.store_there", file=path)
    own = read_key(settings.database.key_file)
    key = None if is_plain(source) else _fitting(source, own and (read_key(key_file) if key_file else own))
    with lock_file(settings.database_url) or nullcontext(), _told(path), _draft_of(path) as draft:
        with source.open("rb") as backup, draft.open("wb") as copy:
            while part := backup.read(1 << 20):
                copy.write(part)
        records = _checked(_vault_of(key), draft, source)
        vault_for(settings.database_url, settings.database.key_file)
        if own and (key is None or key.key != own.key):
            _encrypt_anew(draft, key, own)
        before = _set_aside(path) if _holds_something(path) else None
        _put(draft, path)
    _say({"restored": str(path), "records": records, "before": before and str(before)})


def _store(settings: OfficeSettings) -> Path:
    path = sqlite_path(settings.database_url)
    if path is None:
        raise refused("backup.only_sqlite")
    return path


def _holds_something(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _fitting(source: Path, key: StorageKey | None) -> StorageKey:
    """The key, if it is that of the encrypted backup; raise SettingsError otherwise."""
    if key is None:
        raise refused("backup.sealed", file=source)
    refuse_without_extra(key.source)
    from sync.sealed_vault import fits

    if not fits(source, key.key):
        raise refused("backup.other_key", file=source, source=key.source)
    return key


def _vault_of(key: StorageKey | None) -> Vault:
    if key is None:
        return PLAIN
    from sync.sealed_vault import SealedVault

    return SealedVault(key.key)


def _encrypt_anew(draft: Path, before: StorageKey | None, key: StorageKey) -> None:
    from sync.sealing import SealingError, write_database_anew

    try:
        write_database_anew(draft, before, key)
    except SealingError as error:
        raise StoreFailedError(f"{draft}: {error}; mend that and run it again") from error


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the disk or the database says, in one line."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StoreFailedError(f"{path}: {error}; mend that and run it again") from error


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    """An empty file beside ``path`` for its owner alone; gone in the end, unless it took a place."""
    draft = path.with_name(path.name + DRAFT)
    _drop(draft)
    try:
        draft.touch(mode=0o600)
        yield draft
    finally:
        _drop(draft)


def _drop(draft: Path) -> None:
    for suffix in ("", *SIDE_FILES):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _checked(vault: Vault, draft: Path, named: Path) -> int:
    """How many records a sound copy holds; raise SettingsError for one that is damaged, or none of ours."""
    try:
        with vault.plainly(), closing(vault.connect(draft)) as copy:
            verdict = str(copy.execute("PRAGMA integrity_check(1)").fetchone()[0])
            revision = str(copy.execute("SELECT version_num FROM alembic_version").fetchone()[0])
            records = int(copy.execute("SELECT count(*) FROM records").fetchone()[0])
    except (sqlite3.DatabaseError, TypeError) as error:
        raise refused("backup.damaged", file=named, detail=one_line(error)) from error
    if verdict != "ok":
        raise refused("backup.damaged", file=named, detail=" ".join(verdict.split()))
    if not is_known(revision):
        raise refused("backup.newer", file=named, revision=revision)
    return records


def _put(draft: Path, path: Path) -> None:
    """Durable, and all at once."""
    with draft.open("r+b") as file:
        os.fsync(file.fileno())
    own_like(draft, path if path.exists() else path.parent)
    draft.replace(path)
    sync_folder(path.parent)


def _set_aside(path: Path) -> Path:
    """Give the store a second name and its log only that: SQLite would play it into the one that takes its place.

    It is not opened: nobody knows what that would do to a damaged one.
    """
    names = (path.with_name(f"{path.name}.before-{number}") for number in range(1, 1000))
    target = next(name for name in names if not name.exists())
    os.link(path, target)
    for suffix in SIDE_FILES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(target.with_name(target.name + suffix))
    sync_folder(path.parent)
    return target


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
