"""Whether a key and what a folder holds belong together, decided before anything there is opened.

A sealed folder keeps a proof of its key. Without that a wrong key looks like a damaged file, and a damaged file is set
aside; so the proof is asked first, and a key that does not fit changes nothing.
"""

import hmac
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from config.errors import SettingsError
from sync.durable import DRAFT, write_whole
from sync.storage_key import CREDENTIAL, StorageKey, read_key, refused
from sync.vault import PLAIN, SEALED_MAGIC, SQLITE_MAGIC, Vault

FORMAT = "forecourt.seal/1"
PAGE_BYTES = 4096
PROOF_MAX_BYTES = 1024
NEEDED = ("sqlcipher3", "cryptography")


@dataclass(frozen=True, slots=True)
class Place:
    """What one program keeps in ``folder``; ``others`` are patterns of its files that are no databases.

    ``setting`` names the key's setting and ``command`` what converts a plain place, for messages.
    """

    folder: Path
    seal: Path
    databases: tuple[Path, ...]
    others: tuple[str, ...]
    setting: str
    command: str

    def stored(self) -> list[Path]:
        """The databases that hold anything."""
        return [path for path in self.databases if path.is_file() and path.stat().st_size]

    @property
    def rekey_command(self) -> str:
        """What changes the key of this place, or goes on with it."""
        return f"{self.command.partition(' ')[0]} rekey"

    def other_files(self) -> Iterator[Path]:
        for pattern in self.others:
            yield from (path for path in sorted(self.folder.glob(pattern)) if path.is_file())


class Condition(StrEnum):
    """How a place and a key stand to one another, where they may be used together."""

    PLAIN = "plain"
    SEALED = "sealed"
    UNPROVEN = "unproven"
    """The key fits all there is, which may be nothing, and no proof of it lies there yet."""


def vault_of(place: Place, key: StorageKey | None) -> Vault:
    """The vault to open ``place`` with; leaves a proof of a key that is new there.

    Raise SettingsError where key and place do not belong together; nothing was touched then. Raise OSError.
    """
    condition = examine(place, key)
    if key is None:
        return PLAIN
    if condition is Condition.UNPROVEN:
        leave_proof(place, key)
    from sync.sealed_vault import SealedVault

    return SealedVault(key.key)


def vault_to_look(place: Place, key_file: Path | None) -> Vault:
    """For reading what belongs to everybody: makes nothing, and does without the key where that cannot be used."""
    try:
        key = read_key(key_file)
        if key is None or examine(place, key) is not Condition.SEALED:
            return PLAIN
    except (SettingsError, OSError):
        return PLAIN
    return vault_of(place, key)


def examine(place: Place, key: StorageKey | None) -> Condition:
    """Only look; raise SettingsError where key and place do not belong together, and OSError."""
    if key is None:
        return _without_key(place)
    refuse_unusable(place, key)
    proven = is_proven(place, key)
    plain = [path for path in place.stored() if is_plain(path)]
    if not proven:
        plain += [path for path in place.other_files() if not is_sealed_file(path)]
    if plain:
        raise refused("seal.plain", file=plain[0], source=key.source, command=place.command)
    return Condition.SEALED if proven else Condition.UNPROVEN


def _without_key(place: Place) -> Condition:
    _refuse_changing(place)
    if _holds_sealed(place):
        raise refused("seal.no_key", folder=place.folder, setting=place.setting, credential=CREDENTIAL)
    return Condition.PLAIN


def _holds_sealed(place: Place) -> bool:
    """Where nothing was ever sealed, one database that looks like it is a damaged one."""
    looks = [_looks_sealed(path) for path in place.stored()]
    if not place.seal.exists():
        return bool(looks) and all(looks)
    return has_proof(place) or any(looks) or any(is_sealed_file(path) for path in place.other_files())


def refuse_unusable(place: Place, key: StorageKey) -> None:
    """Raise SettingsError when we cannot encrypt, or what is encrypted is of another key or of nobody knows which."""
    refuse_without_extra(key.source)
    _refuse_changing(place)
    if is_proven(place, key):
        return
    databases = [path for path in place.stored() if not is_plain(path)]
    files = [path for path in place.other_files() if is_sealed_file(path) and path.suffix != DRAFT]
    if has_proof(place) and (databases or files):
        raise refused("seal.wrong_key", folder=place.folder, source=key.source)
    from sync.sealed_bytes import begins_with
    from sync.sealed_vault import fits

    for path in databases + files:
        if not (fits if path in databases else begins_with)(path, key.key):
            raise refused("seal.unknown_key", file=path, source=key.source, seal=place.seal)


