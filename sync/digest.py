"""Digests by which both ends compare ranges of records without sending them."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from sync.codec import runs
from sync.wire import Span

DIGEST_CHARACTERS = 32


def digest_of(rows: Iterable[tuple[int, str | bytes]]) -> str:
    """The digest of records in the order of their seqs; the spelling of their JSON does not matter."""
    whole = hashlib.sha256()
    for seq, payload in rows:
        content = json.dumps(json.loads(payload), ensure_ascii=False, separators=(",", ":"))
        whole.update(f"{seq}:{content}\n".encode())
    return whole.hexdigest()[:DIGEST_CHARACTERS]


def without(spans: Iterable[Span], taken: Iterable[Span]) -> tuple[Span, ...]:
    """What of ``spans`` no range of ``taken`` covers."""
    away = sorted(taken)
    left: list[Span] = []
    for first, last in spans:
        expected = first
        for a, b in away:
            if b < expected:
                continue
            if a > last:
                break
            if a > expected:
                left.append((expected, a - 1))
            expected = b + 1
        if expected <= last:
            left.append((expected, last))
    return tuple(left)


def pieces(seqs: Sequence[int], size: int) -> tuple[Span, ...]:
    """Sorted seqs as ranges without a gap, none longer than ``size``."""
    return tuple((a, min(a + size - 1, last)) for first, last in runs(seqs) for a in range(first, last + 1, size))
