"""CAN lines without headers (``AT H0``): a line is a payload, or a length is followed by numbered lines."""

import re
from collections.abc import Sequence

from protocols.assembly import Assembly, Damaged, EcuMessage, LinkFormat
from protocols.isotp import OpenMessage

_HEX = re.compile(r"^[0-9A-F]+$")
_NUMBERED = re.compile(r"^([0-9A-F]):([0-9A-F]*)$")
_STRAY = "numbered lines out of order"


def assemble_bare(shown: Sequence[str], link: LinkFormat) -> Assembly:
    """``AT H0``: a line is a payload, or a length line is followed by numbered lines."""
    messages: list[EcuMessage] = []
    damaged: list[Damaged] = []
    message: OpenMessage | None = None
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


def _length_line(line: str) -> OpenMessage | None:
    """Three digits alone announce the length of the numbered lines that follow."""
    return OpenMessage(int(line, 16), bytearray(), 0) if len(line) == 3 and int(line, 16) > 0 else None


def _plain_line(line: str, messages: list[EcuMessage], damaged: list[Damaged]) -> None:
    if len(line) % 2:
        damaged.append(Damaged("", "odd number of digits", bytes.fromhex(line[:-1])))
    else:
        messages.append(EcuMessage("", bytes.fromhex(line)))


def _numbered_line(
    message: OpenMessage, numbered: re.Match[str], messages: list[EcuMessage], damaged: list[Damaged]
) -> OpenMessage | None:
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
