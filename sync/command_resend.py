"""A range that upstream wants again: what is still kept is owed once more, what is no longer there is named."""

from collections.abc import Iterable, Sequence

from sync.codec import runs
from sync.command import ResendReport
from sync.digest import without
from sync.outbox import Outbox
from sync.outbox_kept import StreamView
from sync.wire import MAX_SPANS, Span


async def resend(outbox: Outbox, stream: str, ranges: Sequence[Span]) -> tuple[ResendReport, int] | None:
    """Owe ``ranges`` again as far as they are kept; the outcome and how many records. None for no stream of ours."""
    view = next((one for one in await outbox.streams_view() if one.stream == stream), None)
    if view is None:
        return None
    found = sorted_out(view, ranges)
    count = await outbox.refill(stream, found.again) if found.again else 0
    return found, count


def sorted_out(view: StreamView, ranges: Sequence[Span]) -> ResendReport:
    """Which of ``ranges`` is kept, owed already, or gone; at most 64 spans of a sort, and only those are sent again."""
    given = [(a, min(b, view.last_seq)) for a, b in ranges if a <= view.last_seq]
    kept, owed = _within(view.kept, given), _within(view.owed, given)
    gone = without(_joined(given), [*kept, *owed])
    cut = [spans[:MAX_SPANS] for spans in (kept, owed, gone)]
    more = any(len(spans) > MAX_SPANS for spans in (kept, owed, gone))
    return ResendReport(again=cut[0], owed=cut[1], gone=cut[2], more=more)


def _within(seqs: Sequence[int], ranges: Sequence[Span]) -> tuple[Span, ...]:
    wanted = _joined(ranges)
    return runs(seq for seq in seqs if any(a <= seq <= b for a, b in wanted))


def _joined(ranges: Iterable[Span]) -> tuple[Span, ...]:
    """The same seqs in order, none twice."""
    found: list[Span] = []
    for a, b in sorted(ranges):
        if found and a <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(b, found[-1][1]))
        else:
            found.append((a, b))
    return tuple(found)
