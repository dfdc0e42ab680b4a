"""Identity as control units store it: VIN (ISO 3779), calibration ids, CVNs, names (SAE J1979 service 09)."""

import re

from protocols.errors import DecodeError

VIN_LENGTH = 17
_INSIDE = re.compile(rb"(?<![A-Z0-9])(?=([A-HJ-NPR-Z0-9]{17})(?![A-Z0-9]))")
_VIN = re.compile(r"^[A-HJ-NPR-Z0-9]{17}$")
# Japanese home-market cars carry a chassis number instead (``NHW20-0123456``), padded to 17 places.
_CHASSIS = re.compile(r"^(?:[A-Z0-9]{2,7}-[0-9]{6,8}|[A-Z0-9]{14,16})$")
# Only bytes that are no characters of a VIN: 55 would be the letter U.
_PADDING = b"\x00\x20\xff\xaa"


def decode_vin_info(data: bytes) -> str:
    """VIN from what follows ``49 02``: the number of items (always 1), then 17 characters, 00 filled in front.

    Raises DecodeError when that is not a VIN or chassis number; "" when the unit holds none.
    """
    if not data:
        raise DecodeError("empty VIN answer")
    has_count = data[0] in (0x00, 0x01) and len(data) > VIN_LENGTH
    return _identity(data[1:] if has_count else data)


def decode_vin_did(data: bytes) -> str:
    """VIN from what follows ``62 F1 90``: padded behind by some makes, led by its length (11 hex) by others."""
    if data[:1] == bytes((VIN_LENGTH,)) and len(data) > VIN_LENGTH:
        data = data[1:]
    return _identity(data)


def find_vin(data: bytes) -> str:
    """The one VIN inside an identification block (KWP2000 ``1A 80``, ``1A 90``, ``21 81``); "" for none or two."""
    found = {match[1].decode("ascii") for match in _INSIDE.finditer(data)}
    return found.pop() if len(found) == 1 else ""


def is_vin(text: str) -> bool:
    """Whether ``text`` has the form of a VIN: 17 characters without I, O, Q."""
    return _VIN.fullmatch(text) is not None


def _identity(data: bytes) -> str:
    text = data.strip(_PADDING)
    if len(set(text)) <= 1:  # nothing, or one character throughout: a unit that was never given a VIN
        return ""
    try:
        vin = text.decode("ascii").upper()
    except UnicodeDecodeError as error:
        raise DecodeError(f"not a VIN: {data[:24].hex().upper()}") from error
    if is_vin(vin) or _CHASSIS.fullmatch(vin):
        return vin
    raise DecodeError(f"not a VIN: {data[:24].hex().upper()}")


def decode_calibration_ids(data: bytes, *, counted: bool = True) -> tuple[str, ...]:
    """Calibration ids from what follows ``49 04``: their number, then 16 characters each, filled with 00.

    Without ``counted`` the number may be missing, as behind ``62 F8 04``: the length tells.
    """
    return tuple(text for text in (_text(item) for item in _items(data, 16, counted=counted)) if text)


def decode_cvns(data: bytes, *, counted: bool = True) -> tuple[str, ...]:
    """Calibration verification numbers from what follows ``49 06``: their number, then four bytes each, as hex.

    Without ``counted`` the number may be missing, as behind ``62 F8 06``: the length tells.
    """
    return tuple(item.hex().upper() for item in _items(data, 4, counted=counted))


def decode_ecu_name(data: bytes) -> str:
    """Name from what follows ``49 0A``: number (1), four-letter acronym, 00, then the name (``ECM-Engine Control``)."""
    return _text(data)  # the number is no printable character


def _items(data: bytes, size: int, *, counted: bool) -> list[bytes]:
    if not data:
        raise DecodeError("the number of items is missing")
    if not counted and len(data) % size == 0:
        data = bytes((min(len(data) // size, 0xFF),)) + data
    count = data[0]
    if len(data) - 1 < count * size:
        raise DecodeError(f"{count} items announced, {(len(data) - 1) // size} came")
    return [data[1 + size * index : 1 + size * (index + 1)] for index in range(count)]


def _text(data: bytes) -> str:
    """The printable characters; fill bytes are dropped wherever they stand."""
    return re.sub(rb"[^\x20-\x7e]", b"", data).decode("ascii").strip()
