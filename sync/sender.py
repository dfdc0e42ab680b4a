"""What to send next, and when to send it again: the edge's half of the delivery, without I/O, time as an argument.

Nothing is forgotten here on the word of a broker: only a range the receiver acknowledged is handed out to be forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from sync.codec import encode_batch, runs
from sync.outbox_file import READINGS, TURNS, Rows
from sync.seqs import Seqs
from sync.wire import Ack, Nack

BATCH_TARGET_BYTES = 256 << 10  # before deflation; brokers commonly refuse packets over 1 MiB
READ_AHEAD = 4  # batches of raw readings that are read from the outbox at once
PATIENCE_LIMIT = 4  # the acknowledgement timeout grows up to this many times while nothing comes back


@dataclass(frozen=True, slots=True)
class Page:
    """The rows the sender wants from the outbox next."""

    turn: int
    after_seq: int
    limit: int


@dataclass(slots=True)
class _Flight:
    """A batch under way, and what of it is not answered yet."""

    unanswered: Seqs
    sent_at_s: float


@dataclass(slots=True)
class Sender:
    """Delivery of one stream over one connection; a new connection gets a new one and so sends everything owed again.

    Times are seconds of any clock that never goes back. ``window`` batches at most wait for their acknowledgement;
    the caller keeps it within the broker's Receive Maximum.
    """

    stream: str
    batch_records: int
    window: int
    ack_timeout_s: float
    _flights: list[_Flight] = field(default_factory=list)
    _offered: Seqs = field(default_factory=Seqs)
    _after: dict[int, int] = field(default_factory=lambda: dict.fromkeys(TURNS, 0))
    _drained: set[int] = field(default_factory=set)
    _patience: int = 1
    _answered_at_s: float = float("-inf")

    @property
    def in_flight(self) -> int:
        """Batches that wait for their acknowledgement."""
        return len(self._flights)

    def wants(self) -> Page | None:
        """The page to read next, what people must act on first; None while the window is full or nothing is new."""
        room = self.window - len(self._flights)
        turn = next((turn for turn in TURNS if turn not in self._drained), None)
        if turn is None or room <= 0:
            return None
        batches = min(room, READ_AHEAD) if turn == READINGS else 1  # all others may be large
        return Page(turn, self._after[turn], batches * self.batch_records)

    def take(self, page: Page, rows: Rows, lo: int, now_s: float) -> list[bytes]:
        """Turn the rows read for ``page`` into the batches to publish, as many as the window has room for.

        ``lo`` is the outbox's lowest unacknowledged seq, read before the rows or together with them.
        """
        if len(rows.seqs) < page.limit:
            self._drained.add(page.turn)
        batches, at = list[bytes](), 0
        while at < len(rows.seqs) and len(self._flights) < self.window:
            payloads = _within_target(rows.payloads[at : at + self.batch_records])
            seqs = rows.seqs[at : at + len(payloads)]
            at += len(payloads)
            offered = runs(seqs)
            for first, last in offered:
                self._offered.add(first, last)
            self._flights.append(_Flight(Seqs.of(offered), now_s))
            batches.append(encode_batch(self.stream, lo, zip(seqs, payloads, strict=True)))
        if at:
            self._after[page.turn] = rows.seqs[at - 1]
        if at < len(rows.seqs):
            self._drained.discard(page.turn)
        return batches

    def appended(self) -> None:
        """The outbox has something new."""
        self._drained.clear()

    def on_ack(self, ack: Ack, now_s: float = float("-inf")) -> tuple[tuple[int, int], ...]:
        """Return the ranges to forget: what was acknowledged and sent by us. Late and doubled answers are fine."""
        self._answered_at_s = max(self._answered_at_s, now_s)
        return self._settled(ack.s, ack.a, ack.b)

    def on_nack(self, nack: Nack) -> tuple[tuple[int, int], ...]:
        """Return the ranges to put into quarantine: what was refused for good and had been sent by us."""
        return self._settled(nack.s, nack.a, nack.b)

    def deadline_s(self) -> float | None:
        """When to go back if no acknowledgement comes; None while nothing is in flight.

        A receiver that answers is not away but slow, and sending all again would make it slower; only so long, though,
        as no single batch waits beyond all patience.
        """
        if not self._flights:
            return None
        oldest_s = min(flight.sent_at_s for flight in self._flights)
        quiet_since_s = max(oldest_s, self._answered_at_s)
        return min(quiet_since_s + self.ack_timeout_s * self._patience, oldest_s + self.ack_timeout_s * PATIENCE_LIMIT)

    def expired(self, now_s: float) -> bool:
        deadline = self.deadline_s()
        return deadline is not None and deadline <= now_s

    def go_back(self) -> None:
        """Begin again with the lowest unacknowledged record, more patiently: the receiver may be away."""
        self._flights.clear()
        self._drained.clear()
        self._after = dict.fromkeys(TURNS, 0)
        self._patience = min(self._patience * 2, PATIENCE_LIMIT)

    def _settled(self, stream: str, a: int, b: int) -> tuple[tuple[int, int], ...]:
        if stream != self.stream:
            return ()
        hit = self._offered.take(a, b)
        if not hit:
            return ()
        self._patience = 1
        for flight in self._flights:
            flight.unanswered.take(a, b)
        self._flights = [flight for flight in self._flights if flight.unanswered]
        return hit


def _within_target(payloads: Sequence[bytes]) -> Sequence[bytes]:
    """The longest beginning of ``payloads`` that stays within the target size, one at least."""
    if sum(map(len, payloads)) <= BATCH_TARGET_BYTES:
        return payloads
    sizes = accumulate(map(len, payloads))
    return payloads[: max(1, sum(size <= BATCH_TARGET_BYTES for size in sizes))]
