"""Where an odometer must stand by what the car usually drives, a day or an hour: its pace carried on, or back."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from evidence.entry import Entry
from evidence.history import Visit
from evidence.snapshot import Snapshot
from evidence.travel import other_unit
from evidence.windows import Window
from protocols.readings import ItemStatus

# a year's driving repeats itself within a quarter on most cars; below three months nobody knows a rate
RATE_SPREAD = 0.25
RATE_LEAST_M = 1_500_000
RATE_DAYS = 90
# a car that was long seen to keep its pace is held to it: so much more than it ever strayed, and not to a sixth
STEADY_INTERVALS = 3
STEADY_MARGIN = 2.0
STEADY_LEAST = 0.15
# the mean speed of a car strays less than its days do
HOURS_LEAST_M = 300_000
HOURS_SPREAD = 0.1
# a visit that nobody dated is hardly later than this after the one before
UNDATED_DAYS = 730


def expected_after(typed: Entry, stands: Sequence[Entry]) -> Window | None:
    """Where the odometer stands at ``typed``'s time if the car went on as before; None when nobody knows its pace."""
    dated = [one for one in stands if one.at is not None and one.dated]
    if len(dated) < 2:
        return None
    first, last = dated[0], dated[-1]
    known_days = days_between(first, last)
    if known_days < RATE_DAYS or last.life_m <= first.life_m:
        return None
    rate_m = (last.life_m - first.life_m) / known_days
    if typed.at is None or not typed.dated:
        return Window(last.life_m, last.life_m + rate_m * UNDATED_DAYS)
    driven_m = rate_m * max(days_between(last, typed), 0)
    spread_m = max(RATE_LEAST_M, _strays(dated, rate_m) * driven_m)
    return Window(last.life_m + driven_m - spread_m, last.life_m + driven_m + spread_m)


def _strays(dated: Sequence[Entry], rate_m: float) -> float:
    """The share by which the car may have left its pace."""
    apart = ((one, two, days_between(one, two)) for one, two in pairwise(dated))
    rates = [(two.life_m - one.life_m) / days for one, two, days in apart if days >= RATE_DAYS]
    if len(rates) < STEADY_INTERVALS:
        return RATE_SPREAD
    strayed = max(abs(rate / rate_m - 1) for rate in rates)
    return min(RATE_SPREAD, max(STEADY_LEAST, STEADY_MARGIN * strayed))


def expected_by_hours(typed: Entry, stands: Sequence[Entry], visits: Sequence[Visit]) -> Window | None:
    """Where the odometer stands by the engine hours run since; None when no unit told them at three visits."""
    now_s = _run_s(visits[typed.visit].snapshot)
    for ecu, run_s in now_s.items():
        told = [(one, _run_s(visits[one.visit].snapshot).get(ecu, 0)) for one in stands if one.visit >= 0]
        known = [(one, then_s) for one, then_s in told if then_s and not _exchanged(one, typed, visits, ecu)]
        if len(known) < 2 or known[-1][0].life_m <= known[0][0].life_m or not known[0][1] < known[-1][1] < run_s:
            continue
        rate_m = (known[-1][0].life_m - known[0][0].life_m) / (known[-1][1] - known[0][1])
        driven_m = rate_m * (run_s - known[-1][1])
        spread_m = max(HOURS_LEAST_M, HOURS_SPREAD * driven_m)
        last_m = known[-1][0].life_m
        return Window(last_m + driven_m - spread_m, last_m + driven_m + spread_m)
    return None


def _exchanged(then: Entry, now: Entry, visits: Sequence[Visit], ecu: str) -> bool:
    return other_unit(visits[then.visit].snapshot, visits[now.visit].snapshot, ecu)


def _run_s(snapshot: Snapshot) -> dict[str, int]:
    read = (part for part in snapshot.counters.engine_run_time_s if part.status is ItemStatus.READ)
    return {part.ecu: part.value for part in read if part.value and not part.saturated}


def expected_before(typed: Entry, later: Sequence[Entry]) -> Window | None:
    """Where the odometer stood at ``typed``'s time if the car drove then as it did later, when that is in line."""
    dated = _rising([one for one in later if one.at is not None and one.dated])
    if len(dated) < 2 or typed.at is None or not typed.dated or dated[-1].life_m <= dated[0].life_m:
        return None
    days = days_between(dated[0], dated[-1])
    if days < RATE_DAYS:
        return None
    driven_m = (dated[-1].life_m - dated[0].life_m) / days * days_between(typed, dated[0])
    spread_m = max(RATE_LEAST_M, 2 * RATE_SPREAD * driven_m)
    return Window(max(dated[0].life_m - driven_m - spread_m, 0), dated[0].life_m)


def _rising(dated: list[Entry]) -> list[Entry]:
    """The values in line, of which one may be left out when three and more remain; else none.

    Of two that contradict each other the one goes without which the car drove more evenly.
    """
    broken = next((place for place, (one, two) in enumerate(pairwise(dated)) if two.life_m < one.life_m), None)
    if broken is None:
        return dated
    without = [dated[:place] + dated[place + 1 :] for place in (broken, broken + 1)]
    lined = [(max(steps), one) for one in without if min(steps := _steps_m(one), default=-1) >= 0 and len(one) > 2]
    return min(lined, key=lambda pair: pair[0], default=(0, []))[1]


def _steps_m(dated: Sequence[Entry]) -> list[int]:
    return [high.life_m - low.life_m for low, high in pairwise(dated)]


def days_between(one: Entry, other: Entry) -> float:
    """Days from one to the other, negative when it came before; both must have their dates."""
    assert one.at is not None and other.at is not None  # noqa: S101 - both were asked for their dates
    return (other.at - one.at) / timedelta(days=1)
