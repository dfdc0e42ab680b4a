"""When a service is due: by distance or by months, whichever comes first. Unknown is a state of its own, never zero."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from config.plans import PlanItem
from evidence.history import ServiceRecord, in_utc


class DueState(StrEnum):
    """How urgent an item is, mildest first. The lead stages carry their days; the kilometres belong to them."""

    UNKNOWN = "unknown"
    OK = "ok"
    DUE_SOON_30 = "due_soon_30"
    DUE_SOON_14 = "due_soon_14"
    DUE = "due"
    OVERDUE = "overdue"


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


_ORDER = tuple(DueState)


def last_service_of(services: Iterable[ServiceRecord], item: str) -> ServiceRecord | None:
    """The newest record that names ``item``."""
    named = [record for record in services if item in record.items]
    return max(named, key=lambda record: in_utc(record.done_at), default=None)


def plan_status(plan: PlanItem, last_service: ServiceRecord | None, odometer_m: int | None, now: datetime) -> DueItem:
    """State of ``plan`` at ``now``; a car first seen overdue is overdue at once, an unknown service stays unknown."""
    if last_service is None:
        return DueItem(plan.item, DueState.UNKNOWN, plan_id=plan.id)
    last_date = in_utc(last_service.done_at).astimezone(now.tzinfo or UTC).date()
    due_date = add_months(last_date, plan.repeat_months) if plan.repeat_months else None
    due_m = _due_m(plan, last_service)
    remaining_days = (due_date - now.date()).days if due_date else None
    remaining_m = due_m - odometer_m if due_m is not None and odometer_m is not None else None
    return DueItem(
        item=plan.item,
        state=_worse(_stage(remaining_m, plan.lead_m), _stage(remaining_days, plan.lead_days)),
        remaining_m=remaining_m,
        remaining_days=remaining_days,
        due_m=due_m,
        due_date=due_date,
        last_date=last_date,
        last_m=last_service.odometer_m,
        plan_id=plan.id,
    )


def add_months(start: date, months: int) -> date:
    """The same day ``months`` later, or the last day of a month that is too short for it."""
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month0 + 1)[1]
    return date(year, month0 + 1, min(start.day, last_day))


def _due_m(plan: PlanItem, last_service: ServiceRecord) -> int | None:
    if plan.repeat_m is None or last_service.odometer_m is None:
        return None
    return last_service.odometer_m + plan.repeat_m


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


def _worse(one: DueState | None, other: DueState | None) -> DueState:
    known = [state for state in (one, other) if state is not None]
    return max(known, key=_ORDER.index, default=DueState.UNKNOWN)
