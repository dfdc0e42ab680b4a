"""The receiving half without I/O: read a batch, know what is held, answer after the commit, prove holes by ``lo``."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync.codec import ReceivedBatch, Unreadable, answers_of, decode_batch
from sync.records import TombstoneBody
from sync.seqs import Seqs
from sync.wire import Account, Ack, Nack

__all__ = [
    "Declared",
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


def joined(answers: Iterable[Ack | Nack | Account]) -> list[Ack | Nack | Account]:
    """The same answers with the acknowledgements of each stream in as few ranges as they make up."""
    stored: dict[str, Seqs] = {}
    others: list[Ack | Nack | Account] = []
    for answer in answers:
        if isinstance(answer, Ack):
            stored.setdefault(answer.s, Seqs()).add(answer.a, answer.b)
        else:
            others.append(answer)
    return [*(Ack(s=stream, a=a, b=b) for stream, held in stored.items() for a, b in held.ranges()), *others]


def holes(
    held: Iterable[tuple[int, int]], declared: Sequence[Declared], stream: str, lo: int
) -> tuple[tuple[int, int], ...]:
    """Ranges of ``stream`` below ``lo`` that are neither held nor declared lost: a proven loss, cause for an alarm."""
    known = Seqs()
    for first, last in held:
        known.add(first, last)
    for loss in declared:
        if loss.stream == stream:
            known.add(loss.first_seq, loss.last_seq)
    return known.missing_below(lo)
