"""Sealed bytes: any content encrypted and authenticated in chunks, so that a large one needs little memory.

    SEALED_MAGIC, salt (16 bytes), then chunks of at most CHUNK_BYTES plain bytes, each AES-256-GCM with its tag

The key is derived from the storage key, the salt and the name, so it is used for this content alone; the nonce counts
the chunks and marks the last one (the STREAM construction): none can be changed, moved or cut off unnoticed.
"""

import os
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync.vault import SEALED_MAGIC, DamagedContentError

SALT_BYTES = 16
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
KEY_BYTES = 32


def derived(key: bytes, salt: bytes, purpose: str) -> bytes:
    """A key of KEY_BYTES that says nothing about ``key`` nor about what is derived for another purpose or salt."""
    return HKDF(SHA256(), KEY_BYTES, salt, purpose.encode()).derive(key)


def seal_stream(key: bytes, name: str, source: BinaryIO) -> Iterator[bytes]:
    """The sealed form of all that ``source`` still holds, piece by piece."""
    return _seal_pieces(key, name, _pieces(source, CHUNK_BYTES))


def reseal_stream(old: bytes, new: bytes, name: str, source: BinaryIO) -> Iterator[bytes]:
    """What ``old`` has sealed as ``new`` seals it, piece by piece; raise what ``unseal_stream`` does."""
    return _seal_pieces(new, name, unseal_stream(old, name, source))


def _seal_pieces(key: bytes, name: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    salt = os.urandom(SALT_BYTES)
    cipher = _cipher(key, salt, name)
    yield SEALED_MAGIC + salt
    for number, piece, last in _numbered(pieces):
        yield cipher.encrypt(_nonce(number, last=last), piece, None)


def unseal_stream(key: bytes, name: str, source: BinaryIO) -> Iterator[bytes]:
    """The content again, piece by piece; raise DamagedContentError as soon as a piece is not what was sealed."""
    head = source.read(len(SEALED_MAGIC) + SALT_BYTES)
    if not head.startswith(SEALED_MAGIC):
        raise DamagedContentError(f"{name}: not sealed")
    cipher = _cipher(key, head[len(SEALED_MAGIC) :], name)
    for number, chunk, last in _numbered(_pieces(source, CHUNK_BYTES + TAG_BYTES)):
        try:
            yield cipher.decrypt(_nonce(number, last=last), chunk, None)
        except (InvalidTag, ValueError) as error:  # ValueError: shorter than a tag
            raise DamagedContentError(f"{name}: changed since it was sealed, or sealed with another key") from error


def sealed(key: bytes, name: str, data: bytes) -> bytes:
    return b"".join(seal_stream(key, name, BytesIO(data)))


def unsealed(key: bytes, name: str, data: bytes) -> bytes:
    return b"".join(unseal_stream(key, name, BytesIO(data)))


def begins_with(path: Path, key: bytes) -> bool:
    """Whether the first piece of the sealed file at ``path`` was sealed with ``key`` and this name. Raises OSError."""
    with path.open("rb") as file:
        try:
            next(unseal_stream(key, path.name, file))
        except DamagedContentError:
            return False
    return True


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    return AESGCM(derived(key, salt, f"forecourt/content/{name}"))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _pieces(source: BinaryIO, size: int) -> Iterator[bytes]:
    return iter(partial(source.read, size), b"")


def _numbered(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """Each piece with its number and whether it is the last; where there is none, one that is empty."""
    piece, number = next(pieces, b""), 0
    while (following := next(pieces, None)) is not None:
        yield number, piece, False
        piece, number = following, number + 1
    yield number, piece, True
