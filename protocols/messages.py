"""From the lines an adapter shows to whole messages of control units: headers, ISO-TP, K-line, J1850.

A message is whole or it is reported as damaged; nothing is ever returned shortened (ISO 15765-2, ISO 14230-2,
ISO 9141-2, SAE J1850, and the ways an ELM327 prints them).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from protocols.elm327 import LOSSY, Reply

_HEX = re.compile(r"^[0-9A-F]+$")
_NUMBERED = re.compile(r"^([0-9A-F]):([0-9A-F]*)$")
_FRAME_DIGITS = 16
_MAX_LINES = 4096


class LinkFormat(Enum):
    """How lines of this vehicle link look."""

    CAN_11 = "CAN 11-bit"
    CAN_29 = "CAN 29-bit"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class EcuMessage:
    """One whole message; ``ecu`` is the answer id (``7E8``, ``18DAF110``), source byte (``10``) or, not shown, ""."""

    ecu: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Damaged:
    """A message that did not come whole; ``head`` is its beginning as far as it can be trusted."""

    ecu: str
    reason: str
    head: bytes = b""


@dataclass(frozen=True, slots=True)
class Assembly:
    """All that one reply holds: whole messages in order of completion, and what was damaged."""

    messages: tuple[EcuMessage, ...] = ()
    damaged: tuple[Damaged, ...] = ()
    link: LinkFormat = LinkFormat.CAN_11


def link_format_of(dpn: str) -> LinkFormat | None:
    """Translate ``AT DPN``'s answer (``6``, ``A6``); None while no protocol is found or it is not an OBD one."""
    number = dpn.strip().upper()
    if len(number) == 2 and number[0] == "A":
        number = number[1]
    if number in {"6", "8"}:
        return LinkFormat.CAN_11
    if number in {"7", "9"}:
        return LinkFormat.CAN_29
    return LinkFormat.LEGACY if number in {"1", "2", "3", "4", "5"} else None


def assemble_reply(reply: Reply, link: LinkFormat, *, headers: bool = True, extended_address: bool = False) -> Assembly:
    """``assemble`` for a whole reply: a notice that lines were lost or cut counts as damage of an unknown ECU."""
    assembly = assemble(reply.lines, link, headers=headers, extended_address=extended_address)
    lost = tuple(Damaged("", notice.value) for notice in sorted(reply.notices & LOSSY, key=lambda n: n.value))
    return Assembly(assembly.messages, assembly.damaged + lost, link)


def assemble(
    lines: Iterable[str], link: LinkFormat, *, headers: bool = True, extended_address: bool = False
) -> Assembly:
    """Build messages from data lines; lines that are not hexadecimal are nobody's data and are passed over.

    ``extended_address`` says that every frame carries an address byte in front of its ISO-TP byte.
    """
    shown = [line.replace(" ", "").upper() for line in lines][:_MAX_LINES]
    if link is LinkFormat.LEGACY:
        return _assemble_legacy(shown, headers=headers)
    if not headers:
        return _assemble_bare(shown, link)
    receiver = _IsoTp(extended_address)
    for line in shown:
        if not _HEX.fullmatch(line):
            continue
        try:
            for ecu, data in _frames(line, 3 if link is LinkFormat.CAN_11 else 8):
                receiver.take(ecu, data)
        except ValueError as error:
            receiver.line_damaged(line[: 3 if link is LinkFormat.CAN_11 else 8], str(error))
    return receiver.result(link)


# --- CAN lines -------------------------------------------------------------------------------------------------


