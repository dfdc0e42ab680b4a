"""Trouble codes: two bytes to ``P0143`` (SAE J2012), and the lists of services 03, 07 and 0A (SAE J1979)."""

from protocols.errors import DecodeError
from protocols.messages import LinkFormat

_SYSTEMS = "PCBU"
_CODE_BYTES = 2


def code_of(high: int, low: int) -> str:
    """Two bytes to a code: two bits system, two bits first digit, three hex digits."""
    return f"{_SYSTEMS[high >> 6]}{high >> 4 & 0x03}{high & 0x0F:X}{low:02X}"


def decode_dtcs(service: int, data: bytes, link: LinkFormat) -> tuple[str, ...]:
    """Codes of one unit from what follows 43, 47 or 4A; ``data`` empty or all padding means "no codes".

    CAN (ISO 15765-4) puts the number of codes first; the older links fill lines of three codes with 00 00.
    Raises DecodeError when fewer codes came than announced: such a list is corrupt, not short.
    """
    if service not in (0x03, 0x07, 0x0A):
        raise ValueError(f"service {service:02X} lists no codes")
    if link is LinkFormat.LEGACY:
        return _codes(data, "odd number of bytes in a code list")
    if not data:
        raise DecodeError("the number of codes is missing")
    count, codes = data[0], data[1:]
    if len(codes) < count * _CODE_BYTES:
        raise DecodeError(f"{count} codes announced, {len(codes) // _CODE_BYTES} came")
    if any(code not in (0x00, 0x55, 0xAA, 0xFF, 0xCC) for code in codes[count * _CODE_BYTES :]):
        raise DecodeError(f"{count} codes announced, more came")
    return _codes(codes[: count * _CODE_BYTES], "")


def _codes(data: bytes, odd: str) -> tuple[str, ...]:
    if len(data) % _CODE_BYTES:
        raise DecodeError(odd)
    pairs = (data[at : at + _CODE_BYTES] for at in range(0, len(data), _CODE_BYTES))
    return tuple(code_of(*pair) for pair in pairs if any(pair))