def refuse_without_extra(source: Path) -> None:
    """Raise SettingsError when this installation cannot encrypt with the key in ``source``."""
    if any(find_spec(name) is None for name in NEEDED):
        raise refused("seal.no_extra", source=source)


def _refuse_changing(place: Place) -> None:
    if change_under_way(place):
        raise refused("seal.changing", folder=place.folder, command=place.rekey_command)


def required_key(place: Place, key_file: Path | None) -> StorageKey:
    """The key that converting ``place`` needs; raise SettingsError when there is none or it cannot be used here."""
    key = read_key(key_file)
    if key is None:
        raise refused("seal.no_key_given", setting=place.setting, command=place.command)
    refuse_unusable(place, key)
    return key


def is_plain(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def is_sealed_file(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SEALED_MAGIC)) == SEALED_MAGIC


def _looks_sealed(path: Path) -> bool:
    """No SQLite file, and a first page like noise: what damage leaves nearly always still compresses."""
    with path.open("rb") as file:
        page = file.read(PAGE_BYTES)
    return len(page) == PAGE_BYTES and not page.startswith(SQLITE_MAGIC) and len(zlib.compress(page)) >= PAGE_BYTES


def has_proof(place: Place) -> bool:
    """Whether the place holds a proof of any key."""
    return _proof(place) is not None


def is_proven(place: Place, key: StorageKey) -> bool:
    """Whether the place holds a proof, and of this key."""
    return _proves(_proof(place), key)


def leave_proof(place: Place, key: StorageKey) -> None:
    """From now on the place takes this key and no other. Raises OSError."""
    _write(place, {"format": FORMAT, **_made_proof(key)})


def announce_change(place: Place, old: StorageKey, new: StorageKey) -> None:
    """From now on some of it may take ``new`` already: nobody works on it before all does. Raises OSError."""
    _write(place, {"format": FORMAT, "changing": [_made_proof(old), _made_proof(new)]})


def change_under_way(place: Place) -> bool:
    """Whether a change of the key has begun here and not come to its end."""
    return "changing" in _content(place)


def is_change_between(place: Place, *keys: StorageKey) -> bool:
    """Whether the change that has begun here is one between these two keys, in either direction."""
    proofs = [_parsed(one) for one in _content(place).get("changing", ())]
    return len(proofs) == 2 and all(any(_proves(proof, key) for key in keys) for proof in proofs)


def announce(place: Place) -> None:
    """From now on some of it may be sealed, though nothing proves by which key: nobody works on it without.

    Raises OSError.
    """
    if not place.seal.exists():
        _write(place, {"format": FORMAT})


def _write(place: Place, content: dict[str, Any]) -> None:
    place.seal.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place.seal, [json.dumps(content).encode() + b"\n"])


def _proof(place: Place) -> tuple[bytes, bytes] | None:
    """Salt and proof; None where there is none or it cannot be read any more."""
    return _parsed(_content(place))


def _content(place: Place) -> dict[str, Any]:
    """What the seal says; nothing where there is none or it cannot be read any more."""
    if not place.seal.exists():
        return {}
    try:
        with place.seal.open("rb") as file:
            content = json.loads(file.read(PROOF_MAX_BYTES))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _parsed(content: object) -> tuple[bytes, bytes] | None:
    try:
        return bytes.fromhex(content["salt"]), bytes.fromhex(content["proof"])  # type: ignore[index]
    except (ValueError, KeyError, TypeError):
        return None


def _proves(proof: tuple[bytes, bytes] | None, key: StorageKey) -> bool:
    return proof is not None and hmac.compare_digest(proof[1], _proof_of(key, proof[0]))


def _made_proof(key: StorageKey) -> dict[str, str]:
    salt = os.urandom(16)
    return {"salt": salt.hex(), "proof": _proof_of(key, salt).hex()}


def _proof_of(key: StorageKey, salt: bytes) -> bytes:
    from sync.sealed_bytes import derived

    return derived(key.key, salt, "forecourt/proof")
