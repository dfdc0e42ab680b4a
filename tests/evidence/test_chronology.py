"""Visits without a sequence stand in the order of their clocks, as far as those can be believed."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.chronology import by_time
from evidence.history import History, Visit
from evidence.ledger import build_ledger
from evidence.snapshot import ClockQuality
from tests.evidence.cars import HOUR_S, KM, NOW, counters, snapshot, visit


def _at(name: str, at: datetime | None, clock: ClockQuality | None = None) -> Visit:
    reading = snapshot(id=name)
    return Visit(at, reading if clock is None else reading.model_copy(update={"clock": clock}))


def _names(*visits: Visit, now: datetime | None = None) -> str:
    return "".join(one.snapshot.id for one in by_time(visits, now))


def test_dated_visits_stand_oldest_first() -> None:
    assert _names(_at("b", NOW), _at("a", NOW - timedelta(days=1))) == "ab"


def test_a_clock_that_was_set_back_or_never_set_keeps_its_place() -> None:
    unset = _at("x", datetime(2000, 1, 1, tzinfo=UTC), ClockQuality.NONE)
    epoch, nowhere = _at("e", datetime(1970, 1, 1, tzinfo=UTC)), _at("n", None)

    assert _names(_at("b", NOW), unset, _at("a", NOW - timedelta(days=1))) == "abx"
    assert _names(epoch, _at("b", NOW), nowhere, _at("a", NOW - timedelta(days=1))) == "eabn"


def test_a_clock_that_runs_ahead_of_us_is_not_believed() -> None:
    ahead = _at("y", datetime(2099, 1, 1, tzinfo=UTC))

    assert _names(ahead, _at("a", NOW), now=NOW) == "ya"
    assert _names(ahead, _at("a", NOW)) == "ay"
    for more, order in ((timedelta(0), "ay"), (timedelta(seconds=1), "ya")):
        assert _names(_at("y", NOW + timedelta(days=2) + more), _at("a", NOW), now=NOW) == order
    assert _names(_at("b", NOW - timedelta(days=1)), _at("a", NOW - timedelta(days=9)), now=NOW) == "ab"


def test_no_car_of_today_was_read_before_2005() -> None:
    for year, order in ((2005, "ob"), (2004, "bo")):
        assert _names(_at("b", NOW), _at("o", datetime(year, 12, 31, tzinfo=UTC))) == order


def test_a_leap_day_is_a_day() -> None:
    days = [datetime(2024, 2, day, tzinfo=UTC) for day in (28, 29)] + [datetime(2024, 3, 1, tzinfo=UTC)]

    assert _names(*(_at(name, at) for name, at in zip("cba", reversed(days), strict=True))) == "abc"


@settings(max_examples=30)
@given(st.permutations(range(6)))
def test_whatever_order_they_came_in_the_ledger_is_the_same(order: list[int]) -> None:
    visits = [
        visit(snapshot((10 + n) * 1_000 * KM, id=f"v{n}"), days_ago=600 - 90 * n, dash_m=n * KM) for n in range(6)
    ]

    came = by_time([visits[place] for place in order])

    assert build_ledger(History("car", came)) == build_ledger(History("car", tuple(visits)))


def _counted(name: str, days_ago: float, km: int, *, counted_km: int | None = None, hours: int | None = None) -> Visit:
    told = {"distance_since_clear_m": counted_km and counted_km * KM, "engine_run_time_s": hours and hours * HOUR_S}
    values = counters(**{counter: value for counter, value in told.items() if value})
    reading = snapshot(km * KM, id=name, values=values)
    return visit(reading.model_copy(update={"clock": ClockQuality.RTC}), days_ago=days_ago, dash_m=km * KM)


def test_a_clock_that_was_off_is_corrected_by_what_the_engine_unit_counted() -> None:
    later = _counted("b", 9, 177_000, counted_km=51_800)

    assert _names(later, _counted("a", 2, 175_000, counted_km=49_800)) == "ab"
    assert _names(later, _counted("a", 2, 175_000, counted_km=49_000)) == "ba"
    assert _names(later, _counted("a", 2, 175_000)) == "ba"


def test_or_by_its_hours_where_they_fit_the_pace_of_the_car() -> None:
    later = _counted("b", 9, 177_000, hours=8_850)

    assert _names(later, _counted("a", 2, 175_000, hours=8_750)) == "ab"
    assert _names(later, _counted("a", 2, 175_000, hours=8_600)) == "ba"
    assert _names(later, _counted("a", 2, 175_000, hours=8_850)) == "ba"


def test_a_clock_a_network_had_set_or_a_longer_time_is_believed() -> None:
    first, second = _counted("b", 9, 177_000, counted_km=51_800), _counted("a", 2, 175_000, counted_km=49_800)
    sure = [Visit(one.at, one.snapshot.model_copy(update={"clock": ClockQuality.NTP})) for one in (first, second)]

    assert _names(*sure) == "ba"
    assert _names(_counted("b", 41, 177_000, counted_km=51_800), second) == "ba"


def test_an_odometer_that_did_not_fall_keeps_the_order_of_the_clocks() -> None:
    first, second = _counted("b", 9, 177_000, counted_km=51_800), _counted("a", 2, 175_000, counted_km=49_800)

    assert _names(first, Visit(second.at, second.snapshot, dash_m=177_900 * KM)) == "ba"


def test_papers_that_fell_with_the_dashboard_tell_the_order_too() -> None:
    def seen(name: str, days_ago: float, km: int, papers_km: int) -> Visit:
        reading = snapshot(None, id=name).model_copy(update={"clock": ClockQuality.RTC})
        return visit(reading, days_ago=days_ago, dash_m=km * KM, papers_m=papers_km * KM)

    assert _names(seen("b", 2, 182_238, 142_595), seen("a", 1, 181_302, 142_450)) == "ab"
    assert _names(seen("b", 2, 182_238, 142_450), seen("a", 1, 181_302, 142_450)) == "ba"
    assert _names(seen("b", 2, 180_238, 142_595), seen("a", 1, 181_302, 142_450)) == "ba"


def test_a_short_way_back_by_a_clock_that_may_be_off_is_the_order_of_a_car_without_counters() -> None:
    def seen(name: str, days_ago: float, km: int, *, counts: bool = False, sure: bool = False) -> Visit:
        values = counters(engine_run_time_s=3_600) if counts else counters()
        told = snapshot(None, id=name, values=values)
        clock = ClockQuality.NTP if sure else ClockQuality.RTC
        return visit(told.model_copy(update={"clock": clock}), days_ago=days_ago, dash_m=km * KM)

    later, earlier = seen("b", 9, 126_350, sure=True), seen("a", 2, 125_892)

    assert _names(later, earlier) == "ab"
    assert _names(later, seen("a", 2, 123_349)) == "ba"
    assert _names(later, seen("a", 2, 125_892, counts=True)) == "ba"
    assert _names(later, seen("a", 2, 125_892, sure=True)) == "ba"
