"""The short way through a batch that is written as our own edges write it: each record is cut out as it stands.

Whatever looks different in any way is left to the long way in ``sync.codec``, which is the one that judges.
"""

import json
import math
import re
from typing import NoReturn

Row = tuple[int, object, str]
"""Seq, content, and the text of the record as it came."""

_HEAD = re.compile(r'\{"v":1,"s":"([0-9A-Za-z-]{1,64})","lo":([1-9][0-9]{0,15}),"r":\[')
_SEQ = re.compile(r"\[([1-9][0-9]{0,15}),(?=\{)")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


def cut(text: str, limit: int) -> tuple[str, int, list[Row]] | None:
    """Stream, ``lo`` and at most ``limit`` rows; None when the long way must be taken."""
    head = _HEAD.match(text)
    if head is None or "\\u" in text:  # an escape may hide half a character, which is JSON to Python only
        return None
    try:
        rows = _rows(text, head.end(), limit)
    except (ValueError, RecursionError):
        return None
    return None if rows is None else (head[1], int(head[2]), rows)


def _rows(text: str, at: int, limit: int) -> list[Row] | None:
    rows: list[Row] = []
    while (seq := _SEQ.match(text, at)) and len(rows) < limit:
        start = seq.end()
        content, end = _DECODER.raw_decode(text, start)
        rows.append((int(seq[1]), content, text[start:end]))
        if text[end : end + 2] == "],":
            at = end + 2
        else:
            return rows if text[end:] == "]]}" else None
    return None
