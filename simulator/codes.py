"""Trouble codes as SAE J2012 writes them and as two bytes on the bus."""

import re
from dataclasses import dataclass

CLASSES = ("stored", "pending", "permanent")

_CODE = re.compile(r"[PCBU][0-3][0-9A-F]{3}\Z")


def is_code(text: str) -> bool:
    """Whether ``text`` is a five-character code such as P0301."""
    return bool(_CODE.match(text))


def encode_code(code: str) -> bytes:
    """Two bytes: system in bits 15-14, first digit in 13-12, three nibbles (SAE J2012)."""
    return bytes(["PCBU".index(code[0]) << 6 | int(code[1]) << 4 | int(code[2], 16), int(code[3:], 16)])


@dataclass(frozen=True, slots=True)
class Code:
    """One code in one list of one ECU; ``status`` is the UDS status byte shown by service 19."""

    code: str
    kind: str
    ecu: str

    @property
    def status(self) -> int:
        """ISO 14229 status: test failed and confirmed, or pending; a permanent leftover shows neither."""
        return {"stored": 0x09, "pending": 0x04}.get(self.kind, 0x00)
