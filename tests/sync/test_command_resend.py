"""A range that is wanted again: kept is owed once more, owed is on its way, gone is named, never given is not."""

from hypothesis import given
from hypothesis import strategies as st

from sync.codec import runs
from sync.command_resend import resend, sorted_out
from sync.outbox import Outbox
from sync.outbox_kept import StreamView
from sync.wire import MAX_SPANS
from tests.sync.samples import mileage

SEQS = st.frozensets(st.integers(1, 40))
RANGES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 20)).map(lambda ab: (ab[0], ab[0] + ab[1])), max_size=6)


def seqs_of(spans: tuple[tuple[int, int], ...]) -> list[int]:
    return [seq for a, b in spans for seq in range(a, b + 1)]


@given(SEQS, SEQS, RANGES)
def test_every_seq_asked_for_is_named_once(
    kept: frozenset[int], owed: frozenset[int], ranges: list[tuple[int, int]]
) -> None:
    view = StreamView("s", 40, 1, tuple(sorted(owed)), tuple(sorted(kept - owed)))

    found = sorted_out(view, ranges)

    asked = {seq for a, b in ranges for seq in range(a, b + 1) if seq <= 40}
    named = seqs_of(found.again) + seqs_of(found.owed) + seqs_of(found.gone)
    assert sorted(named) == sorted(asked)
    assert set(seqs_of(found.again)) == asked & (kept - owed)
    assert set(seqs_of(found.owed)) == asked & owed
    assert not found.more


def test_of_many_ranges_the_first_are_named_and_only_those_sent() -> None:
    odd = tuple(range(1, 401, 2))
    found = sorted_out(StreamView("s", 400, 401, (), odd), [(1, 400)])

    assert len(found.again) == len(found.gone) == MAX_SPANS
    assert found.again == runs(odd)[:MAX_SPANS]
    assert found.more
    assert not sorted_out(StreamView("s", 400, 401, (), odd), [(1, 2 * MAX_SPANS)]).more


def test_ranges_that_touch_or_overlap_are_named_as_one() -> None:
    found = sorted_out(StreamView("s", 9, 10, (), ()), [(3, 4), (1, 2), (2, 3), (6, 7)])

    assert found.gone == ((1, 4), (6, 7))


def test_a_huge_range_costs_what_there_is_and_not_what_is_asked() -> None:
    found = sorted_out(StreamView("s", 3, 1, (), (1, 3)), [(1, 1 << 52)])

    assert (found.again, found.gone) == (((1, 1), (3, 3)), ((2, 2),))
    assert sorted_out(StreamView("s", 3, 1, (), (1, 3)), [(3, 3)]).again == ((3, 3),)


async def test_what_was_confirmed_is_owed_again(outbox: Outbox) -> None:
    for seq in range(1, 5):
        await outbox.append((mileage(seq),))
    await outbox.acknowledge_ranges([(1, 3)])
    assert outbox.pending_count() == 1

    outcome = await resend(outbox, outbox.stream, [(2, 9)])

    assert outcome is not None
    report, count = outcome
    assert (report.again, report.owed, report.gone, count) == (((2, 3),), ((4, 4),), (), 2)
    assert outbox.pending_count() == 3
    assert await resend(outbox, "another", [(1, 2)]) is None
    nothing = await resend(outbox, outbox.stream, [(9, 9)])
    assert nothing is not None and nothing[1] == 0
