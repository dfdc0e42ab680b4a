"""``forecourt-office seal`` and ``rekey``: make a storage key, encrypt the SQLite file with one, change it."""

import json
import sqlite3
import sys
from pathlib import Path

from backoffice.errors import StoreFailedError
from backoffice.office_settings import OfficeSettings
from backoffice.premises import place_of, sqlite_path
from sync.errors import OutboxError
from sync.seal import Place, refuse_without_extra, required_key
from sync.storage_key import new_key, refused


async def write_key(path: Path) -> None:
    """Make a new key and say where it is."""
    new_key(path)
    sys.stdout.write(json.dumps({"key": str(path)}) + "\n")


async def seal_store(settings: OfficeSettings) -> None:
    """Encrypt the store's file; raise SettingsError for a key that cannot be used, StoreFailedError when it fails."""
    place = _place(settings)
    key = required_key(place, settings.database.key_file)
    from sync.sealing import SealingError, convert

    try:
        count = convert(place, key)
    except (OSError, OutboxError, sqlite3.Error, SealingError) as error:
        raise StoreFailedError(f"{place.databases[0]}: {error}; mend that and run it again") from error
    sys.stdout.write(json.dumps({"encrypted": count, "file": str(place.databases[0])}) + "\n")


async def change_storage_key(settings: OfficeSettings, old: Path | None, new: Path) -> None:
    """Give the store's file the key in ``new``; raise as ``seal_store`` does."""
    place = _place(settings)
    refuse_without_extra(new)
    from sync.rekeying import change_key, two_keys
    from sync.sealing import SealingError

    keys = two_keys(place, settings.database.key_file, old, new)
    try:
        changed = change_key(place, *keys)
    except (OSError, OutboxError, sqlite3.Error, SealingError) as error:
        raise StoreFailedError(f"{place.databases[0]}: {error}; mend that and run it again") from error
    sys.stdout.write(json.dumps({"changed": changed.count, "file": str(place.databases[0])}) + "\n")


def _place(settings: OfficeSettings) -> Place:
    path = sqlite_path(settings.database_url)
    if path is None:
        raise refused("seal.only_sqlite")
    return place_of(path)
