"""The other side of a comparison: records by stream and seq, and a true account of them to whoever asks."""

from collections.abc import Sequence

from sync.codec import runs
from sync.digest import digest_of
from sync.outbox import Outbox
from sync.wire import MAX_DIGEST_SPAN, Account, Holding, Span


class Upstream:
    """Holds records by stream and seq, notes what was declared, and gives an account of both as a back office does."""

    def __init__(self) -> None:
        self.held: dict[str, dict[int, bytes]] = {}
        self.noted: set[int] = set()
        self.asked: list[tuple[str, int, tuple[Span, ...]]] = []

    async def deliver(self, outbox: Outbox, *, stream: str | None = None) -> None:
        rows = await outbox.unacknowledged(0, 10_000, stream=stream)
        self.held.setdefault(stream or outbox.stream, {}).update(rows)
        await outbox.acknowledge_ranges(runs(row.seq for row in rows), stream=stream)

    async def ask(self, stream: str, lo: int, spans: Sequence[Span]) -> Account:
        self.asked.append((stream, lo, tuple(spans)))
        return Account(s=stream, ask="0a", holds=tuple(self._holding(stream, a, b) for a, b in spans))

    def _holding(self, stream: str, a: int, b: int) -> Holding:
        held = {seq: row for seq, row in sorted(self.held.get(stream, {}).items()) if a <= seq <= b}
        noted = runs(seq for seq in sorted(self.noted) if a <= seq <= b)
        digest = digest_of(held.items()) if b - a < MAX_DIGEST_SPAN else ""
        return Holding(of=(a, b), held=runs(held), noted=noted, digest=digest)
