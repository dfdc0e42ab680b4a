"""When a service will probably be due: from the car's own distance per day, as a range and never as one day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from evidence.due import DueItem
from evidence.entry import Entry

SEGMENT_MIN_DAYS = 7
# what a car is driven in one stretch differs from its mean by about this much when only one stretch is known
ONE_SEGMENT_SPREAD = 0.3
FORECAST_MAX_DAYS = 3650
METRES_A_DAY_MAX = 1_500_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Metres a day: the whole of what is known, and the slowest and fastest stretch of it."""

    mean_m: float
    slow_m: float
    fast_m: float


def pace_of(entries: Iterable[Entry]) -> Pace | None:
    """The car's pace; None when its trusted values span less than SEGMENT_MIN_DAYS or it was not driven."""
    points = [(entry.at, entry.life_m) for entry in entries if entry.usable and entry.dated and entry.at]
    stretches = list(_stretches(points))
    if not stretches:
        return None
    days = sum(span for span, _ in stretches)
    mean = sum(driven for _, driven in stretches) / days
    rates = [driven / span for span, driven in stretches]
    low, high = (
        (min(rates), max(rates))
        if len(rates) > 1
        else (mean * (1 - ONE_SEGMENT_SPREAD), mean * (1 + ONE_SEGMENT_SPREAD))
    )
    return Pace(mean, low, high) if mean > 0 else None


def forecast(item: DueItem, pace: Pace | None, today: date) -> tuple[date, date] | None:
    """First and last day on which ``item`` will probably be due; None when nothing can be said or it is due already.

    The calendar's own due date is the last day whatever the pace; without a pace it is all there is.
    """
    if item.remaining_m is not None and item.remaining_m <= 0:
        return None
    if item.due_date is not None and item.due_date <= today:
        return None
    days = _days_left(item, pace)
    by_date = item.due_date
    if days is None:
        return (by_date, by_date) if by_date else None
    first, last = (today + timedelta(days=min(one, FORECAST_MAX_DAYS)) for one in days)
    return (min(first, by_date), min(last, by_date)) if by_date else (first, last)


def _days_left(item: DueItem, pace: Pace | None) -> tuple[int, int] | None:
    if item.remaining_m is None or pace is None:
        return None
    soonest = int(item.remaining_m / pace.fast_m)
    latest = int(item.remaining_m / pace.slow_m) if pace.slow_m > 0 else FORECAST_MAX_DAYS
    return soonest, latest


def _stretches(points: list[tuple[datetime, int]]) -> Iterable[tuple[float, int]]:
    """Days and metres between values that are far enough apart; a value below the one before begins anew."""
    start: tuple[datetime, int] | None = None
    for at, odometer_m in points:
        if start is None or odometer_m < start[1] or at < start[0]:
            start = (at, odometer_m)
            continue
        days = (at - start[0]).total_seconds() / 86_400
        if days >= SEGMENT_MIN_DAYS:
            driven_m = odometer_m - start[1]
            if driven_m <= days * METRES_A_DAY_MAX:
                yield days, driven_m
            start = (at, odometer_m)
