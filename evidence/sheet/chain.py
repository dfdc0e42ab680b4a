"""The chain of a box's sheets: each link names the one before it by hash and is signed by the box's Ed25519 key.

A link seals a sheet (its canonical JSON and each rendering, by SHA-256) or withdraws an earlier one. Nothing is taken
out of a chain: a sheet that turned out wrong stays, and a later link says why it no longer counts and what replaces it.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from pydantic import Field

from evidence.sheet.content import Sheet
from evidence.snapshot import Part

if TYPE_CHECKING:  # imported where it is used: 32-bit boards lack it and must still run everything else
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

REASON_MAX = 200
_Hash = Field(pattern=r"^[0-9a-f]{64}$")


class Statement(Part):
    """What a link says. ``previous`` is the hash of the link before it, empty in the first.

    A ``sheet`` names its ``content`` and ``renderings`` (``en.pdf`` ...) by SHA-256; a ``withdrawal`` names the sheet
    it ``withdraws``, ``why``, and the number that it is ``replaced_by``, 0 when nothing replaces it.
    """

    schema_: Literal["forecourt.sheet-link/1"] = Field("forecourt.sheet-link/1", alias="schema")
    kind: Literal["sheet", "withdrawal"]
    number: int = Field(ge=1)
    previous: str = Field(pattern=r"^([0-9a-f]{64})?$")
    device: str
    at: datetime
    intake_id: str = ""
    content: str = ""
    renderings: dict[str, str] = Field(default_factory=dict)
    withdraws: int = 0
    why: str = Field("", max_length=REASON_MAX)
    replaced_by: int = 0


class Link(Part):
    """A signed statement; ``key`` and ``signature`` are hexadecimal (RFC 8032: 32 and 64 bytes)."""

    statement: Statement
    key: str = _Hash
    signature: str = Field(pattern=r"^[0-9a-f]{128}$")

    @property
    def hash(self) -> str:
        """What the next link calls ``previous``."""
        return sha256(canonical(self))

    @classmethod
    def signed(cls, statement: Statement, key: "Ed25519PrivateKey") -> Self:
        """``statement`` with the signature of ``key`` over its canonical JSON."""
        statement = spelt_out(statement)
        public = key.public_key().public_bytes_raw().hex()
        return cls(statement=statement, key=public, signature=key.sign(canonical(statement)).hex())

    def genuine(self) -> bool:
        """Whether the owner of ``key`` signed exactly this."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            public.verify(bytes.fromhex(self.signature), canonical(self.statement))
        except (InvalidSignature, ValueError):
            return False
        return True


class SealedSheet(Part):
    """A sheet with the link that seals it: the file that is handed out beside its renderings."""

    link: Link
    sheet: Sheet

    def to_bytes(self) -> bytes:
        """The file's one form."""
        return canonical(self)


_Part = TypeVar("_Part", bound=Part)


def spelt_out(value: _Part) -> _Part:
    """``value`` with each default told as if it had been given: what is signed names all that its version knew."""
    return type(value).model_validate_json(value.model_dump_json(by_alias=True))


def canonical(value: Part) -> bytes:
    """The one JSON form of a value: sorted names, no blanks, UTF-8.

    Only what was given is in it, so that a value read from a file has the form it had there, whatever fields newer
    versions have added since; `spelt_out` makes one that is new.
    """
    plain = value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def sha256(data: bytes) -> str:
    """Hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(key: str) -> str:
    """How a person compares keys: the first 16 bytes of the hexadecimal ``key``'s hash, in groups of four."""
    digits = sha256(bytes.fromhex(key))[:32]
    return " ".join(digits[place : place + 4] for place in range(0, len(digits), 4))


def hashes_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 by name."""
    return {name: sha256(data) for name, data in sorted(files.items())}


def first_break(links: Sequence[Link]) -> int:
    """Number of the first link that does not follow from those before it; 0 when the chain is whole."""
    previous = ""
    for place, link in enumerate(links, start=1):
        said = link.statement
        if said.number != place or said.previous != previous or not link.genuine():
            return place
        previous = link.hash
    return 0


def withdrawal_of(links: Iterable[Link], number: int, keys: Collection[str]) -> Statement | None:
    """The first statement that withdraws the sheet ``number``; only those signed with one of ``keys`` count."""
    return next((one.statement for one in links if one.statement.withdraws == number and one.key in keys), None)
