"""When a service will probably be due, and what a car's own counters say about its use."""

from datetime import UTC, date, datetime, timedelta

import pytest

from config.catalogue import has
from evidence.due import DueItem, DueState
from evidence.entry import Entry
from evidence.forecast import Pace, forecast, pace_of
from evidence.history import History, Visit
from evidence.snapshot import CountersPart
from evidence.usage import signs_of_severe_use
from protocols.readings import Trust
from tests.evidence.cars import HOUR_S, KM, NOW, counters, snapshot

TODAY = date(2026, 3, 1)
START = datetime(2026, 1, 1, tzinfo=UTC)
PACE = Pace(40 * KM, 20 * KM, 80 * KM)


def entry(day: float, km: int, *, quarantined: str = "", dated: bool = True) -> Entry:
    at = START + timedelta(days=day)
    return Entry(f"e{day}", at, "01A6", "7E8", km * KM, Trust.STANDARD, quarantined=quarantined, dated=dated)


def test_the_pace_has_a_mean_and_a_range() -> None:
    pace = pace_of([entry(0, 1_000), entry(10, 1_200), entry(20, 2_200)])

    assert pace == Pace(60 * KM, 20 * KM, 100 * KM)


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry(0, 1_000)],
        [entry(0, 1_000), entry(6, 1_200)],
        [entry(0, 1_000), entry(10, 1_000)],
        [entry(0, 1_000), entry(10, 1_200, quarantined="below_earlier")],
        [entry(0, 1_000), entry(10, 1_200, dated=False)],
        [entry(0, 9_000), entry(10, 1_000)],
        [entry(0, 0), entry(10, 900_000)],
    ],
)
def test_without_two_trusted_values_a_week_apart_there_is_no_pace(entries: list[Entry]) -> None:
    assert pace_of(entries) is None


def test_one_stretch_has_a_range_too() -> None:
    pace = pace_of([entry(0, 1_000), entry(10, 1_400)])

    assert pace is not None
    assert pace.slow_m < pace.mean_m < pace.fast_m


def item(remaining_m: int | None = None, due_date: date | None = None) -> DueItem:
    return DueItem("oil_and_filter", DueState.OK, remaining_m=remaining_m, due_date=due_date)


def test_a_forecast_is_a_range_by_the_cars_own_pace() -> None:
    assert forecast(item(800 * KM), PACE, TODAY) == (TODAY + timedelta(days=10), TODAY + timedelta(days=40))


def test_the_calendar_is_the_last_day_whatever_the_pace() -> None:
    by_date = TODAY + timedelta(days=25)

    assert forecast(item(800 * KM, by_date), PACE, TODAY) == (TODAY + timedelta(days=10), by_date)
    assert forecast(item(None, by_date), PACE, TODAY) == (by_date, by_date)
    assert forecast(item(800 * KM, by_date), None, TODAY) == (by_date, by_date)


def test_what_is_due_or_unknown_has_no_forecast() -> None:
    assert forecast(item(0), PACE, TODAY) is None
    assert forecast(item(500 * KM, TODAY), PACE, TODAY) is None
    assert forecast(item(), PACE, TODAY) is None
    assert forecast(item(500 * KM), None, TODAY) is None


def test_a_car_that_hardly_moves_has_a_bounded_forecast() -> None:
    found = forecast(item(900_000 * KM), Pace(1, 0, 2), TODAY)

    assert found is not None
    assert max(found) <= TODAY + timedelta(days=3650)


def signs(values: CountersPart, *, fuel: str = "petrol", odometer_m: int = 68_000 * KM) -> list[str]:
    history = History("car", (Visit(NOW, snapshot(odometer_m, values=values, fuel=fuel)),))
    found = signs_of_severe_use(history, [entry(0, odometer_m // KM)])
    assert all(has(f"use_sign.{sign.kind}") for sign in found)
    return [sign.kind for sign in found]


@pytest.mark.parametrize(
    ("warmups", "since_km", "expected"),
    [
        (20, 100, ["short_trips"]),
        (20, 159, ["short_trips"]),
        (20, 160, []),
        (14, 10, []),
        (255, 300, []),
        (None, 10, []),
    ],
)
def test_short_trips_are_inferred_from_warm_ups(warmups: int | None, since_km: int, expected: list[str]) -> None:
    assert signs(counters(warmups_since_clear=warmups, distance_since_clear_m=since_km * KM)) == expected


@pytest.mark.parametrize(
    ("hours", "fuel", "expected"),
    [
        (4_000, "petrol", ["low_speed"]),
        (3_000, "petrol", []),
        (4_000, "hybrid", []),
        (99, "petrol", []),
    ],
)
def test_slow_traffic_is_inferred_from_engine_hours(hours: int, fuel: str, expected: list[str]) -> None:
    values = counters(engine_run_time_s=hours * HOUR_S)

    assert signs(values, fuel=fuel, odometer_m=(hours * 15 if hours == 99 else 68_000) * KM) == expected
