"""Reads what an adapter prints with headers on: from lines to whole messages by the unit that sent them."""

import re
from collections.abc import Iterable

from simulator.links import Kind, Link, checksum, crc_j1850

Messages = dict[int, list[bytes]]

# What an adapter may print beside or instead of answers, and which of that leaves the answer in doubt.
_TALK = re.compile(r"SEARCHING\.*|BUS INIT: ?\.*(?:OK)?")
_NOTHING = ("NO DATA", "UNABLE TO CONNECT")
_CHECK_BYTES = 1
# How many bytes behind its service an answer repeats of the request.
_REPEATED = {0x01: 1, 0x02: 2, 0x06: 1, 0x09: 1, 0x19: 1, 0x21: 1, 0x22: 2}
REFUSED = 0x7F


class DoubtfulError(Exception):
    """An answer that was cut, disturbed or is no answer at all; asking again may help."""


def lines_of(text: str) -> list[str]:
    """The lines that carry bytes, without spaces; nothing when the adapter says that nobody answered."""
    lines = [_TALK.sub("", line).strip() for line in text.replace(">", "").replace("\0", "").splitlines()]
    found = [line.replace(" ", "") for line in lines if line and line not in _NOTHING]
    for line in found:
        if not re.fullmatch(r"(?:[0-9A-F]{3}|[0-9A-F]{2})(?:[0-9A-F]{2})*", line):
            raise DoubtfulError(line[:40])
    return found


def messages(text: str, link: Link) -> Messages:
    """Whole messages by the address of their sender (CAN id; on other buses the unit's byte), in order of arrival."""
    found: Messages = {}
    for sender, frames in _by_sender(lines_of(text), link).items():
        found[sender] = list(_assembled(frames)) if link.is_can else frames
    return found


def fits(request: bytes, message: bytes) -> bool:
    """Whether a message answers this request, and not one that was asked before."""
    if message[:1] == bytes([REFUSED]):
        return message[1:2] == request[:1]
    repeated = _REPEATED.get(request[0], 0)
    return message[0] == request[0] + 0x40 and message[1 : 1 + repeated] == request[1 : 1 + repeated]


def padding_of(text: str, link: Link) -> dict[int, int | None]:
    """By sender, what fills the last frame of a long answer; None where it is cut short. Only CAN frames are filled."""
    found: dict[int, int | None] = {}
    for sender, frames in (_by_sender(lines_of(text), link) if link.is_can else {}).items():
        first, last = frames[0], frames[-1]
        if len(frames) < 2 or first[0] >> 4 != 1:
            continue
        over = 6 + 7 * (len(frames) - 1) - ((first[0] & 0xF) << 8 | first[1])
        if 0 < over < 7:
            found[sender] = last[-1] if len(last) == 8 else None
    return found


def _by_sender(lines: Iterable[str], link: Link) -> Messages:
    found: Messages = {}
    for line in lines:
        sender, data = _can(line, link.kind) if link.is_can else _legacy(line, link.kind)
        found.setdefault(sender, []).append(data)
    return found


def _can(line: str, kind: Kind) -> tuple[int, bytes]:
    digits = 3 if kind is Kind.CAN11 else 8
    if len(line) <= digits or (len(line) - digits) % 2 or len(line) - digits > 16:
        raise DoubtfulError(line[:40])
    return int(line[:digits], 16), bytes.fromhex(line[digits:])


def _legacy(line: str, kind: Kind) -> tuple[int, bytes]:
    """Three header bytes, the data, one check byte; a KWP message of 64 and more has its length in a fourth byte."""
    if len(line) % 2:
        raise DoubtfulError(line[:40])
    raw = bytes.fromhex(line)
    start = 4 if kind is Kind.KWP and raw[:1] == b"\x80" else 3
    check = checksum if kind in (Kind.KWP, Kind.ISO9141) else crc_j1850
    if len(raw) <= start + _CHECK_BYTES or raw[-1] != check(raw[:-1]):
        raise DoubtfulError(line[:40])
    return raw[2], raw[start:-_CHECK_BYTES]


def _assembled(frames: list[bytes]) -> Iterable[bytes]:
    """Messages out of ISO 15765-2 frames of one sender."""
    whole, wanted, following = b"", 0, 0
    for frame in frames:
        kind = frame[0] >> 4
        if wanted and kind == 2:
            if frame[0] & 0xF != following & 0xF:
                raise DoubtfulError("a frame is missing")
            whole, following = whole + frame[1:], following + 1
            if len(whole) >= wanted:
                yield whole[:wanted]
                wanted = 0
        elif not wanted and kind == 0 and 0 < frame[0] < len(frame):
            yield frame[1 : 1 + frame[0]]
        elif not wanted and kind == 1 and len(frame) > 2:
            wanted, whole, following = (frame[0] & 0xF) << 8 | frame[1], frame[2:], 1
        else:
            raise DoubtfulError(frame.hex().upper())
    if wanted:
        raise DoubtfulError("the end is missing")
