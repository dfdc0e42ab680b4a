"""What a car and an adapter would print, written from the standards and sharing nothing with the decoders."""

from collections.abc import Iterable

ECU_11 = "7E8"
ECU_29 = "18DAF110"
ECU_LEGACY = "10"


def can_lines(payload: bytes, ecu: str, *, spaces: bool = False, pad: int | None = 0xAA) -> list[str]:
    """ISO 15765-2 frames of one message as ``AT H1`` lines."""
    return [_line(ecu, frame, spaces=spaces) for frame in iso_tp(payload, pad=pad)]


def iso_tp(payload: bytes, *, pad: int | None = 0xAA, room: int = 7) -> list[bytes]:
    """Single frame up to ``room`` bytes, else first frame and numbered consecutive frames."""
    if len(payload) <= room:
        frames = [bytes([len(payload)]) + payload]
    else:
        frames = [bytes([0x10 | len(payload) >> 8, len(payload) & 0xFF]) + payload[: room - 1]]
        rest = payload[room - 1 :]
        for index, start in enumerate(range(0, len(rest), room), 1):
            frames.append(bytes([0x20 | index % 16]) + rest[start : start + room])
    if pad is None:
        return frames
    return [frame + bytes([pad]) * (room + 1 - len(frame)) for frame in frames]


def bare_can_lines(payload: bytes, *, spaces: bool = False) -> list[str]:
    """``AT H0``: one line, or a length and numbered lines, the last one padded to its frame."""
    if len(payload) <= 7:
        return [_spaced(payload) if spaces else payload.hex().upper()]
    lines = [f"{len(payload):03X}"]
    chunks = [payload[:6], *(payload[start : start + 7] for start in range(6, len(payload), 7))]
    for index, chunk in enumerate(chunks):
        full = chunk + bytes((6 if index == 0 else 7) - len(chunk))
        lines.append(f"{index % 16:X}:" + (" " + _spaced(full) if spaces else full.hex().upper()))
    return lines


def legacy_vin_payloads(vin: str) -> list[bytes]:
    """SAE J1979: five messages ``49 02 01 .. 05`` of four bytes; three 00 stand in front of the VIN."""
    data = vin.encode().rjust(20, b"\0")
    return [bytes([0x49, 0x02, index + 1]) + data[4 * index : 4 * index + 4] for index in range(5)]


def legacy_code_payloads(service: int, codes: Iterable[str]) -> list[bytes]:
    """SAE J1979 before CAN: three codes a message, filled with 00 00; one empty message if there are none."""
    data = b"".join(code_bytes(code) for code in codes)
    data += bytes(-len(data) % 6) if data else bytes(6)
    return [bytes([service + 0x40]) + data[start : start + 6] for start in range(0, len(data), 6)]


def iso9141_line(payload: bytes, source: int = 0x10) -> str:
    body = bytes([0x48, 0x6B, source]) + payload
    return _spaced(body + bytes([sum(body) & 0xFF]))


def kwp_line(payload: bytes, source: int = 0x10, *, length_byte: bool = False) -> str:
    head = bytes([0x80, 0xF1, source, len(payload)]) if length_byte else bytes([0x80 | len(payload), 0xF1, source])
    body = head + payload
    return _spaced(body + bytes([sum(body) & 0xFF]))


def j1850_line(payload: bytes, source: int = 0x10) -> str:
    body = bytes([0x48, 0x6B, source]) + payload
    register = 0xFF  # SAE J1850: x8 + x4 + x3 + x2 + 1, remainder inverted
    for bit in (byte >> shift & 1 for byte in body for shift in range(7, -1, -1)):
        feedback = register >> 7 ^ bit
        register = (register << 1 & 0xFF) ^ (0x1D if feedback else 0)
    return _spaced(body + bytes([register ^ 0xFF]))


def code_bytes(code: str) -> bytes:
    """``P0143`` to two bytes (SAE J2012)."""
    return (("PCBU".index(code[0]) << 14) | int(code[1]) << 12 | int(code[2:], 16)).to_bytes(2, "big")


def _line(ecu: str, frame: bytes, *, spaces: bool) -> str:
    if not spaces:
        return ecu + frame.hex().upper()
    head = ecu if len(ecu) == 3 else _spaced(bytes.fromhex(ecu))
    return f"{head} {_spaced(frame)} "


def _spaced(data: bytes) -> str:
    return data.hex(" ").upper()
