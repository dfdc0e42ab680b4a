"""The buses an OBD socket may carry and how each frames a message (ISO 15765-4, ISO 14230-4, ISO 9141-2, SAE J1850).

Pure functions from messages to frames; when a frame appears on the bus is decided by ``bus``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """Families of line formats."""

    CAN11 = "can11"
    CAN29 = "can29"
    KWP = "kwp"
    ISO9141 = "iso9141"
    VPW = "vpw"
    PWM = "pwm"


@dataclass(frozen=True, slots=True)
class Link:
    """One bus. ``number`` is the ELM327's protocol digit, ``search_s`` what trying it costs an automatic search."""

    name: str
    number: str
    kind: Kind
    title: str
    search_s: float
    # Whether ISO 15765-2 carries the messages; asked for often, so it is kept.
    is_can: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_can", self.kind in (Kind.CAN11, Kind.CAN29))

    @property
    def is_kline(self) -> bool:
        """Whether the bus needs an initialisation (``BUS INIT``) before the first request."""
        return self.kind in (Kind.KWP, Kind.ISO9141)


# Search costs are assumptions: a CAN try ends after a silent timeout, a five-baud init takes 2 to 3 s.
LINKS: dict[str, Link] = {
    link.name: link
    for link in (
        Link("can11-500", "6", Kind.CAN11, "ISO 15765-4 (CAN 11/500)", 0.2),
        Link("can29-500", "7", Kind.CAN29, "ISO 15765-4 (CAN 29/500)", 0.2),
        Link("can11-250", "8", Kind.CAN11, "ISO 15765-4 (CAN 11/250)", 0.2),
        Link("can29-250", "9", Kind.CAN29, "ISO 15765-4 (CAN 29/250)", 0.2),
        Link("kwp-fast", "5", Kind.KWP, "ISO 14230-4 (KWP FAST)", 0.5),
        Link("kwp-slow", "4", Kind.KWP, "ISO 14230-4 (KWP 5BAUD)", 2.5),
        Link("iso9141", "3", Kind.ISO9141, "ISO 9141-2", 2.5),
        Link("j1850-pwm", "1", Kind.PWM, "SAE J1850 PWM", 0.2),
        Link("j1850-vpw", "2", Kind.VPW, "SAE J1850 VPW", 0.2),
    )
}

BY_NUMBER: dict[str, Link] = {link.number: link for link in LINKS.values()}

TESTER = 0xF1
FUNCTIONAL_11 = 0x7DF
FUNCTIONAL_29 = 0x18DB33F1
DEFAULT_HEADERS: dict[Kind, int] = {
    Kind.CAN11: FUNCTIONAL_11,
    Kind.CAN29: FUNCTIONAL_29,
    Kind.KWP: 0xC233F1,
    Kind.ISO9141: 0x686AF1,
    Kind.VPW: 0x686AF1,
    Kind.PWM: 0x616AF1,
}

FRAME_BYTES = 8
_ONE = [bytes((value,)) for value in range(0x100)]


def checksum(data: bytes) -> int:
    """The K-line checksum: sum of all bytes, modulo 256 (ISO 14230-2, ISO 9141-2)."""
    return sum(data) & 0xFF


def crc_j1850(data: bytes) -> int:
    """The SAE J1850 CRC: polynomial 1D, start FF, result inverted."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1D) & 0xFF if crc & 0x80 else crc << 1
    return crc ^ 0xFF


def isotp_frames(message: bytes, *, padding: int | None, lead: bytes = b"") -> list[bytes]:
    """Cut a message of at most 4095 bytes into ISO 15765-2 frames; ``lead`` is the extended address byte, if any."""
    size = FRAME_BYTES - len(lead) - 1
    if len(message) <= size:
        return [_padded(lead + bytes((len(message),)) + message, padding)]
    first = lead + bytes((0x10 | len(message) >> 8, len(message) & 0xFF)) + message[: size - 1]
    return [first, *_consecutive(message[size - 1 :], size, padding, lead)]


def _consecutive(rest: bytes, size: int, padding: int | None, lead: bytes) -> Iterator[bytes]:
    for index, start in enumerate(range(0, len(rest), size), 1):
        yield _padded(lead + bytes((0x20 | index & 0xF,)) + rest[start : start + size], padding)


def _padded(frame: bytes, padding: int | None) -> bytes:
    return frame if padding is None else frame.ljust(FRAME_BYTES, _ONE[padding])


def legacy_frame(kind: Kind, source: int, message: bytes) -> bytes:
    """Header, data and checksum or CRC of one answer on a bus that has no ISO-TP; ``source`` is the ECU's address."""
    if kind is Kind.KWP:
        short = len(message) < 0x40
        body = bytes([0x80 | len(message) if short else 0x80, TESTER, source])
        # ISO 14230-2: 64 and more data bytes take a length byte of their own.
        body += message if short else bytes([min(len(message), 0xFF)]) + message[:0xFF]
        return body + bytes([checksum(body)])
    first = 0x41 if kind is Kind.PWM else 0x48
    body = bytes([first, 0x6B, source]) + message
    return body + bytes([checksum(body) if kind is Kind.ISO9141 else crc_j1850(body)])
