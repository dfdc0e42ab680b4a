"""The page where a car's file is put right, and the forms on it. They do what the API does, for people."""

from datetime import date, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from backoffice.api import OpaqueId, Operator, Reason
from backoffice.carpage import WIDEST_CHOICE, charts, struck
from backoffice.clerk import Clerk
from backoffice.decision_store import Signed
from backoffice.decisions import EnteredSource, EventBody, MileageEntryBody
from backoffice.pages import Pages
from backoffice.problems import ProblemError
from backoffice.views import Day, TimelineEvent
from evidence.history import EventKind

NOON = time(12)  # a bill names a day, not an hour
KM = r"^\d{0,7}$"
Who = Annotated[Operator, Form()]
Why = Annotated[Reason, Form()]
Kilometres = Annotated[str, Form(pattern=KM)]
OnDay = Annotated[Day, Form()]


def file_routes(pages: Pages, clerk: Clerk) -> APIRouter:
    """The page and its forms; none of them is part of the API's description."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/vehicles/{vehicle_id}/file")
    async def file(request: Request, vehicle_id: OpaqueId) -> Response:
        return await _file_page(request, pages, clerk, vehicle_id)

    _value_forms(routes, pages, clerk)
    _file_forms(routes, clerk)
    return routes


def _value_forms(routes: APIRouter, pages: Pages, clerk: Clerk) -> None:
    @routes.post("/vehicles/{vehicle_id}/voids")
    async def void(
        vehicle_id: OpaqueId,
        entry: Annotated[str, Form(max_length=260)],
        operator: Who,
        reason: Why,
        seen_m: Annotated[int | None, Form()] = None,
    ) -> Response:
        await clerk.void(vehicle_id, entry, Signed(operator, reason), seen_m)
        return _back(vehicle_id)

    @routes.post("/vehicles/{vehicle_id}/mileages")
    async def mileage(
        vehicle_id: OpaqueId,
        seen: OnDay,
        km: Annotated[str, Form(pattern=r"^\d{1,7}$")],
        source: Annotated[EnteredSource, Form()],
        operator: Who,
        reason: Why,
    ) -> Response:
        said = MileageEntryBody(source=source, seen_at=_noon(seen, pages), odometer_m=int(km) * 1000)
        await clerk.enter_mileage(vehicle_id, said, Signed(operator, reason))
        return _back(vehicle_id)

    @routes.post("/vehicles/{vehicle_id}/events")
    async def event(
        vehicle_id: OpaqueId,
        event: Annotated[EventKind, Form()],
        happened: OnDay,
        operator: Who,
        reason: Why,
        before_km: Kilometres = "",
        after_km: Kilometres = "",
        papers: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        said = EventBody(
            event=event,
            happened_at=_noon(happened, pages),
            before_m=_metres(before_km),
            after_m=_metres(after_km),
            papers=papers,
        )
        await clerk.note_event(vehicle_id, said, Signed(operator, reason))
        return _back(vehicle_id)


def _file_forms(routes: APIRouter, clerk: Clerk) -> None:
    @routes.post("/vehicles/{vehicle_id}/joined-visits")
    async def join(
        vehicle_id: OpaqueId,
        kept: Annotated[str, Form(max_length=200)],
        other: Annotated[str, Form(max_length=200)],
        operator: Who,
        reason: Why,
    ) -> Response:
        await clerk.join_visits(vehicle_id, kept, other, Signed(operator, reason))
        return _back(vehicle_id)

    @routes.post("/vehicles/{vehicle_id}/moved-visits")
    async def move(
        vehicle_id: OpaqueId,
        visit: Annotated[str, Form(max_length=200)],
        operator: Who,
        reason: Why,
        to: Annotated[str, Form(max_length=64)] = "",
    ) -> Response:
        return _back(await clerk.move_visit(vehicle_id, visit, to, Signed(operator, reason)))

    @routes.post("/vehicles/{vehicle_id}/merged-cars")
    async def merge(
        vehicle_id: OpaqueId, other: Annotated[str, Form(min_length=1, max_length=64)], operator: Who, reason: Why
    ) -> Response:
        await clerk.merge_cars(vehicle_id, other, Signed(operator, reason))
        return _back(vehicle_id)

    @routes.post("/decisions/{decision_id}/take-back")
    async def take_back(decision_id: OpaqueId, operator: Who, reason: Why) -> Response:
        return _back(await clerk.take_back(decision_id, Signed(operator, reason)))


async def _file_page(request: Request, pages: Pages, clerk: Clerk, vehicle_id: str) -> Response:
    car = await pages.desk.vehicle(vehicle_id)
    if car is None:
        raise ProblemError(404, "office.problem_no_vehicle")
    events, w = await pages.desk.timeline(car.id), pages.wording(request)
    mileage = [event for event in events if event.odometer_m is not None]
    context: dict[str, Any] = {
        "car": car,
        "charts": charts(mileage, w),
        "values": [event for event in _newest(mileage) if event.entry_id],
        "visits": _visits(events),
        "decisions": await clerk.decisions(car.id),
        "events": list(EventKind),
        "struck": struck,
    }
    return await pages.page(request, "file.html", section="file", here="vehicles", line=True, **context)


def _newest(events: list[TimelineEvent]) -> list[TimelineEvent]:
    ordered = sorted(events, key=lambda one: one.at.timestamp() if one.at else 0.0, reverse=True)
    return ordered[:WIDEST_CHOICE]


def _visits(events: tuple[TimelineEvent, ...]) -> list[TimelineEvent]:
    """The newest first; a visit that is part of another is no choice."""
    return _newest([event for event in events if event.kind == "visit"])


def _noon(day: date, pages: Pages) -> datetime:
    return datetime.combine(day, NOON, pages.zone)


def _metres(km: str) -> int | None:
    return int(km) * 1000 if km else None


def _back(vehicle_id: str) -> Response:
    return RedirectResponse(f"/vehicles/{vehicle_id}/file", 303)
