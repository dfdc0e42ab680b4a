"""``forecourt seal``: makes a storage key, or encrypts with one what the box has kept in the clear so far."""

import sqlite3
from pathlib import Path

from agent.errors import WorldError
from agent.premises import place_of
from config.catalogue import Language, render
from config.settings import Settings
from sync.seal import required_key
from sync.storage_key import new_key


def write_key(path: Path, language: Language) -> int:
    """Make a new key and say where it is."""
    new_key(path)
    print(render("seal.new_key", language, source=str(path)))
    return 0


def seal_storage(settings: Settings, language: Language) -> int:
    """Encrypt what is plain below the storage folder and say how much that was."""
    place = place_of(settings.storage.directory)
    key = required_key(place, settings.storage.key_file)
    from sync.sealing import SealingError, convert

    try:
        count = convert(place, key)
    except (OSError, sqlite3.Error, SealingError) as error:
        raise WorldError("seal.not_possible", folder=str(place.folder), detail=str(error)) from error
    sentence = "seal.done" if count else "seal.nothing_to_do"
    print(render(sentence, language, folder=str(place.folder), count=count))
    return 0
