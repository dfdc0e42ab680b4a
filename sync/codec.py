"""Bytes of the wire, version 1: building and reading batches and answers. All that arrives is bounded and doubted."""

import json
import re
import zlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from pydantic import ValidationError

from sync.records import ReadingBody, Record, VehicleRef
from sync.wire import WIRE_VERSION, Account, Ack, Nack, Question, State

ZLIB_FIRST_BYTE = 0x78  # a JSON object begins with 0x7B: one byte tells them apart without MQTT 5 properties
COMPRESS_FROM_BYTES = 512
MAX_RECORD_BYTES = 1 << 20
MAX_BATCH_BYTES = 4 << 20  # after inflation: a page of records plus one of the largest size
MAX_BATCH_RECORDS = 1000
MAX_SEQ = (1 << 53) - 1  # whole numbers that every JSON reader keeps exact
REASON_LIMIT = 200
STREAM_PATTERN = r"^[0-9A-Za-z-]{1,64}\Z"
_STREAM = re.compile(STREAM_PATTERN)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An envelope that cannot be answered, because it does not say which records it carries."""

    reason: str


class ReceivedRecord(NamedTuple):
    """One valid record of a batch; ``payload`` is its JSON as it is to be stored.

    ``about_no_car`` is a raw reading that names none: nothing follows from it. ``known`` is the record if it had to be
    taken apart already.
    """

    seq: int
    kind: str
    boot: str
    payload: str
    about_no_car: bool = False
    known: Record | None = None

    @property
    def record(self) -> Record:
        """The record itself; taking a raw reading apart costs more than all the rest of it."""
        return self.known or Record.model_validate_json(self.payload)


@dataclass(frozen=True, slots=True)
class Readings(Sequence[ReceivedRecord]):
    """Raw readings of one boot that name no car, in order of seq: each a ReceivedRecord to whoever asks for one.

    Kept as columns, because making those records costs more than storing them.
    """

    seqs: Sequence[int]
    boot: str
    payloads: Sequence[str]

    def __len__(self) -> int:
        return len(self.seqs)

    @overload
    def __getitem__(self, at: int) -> ReceivedRecord: ...
    @overload
    def __getitem__(self, at: slice) -> "Readings": ...
    def __getitem__(self, at: int | slice) -> "ReceivedRecord | Readings":
        if isinstance(at, slice):
            return Readings(self.seqs[at], self.boot, self.payloads[at])
        return ReceivedRecord(self.seqs[at], "reading", self.boot, self.payloads[at], about_no_car=True)

    def without(self, seqs: Container[int]) -> "Readings":
        """Those whose seq is not one of ``seqs``."""
        left = [at for at, seq in enumerate(self.seqs) if seq not in seqs]
        return Readings([self.seqs[at] for at in left], self.boot, [self.payloads[at] for at in left])


@dataclass(frozen=True, slots=True)
class ReceivedBatch:
    """A batch taken apart: records to store in order of seq, and poison that will never be stored."""

    device: str
    stream: str
    lo: int
    records: Sequence[ReceivedRecord]
    poison: tuple[Nack, ...] = ()

    @property
    def seqs(self) -> Sequence[int]:
        return self.readings.seqs if self.readings else [record.seq for record in self.records]

    @property
    def readings(self) -> Readings | None:
        """The records if nothing more follows from any of them than that it is kept; None otherwise."""
        return self.records if isinstance(self.records, Readings) else None


def encode_batch(stream: str, lo: int, rows: Iterable[tuple[int, bytes | str]]) -> bytes:
    """Return the payload of a batch; each row is ``(seq, record as JSON)``. Long ones are deflated."""
    records = b",".join([b"[%d,%b]" % (seq, row if isinstance(row, bytes) else row.encode()) for seq, row in rows])
    text = b'{"v":%d,"s":%b,"lo":%d,"r":[%b]}' % (WIRE_VERSION, json.dumps(stream).encode(), lo, records)
    return zlib.compress(text, 1) if len(text) >= COMPRESS_FROM_BYTES else text


def decode_batch(device: str, payload: bytes) -> ReceivedBatch | Unreadable:
    """Take one message of topic ``t`` apart; never raises, whatever the bytes."""
    try:
        text = _inflate(payload)
        if quick := _read_quickly(device, text):
            return quick
        envelope = json.loads(text)
    except (ValueError, zlib.error, RecursionError) as error:
        return Unreadable(_short(f"not JSON: {error}"))
    if not isinstance(envelope, dict):
        return Unreadable("not a JSON object")
    if envelope.get("v") != WIRE_VERSION:
        return Unreadable(_short(f"wire version {envelope.get('v')!r} is not spoken here"))
    return _read_envelope(device, envelope)


def decode_question(payload: bytes) -> Question | None:
    """Read a question that came instead of a batch; None when it is none."""
    try:
        question = Question.model_validate_json(payload[:MAX_RECORD_BYTES])
    except ValueError:
        return None
    return question if all(1 <= a <= b <= MAX_SEQ for a, b in question.of) else None


def decode_answer(payload: bytes) -> Ack | Nack | Account | None:
    """Read a message of topic ``ack``; None when it is not an answer of this version."""
    try:
        content = json.loads(payload[:MAX_RECORD_BYTES])
        if isinstance(content, dict) and "ask" in content:
            return Account.model_validate(content)
        answer = (Nack if isinstance(content, dict) and "reason" in content else Ack).model_validate(content)
    except (ValueError, RecursionError):
        return None
    return answer if 1 <= answer.a <= answer.b <= MAX_SEQ else None


def decode_state(payload: bytes) -> State | None:
    """Read a message of topic ``state``; None when it is not one."""
    try:
        return State.model_validate_json(payload[:MAX_RECORD_BYTES])
    except ValueError:
        return None


def runs(seqs: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Join sorted seqs to closed ranges without a gap: ``1 2 3 7`` gives ``(1, 3) (7, 7)``."""
    seqs = list(seqs)
    if seqs and seqs[-1] - seqs[0] == len(seqs) - 1:  # nearly always
        return ((seqs[0], seqs[-1]),)
    found: list[tuple[int, int]] = []
    for seq in seqs:
        if found and seq == found[-1][1] + 1:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return tuple(found)


