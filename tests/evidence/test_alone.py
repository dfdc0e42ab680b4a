"""Which values stand alone: nobody sets a mileage up and back, and a car that was turned back is not excused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from evidence.alone import without_lone
from evidence.entry import RANK, Entry
from evidence.history import Visit
from evidence.snapshot import CounterPart, CountersPart, Snapshot
from protocols.readings import Trust
from tests.evidence.cars import NOW

DAY = timedelta(days=1)


def _said(metres: int, visit: int, source: str = "01A6", trust: Trust = Trust.STANDARD, days: float = 0) -> Entry:
    at = NOW + (days or 100.0 * visit) * DAY
    return Entry(f"{visit}/{source}", at, source, "", metres, trust, visit=visit, rank=RANK[trust])


def _typed(metres: int, visit: int, days: float = 0) -> Entry:
    return _said(metres, visit, "dash", Trust.TYPED, days)


def _counted(*clear_m: int | None) -> list[Visit]:
    parts = [() if value is None else (CounterPart(ecu="7E8", value=value),) for value in clear_m]
    return [Visit(None, Snapshot(counters=CountersPart(distance_since_clear_m=part))) for part in parts]


def _lone(*entries: Entry, visits: list[Visit] | None = None) -> list[str]:
    found = without_lone(entries, visits or _counted(None, None, None, None))
    assert [replace(entry, quarantined="") for entry in found] == [replace(one, quarantined="") for one in entries]
    return [entry.id for entry in found if entry.quarantined == "stands_alone"]


@pytest.mark.parametrize(
    ("value_m", "lone"), [(80_000_000 + 99_999_999, []), (8 * 82_000_000 - 1, []), (8 * 82_000_000, ["1/01A6"])]
)
def test_a_value_many_times_too_high_stands_alone(value_m: int, lone: list[str]) -> None:
    assert _lone(_said(80_000_000, 0), _said(value_m, 1), _said(82_000_000, 2)) == lone


@pytest.mark.parametrize(("days", "lone"), [(1_152, ["1/01A6"]), (1_152.01, [])])
def test_a_high_value_that_a_car_may_have_reached_in_that_time_does_not(days: float, lone: list[str]) -> None:
    before, after = _said(80_000_000, 0, days=-0.01), _said(82_000_000, 2, days=days - 0.01)

    assert _lone(before, _said(656_000_001, 1, days=1), after) == lone
    assert _lone(replace(before, dated=False), _said(656_000_001, 1), after) == []
    assert _lone(replace(before, at=None), _said(656_000_001, 1), after) == []
    assert _lone(before, _said(656_000_001, 1), replace(after, at=None)) == []


def test_within_a_day_a_car_is_driven_a_day() -> None:
    before, after = _said(1_000_000, 0, days=0.1), _said(1_000_000, 2, days=0.2)

    assert _lone(before, _said(8_000_000, 1, days=0.15), after) == ["1/01A6"]
    assert _lone(_said(7_600_000, 0, days=0.1), _said(8_000_000, 1, days=0.15), after) == []


@pytest.mark.parametrize(
    ("first_m", "third_m", "lone"),
    [
        (1_000_000_001, 84_000_000, ["0/01A6"]),
        (1_000_000_000, 84_000_000, []),
        (1_000_000_001, 81_000_000, []),
        (1_000_000_001, 82_000_000, ["0/01A6"]),
    ],
)
def test_a_first_value_needs_two_against_it_and_no_car_ever_driving_so_far(
    first_m: int, third_m: int, lone: list[str]
) -> None:
    assert _lone(_said(first_m, 0), _said(82_000_000, 1), _said(third_m, 2)) == lone
    assert _lone(_said(first_m, 0), _said(82_000_000, 1)) == []


def test_what_another_witness_repeats_does_not_stand_alone() -> None:
    line = (_said(80_000_000, 0), _said(800_000_000, 1), _said(82_000_000, 2))

    assert _lone(*line) == ["1/01A6"]
    for dash_m in (800_000_000, 802_000_000, round(800_000_000 / 1.609344)):
        assert _lone(*line, _typed(dash_m, 1)) == []
    assert _lone(*line, replace(_typed(800_000_000, 1), voided="x")) == ["1/01A6"]
    assert _lone(*line, replace(_typed(800_000_000, 1), visit=2)) == ["1/01A6"]
    assert _lone(*line, _typed(0, 1)) == ["1/01A6"]
    miles = _said(round(800_000_000 / 1.609344), 1, "papers", Trust.PAPER)
    assert _lone(*line, miles) == ["1/01A6"], "papers are in kilometres of their own"


@pytest.mark.parametrize(
    ("dash_m", "lone"),
    [(81_000_000, ["1/01A6"]), (80_000_000, ["1/01A6"]), (82_000_000, ["1/01A6"]), (79_000_000, []), (83_000_000, [])],
)
def test_a_reading_out_of_line_stands_alone_where_another_witness_is_in_line(dash_m: int, lone: list[str]) -> None:
    for value_m in (95_000_000, 60_000_000):
        assert _lone(_said(80_000_000, 0), _said(value_m, 1), _said(82_000_000, 2), _typed(dash_m, 1)) == lone


def test_what_a_person_typed_out_of_line_is_no_matter_of_this() -> None:
    line = (_typed(80_000_000, 0), _typed(95_000_000, 1), _typed(82_000_000, 2))

    assert _lone(*line, _said(81_000_000, 1)) == []
    assert _lone(_typed(80_000_000, 0), _typed(800_000_000, 1), _typed(82_000_000, 2)) == ["1/dash"]


@pytest.mark.parametrize(
    ("counters", "lone"),
    [
        ((1_000, 900, 2_001_000), []),
        ((1_000, 1_500, 2_001_000), ["1/01A6"]),
        ((1_000, 1_500, 2_011_000), ["1/01A6"]),
        ((1_000, 1_500, 2_011_100), []),
        ((1_000, 1_500, 1_991_100), ["1/01A6"]),
        ((1_000, 1_500, 1_990_000), []),
        ((1_000, None, 2_001_000), ["1/01A6"]),
        ((None, 1_000, 2_001_000), []),
    ],
)
def test_a_high_reading_stands_alone_where_the_counter_ran_as_its_neighbours_say(
    counters: tuple[int | None, ...], lone: list[str]
) -> None:
    visits = _counted(*counters)

    assert _lone(_said(80_000_000, 0), _said(95_000_000, 1), _said(82_000_000, 2), visits=visits) == lone
    assert _lone(_said(80_000_000, 0), _said(60_000_000, 1), _said(82_000_000, 2), visits=visits) == []


def test_neighbours_that_contradict_each_other_prove_nothing() -> None:
    assert _lone(_said(90_000_000, 0), _said(800_000_000, 1), _said(82_000_000, 2)) == []
    assert _lone(_said(82_100_000, 0), _said(800_000_000, 1), _said(82_000_000, 2)) == ["1/01A6"]


@pytest.mark.parametrize("change", [{"voided": "x"}, {"quarantined": "slip"}, {"visit": -1}, {"rank": 6}])
def test_what_does_not_stand_is_no_neighbour(change: dict[str, object]) -> None:
    after = replace(_said(82_000_000, 2), **change)  # type: ignore[arg-type]

    assert _lone(_said(80_000_000, 0), _said(800_000_000, 1), after) == []
