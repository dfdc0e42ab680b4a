"""Slips of the keys: two digits swapped, one doubled, one lost, one beside; nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.slips import has_digit_too_many, lost_a_digit, one_slip_from


@pytest.mark.parametrize("typed", [154123, 145132, 1455123, 14123, 45123, 135123, 145124, 245123])
def test_each_slip_is_known(typed: int) -> None:
    assert one_slip_from(typed, 145123, 145123)


@pytest.mark.parametrize("typed", [145123, 125123, 541123, 145, 95123, 165123])
def test_what_is_no_single_slip_is_none(typed: int) -> None:
    assert not one_slip_from(typed, 145123, 145123)


def test_a_first_digit_takes_the_zeros_behind_it_along() -> None:
    assert one_slip_from(8940, 108940, 108940)
    assert not one_slip_from(40, 108940, 108940)


@settings(max_examples=50)
@given(st.integers(1_000, 999_999), st.data())
def test_a_slip_of_any_number_leads_back_to_it(meant: int, data: st.DataObject) -> None:
    digits = str(meant)
    place = data.draw(st.integers(0, len(digits) - 2))
    swapped = int(digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :])
    doubled = int(digits[: place + 1] + digits[place:])
    lost = int(digits[: place + 1] + digits[place + 2 :])

    assert one_slip_from(doubled, meant, meant)
    assert one_slip_from(lost, meant, meant)
    assert lost_a_digit(lost, meant, meant)
    assert swapped == meant or len(str(swapped)) < len(digits) or one_slip_from(swapped, meant, meant)


def test_a_digit_too_many_is_about_ten_times() -> None:
    assert has_digit_too_many(680_000, 68_000)
    assert not has_digit_too_many(136_000, 68_000)
