"""What an agent keeps below its storage folder, and the vault it is opened with."""

from pathlib import Path

from config.settings import StorageSettings
from sync.seal import Place, vault_of, vault_to_look
from sync.storage_key import read_key
from sync.vault import Vault

DATABASES = ("outbox.db", "ledger.db", "memory.db")
OTHERS = ("sheet-key.pem*", "sheets/*", "sheets/*/*", "*.damaged*")
"""The signing key, the chain, sheets and photos, what a crash left of writing one of these, and what was set aside."""


def place_of(folder: Path) -> Place:
    databases = tuple(folder / name for name in DATABASES)
    return Place(folder, folder / "storage.seal", databases, OTHERS, "storage.key_file", "forecourt seal")


def vault_for(storage: StorageSettings) -> Vault:
    """The vault of the storage folder; raise SettingsError when the key does not belong to it, and OSError."""
    return vault_of(place_of(storage.directory), read_key(storage.key_file))


def looking_vault(storage: StorageSettings) -> Vault:
    """To look at what the box keeps, as far as the key is at hand; makes nothing and refuses nobody."""
    return vault_to_look(place_of(storage.directory), storage.key_file)
