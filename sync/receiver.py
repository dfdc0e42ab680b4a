"""The receiving half without I/O: read a batch, know what is held, answer after the commit, prove holes by ``lo``."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sync.codec import ReceivedBatch, Unreadable, answers_of, decode_batch
from sync.records import TombstoneBody
from sync.wire import Account, Ack, Nack

__all__ = [
    "Declared",
    "HeldSeqs",
    "ReceivedBatch",
    "Unreadable",
    "answers_of",
    "declared_in",
    "decode_batch",
    "holes",
    "joined",
]


@dataclass(frozen=True, slots=True)
class Declared:
    """A range of ``stream`` that the edge gave up and said so."""

    stream: str
    first_seq: int
    last_seq: int
    reason: str


def declared_in(batch: ReceivedBatch) -> tuple[Declared, ...]:
    """The losses that the tombstones of ``batch`` declare."""
    return tuple(
        Declared(body.stream or batch.stream, body.first_seq, body.last_seq, body.reason)
        for body in (received.record.body for received in batch.records if received.kind == "tombstone")
        if isinstance(body, TombstoneBody)
    )


@dataclass(slots=True)
class HeldSeqs:
    """A set of seqs as sorted closed ranges: small as long as little is missing."""

    _starts: list[int] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)

    def add(self, first: int, last: int | None = None) -> None:
        """Add ``first..last``, joining what touches."""
        last = first if last is None else last
        low = bisect_right(self._ends, first - 2)
        high = bisect_right(self._starts, last + 1)
        if low < high:
            first, last = min(first, self._starts[low]), max(last, self._ends[high - 1])
        self._starts[low:high] = [first]
        self._ends[low:high] = [last]

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._starts, seq) - 1
        return at >= 0 and seq <= self._ends[at]

    def ranges(self) -> tuple[tuple[int, int], ...]:
        """The set as the fewest closed ranges."""
        return tuple(zip(self._starts, self._ends, strict=True))

    def missing_below(self, lo: int) -> tuple[tuple[int, int], ...]:
        """Ranges from 1 to ``lo - 1`` that are not in the set."""
        gaps: list[tuple[int, int]] = []
        expected = 1
        for start, end in self.ranges():
            if start >= lo:
                break
            if start > expected:
                gaps.append((expected, start - 1))
            expected = end + 1
        return tuple(gaps) if expected >= lo else (*gaps, (expected, lo - 1))


def joined(answers: Iterable[Ack | Nack | Account]) -> list[Ack | Nack | Account]:
    """The same answers with the acknowledgements of each stream in as few ranges as they make up."""
    stored: dict[str, HeldSeqs] = {}
    others: list[Ack | Nack | Account] = []
    for answer in answers:
        if isinstance(answer, Ack):
            stored.setdefault(answer.s, HeldSeqs()).add(answer.a, answer.b)
        else:
            others.append(answer)
    return [*(Ack(s=stream, a=a, b=b) for stream, held in stored.items() for a, b in held.ranges()), *others]


def holes(
    held: Iterable[tuple[int, int]], declared: Sequence[Declared], stream: str, lo: int
) -> tuple[tuple[int, int], ...]:
    """Ranges of ``stream`` below ``lo`` that are neither held nor declared lost: a proven loss, cause for an alarm."""
    known = HeldSeqs()
    for first, last in held:
        known.add(first, last)
    for loss in declared:
        if loss.stream == stream:
            known.add(loss.first_seq, loss.last_seq)
    return known.missing_below(lo)
