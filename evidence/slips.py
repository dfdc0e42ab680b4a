"""Slips of the keys: whether a typed number is one slip away from the one that was meant."""

from collections.abc import Iterator


def one_slip_from(typed: int, low: int, high: int) -> bool:
    """Whether one slip turns a whole number within ``low`` to ``high`` into ``typed``.

    A slip swaps two digits, doubles one, loses one, or hits the key beside.
    """
    return any(low <= meant <= high for meant in _meant(str(typed)))


def lost_a_digit(typed: int, low: int, high: int) -> bool:
    """The same for a lost digit alone: the slip that hardly any change of a mileage resembles."""
    return any(low <= int(meant) <= high for meant in _with_one_more(str(typed)))


def doubled_a_digit(typed: int, low: int, high: int) -> bool:
    """The same for a doubled digit alone: about ten times the number that was meant."""
    return any(low <= int(meant) <= high for meant in _with_one_less(str(typed)) if meant)


def has_digit_too_many(typed_m: int, read_m: int) -> bool:
    """Whether a typed value is about ten times the true one."""
    return 8 * read_m <= typed_m <= 12 * read_m


def _meant(typed: str) -> Iterator[int]:
    for number in (*_swapped(typed), *_with_one_less(typed), *_with_one_more(typed), *_beside(typed)):
        if number and number[0] != "0":
            yield int(number)


def _swapped(digits: str) -> Iterator[str]:
    for place in range(len(digits) - 1):
        if digits[place] != digits[place + 1]:
            yield digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]


def _with_one_less(digits: str) -> Iterator[str]:
    for place in range(len(digits) - 1):
        if digits[place] == digits[place + 1]:
            yield digits[:place] + digits[place + 1 :]


def _with_one_more(digits: str) -> Iterator[str]:
    for place in range(len(digits) + 1):
        for digit in "0123456789" if place else "123456789":
            yield digits[:place] + digit + digits[place:]
    # a lost first digit takes the zeros behind it along
    yield from (f"{digit}0{digits}" for digit in "123456789")


def _beside(digits: str) -> Iterator[str]:
    """The keys left and right of a digit in the row; 0 stands right of 9."""
    for place, digit in enumerate(digits):
        for step in (1, 9):
            yield digits[:place] + str((int(digit) + step) % 10) + digits[place + 1 :]