def _inflate(payload: bytes) -> bytes:
    if len(payload) > MAX_BATCH_BYTES:
        raise ValueError(f"{len(payload)} bytes are more than {MAX_BATCH_BYTES}")
    if not payload or payload[0] != ZLIB_FIRST_BYTE:
        return payload
    inflater = zlib.decompressobj()
    text = inflater.decompress(payload, MAX_BATCH_BYTES)
    if not inflater.eof:
        raise ValueError("deflated data is cut short or too large")
    return text


def _read_quickly(device: str, text: bytes) -> ReceivedBatch | None:
    """A batch of raw readings in which all is as it should be; None for any other, which the long way judges."""
    from sync.rows import read  # its decoder comes with the back office

    return read(device, text)


def _read_envelope(device: str, envelope: dict[str, object]) -> ReceivedBatch | Unreadable:
    stream, lo, rows = envelope.get("s"), envelope.get("lo"), envelope.get("r")
    if not isinstance(stream, str) or not _STREAM.match(stream):
        return Unreadable("no stream id")
    if not _is_seq(lo):
        return Unreadable("no lowest seq")
    if not isinstance(rows, list) or len(rows) > MAX_BATCH_RECORDS:
        return Unreadable(f"no list of at most {MAX_BATCH_RECORDS} records")
    good: dict[int, ReceivedRecord] = {}
    bad: dict[int, str] = {}
    for row in rows:
        if not (isinstance(row, list) and len(row) == 2 and _is_seq(row[0])):
            return Unreadable("a record without a seq")
        _sort_row(row[0], row[1], good, bad)
    return ReceivedBatch(
        device, stream, int(str(lo)), tuple(good[seq] for seq in sorted(good)), _nacks(stream, bad, good)
    )


def _sort_row(seq: int, content: object, good: dict[int, ReceivedRecord], bad: dict[int, str]) -> None:
    try:
        record = Record.model_validate(content)
        # as it came, so that what a newer edge adds is kept; lone surrogates and NaN are JSON to Python only
        payload = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        payload.encode()
    except (ValueError, RecursionError) as error:
        bad[seq] = _reason(error)
    else:
        good.setdefault(seq, ReceivedRecord(seq, record.body.kind, record.boot, payload, _is_of_no_car(record), record))


def _is_of_no_car(record: Record) -> bool:
    return isinstance(record.body, ReadingBody) and record.body.vehicle == VehicleRef()


def _nacks(stream: str, bad: dict[int, str], good: dict[int, ReceivedRecord]) -> tuple[Nack, ...]:
    return tuple(Nack(s=stream, a=a, b=b, reason=bad[a]) for a, b in runs(sorted(bad.keys() - good.keys())))


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return _short(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
    return _short(type(error).__name__)


def _short(text: str) -> str:
    """Bound and clean what a peer made us say."""
    return "".join(c if c.isprintable() else "?" for c in text[:REASON_LIMIT])


def _is_seq(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SEQ


def answers_of(batch: ReceivedBatch) -> Sequence[Ack | Nack]:
    """What to tell the edge once the records of ``batch`` are committed; the same for a duplicate.

    Only seqs that stood in the batch are acknowledged, never a range that merely spans them.
    """
    acks = [Ack(s=batch.stream, a=a, b=b) for a, b in runs(batch.seqs)]
    return (*acks, *batch.poison)
