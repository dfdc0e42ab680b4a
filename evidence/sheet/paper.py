"""Text on paper: the embedded font, how wide words are, and where lines of Chinese and English may break."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONT = "WenQuanYiMicroHei"
FONT_FILE = Path(__file__).parent / "wqy-microhei-subset.ttf"
MISSING = "□"
"""Drawn for a character the font lacks, so that a gap is seen."""
# a word of Latin letters with the space after it, or one ideograph
_PIECES = re.compile(r"[^\s\u2e80-\u9fff\uff00-\uffef]+\s*|[\u2e80-\u9fff\uff00-\uffef]|\s+")
# punctuation that never begins a line (GB/T 15834)
_STICKS = frozenset("，。；：？！、）》」』”’…·,.;:?!)")


@cache
def font() -> TTFont:
    """The one font of every sheet, registered once a process."""
    face = TTFont(FONT, str(FONT_FILE))
    pdfmetrics.registerFont(face)
    return face


def drawable(text: str) -> str:
    """``text`` on one line, with a box for each character that the font lacks."""
    known = font().face.charToGlyph
    return "".join(letter if ord(letter) in known else MISSING for letter in " ".join(text.split()))


def width_of(text: str, size: float) -> float:
    """Width in points."""
    return float(font().stringWidth(text, size))


def lines_of(text: str, width: float, size: float) -> list[str]:
    """``text`` broken into lines of at most ``width`` points; a word longer than a line is cut."""
    lines, line = [], ""
    for piece in _cut(_pieces(drawable(text)), width, size):
        if line and width_of(line + piece.rstrip(), size) > width:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(text: str) -> Iterator[str]:
    """What may not be broken; punctuation sticks to what stands before it."""
    held = ""
    for piece in _PIECES.findall(text):
        if held and piece[0] not in _STICKS:
            yield held
            held = ""
        held += piece
    if held:
        yield held


def _cut(pieces: Iterable[str], width: float, size: float) -> Iterator[str]:
    for piece in pieces:
        rest = piece
        while len(rest) > 1 and width_of(rest.rstrip(), size) > width:
            fits = next(n for n in range(len(rest) - 1, 0, -1) if n == 1 or width_of(rest[:n], size) <= width)
            yield rest[:fits]
            rest = rest[fits:]
        yield rest
