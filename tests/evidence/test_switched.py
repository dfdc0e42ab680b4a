"""A dashboard near a switch between km and miles: what else is known says which unit it shows, then a clock."""

from evidence.entry import Entry
from evidence.history import EventKind, History, OdometerEvent, Visit
from evidence.ledger import build_ledger
from evidence.snapshot import ClockQuality, OdometerPart
from protocols.readings import Trust
from tests.evidence.cars import KM, NOW, counters, snapshot, visit, witness

MILES = OdometerEvent("u", visit(snapshot(), days_ago=600).at or NOW, EventKind.SHOWS_MILES, "LW")
NEVER = 9_000


def _seen(
    dash_km: int | None,
    days_ago: float,
    *,
    counted_km: int | None = None,
    papers_km: int | None = None,
    read_km: int | None = None,
) -> Visit:
    """``NEVER`` days ago stands for a clock that was never set."""
    values = counters() if counted_km is None else counters(distance_since_clear_m=counted_km * KM)
    row: tuple[OdometerPart, ...] = ()
    if read_km is not None:
        row = (witness(read_km * KM, source="row", ecu="714", trust=Trust.CONFIRMED),)
    reading = snapshot(None, id=f"d{days_ago:g}", odometer=row, values=values)
    told = reading.model_copy(update={"clock": ClockQuality.NONE if days_ago == NEVER else ClockQuality.NTP})
    dash_m, papers_m = (None if km is None else km * KM for km in (dash_km, papers_km))
    return visit(told, days_ago=days_ago, dash_m=dash_m, papers_m=papers_m)


def _life_km(*visits: Visit) -> int:
    """Of the visit that nobody dated, by its dashboard."""
    found: dict[str, Entry] = {entry.id: entry for entry in build_ledger(History("car", visits, events=(MILES,)))}
    return found[f"d{NEVER}/dash"].life_m // KM


def test_a_paper_of_the_same_visit_tells_the_unit() -> None:
    """Papers lag behind the car: 42,154 stands above 27,796 km and just below as many miles."""
    before = _seen(13_753, 1_500)

    assert _life_km(before, _seen(27_796, NEVER, papers_km=42_154)) == 44_733
    assert _life_km(before, _seen(27_796, NEVER, papers_km=26_154)) == 27_796
    assert _life_km(before, _seen(27_796, NEVER)) == 27_796


def test_a_paper_of_an_earlier_visit_is_a_bound_below() -> None:
    before = _seen(46_856, 1_500), _seen(None, 900, papers_km=77_238)

    assert _life_km(*before, _seen(73_098, NEVER)) == 117_639
    assert _life_km(*before, _seen(79_098, NEVER)) == 79_098


def test_the_distance_counted_since_the_visit_before_tells_the_unit() -> None:
    before, later = _seen(31_579, 1_500, counted_km=15_318), _seen(45_325, 100)

    assert _life_km(before, _seen(34_098, NEVER, counted_km=38_614), later) == 54_875
    assert _life_km(before, _seen(34_098, NEVER, counted_km=17_837), later) == 34_098


def test_the_distance_counted_to_the_next_visit_tells_the_unit() -> None:
    before, later = _seen(31_579, 1_500), _seen(45_325, 100, counted_km=30_000)

    assert _life_km(before, _seen(34_098, NEVER, counted_km=11_932), later) == 54_875
    assert _life_km(before, _seen(34_098, NEVER, counted_km=40_000), later) == 34_098


def test_what_the_car_read_tells_the_unit_first() -> None:
    before = _seen(31_579, 1_500)

    assert _life_km(before, _seen(34_098, NEVER, read_km=54_870)) == 54_875
    assert _life_km(before, _seen(34_098, NEVER, read_km=34_090, papers_km=53_000)) == 34_098


def test_a_slip_long_before_bounds_nothing() -> None:
    """144,000 stood for 14,000; two later values are below it, so it is no bound for the last."""
    slip = _seen(144_000, 2_000), _seen(26_731, 1_500), _seen(52_702, 900)

    assert _life_km(*slip, _seen(38_643, NEVER)) == 62_189
    assert _life_km(*slip[:2], _seen(38_643, NEVER)) == 38_643


def test_a_visit_before_one_that_is_dated_before_the_switch_shows_the_old_unit() -> None:
    assert _life_km(_seen(31_579, 1_500), _seen(27_796, NEVER, papers_km=42_154), _seen(46_000, 700)) == 27_796


def test_a_counter_within_half_a_hundredth_of_the_dashboards_way_ran_with_it() -> None:
    """31,779 miles are 19,564 km after 31,579 km."""
    before, later = _seen(31_579, 1_500, counted_km=15_318), _seen(45_325, 100)

    assert _life_km(before, _seen(31_779, NEVER, counted_km=34_882), later) == 51_143
    assert _life_km(before, _seen(31_779, NEVER, counted_km=34_979), later) == 51_143
    assert _life_km(before, _seen(31_779, NEVER, counted_km=34_982), later) == 31_779


def _rtc_life_km(next_km: int, days_ago: float = 595) -> int:
    """Of a visit five days after the switch, by a clock that may be a month off."""
    near = _seen(60_000, days_ago)
    told = Visit(near.at, near.snapshot.model_copy(update={"clock": ClockQuality.RTC}), near.dash_m)
    car = History("car", (_seen(31_579, 1_500), told, _seen(next_km, 100)), events=(MILES,))
    return next(one.life_m for one in build_ledger(car) if one.visit == 1) // KM


def test_what_follows_bounds_the_unit_from_above_and_else_the_date_holds() -> None:
    """60,000 miles cannot come before 45,325; before 65,000 they can."""
    assert _rtc_life_km(45_325) == 60_000
    assert _rtc_life_km(65_000) == 96_560
    assert _rtc_life_km(65_000, 605) == 60_000


def test_without_a_dashboard_a_visit_stands_by_its_date() -> None:
    assert _life_km(_seen(None, 900, papers_km=40_000), _seen(73_098, NEVER)) == 73_098
