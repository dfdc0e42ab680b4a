"""Recorded adapter sessions as text: ``> `` sent, ``< `` received with escapes, ``# `` about it. Reads no files."""

import re
from dataclasses import dataclass

from protocols.errors import DecodeError

_ESCAPE = re.compile(r"\\(r|n|t|\\|x[0-9A-Fa-f]{2})")
_PLAIN = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was sent (without its line end; names in brackets are no commands) and every byte that came back."""

    sent: str
    received: bytes


@dataclass(frozen=True, slots=True)
class Transcript:
    """A session: its exchanges in order, and the ``# key: text`` lines above them."""

    exchanges: tuple[Exchange, ...]
    about: dict[str, str]


def is_transcript(text: str) -> bool:
    """Whether the text has at least one line that was sent."""
    return any(line.startswith("> ") for line in text.splitlines())


def parse_transcript(text: str) -> Transcript:
    """Read one transcript; raises DecodeError at an answer before anything was sent."""
    about: dict[str, str] = {}
    sent: list[str] = []
    received: list[bytes] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# "):
            key, _, value = line[2:].partition(":")
            about[key.strip()] = value.strip()
        elif line.startswith(">"):
            sent.append(line[1:].strip())
            received.append(b"")
        elif line.startswith("<"):
            if not sent:
                raise DecodeError(f"line {number}: an answer before anything was sent")
            received[-1] += _unescape(line[2:])
    return Transcript(tuple(Exchange(*pair) for pair in zip(sent, received, strict=True)), about)


def _unescape(text: str) -> bytes:
    def plain(match: re.Match[str]) -> str:
        escape = match[1]
        return chr(int(escape[1:], 16)) if escape[0] == "x" else _PLAIN[escape]

    return _ESCAPE.sub(plain, text).encode("latin-1", "replace")
