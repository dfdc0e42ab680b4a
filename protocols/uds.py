"""ISO 14229 answers: trouble codes with their status (service 19), and what a refusal says."""

from dataclasses import dataclass

from protocols.dtc import code_of
from protocols.errors import DecodeError

NRC_NAMES: dict[int, str] = {
    0x10: "general reject",
    0x11: "service not supported",
    0x12: "sub-function not supported",
    0x13: "incorrect message length or invalid format",
    0x14: "response too long",
    0x21: "busy, repeat request",
    0x22: "conditions not correct",
    0x24: "request sequence error",
    0x25: "no response from sub-net component",
    0x26: "failure prevents execution",
    0x31: "request out of range",
    0x33: "security access denied",
    0x34: "authentication required",
    0x35: "invalid key",
    0x36: "exceeded number of attempts",
    0x37: "required time delay not expired",
    0x70: "upload or download not accepted",
    0x71: "transfer data suspended",
    0x72: "general programming failure",
    0x73: "wrong block sequence counter",
    0x78: "request received, response pending",
    0x7E: "sub-function not supported in active session",
    0x7F: "service not supported in active session",
    0x80: "service not supported in active session (KWP2000)",
    0x81: "engine speed too high",
    0x82: "engine speed too low",
    0x83: "engine is running",
    0x84: "engine is not running",
    0x85: "engine run time too low",
    0x86: "temperature too high",
    0x87: "temperature too low",
    0x88: "vehicle speed too high",
    0x89: "vehicle speed too low",
    0x8A: "throttle or pedal too high",
    0x8B: "throttle or pedal too low",
    0x8C: "transmission not in neutral",
    0x8D: "transmission not in gear",
    0x8F: "brake switch not closed",
    0x90: "shifter lever not in park",
    0x91: "torque converter clutch locked",
    0x92: "voltage too high",
    0x93: "voltage too low",
}

CONFIRMED = 0x08
PENDING = 0x04
"""Bits of the status byte (ISO 14229-1, annex D.2), and the masks that ask for codes which have them set."""

EMISSIONS_GROUP = 0x33
"""The functional group of the laws on emissions (ISO 14229-1, table D.1), for 19 42 and 19 55."""

_CODE_FORMATS = frozenset({0x00, 0x04})  # two and three bytes of SAE J2012-DA; the others number faults their own way


@dataclass(frozen=True, slots=True)
class StatusDtc:
    """One entry of a list: code, failure type byte (SAE J2012-DA), status byte, and the severity byte of 19 42."""

    code: str
    failure_type: int
    status: int
    severity: int | None = None

    @property
    def confirmed(self) -> bool:
        """Seen often enough to be stored."""
        return bool(self.status & CONFIRMED)

    @property
    def pending(self) -> bool:
        """Failed in this driving cycle or the last one."""
        return bool(self.status & PENDING)


def nrc_name(nrc: int) -> str:
    """The standard's words for a negative response code; its number if it has none."""
    return NRC_NAMES.get(nrc, f"code {nrc:02X}")


def decode_status_dtcs(data: bytes) -> tuple[StatusDtc, ...]:
    """Entries of what follows ``59 02`` or ``59 0A``: availability mask, then three code bytes and a status byte each.

    Raises DecodeError when an entry is cut.
    """
    if not data:
        raise DecodeError("status availability mask is missing")
    return _entries(data[1:], severity=False)


def decode_severity_dtcs(data: bytes) -> tuple[StatusDtc, ...]:
    """Entries of what follows ``59 42``: group 33, two availability masks, format, then five bytes each.

    An entry is severity, three code bytes and status (ISO 14229-1, 11.3.1.14; ISO 27145-3). Raises DecodeError for
    another group, another code format, and a cut entry.
    """
    if len(data) < 4:
        raise DecodeError(f"code list with a head of {len(data)} bytes, 4 needed")
    _check_head(data[0], data[3])
    return _entries(data[4:], severity=True)


def decode_permanent_dtcs(data: bytes) -> tuple[StatusDtc, ...]:
    """Entries of what follows ``59 55``: group 33, availability mask, format, then code and status (ISO 14229-1).

    Raises DecodeError for another group, another code format, and a cut entry.
    """
    if len(data) < 3:
        raise DecodeError(f"code list with a head of {len(data)} bytes, 3 needed")
    _check_head(data[0], data[2])
    return _entries(data[3:], severity=False)


def _check_head(group: int, code_format: int) -> None:
    if group != EMISSIONS_GROUP:
        raise DecodeError(f"codes of group {group:02X}, {EMISSIONS_GROUP:02X} was asked")
    if code_format not in _CODE_FORMATS:
        raise DecodeError(f"codes in format {code_format:02X}")


def _entries(data: bytes, *, severity: bool) -> tuple[StatusDtc, ...]:
    size = 5 if severity else 4
    if len(data) % size:
        raise DecodeError(f"code entry cut after {len(data) % size} bytes")
    cut = (data[at : at + size] for at in range(0, len(data), size))
    return tuple(
        StatusDtc(code_of(*entry[-4:-2]), entry[-2], entry[-1], entry[0] if severity else None)
        for entry in cut
        if entry[-4:-1] != b"\x00\x00\x00"
    )
