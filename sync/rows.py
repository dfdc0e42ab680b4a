"""The short way through a batch of raw readings, which is most of what travels, written as our own edges write them.

Whatever looks different in any way is left to the long way in ``sync.codec``, which is the one that judges. A reading
that is taken here is one there too: the shapes below allow nothing that ``sync.records`` does not.
"""

from operator import lt
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder

from evidence.snapshot import ClockQuality
from sync.codec import MAX_BATCH_RECORDS, MAX_SEQ, STREAM_PATTERN, Readings, ReceivedBatch

Seq = Annotated[int, Meta(ge=1, le=MAX_SEQ)]


class _NoVehicle(Struct, forbid_unknown_fields=True, gc=False):
    vin: Literal[""]
    plate: Literal[""]
    stock_number: Literal[""]
    intake_id: Literal[""]


class _Reading(Struct, forbid_unknown_fields=True, gc=False):
    kind: Literal["reading"]
    vehicle: _NoVehicle
    signal: str
    value: float | int | str | bool


class _Record(Struct, forbid_unknown_fields=True, gc=False):
    t: int
    tq: ClockQuality
    mono_ns: int
    boot: str
    body: _Reading


class _Row(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    seq: Seq
    record: Raw


class _Envelope(Struct, forbid_unknown_fields=True):
    v: Literal[1]
    s: Annotated[str, Meta(pattern=STREAM_PATTERN)]
    lo: Seq
    r: Annotated[list[_Row], Meta(min_length=1, max_length=MAX_BATCH_RECORDS)]


_ENVELOPE = Decoder(_Envelope)
_RECORDS = Decoder(list[_Record])


def read(device: str, text: bytes) -> ReceivedBatch | None:
    """The batch; None when the long way must be taken."""
    try:
        envelope = _ENVELOPE.decode(text)
        raws = [row.record for row in envelope.r]
        boots = {record.boot for record in _RECORDS.decode(b"[%b]" % b",".join(raws))}
        payloads = [str(raw, "utf-8") for raw in raws]
    except (ValueError, RecursionError):
        return None
    seqs = [row.seq for row in envelope.r]
    if len(boots) > 1 or not all(map(lt, seqs, seqs[1:])):
        return None
    return ReceivedBatch(device, envelope.s, envelope.lo, Readings(seqs, boots.pop(), payloads))
