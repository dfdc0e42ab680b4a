"""``forecourt-office seal``: makes a storage key, or encrypts with one the SQLite file that was kept in the clear."""

import json
import sqlite3
import sys
from pathlib import Path

from backoffice.errors import StoreFailedError
from backoffice.office_settings import OfficeSettings
from backoffice.premises import place_of, sqlite_path
from sync.errors import OutboxError
from sync.seal import required_key
from sync.storage_key import new_key, refused


async def write_key(path: Path) -> None:
    """Make a new key and say where it is."""
    new_key(path)
    sys.stdout.write(json.dumps({"key": str(path)}) + "\n")


async def seal_store(settings: OfficeSettings) -> None:
    """Encrypt the store's file; raise SettingsError for a key that cannot be used, StoreFailedError when it fails."""
    path = sqlite_path(settings.database_url)
    if path is None:
        raise refused("seal.only_sqlite")
    place = place_of(path)
    key = required_key(place, settings.database.key_file)
    from sync.sealing import SealingError, convert

    try:
        count = convert(place, key)
    except (OSError, OutboxError, sqlite3.Error, SealingError) as error:
        raise StoreFailedError(f"{path}: {error}; mend that and run it again") from error
    sys.stdout.write(json.dumps({"encrypted": count, "file": str(path)}) + "\n")
