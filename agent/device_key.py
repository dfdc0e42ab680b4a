"""The box's own Ed25519 key: made once, kept in the state directory, readable by its owner alone."""

import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import WorldError
from sync.durable import write_whole
from sync.vault import PLAIN, DamagedContentError, Vault

if TYPE_CHECKING:  # imported where it is used: 32-bit boards lack it and must still run everything else
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_FILE = "sheet-key.pem"
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def device_key(folder: Path, vault: Vault = PLAIN) -> "Ed25519PrivateKey":
    """The key in ``folder``, made with mode 0600 when there is none.

    Raise WorldError when it cannot be read or when others than its owner may: a key that was open is no proof.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = folder / KEY_FILE
    try:
        if not path.exists():
            _make(path, vault)
        if sys.platform != "win32" and path.stat().st_mode & OTHERS:
            raise WorldError("sheet_error.key_open", path=str(path))
        key = load_pem_private_key(vault.unseal(path.name, path.read_bytes()), password=None)
    except (OSError, ValueError, DamagedContentError) as error:
        raise WorldError("sheet_error.key_unusable", path=str(path), detail=str(error)[:120]) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise WorldError("sheet_error.key_unusable", path=str(path), detail="not Ed25519")
    return key


def _make(path: Path, vault: Vault) -> None:
    """Write a new key whole: a power cut leaves either none or all of it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_whole(path, [vault.seal(path.name, pem)])


def public_key(folder: Path, vault: Vault = PLAIN) -> str:
    """The box's public key, hexadecimal; empty when it has none or it cannot be read. Makes nothing."""
    if not (folder / KEY_FILE).exists():
        return ""
    try:
        return device_key(folder, vault).public_key().public_bytes_raw().hex()
    except WorldError:
        return ""
