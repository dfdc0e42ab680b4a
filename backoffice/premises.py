"""The file that the back office keeps on SQLite, and the vault it is opened with."""

from pathlib import Path

from sqlalchemy.engine import make_url

from sync.seal import Place, vault_of
from sync.storage_key import read_key, refused
from sync.vault import PLAIN, Vault


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite address; None for another database."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or "office.db")


def place_of(path: Path) -> Place:
    seal = path.with_name(f"{path.name}.seal")
    return Place(path.parent, seal, (path,), (), "database.key_file", "forecourt-office seal")


def vault_for(url: str, key_file: Path | None) -> Vault:
    """The vault of the store's file; raise SettingsError when the key does not belong to it, and OSError."""
    path = sqlite_path(url)
    if path is None:
        if key_file is not None:
            raise refused("seal.only_sqlite")
        return PLAIN
    return vault_of(place_of(path), read_key(key_file))
