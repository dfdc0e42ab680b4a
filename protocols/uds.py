"""ISO 14229 answers: data identifiers, trouble codes with status (service 19 02), and what a refusal says."""

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

_CONFIRMED = 0x08
_PENDING = 0x04
_ENTRY_BYTES = 4


@dataclass(frozen=True, slots=True)
class StatusDtc:
    """One entry of 19 02: code, failure type byte (ISO 15031-6), and the status byte's two bits that matter here."""

    code: str
    failure_type: int
    confirmed: bool
    pending: bool


def nrc_name(nrc: int) -> str:
    """The standard's words for a negative response code; its number if it has none."""
    return NRC_NAMES.get(nrc, f"code {nrc:02X}")


def decode_status_dtcs(data: bytes) -> tuple[StatusDtc, ...]:
    """Entries of what follows ``59 02``: availability mask, then three code bytes and a status byte each.

    Raises DecodeError when an entry is cut.
    """
    if not data:
        raise DecodeError("status availability mask is missing")
    entries = data[1:]
    if len(entries) % _ENTRY_BYTES:
        raise DecodeError(f"code entry cut after {len(entries) % _ENTRY_BYTES} bytes")
    cut = (entries[at : at + _ENTRY_BYTES] for at in range(0, len(entries), _ENTRY_BYTES))
    return tuple(
        StatusDtc(code_of(entry[0], entry[1]), entry[2], bool(entry[3] & _CONFIRMED), bool(entry[3] & _PENDING))
        for entry in cut
        if entry[:3] != b"\x00\x00\x00"
    )
