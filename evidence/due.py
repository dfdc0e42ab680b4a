"""When a service is due: by distance, months, engine hours or HEV distance, whichever comes first.

Unknown is a state of its own, never zero. A service recorded for an item rolls its plan forward.
"""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from config.plans import NORMAL, PlanItem, plan_for
from evidence.history import History, ServiceRecord, in_utc
from evidence.ledger import AHEAD
from protocols.readings import ItemStatus


class DueState(StrEnum):
    """How urgent an item is, mildest first. The lead stages carry their days; the kilometres belong to them."""

    UNKNOWN = "unknown"
    OK = "ok"
    DUE_SOON_30 = "due_soon_30"
    DUE_SOON_14 = "due_soon_14"
    DUE = "due"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Meters:
    """What a car's meters say now; None when one is not known."""

    odometer_m: int | None = None
    engine_run_s: int | None = None
    hev_m: int | None = None


@dataclass(frozen=True, slots=True)
class DueItem:
    """One item's state. Remains are negative when overdue, 0 exactly when due, None when that axis is not known."""

    item: str
    state: DueState
    remaining_m: int | None = None
    remaining_days: int | None = None
    due_m: int | None = None
    due_date: date | None = None
    last_date: date | None = None
    last_m: int | None = None
    plan_id: str = ""
    remaining_hours: int | None = None
    remaining_hev_m: int | None = None
    is_default: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class CarUse:
    """What selects a car's plan besides its market and fuel: make, oil grade, and how it is used."""

    make: str = ""
    oil: str = ""
    severity: str = NORMAL


_ORDER = tuple(DueState)
_HOUR_S = 3600
ORDINARY_USE = CarUse()


def due_of(
    history: History,
    odometer_m: int | None,
    now: datetime,
    plans: Iterable[PlanItem],
    use: CarUse = ORDINARY_USE,
) -> tuple[DueItem, ...]:
    """Every item of the car's plan at ``now``, in the plan's order; work dated after ``now`` was not done yet."""
    latest = history.visits[::-1]
    fuel = next((fuel for visit in latest if (fuel := visit.snapshot.vehicle.fuel)), "")
    make = use.make or next((make for visit in latest if (make := visit.snapshot.vehicle.make)), "")
    meters = Meters(odometer_m, _engine_run_s(history))
    rows = plan_for(plans, market=history.market, fuel=fuel, severity=use.severity, make=make, oil=use.oil)
    done = [record for record in history.services if in_utc(record.done_at) <= in_utc(now) + AHEAD]
    return tuple(plan_status(row, last_service_of(done, row.item), meters, now) for row in rows)


def last_service_of(services: Iterable[ServiceRecord], item: str) -> ServiceRecord | None:
    """The newest record that names ``item``."""
    named = [record for record in services if item in record.items]
    return max(named, key=lambda record: (in_utc(record.done_at), record.id), default=None)


def plan_status(
    plan: PlanItem, last_service: ServiceRecord | None, meters: Meters | int | None, now: datetime
) -> DueItem:
    """State of ``plan`` at ``now``; a car first seen overdue is overdue at once, an unknown service stays unknown.

    ``meters`` may be the odometer alone. Without any service, a car that has not reached the plan's first interval is
    judged by it; one that has may have had it done by somebody else, which is unknown.
    """
    now_at = meters if isinstance(meters, Meters) else Meters(meters)
    if last_service is None:
        return _from_new(plan, now_at)
    zone = now.tzinfo or UTC
    last_date = in_utc(last_service.done_at).astimezone(zone).date()
    due_date = add_months(last_date, plan.repeat_months) if plan.repeat_months else None
    due_m = _sum(last_service.odometer_m, plan.repeat_m)
    remaining_days = (due_date - now.date()).days if due_date else None
    remaining_m = _left(due_m, now_at.odometer_m)
    remaining_s = _left(_sum(last_service.engine_run_s, _seconds(plan.repeat_hours)), now_at.engine_run_s)
    remaining_hev_m = _left(_sum(last_service.hev_m, plan.repeat_hev_m), now_at.hev_m)
    remaining_hours = None if remaining_s is None else remaining_s // _HOUR_S
    stages = (
        _stage(remaining_m, plan.lead_m),
        _stage(remaining_days, plan.lead_days),
        _stage(remaining_s, (plan.lead_hours[0] * _HOUR_S, plan.lead_hours[1] * _HOUR_S)),
        _stage(remaining_hev_m, plan.lead_m),
    )
    return DueItem(
        item=plan.item,
        state=_worst(stages),
        remaining_m=remaining_m,
        remaining_days=remaining_days,
        due_m=due_m,
        due_date=due_date,
        last_date=last_date,
        last_m=last_service.odometer_m,
        plan_id=plan.id,
        remaining_hours=remaining_hours,
        remaining_hev_m=remaining_hev_m,
        is_default=plan.is_default,
        source=plan.source,
    )


def _from_new(plan: PlanItem, meters: Meters) -> DueItem:
    """An item nobody recorded: certain only while the car is younger than the plan's first interval."""
    remaining_m = _left(plan.first_m, meters.odometer_m)
    known = {"plan_id": plan.id, "is_default": plan.is_default, "source": plan.source}
    if remaining_m is None or remaining_m < 0:
        return DueItem(plan.item, DueState.UNKNOWN, **known)  # type: ignore[arg-type]
    state = _worst((_stage(remaining_m, plan.lead_m),))
    return DueItem(plan.item, state, remaining_m=remaining_m, due_m=plan.first_m, **known)  # type: ignore[arg-type]


def _engine_run_s(history: History) -> int | None:
    """Engine run time as last read; of several units the one with the lowest address (7E8 is the engine's)."""
    for visit in reversed(history.visits):
        counters = visit.snapshot.counters.engine_run_time_s
        read = counters and [part for part in counters if part.status is ItemStatus.READ and part.value is not None]
        if read:
            return min(read, key=lambda part: part.ecu).value
    return None


def add_months(start: date, months: int) -> date:
    """The same day ``months`` later, or the last day of a month that is too short for it."""
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month0 + 1)[1]
    return date(year, month0 + 1, min(start.day, last_day))


def _sum(start: int | None, interval: int | None) -> int | None:
    return None if start is None or interval is None else start + interval


def _left(due: int | None, reached: int | None) -> int | None:
    return None if due is None or reached is None else due - reached


def _seconds(hours: int | None) -> int | None:
    return None if hours is None else hours * _HOUR_S


def _stage(remaining: int | None, lead: tuple[int, int]) -> DueState | None:
    early, late = lead
    if remaining is None:
        return None
    if remaining < 0:
        return DueState.OVERDUE
    if remaining == 0:
        return DueState.DUE
    if remaining <= late:
        return DueState.DUE_SOON_14
    return DueState.DUE_SOON_30 if remaining <= early else DueState.OK


def _worst(stages: Iterable[DueState | None]) -> DueState:
    known = [state for state in stages if state is not None]
    return max(known, key=_ORDER.index, default=DueState.UNKNOWN)
