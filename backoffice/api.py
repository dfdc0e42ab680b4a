"""The JSON API, version 1: what other systems of the dealer read and write."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backoffice.problems import PROBLEM_JSON, ProblemError, ProblemView
from backoffice.store import RecordStore
from backoffice.views import (
    AlertView,
    RecordFilter,
    RecordView,
    StockState,
    TimelineEvent,
    VehicleDetail,
    VehicleSummary,
    WorkOrder,
)

Thing = TypeVar("Thing")
MAX_OFFSET = 1_000_000
Operator = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
SnoozeDays = Annotated[int, Field(ge=1, le=90)]
ServiceItem = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
UseSeverity = Literal["normal", "severe"]
Oil = Literal["", "mineral", "semi_synthetic", "full_synthetic"]
OpaqueId = Annotated[str, Path(min_length=1, max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200)]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VehiclesView(BaseModel):
    """One page of cars; ``next`` is the ``offset`` of the following page, null on the last."""

    items: tuple[VehicleSummary, ...]
    next: int | None


class TimelineView(BaseModel):
    items: tuple[TimelineEvent, ...]


class AlertsView(BaseModel):
    items: tuple[AlertView, ...]


class Acknowledgement(Request):
    """Who has seen the alert; initials are enough."""

    operator: Operator


class Snooze(Request):
    """Put an alert off: it comes back after ``days`` if it still stands."""

    operator: Operator
    days: SnoozeDays
    reason: Reason


class UseChange(Request):
    """How a car is used and which oil it has, as a person confirms."""

    operator: Operator
    severity: UseSeverity
    oil: Oil = ""


class StockChange(Request):
    """A step off the usual way needs a ``note``; with ``expected`` only a car that still stands there is moved."""

    state: StockState
    expected: StockState | None = None
    operator: Operator
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class RecordsView(BaseModel):
    """Raw records, received last first; ``next`` as in VehiclesView."""

    items: tuple[RecordView, ...]
    next: int | None


class WorkOrderDone(BaseModel):
    id: str


def api_routes(desk: RecordStore) -> APIRouter:
    """All routes below ``/api/v1``."""
    problem: dict[str, object] = {"model": ProblemView, "content": {PROBLEM_JSON: {}}}
    routes = APIRouter(prefix="/api/v1", responses={404: problem, 422: problem})
    _vehicle_routes(routes, desk)
    _alert_routes(routes, desk)
    _decision_routes(routes, desk)
    _record_routes(routes, desk)
    return routes


def _vehicle_routes(routes: APIRouter, desk: RecordStore) -> None:
    @routes.get("/vehicles", summary="Find cars by VIN, plate or stock number; all of them without q")
    async def vehicles(
        q: Annotated[str, Query(max_length=64)] = "",
        limit: Limit = 50,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    ) -> VehiclesView:
        found = await desk.search_vehicles(q, limit + 1, offset)
        return VehiclesView(items=tuple(found[:limit]), next=offset + limit if len(found) > limit else None)

    @routes.get("/vehicles/{vehicle_id}", summary="One car as last judged")
    async def vehicle(vehicle_id: OpaqueId) -> VehicleDetail:
        return _found(await desk.vehicle(vehicle_id), "office.problem_no_vehicle")

    @routes.get("/vehicles/{vehicle_id}/timeline", summary="Everything that happened to one car")
    async def timeline(vehicle_id: OpaqueId) -> TimelineView:
        _found(await desk.vehicle(vehicle_id), "office.problem_no_vehicle")
        return TimelineView(items=tuple(await desk.timeline(vehicle_id)))

    @routes.post("/vehicles/{vehicle_id}/stock-state", summary="Move a car within the stock")
    async def stock_state(vehicle_id: OpaqueId, change: StockChange) -> VehicleDetail:
        who, now = change.operator, datetime.now(UTC)
        step = (vehicle_id, change.state, who, now, change.note)
        changed = await desk.set_stock_state(*step, expected=change.expected)
        return _found(changed, "office.problem_no_vehicle")


def _alert_routes(routes: APIRouter, desk: RecordStore) -> None:
    @routes.get("/alerts", summary="Alerts, open ones unless all are asked for")
    async def alerts(
        open_only: bool = True,  # noqa: FBT001, FBT002 - part of a query
        limit: Limit = 100,
        vehicle_id: Annotated[str, Query(max_length=64)] = "",
    ) -> AlertsView:
        found = await desk.alerts(open_only=open_only, limit=limit, vehicle_id=vehicle_id)
        return AlertsView(items=tuple(found))

    @routes.get("/alerts/{alert_id}", summary="One alert")
    async def alert(alert_id: OpaqueId) -> AlertView:
        return _found(await desk.alert(alert_id), "office.problem_no_alert")

    @routes.post("/alerts/{alert_id}/acknowledge", summary="Say who has seen the alert")
    async def acknowledge(alert_id: OpaqueId, seen: Acknowledgement) -> AlertView:
        done = await desk.acknowledge_alert(alert_id, seen.operator, datetime.now(UTC))
        return _found(done, "office.problem_no_alert")


def _decision_routes(routes: APIRouter, desk: RecordStore) -> None:
    """What people decide about alerts and cars besides having seen them."""

    @routes.post("/alerts/{alert_id}/snooze", summary="Put an alert off with a reason")
    async def snooze(alert_id: OpaqueId, wanted: Snooze) -> AlertView:
        until = datetime.now(UTC) + timedelta(days=wanted.days)
        done = await desk.snooze_alert(alert_id, wanted.operator, until, wanted.reason)
        return _found(done, "office.problem_no_alert")

    @routes.post("/vehicles/{vehicle_id}/use", summary="Confirm how a car is used")
    async def use(vehicle_id: OpaqueId, wanted: UseChange) -> VehicleDetail:
        changed = await desk.set_use(vehicle_id, wanted.severity, wanted.oil, wanted.operator)
        return _found(changed, "office.problem_no_vehicle")


def _record_routes(routes: APIRouter, desk: RecordStore) -> None:
    @routes.get("/records", summary="Raw records as they arrived")
    async def records(wanted: Annotated[RecordFilter, Query()]) -> RecordsView:
        found = await desk.records(wanted)
        full = len(found) == wanted.limit
        return RecordsView(items=tuple(found), next=wanted.offset + wanted.limit if full else None)

    @routes.post("/workorders", status_code=201, summary="Record a service that was done")
    async def add_workorder(order: WorkOrder) -> WorkOrderDone:
        """The car is judged again at once. 404 when neither ``vehicle_id`` nor ``vin`` names a known car."""
        return WorkOrderDone(id=await desk.add_workorder(order))


def _found(thing: Thing | None, key: str) -> Thing:
    if thing is None:
        raise ProblemError(404, key)
    return thing
