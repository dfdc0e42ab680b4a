"""Sets of seqs behave as any set does, however their ranges touch."""

from hypothesis import given
from hypothesis import strategies as st

from sync.codec import runs
from sync.seqs import Seqs

Spans = list[tuple[int, int]]
SPANS = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 6)).map(lambda span: (span[0], sum(span))))


def every(ranges: Spans | tuple[tuple[int, int], ...]) -> set[int]:
    return {seq for first, last in ranges for seq in range(first, last + 1)}


def filled(ranges: Spans) -> Seqs:
    seqs = Seqs()
    for first, last in ranges:
        seqs.add(first, last)
    return seqs


@given(SPANS, st.integers(1, 60))
def test_what_is_missing_is_what_was_never_added(ranges: Spans, lo: int) -> None:
    seqs, plain = filled(ranges), every(ranges)

    assert every(seqs.missing_below(lo)) == set(range(1, lo)) - plain
    assert {seq for seq in range(70) if seq in seqs} == plain
    assert seqs.ranges() == runs(sorted(plain))
    assert bool(seqs) == bool(plain)


@given(SPANS, SPANS)
def test_what_is_taken_was_in_it_and_is_no_longer(ranges: Spans, taken: Spans) -> None:
    seqs, plain = filled(ranges), every(ranges)

    for first, last in taken:
        wanted = set(range(first, last + 1))
        assert seqs.take(first, last) == runs(sorted(plain & wanted))
        plain -= wanted
        assert seqs.ranges() == runs(sorted(plain))


@given(st.sets(st.integers(1, 40), min_size=1))
def test_a_set_of_ranges_is_the_set_of_what_they_hold(plain: set[int]) -> None:
    assert Seqs.of(runs(sorted(plain))) == filled([(seq, seq) for seq in plain])
