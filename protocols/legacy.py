"""K-line and J1850 lines to messages: header, length and checksum of ISO 14230-2, ISO 9141-2 and SAE J1850."""

import re
from collections.abc import Sequence

from protocols.assembly import Assembly, Damaged, EcuMessage, LinkFormat

_HEX = re.compile(r"^[0-9A-F]+$")
_LISTS = frozenset({0x43, 0x47, 0x4A})
_INFO_ITEM_BYTES = {0x02: 20, 0x04: 16, 0x06: 4, 0x0A: 20}


def assemble_legacy(shown: Sequence[str], *, headers: bool) -> Assembly:
    messages: list[EcuMessage] = []
    damaged: list[Damaged] = []
    for line in shown:
        if not _HEX.fullmatch(line):
            continue
        if len(line) % 2:
            damaged.append(Damaged("", "odd number of digits"))
            continue
        data = bytes.fromhex(line)
        message = _legacy_message(data) if headers else EcuMessage("", data)
        if message is None:
            damaged.append(Damaged("", "length or checksum wrong"))
        else:
            messages.append(message)
    return _join_legacy(messages, damaged)


def _legacy_message(data: bytes) -> EcuMessage | None:
    """Three header bytes (four if KWP puts the length there), payload, checksum; None if that does not work out."""
    if len(data) < 5:
        return None
    body, check = data[:-1], data[-1]
    summed = sum(body) & 0xFF == check
    if body[0] & 0x80 and summed:
        return _kwp_message(body)
    # ISO 9141-2 adds up like KWP, J1850 has a CRC; header bytes are priority, target, source
    if summed or _j1850_crc(body) == check:
        return EcuMessage(f"{body[2]:02X}", body[3:])
    return None


def _kwp_message(body: bytes) -> EcuMessage | None:
    length = body[0] & 0x3F
    start = 3
    if length == 0 and len(body) > 4:  # ISO 14230-2: length 0 in the format byte means a length byte of its own
        length, start = body[3], 4
    return EcuMessage(f"{body[2]:02X}", body[start:]) if length == len(body) - start else None


def _j1850_crc(data: bytes) -> int:
    """CRC-8 of SAE J1850: polynomial 1D, start FF, inverted."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x1D) & 0xFF if crc & 0x80 else crc << 1
    return crc ^ 0xFF


def _join_legacy(messages: list[EcuMessage], damaged: list[Damaged]) -> Assembly:
    """Join what CAN would send as one message: code lists and numbered vehicle information."""
    joined: list[EcuMessage] = []
    lists: dict[tuple[str, int], bytearray] = {}
    info: dict[tuple[str, int], list[bytes]] = {}
    for message in messages:
        payload = message.payload
        if payload[0] in _LISTS:
            lists.setdefault((message.ecu, payload[0]), bytearray(payload[:1])).extend(payload[1:])
        elif payload[0] == 0x49 and len(payload) > 2 and payload[1] in _INFO_ITEM_BYTES:
            info.setdefault((message.ecu, payload[1]), []).append(payload[2:])
        else:
            joined.append(_without_counter(message))
    joined += [EcuMessage(ecu, bytes(data)) for (ecu, _), data in lists.items()]
    for (ecu, info_type), parts in info.items():
        whole = _join_info(info_type, parts)
        if whole is None:
            damaged.append(Damaged(ecu, "lines missing, repeated or out of order", bytes((0x49, info_type))))
        else:
            joined.append(EcuMessage(ecu, whole))
    return Assembly(tuple(joined), tuple(damaged), LinkFormat.LEGACY)


def _join_info(info_type: int, parts: list[bytes]) -> bytes | None:
    """Lines count 1, 2, 3 ... with four bytes each; written as CAN does: number of items, then the data."""
    if [part[0] for part in parts] != list(range(1, len(parts) + 1)) or any(len(part) != 5 for part in parts):
        return None
    data = b"".join(part[1:] for part in parts)
    items, rest = divmod(len(data), _INFO_ITEM_BYTES[info_type])
    return bytes((0x49, info_type, items)) + data if items and not rest else None


def _without_counter(message: EcuMessage) -> EcuMessage:
    """Legacy cars number even the one line of ``49 00``; CAN does not."""
    payload = message.payload
    if payload[:2] == b"\x49\x00" and len(payload) == 7:
        return EcuMessage(message.ecu, payload[:2] + payload[3:])
    return message
