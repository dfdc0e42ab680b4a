"""Gives all that a place keeps another key: each file is written anew beside itself and then takes its place.

May be cut off anywhere and run again, also back to the old key: each file takes one of the two, and until all take the
same the seal lets no program in.
"""

from dataclasses import dataclass
from pathlib import Path

from sync.seal import (
    Condition,
    Place,
    announce_change,
    change_under_way,
    examine,
    is_change_between,
    is_proven,
    leave_proof,
)
from sync.sealed_bytes import begins_with, reseal_stream
from sync.sealed_vault import fits, is_intact
from sync.sealing import clear_drafts, held, write_database_anew, write_file_anew
from sync.storage_key import StorageKey, read_key, refused
from sync.vault import DamagedContentError


@dataclass(frozen=True, slots=True)
class Changed:
    """How many files take the new key now; ``left`` were damaged before and stay as they are, under the old one."""

    count: int
    left: tuple[Path, ...]


def change_key(place: Place, old: StorageKey, new: StorageKey) -> Changed:
    """Let all of ``place`` that takes ``old`` take ``new`` instead.

    Raise SettingsError when these keys cannot be the two, or a database is damaged: nothing was changed then. Raise
    OutboxError while another process uses one of the databases; sqlite3.Error, OSError or SealingError when a file
    cannot be written: no program works on the place then before this, or its reverse, came to its end.
    """
    if new.key == old.key:
        raise refused("seal.same_key", old=old.source, new=new.source)
    if not change_under_way(place):
        if is_proven(place, new):
            return Changed(0, ())
        _refuse_unless_sealed(place, old)
    elif not is_change_between(place, old, new):
        raise refused("seal.other_change", folder=place.folder)
    with held(place):
        announce_change(place, old, new)
        clear_drafts(place)
        databases = [path for path in place.stored() if not fits(path, new.key)]
        for path in databases:
            write_database_anew(path, old, new)
        others = [path for path in place.other_files() if not begins_with(path, new.key)]
        left = tuple(path for path in others if not _took_new_key(path, old, new))
        leave_proof(place, new)
    return Changed(len(databases) + len(others) - len(left), left)


def two_keys(place: Place, key_file: Path | None, old: Path | None, new: Path) -> tuple[StorageKey, StorageKey]:
    """The present key (of the file ``old``, else the configured one) and the one to come; raise SettingsError."""
    present, coming = read_key(old or key_file), read_key(new)
    if present is None or coming is None:
        raise refused("seal.no_old_key", setting=place.setting)
    return present, coming


def _refuse_unless_sealed(place: Place, old: StorageKey) -> None:
    if examine(place, old) is not Condition.SEALED:
        raise refused("seal.not_sealed", folder=place.folder, command=place.command)
    for path in place.stored():
        if not is_intact(path, old.key):
            raise refused("seal.damaged", file=path)


def _took_new_key(path: Path, old: StorageKey, new: StorageKey) -> bool:
    """False for what the old key does not read to its end, as what was set aside of a damaged database; it stays."""
    try:
        with path.open("rb") as source:
            write_file_anew(path, reseal_stream(old.key, new.key, path.name, source))
    except DamagedContentError:
        return False
    return True
