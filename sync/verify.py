"""Comparing what the edge was told is stored with what is: holes are refilled from here, or named."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from sync.codec import runs
from sync.digest import digest_of, pieces, without
from sync.errors import UpstreamLostError
from sync.outbox import Outbox
from sync.outbox_kept import StreamView
from sync.wire import MAX_DIGEST_SPAN, MAX_SPANS, Account, Holding, Span

Ask = Callable[[str, int, Sequence[Span]], Awaitable[Account]]
"""Stream, its lowest unacknowledged seq, spans -> what upstream holds of them."""


@dataclass(frozen=True, slots=True)
class StreamReport:
    """What was found of one stream.

    ``refilled`` was missing upstream and goes there again, ``lost`` is missing on both sides and declared by nobody,
    ``different`` does not read the same on both sides. ``owed`` are on their way: nobody upstream knows of them yet.
    """

    stream: str
    last_seq: int
    owed: int
    refilled: tuple[Span, ...]
    lost: tuple[Span, ...]
    different: tuple[Span, ...]

    @property
    def sound(self) -> bool:
        return not (self.refilled or self.lost or self.different)


async def verify(outbox: Outbox, ask: Ask) -> tuple[StreamReport, ...]:
    """Compare every stream of the outbox with upstream and refill what can be.

    Raises what ``ask`` raises, and UpstreamLostError for an account that leaves out some of what was asked.
    """
    return tuple([await _verify_stream(outbox, view, ask) for view in await outbox.streams_view()])


async def _verify_stream(outbox: Outbox, view: StreamView, ask: Ask) -> StreamReport:
    ours = pieces(view.kept, MAX_DIGEST_SPAN)
    # below the lowest owed all must be accounted for; what was given up above it may still be on its way as tombstone
    gone = without([(1, view.lowest - 1)] if view.lowest > 1 else [], [*ours, *runs(view.owed)])
    holds = {holding.of: holding for part in _parts([*ours, *gone]) for holding in await _asked(ask, view, part)}
    missing = {span: without([span], [*holding.held, *holding.noted]) for span, holding in holds.items()}
    refill = tuple(hole for span in ours for hole in missing[span])
    different = [span for span in ours if not missing[span] and await _differs(outbox, view, holds[span])]
    if refill:
        await outbox.refill(view.stream, refill)
    lost = tuple(hole for span in gone for hole in missing[span])
    return StreamReport(view.stream, view.last_seq, len(view.owed), refill, lost, tuple(different))


async def _asked(ask: Ask, view: StreamView, spans: Sequence[Span]) -> tuple[Holding, ...]:
    holds = (await ask(view.stream, view.lowest, spans)).holds
    if not {holding.of for holding in holds}.issuperset(spans):
        raise UpstreamLostError("the back office left out some of what it was asked")
    return holds


async def _differs(outbox: Outbox, view: StreamView, holding: Holding) -> bool:
    """Whether the records of a piece that both sides hold read differently; what is refused is not compared."""
    if holding.noted:
        return False
    return digest_of(await outbox.kept_rows(view.stream, *holding.of)) != holding.digest


def _parts(spans: Sequence[Span]) -> Iterator[Sequence[Span]]:
    for at in range(0, len(spans), MAX_SPANS):
        yield spans[at : at + MAX_SPANS]
