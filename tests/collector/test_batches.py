"""Grouping PIDs: nothing is lost or asked twice, and the number of answer lines is the standard's arithmetic."""

from hypothesis import given
from hypothesis import strategies as st

from collector.batches import MAX_PIDS, batches, expected_lines, supported_by_any, with_guests

PIDS = st.lists(st.integers(1, 0xFF), unique=True, max_size=40)


@given(PIDS, st.booleans())
def test_every_pid_is_asked_exactly_once_and_at_most_six_together(pids: list[int], several: bool) -> None:
    groups = batches(pids, at_once=6 if several else 1)

    assert sorted(pid for group in groups for pid in group) == sorted(pids)
    assert all(1 <= len(group) <= (MAX_PIDS if several else 1) for group in groups)


def test_only_what_an_ecu_has_is_wanted_in_the_order_it_was_wanted() -> None:
    support = {"7E8": frozenset({0x0C, 0x0D}), "7E9": frozenset({0x0D, 0xA6})}

    assert supported_by_any(support, (0xA6, 0x0D, 0x21, 0x0C, 0x0D)) == (0xA6, 0x0D, 0x0C)


def test_lines_follow_iso_tp_frame_sizes() -> None:
    both = {"7E8": frozenset({0x0C, 0x0D, 0x05, 0xA6}), "7E9": frozenset({0x0D})}

    assert expected_lines(both, (0x0D,)) == 2
    assert expected_lines(both, (0x0C, 0x0D)) == 2  # 41 0C xx xx 0D xx: six bytes
    assert expected_lines(both, (0x0C, 0x0D, 0xA6)) == 3  # eleven bytes: a first frame and one more
    assert expected_lines({}, (0x0D,)) == 0
    assert expected_lines(both, (0x0D, 0xFF)) is None


def test_guests_fill_the_room_that_is_left_and_never_cost_a_request() -> None:
    assert with_guests([(1, 0x0C), (0x0D,)], [0xA6, 0x31], at_once=3) == ((1, 0x0C, 0xA6), (0x0D, 0x31))
    assert with_guests([(1, 0x0C)], [0xA6, 0x31], at_once=3) == ((1, 0x0C, 0xA6),)
    assert with_guests([(1, 0x0C)], [0xA6], at_once=2) == ((1, 0x0C),)
    assert with_guests([(1,)], [0xA6], at_once=0) == ((1,),)
    assert with_guests([], [0xA6], at_once=6) == ()


def test_no_guest_joins_a_pid_of_unknown_length() -> None:
    assert with_guests([(0xFE,)], [0xA6], at_once=6) == ((0xFE,),)
