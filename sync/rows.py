"""The short way through a batch of raw readings, which is most of what travels, written as our own edges write them.

Whatever looks different in any way is left to the long way in ``sync.codec``, which is the one that judges. A reading
that is taken here is one there too: the shapes below allow nothing that ``sync.records`` does not.
"""

from itertools import repeat
from operator import lt
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder

from evidence.snapshot import ClockQuality
from sync.codec import MAX_BATCH_RECORDS, MAX_SEQ, STREAM_PATTERN, ReceivedBatch, ReceivedRecord

Seq = Annotated[int, Meta(ge=1, le=MAX_SEQ)]


class _Vehicle(Struct, forbid_unknown_fields=True, gc=False):
    vin: str
    plate: str
    stock_number: str
    intake_id: str


class _Reading(Struct, forbid_unknown_fields=True, gc=False):
    kind: Literal["reading"]
    vehicle: _Vehicle
    signal: str
    value: float | int | str | bool


class _Record(Struct, forbid_unknown_fields=True, gc=False):
    t: int
    tq: ClockQuality
    mono_ns: int
    boot: str
    body: _Reading


class _Envelope(Struct, forbid_unknown_fields=True):
    v: Literal[1]
    s: Annotated[str, Meta(pattern=STREAM_PATTERN)]
    lo: Seq
    r: Annotated[list[tuple[Seq, Raw]], Meta(min_length=1, max_length=MAX_BATCH_RECORDS)]


_ENVELOPE = Decoder(_Envelope)
_RECORDS = Decoder(list[_Record])
_NOBODY = _Vehicle("", "", "", "")


def read(device: str, text: bytes) -> ReceivedBatch | None:
    """The batch; None when the long way must be taken."""
    try:
        envelope = _ENVELOPE.decode(text)
        seqs, raws = zip(*envelope.r, strict=True)
        records = _RECORDS.decode(b"[%b]" % b",".join(raws))
        payloads = [str(raw, "utf-8") for raw in raws]
    except (ValueError, RecursionError):
        return None
    if not all(map(lt, seqs, seqs[1:])):
        return None
    boots, of_no_car = [one.boot for one in records], [one.body.vehicle == _NOBODY for one in records]
    rows = zip(seqs, repeat("reading"), boots, payloads, of_no_car, repeat(None))
    return ReceivedBatch(device, envelope.s, envelope.lo, tuple(map(ReceivedRecord._make, rows)))