def _frames(line: str, id_digits: int) -> list[tuple[str, bytes]]:
    """Split one line into frames: usually one; several when line ends were lost after complete frames."""
    ident, rest = line[:id_digits], line[id_digits:]
    if not rest:
        raise ValueError("no data behind the id")
    data = _single_frame(rest)
    if data is not None:
        return [(ident, bytes.fromhex(data))]
    for digits in _glue_points(rest):
        following = rest[digits:]
        # only an id like the first one's proves that the cut is right: otherwise digits were lost in between
        if len(following) > id_digits and following[: id_digits // 2] == ident[: id_digits // 2]:
            return [(ident, bytes.fromhex(rest[:digits])), *_frames(following, id_digits)]
    raise ValueError("digits are missing")


def _single_frame(rest: str) -> str | None:
    """The data digits if ``rest`` is one frame, with or without the length that ``AT D1`` puts in front."""
    if len(rest) % 2 == 0 and len(rest) <= _FRAME_DIGITS:
        return rest
    if len(rest) % 2 and rest[0] <= "8" and len(rest) - 1 == 2 * int(rest[0], 16):
        return rest[1:]
    if len(rest) == _FRAME_DIGITS + 2 and rest.startswith("08"):
        return rest[2:]
    return None


def _glue_points(rest: str) -> list[int]:
    """Where the first of several glued frames may end: a full frame, or a single frame sent without padding."""
    points = [_FRAME_DIGITS]
    if rest[0] == "0" and "1" <= rest[1:2] <= "7":
        points.append(2 + 2 * int(rest[1]))
    return points


@dataclass(slots=True)
class _Open:
    """A multi-frame message under way."""

    length: int
    data: bytearray
    next_sequence: int = 1


@dataclass(slots=True)
class _IsoTp:
    """Receives frames of several control units at once (ISO 15765-2); interleaving is normal."""

    extended_address: bool
    open: dict[str, _Open] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    messages: list[EcuMessage] = field(default_factory=list)
    damaged: list[Damaged] = field(default_factory=list)

    def take(self, ecu: str, frame: bytes) -> None:
        data = frame[1:] if self.extended_address else frame
        if not data:
            self.line_damaged(ecu, "no ISO-TP byte")
            return
        kind = data[0] >> 4
        if kind == 0:
            self._single(ecu, data)
        elif kind == 1:
            self._first(ecu, data, len(frame))
        elif kind == 2:
            self._consecutive(ecu, data)
        elif kind != 3:  # 3 = flow control, a tester's own frame seen on the bus
            self.line_damaged(ecu, "not an ISO-TP frame")

    def line_damaged(self, ecu: str, reason: str) -> None:
        if ecu in self.open:
            self._break(ecu, reason)
        else:
            self.damaged.append(Damaged(ecu, reason))

    def result(self, link: LinkFormat) -> Assembly:
        for ecu in list(self.open):
            self._break(ecu, "ended early")
        return Assembly(tuple(self.messages), tuple(self.damaged), link)

    def _single(self, ecu: str, data: bytes) -> None:
        if ecu in self.open:
            self._break(ecu, "interrupted")
        self.broken.discard(ecu)
        length = data[0] & 0x0F
        if length == 0 or length > len(data) - 1:
            self.damaged.append(Damaged(ecu, "shorter than its length byte says", data[1:]))
        else:
            self.messages.append(EcuMessage(ecu, data[1 : 1 + length]))

    def _first(self, ecu: str, data: bytes, frame_length: int) -> None:
        if ecu in self.open:
            self._break(ecu, "interrupted")
        self.broken.discard(ecu)
        length = ((data[0] & 0x0F) << 8 | data[1]) if len(data) > 1 else 0
        fits_a_single_frame = length <= (6 if self.extended_address else 7)
        if frame_length != 8 or fits_a_single_frame:
            self.damaged.append(Damaged(ecu, "impossible first frame", data[2:]))
            self.broken.add(ecu)
        else:
            self.open[ecu] = _Open(length, bytearray(data[2:]))

    def _consecutive(self, ecu: str, data: bytes) -> None:
        message = self.open.get(ecu)
        if message is None:
            if ecu not in self.broken:
                self.damaged.append(Damaged(ecu, "its first frame is missing"))
                self.broken.add(ecu)
            return
        missing = message.length - len(message.data)
        if data[0] & 0x0F != message.next_sequence:
            self._break(ecu, "frames missing, repeated or out of order")
        elif len(data) - 1 < min(missing, 6 if self.extended_address else 7):
            self._break(ecu, "a frame is cut short")
        else:
            message.data += data[1 : 1 + missing]  # what follows the announced length is padding
            message.next_sequence = (message.next_sequence + 1) % 16
            self._close_if_whole(ecu, message)

    def _close_if_whole(self, ecu: str, message: _Open) -> None:
        if len(message.data) == message.length:
            self.messages.append(EcuMessage(ecu, bytes(message.data)))
            del self.open[ecu]

    def _break(self, ecu: str, reason: str) -> None:
        self.damaged.append(Damaged(ecu, reason, bytes(self.open.pop(ecu).data)))
        self.broken.add(ecu)


# --- CAN lines without headers -----------------------------------------------------------------------------------


def _assemble_bare(shown: Sequence[str], link: LinkFormat) -> Assembly:
    """``AT H0``: a line is a payload, or a length line is followed by numbered lines."""
    messages: list[EcuMessage] = []
    damaged: list[Damaged] = []
    message: _Open | None = None
    for line in shown:
        numbered = _NUMBERED.fullmatch(line)
        if numbered and message:
            message = _numbered_line(message, numbered, messages, damaged)
        elif numbered:
            if not damaged or damaged[-1].reason != _STRAY:
                damaged.append(Damaged("", _STRAY))
        elif _HEX.fullmatch(line):
            if message:
                damaged.append(Damaged("", "ended early", bytes(message.data)))
            message = _length_line(line)
            if message is None:
                _plain_line(line, messages, damaged)
    if message:
        damaged.append(Damaged("", "ended early", bytes(message.data)))
    return Assembly(tuple(messages), tuple(damaged), link)


_STRAY = "numbered lines out of order"


def _length_line(line: str) -> _Open | None:
    """Three digits alone announce the length of the numbered lines that follow."""
    return _Open(int(line, 16), bytearray(), 0) if len(line) == 3 and int(line, 16) > 0 else None


def _plain_line(line: str, messages: list[EcuMessage], damaged: list[Damaged]) -> None:
    if len(line) % 2:
        damaged.append(Damaged("", "odd number of digits", bytes.fromhex(line[:-1])))
    else:
        messages.append(EcuMessage("", bytes.fromhex(line)))


def _numbered_line(
    message: _Open, numbered: re.Match[str], messages: list[EcuMessage], damaged: list[Damaged]
) -> _Open | None:
    digits = numbered[2]
    missing = message.length - len(message.data)
    line_bytes = 6 if not message.data else 7
    if int(numbered[1], 16) != message.next_sequence or len(digits) % 2 or len(digits) < 2 * min(missing, line_bytes):
        damaged.append(Damaged("", _STRAY, bytes(message.data)))
        return None
    message.data += bytes.fromhex(digits)[:missing]
    message.next_sequence = (message.next_sequence + 1) % 16
    if len(message.data) < message.length:
        return message
    messages.append(EcuMessage("", bytes(message.data)))
    return None


# --- K-line and J1850 --------------------------------------------------------------------------------------------


def _assemble_legacy(shown: Sequence[str], *, headers: bool) -> Assembly:
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
    return EcuMessage(f"{body[2]:02X}", body[start:]) if 0 < length == len(body) - start else None


def _j1850_crc(data: bytes) -> int:
    """CRC-8 of SAE J1850: polynomial 1D, start FF, inverted."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x1D) & 0xFF if crc & 0x80 else crc << 1
    return crc ^ 0xFF


_LISTS = frozenset({0x43, 0x47, 0x4A})
_INFO_ITEM_BYTES = {0x02: 20, 0x04: 16, 0x06: 4, 0x0A: 20}


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
