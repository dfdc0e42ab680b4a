"""Which values cannot stand: the last one that does and the first one that does not, for each rule."""

from dataclasses import replace
from datetime import timedelta

import pytest

from evidence.entry import RANK, Entry
from evidence.quarantine import quarantine
from protocols.readings import Trust
from tests.evidence.cars import NOW

DAY = timedelta(days=1)


def _said(metres: int, days: float = 0, visit: int = 0, trust: Trust = Trust.STANDARD) -> Entry:
    source = "dash" if trust is Trust.TYPED else "01A6"
    name = f"{visit}/{source}"
    return Entry(name, NOW + days * DAY, source, "", metres, trust, visit=visit, rank=RANK[trust])


def _typed(metres: int, days: float = 0, visit: int = 0) -> Entry:
    return _said(metres, days, visit, Trust.TYPED)


def _reasons(*entries: Entry) -> list[str]:
    return [entry.quarantined for entry in quarantine(entries)]


@pytest.mark.parametrize(
    ("metres", "reason"), [(-1, "zero"), (0, "zero"), (1, ""), (5_000_000_000, ""), (5_000_000_001, "implausible")]
)
def test_a_lone_value_is_one_that_a_car_can_show(metres: int, reason: str) -> None:
    assert _reasons(_said(metres)) == [reason]


@pytest.mark.parametrize(
    ("before_m", "now_m", "reason"),
    [
        (5_000_000, 4_970_000, ""),
        (5_000_000, 4_969_999, "below_earlier"),
        (100_000_000, 99_700_000, ""),
        (100_000_000, 99_699_999, "below_earlier"),
    ],
)
def test_a_copy_may_lie_a_little_below(before_m: int, now_m: int, reason: str) -> None:
    assert _reasons(_said(before_m), _said(now_m, 9, 1)) == ["", reason]


@pytest.mark.parametrize(
    ("days", "most_m"),
    [(0, 4_828_000), (0.5, 4_828_000), (2, 9_656_000), (-2, 9_656_000), (7, 33_796_000), (8, 35_296_000)],
)
def test_no_car_drives_further_in_so_many_days(days: float, most_m: int) -> None:
    before = _said(1_000_000)

    assert _reasons(before, _said(1_000_000 + most_m, days, 1)) == ["", ""]
    assert _reasons(before, _said(1_000_001 + most_m, days, 1)) == ["", "too_fast"]
    assert _reasons(replace(before, dated=False), _said(1_000_001 + most_m, days, 1)) == ["", ""]
    assert _reasons(before, replace(_said(1_000_001 + most_m, days, 1), at=None)) == ["", ""]


# 100 days on: five times the usual distance and 20,000 km more, and not less than a taxi's 300 km a day
@pytest.mark.parametrize(("known_m", "most_m"), [(9_000_000, 45_000_000), (90_000, 30_000_000)])
def test_what_a_person_gave_deviates_beyond_what_the_car_can_have_driven(known_m: int, most_m: int) -> None:
    first, last = _typed(10_000_000), _typed(10_000_000 + known_m, 180, 1)
    there, beyond = (_typed(10_000_000 + known_m + most_m + more, 280, 2) for more in (0, 1))

    assert _reasons(first, last, there)[-1] == ""
    assert _reasons(first, last, beyond)[-1] == "deviates"
    assert _reasons(_typed(10_000_000, 0.01), last, beyond)[-1] == ""
    assert _reasons(first, last, replace(beyond, dated=False))[-1] == ""
    assert _reasons(replace(first, at=None), last, beyond)[-1] == ""
    assert _reasons(_typed(10_000_000 + known_m), last, beyond)[-1] == ""
    assert _reasons(first, last, replace(beyond, rank=2))[-1] == ""


@pytest.mark.parametrize(("times", "reason"), [(7.99, ""), (8, "above_later"), (12, "above_later"), (12.01, "")])
def test_a_digit_too_many_is_exposed_by_the_next_reading(times: float, reason: str) -> None:
    typed, read = _typed(round(68_000_000 * times)), _said(68_000_000, 30, 1)

    assert _reasons(typed, read) == [reason, ""]
    assert _reasons(typed, replace(read, visit=0)) == ["", ""], "of the same visit it is told otherwise"
    assert _reasons(typed, _typed(68_000_000, 30, 1))[0] == "", "what another person typed exposes nothing"


def test_a_loose_value_is_exposed_as_one_of_a_visit_is() -> None:
    loose = replace(_typed(680_000_000), visit=-1)

    assert _reasons(loose, _said(68_000_000, 30, -1)) == ["above_later", ""]


@pytest.mark.parametrize(
    ("high_m", "later_m", "reason"),
    [
        (50_500_000, 60_000_000, ""),
        (50_506_000, 60_000_000, "above_later"),
        (50_506_000, 60_607_000, ""),
        (50_506_000, 60_400_000, "above_later"),
    ],
)
def test_a_dashboard_above_the_car_is_refuted_where_both_agree_later(high_m: int, later_m: int, reason: str) -> None:
    visits = (_said(50_000_000), _typed(high_m), _said(60_000_000, 90, 1), _typed(later_m, 90, 1))

    assert _reasons(*visits)[1] == reason


def test_a_small_dashboard_is_refuted_by_a_hundred_kilometres() -> None:
    later = (_said(6_000_000, 90, 1), _typed(6_100_000, 90, 1))

    assert _reasons(_said(5_000_000), _typed(5_100_000), *later) == [""] * 4
    assert _reasons(_said(5_000_000), _typed(5_100_001), *later) == ["", "above_later", "", ""]
    assert _reasons(_said(5_000_000), _typed(5_100_001)) == ["", ""], "nothing is known of later"


def test_what_people_typed_does_not_judge_what_the_car_reads_and_a_reason_stays() -> None:
    assert _reasons(_typed(90_000_000), _said(68_000_000, 9, 1)) == ["", ""]
    assert _reasons(_said(90_000_000), replace(_said(68_000_000, 9, 1), quarantined="slip")) == ["", "slip"]
    assert _reasons(replace(_said(90_000_000), voided="x"), _said(68_000_000, 9, 1)) == ["", ""]
    assert _reasons(_said(0), _typed(68_000_000, 9, 1), _typed(30_000_000, 10, 2)) == ["zero", "", "below_earlier"]


def test_of_one_visit_the_most_trusted_value_stands_for_the_next() -> None:
    """Within a visit nothing is held against the other: what is trusted most is what the next is measured from."""
    both = (_typed(70_000_000), _said(68_000_000))

    assert _reasons(*both) == ["", ""]
    assert _reasons(*both, _said(72_828_000, 0.5, 1)) == ["", "", ""]
    assert _reasons(*both, _said(72_828_001, 0.5, 1)) == ["", "", "too_fast"]
    assert _reasons(*both, _typed(69_789_999, 0.5, 1))[-1] == "below_earlier"
