"""How far a car drove by its counters: which of them tell, and when a dashboard moves by miles."""

import pytest

from evidence.entry import Entry
from evidence.history import Visit
from evidence.snapshot import CounterPart, CountersPart, EcuPart, Snapshot
from evidence.travel import counted_m, moves_as_miles, other_unit, since_reset_m, travelled_m
from protocols.readings import ItemStatus, Trust
from tests.evidence.cars import KM

FULL_M = 65_535_000


def _count(
    value: int | None, ecu: str = "7E8", *, status: ItemStatus = ItemStatus.READ, full: bool = False
) -> CounterPart:
    return CounterPart(ecu=ecu, value=value, status=status, saturated=full)


def _visit(clear: CounterPart | None, reflash: CounterPart | None = None, unit: str = "A") -> Visit:
    counters = CountersPart(
        distance_since_clear_m=(clear,) if clear else (), distance_since_reflash_m=(reflash,) if reflash else ()
    )
    return Visit(None, Snapshot(counters=counters, ecus=(EcuPart(address="7E8", calibration_ids=(unit,)),)))


def _driven(*visits: Visit) -> tuple[int | None, int | None]:
    return travelled_m(visits, 0, len(visits) - 1), since_reset_m(visits, 0, len(visits) - 1)


def test_a_counter_that_ran_on_says_what_was_driven_and_where_it_stands() -> None:
    assert _driven(_visit(_count(9_000)), _visit(_count(9_000))) == (0, 9_000)
    assert _driven(_visit(_count(9_000)), _visit(_count(12_000)), _visit(_count(14_000))) == (5_000, 14_000)
    assert _driven(_visit(_count(9_000), _count(50_000)), _visit(_count(10_000), _count(57_000))) == (7_000, 57_000)
    assert _driven(_visit(_count(9_000)), _visit(None), _visit(_count(14_000))) == (5_000, 14_000)


@pytest.mark.parametrize(
    "now",
    [
        _visit(_count(8_999)),
        _visit(_count(0)),
        _visit(None),
        _visit(None, _count(20_000)),
        _visit(_count(14_000), unit="B"),
        _visit(_count(14_000, "7E9")),
        _visit(_count(14_000, status=ItemStatus.CORRUPT)),
        _visit(_count(14_000, full=True)),
        _visit(_count(FULL_M)),
    ],
)
def test_a_counter_that_did_not_run_on_says_nothing(now: Visit) -> None:
    assert _driven(_visit(_count(9_000)), now) == (None, None)


def test_a_counter_is_full_at_its_last_value_and_not_before() -> None:
    assert _driven(_visit(_count(9_000)), _visit(_count(FULL_M - 1))) == (FULL_M - 9_001, FULL_M - 1)


def test_a_counter_that_was_cleared_on_the_way_says_nothing_though_it_has_overtaken() -> None:
    assert _driven(_visit(_count(9_000)), _visit(_count(400)), _visit(_count(14_000))) == (None, None)


@pytest.mark.parametrize(("clear_m", "reflash_m", "least_m"), [(7, 9, 9), (9, 7, 9), (0, 0, 0)])
def test_the_engine_unit_has_counted_at_least_its_highest_counter(clear_m: int, reflash_m: int, least_m: int) -> None:
    assert counted_m(_visit(_count(clear_m), _count(reflash_m)).snapshot) == least_m


def test_what_no_engine_unit_read_is_not_counted() -> None:
    assert counted_m(_visit(_count(9, "7E9")).snapshot) == 0
    assert counted_m(_visit(_count(9, status=ItemStatus.CORRUPT)).snapshot) == 0
    assert counted_m(_visit(_count(None)).snapshot) == 0
    assert [counted_m(_visit(_count(9, ecu)).snapshot) for ecu in ("18DAF110", "10")] == [9, 9]


@pytest.mark.parametrize(
    ("then", "now", "other"),
    [
        (EcuPart(address="7E8", vin="A"), EcuPart(address="7E8", vin="B"), True),
        (EcuPart(address="7E8", vin="A"), EcuPart(address="7E8", vin="A"), False),
        (EcuPart(address="7E8", cvns=("1",)), EcuPart(address="7E8", cvns=("2",)), True),
        (EcuPart(address="7E8", vin="A", cvns=("1",)), EcuPart(address="7E8", vin="A", cvns=("2",)), True),
        (EcuPart(address="7E8", vin="A"), EcuPart(address="7E8"), False),
        (EcuPart(address="7E8"), EcuPart(address="7E8", vin="B"), False),
        (EcuPart(address="7E9", vin="A"), EcuPart(address="7E8", vin="B"), False),
    ],
)
def test_another_unit_tells_something_else_and_silence_tells_nothing(then: EcuPart, now: EcuPart, other: bool) -> None:
    assert other_unit(Snapshot(ecus=(then,)), Snapshot(ecus=(now,)), "7E8") is other


def _moves(*seen: tuple[int | None, int], voided: str = "") -> bool:
    """Whether a dashboard that showed these km beside these counted km moves by miles."""
    entries = [
        Entry(f"{place}", None, "dash", "", shown * KM, Trust.TYPED, visit=place, voided=voided)
        for place, (shown, _) in enumerate(seen)
        if shown is not None
    ]
    return moves_as_miles(entries, [_visit(_count(counted * KM)) for _, counted in seen])


def test_a_dashboard_that_moves_by_one_for_every_mile_shows_miles() -> None:
    assert _moves((10_000, 1_000), (11_000, 2_609))
    assert not _moves((10_000, 1_000), (11_000, 2_000))
    assert not _moves((10_000, 1_000), (11_000, 2_609), voided="misread")
    assert _moves((10_000, 1_000), (11_000, 2_609 + 24))
    assert not _moves((10_000, 1_000), (11_000, 2_609 + 26))
    assert not _moves((10_000, 1_000), (11_000, 2_609 - 25))
    assert not _moves((10_000, 1_000), (9_000, 2_609))
    assert not _moves((10_000, 1_000))


def test_a_drive_too_short_to_tell_is_left_out() -> None:
    assert _moves((10_000, 1_000), (10_622, 2_000))
    assert not _moves((10_000, 1_000), (10_621, 1_999))


def test_one_slip_spoils_two_drives_and_no_more() -> None:
    line = [(10_000 + 1_000 * place, 1_000 + 1_609 * place) for place in range(5)]
    slipped = [*line[:2], (99_000, line[2][1]), *line[3:]]

    assert _moves(*slipped)
    assert not _moves(*line[:2], (30_000, line[2][1]), (50_000, line[3][1]), (90_000, line[4][1]))
