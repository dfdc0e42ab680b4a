"""``forecourt seal`` and ``rekey``: make a storage key, encrypt with one what was kept in the clear, change it."""

import sqlite3
from pathlib import Path

from agent.errors import WorldError
from agent.premises import place_of
from config.catalogue import Language, render
from config.settings import Settings
from sync.seal import refuse_without_extra, required_key
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


def change_storage_key(settings: Settings, old: Path | None, new: Path, language: Language) -> int:
    """Give all that the box keeps the key in ``new``; say how much that was and what stays under the old one."""
    place = place_of(settings.storage.directory)
    refuse_without_extra(new)
    from sync.rekeying import change_key, two_keys
    from sync.sealing import SealingError

    keys = two_keys(place, settings.storage.key_file, old, new)
    try:
        changed = change_key(place, *keys)
    except (OSError, sqlite3.Error, SealingError) as error:
        raise WorldError("seal.rekey_not_possible", folder=str(place.folder), detail=str(error)) from error
    sentence = "seal.rekeyed" if changed.count else "seal.rekeyed_already"
    print(render(sentence, language, folder=str(place.folder), count=changed.count, setting=place.setting))
    for path in changed.left:
        print(render("seal.left_as_was", language, file=str(path)))
    return 0
