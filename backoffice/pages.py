"""The pages people read, rendered on the server; they work without script and are live with it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from backoffice.api import Oil, OpaqueId, Operator, Reason, ServiceItem, SnoozeDays, UseSeverity
from backoffice.carpage import car_context, check_title, due_kind, episode_kind, item_name, model_name, named
from backoffice.errors import StoreFailedError
from backoffice.problems import ProblemError
from backoffice.search_memory import SearchMemory
from backoffice.sheets import rendered
from backoffice.stock import usual
from backoffice.store import RecordStore
from backoffice.views import AlertView, Day, StockState, VehicleSummary, WorkOrder
from backoffice.wording import DASH, Wording
from config.catalogue import Language, has, render
from config.manual import SECTIONS, UnknownSectionError, manual_html, manual_title
from config.zones import zone_of
from evidence.sheet.style import style_source
from evidence.sheet.words import detail_words
from evidence.snapshot import CheckPart, Severity

PAGE_SIZE = 50
MAX_ALERTS = 500
MAX_PAGE = 10_000
NOON = time(12)  # a bill names the day of a service, not its hour
LANGUAGE_COOKIE = "forecourt_lang"
COOKIE_S = 365 * 86400
_URGENCY = {Severity.STOP: 0, Severity.SOON: 1, Severity.NOTE: 2}
TEMPLATES = Path(__file__).parent / "templates"
PageNumber = Annotated[int, Query(ge=1, le=MAX_PAGE)]
SheetKind = Literal["html", "pdf"]
SHEET_TYPES = {"html": "text/html; charset=utf-8", "pdf": "application/pdf"}
Token = Annotated[str, Query(max_length=32)]


class Pages:
    """Renders templates in the reader's language."""

    def __init__(self, desk: RecordStore, default_language: str, zone_name: str) -> None:
        self.desk = desk
        self._default = default_language
        self.zone_name = zone_name
        self.zone = zone_of(zone_name)
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def wording(self, request: Request) -> Wording:
        """The reader's language: asked for in the address, else remembered, else the default."""
        offered = (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE), self._default)
        known = next(language for language in offered if language in ("en", "zh"))
        return Wording(Language(known), self.zone)

    async def page(
        self, request: Request, template: str, *, section: str, here: str = "", status: int = 200, **context: Any
    ) -> HTMLResponse:
        """A whole page; ``section`` of the manual explains it, ``here`` is its place in the navigation."""
        w = self.wording(request)
        frame = {
            "here": here,
            "section": section,
            "open_alerts": await self._open_alerts(),
            "other_language_url": _other_language(request, w),
        }
        response = HTMLResponse(self._render(template, w, {"line": False} | frame | context), status)
        if request.query_params.get("lang") == str(w.language):
            response.set_cookie(LANGUAGE_COOKIE, str(w.language), COOKIE_S, samesite="lax", httponly=True)
        return response

    async def piece(self, request: Request, template: str, **context: Any) -> HTMLResponse:
        """Part of a page, fetched by the script; carries the number of open alerts for the navigation."""
        content = self._render(template, self.wording(request), context) if template else ""
        return HTMLResponse(content, headers={"X-Open-Alerts": str(await self._open_alerts())})

    async def problem(self, request: Request, problem: ProblemError) -> HTMLResponse:
        """An error as a page with one sentence and a way back."""
        return await self.page(
            request, "problem.html", section="getting-started", status=problem.status, text=problem.text
        )

    async def _open_alerts(self) -> int:
        try:
            return (await self.desk.counts())["open_alerts"]
        except StoreFailedError:
            return 0  # the page that says so must not fail over its own navigation

    def _render(self, template: str, w: Wording, context: dict[str, Any]) -> str:
        return self._templates.get_template(template).render(_words(w) | context)


def page_routes(pages: Pages) -> APIRouter:
    """All pages; none of them is part of the API's description."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def home(request: Request) -> Response:
        return RedirectResponse(_keeping_language("/vehicles", request), 307)

    _vehicle_pages(routes, pages, SearchMemory())
    _service_pages(routes, pages)
    _alert_pages(routes, pages)
    _manual_pages(routes, pages)
    return routes


def _vehicle_pages(routes: APIRouter, pages: Pages, searches: SearchMemory) -> None:
    desk = pages.desk

    @routes.get("/vehicles")
    async def vehicles(request: Request, page: PageNumber = 1, s: Token = "") -> Response:
        q = searches.recall(s)
        cars, more = await _cars(desk, q, page)
        return await pages.page(
            request,
            "vehicles.html",
            section="vehicles",
            here="vehicles",
            line=True,
            q=q,
            cars=cars,
            found=f"{len(cars)}+" if more else len(cars),
            live_url=_list_url("/vehicles/rows", page, s),
            previous_url=_list_url("/vehicles", page - 1, s) if page > 1 else "",
            next_url=_list_url("/vehicles", page + 1, s) if more else "",
        )

    @routes.get("/vehicles/rows")
    async def rows(request: Request, page: PageNumber = 1, s: Token = "") -> Response:
        q = searches.recall(s)
        cars, _ = await _cars(desk, q, page)
        return await pages.piece(request, "vehicle_rows.html", q=q, cars=cars)

    @routes.post("/vehicles/search")
    async def search(q: Annotated[str, Form(max_length=1000)] = "") -> Response:
        return RedirectResponse(_list_url("/vehicles", 1, searches.keep(q) if q.strip() else ""), 303)

    @routes.get("/vehicles/{vehicle_id}")
    async def vehicle(request: Request, vehicle_id: OpaqueId) -> Response:
        return await _vehicle_page(request, pages, vehicle_id)

    @routes.get("/vehicles/{vehicle_id}/sheet.{kind}")
    async def sheet(request: Request, vehicle_id: OpaqueId, kind: SheetKind) -> Response:
        found = await desk.sheet(vehicle_id, pages.zone_name)
        if found is None:
            raise ProblemError(404, "office.problem_no_vehicle")
        body = await rendered(found, pages.wording(request).language, kind)
        headers = {"Content-Security-Policy": f"default-src 'none'; style-src {style_source()}; frame-ancestors 'none'"}
        return Response(body, media_type=SHEET_TYPES[kind], headers=headers if kind == "html" else None)

    @routes.post("/vehicles/{vehicle_id}/stock-state")
    async def stock_state(
        vehicle_id: OpaqueId,
        state: Annotated[StockState, Form()],
        operator: Annotated[Operator, Form()],
        note: Annotated[str, Form(max_length=200)] = "",
        expected: Annotated[StockState | None, Form()] = None,
    ) -> Response:
        step = (vehicle_id, state, operator, datetime.now(UTC), note.strip())
        if await desk.set_stock_state(*step, expected=expected) is None:
            raise ProblemError(404, "office.problem_no_vehicle")
        return RedirectResponse(f"/vehicles/{vehicle_id}", 303)


def _service_pages(routes: APIRouter, pages: Pages) -> None:
    """What people tell of a car's services: what was done, how it is used, which oil it has."""
    desk = pages.desk

    @routes.post("/vehicles/{vehicle_id}/services")
    async def done(
        vehicle_id: OpaqueId,
        done: Annotated[Day, Form()],
        operator: Annotated[Operator, Form()],
        items: Annotated[list[ServiceItem], Form(min_length=1, max_length=40)],
        km: Annotated[str, Form(pattern=r"^\d{0,7}$")] = "",
        note: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        order = WorkOrder(
            vehicle_id=vehicle_id,
            done_at=datetime.combine(done, NOON, pages.zone),
            odometer_m=int(km) * 1000 if km else None,
            items=tuple(items),
            operator=operator,
            note=note,
        )
        await desk.add_workorder(order)
        return RedirectResponse(f"/vehicles/{vehicle_id}", 303)

    @routes.post("/vehicles/{vehicle_id}/use")
    async def use(
        vehicle_id: OpaqueId,
        severity: Annotated[UseSeverity, Form()],
        operator: Annotated[Operator, Form()],
        oil: Annotated[Oil, Form()] = "",
    ) -> Response:
        if await desk.set_use(vehicle_id, severity, oil, operator) is None:
            raise ProblemError(404, "office.problem_no_vehicle")
        return RedirectResponse(f"/vehicles/{vehicle_id}", 303)


async def _vehicle_page(request: Request, pages: Pages, vehicle_id: str) -> Response:
    desk, w = pages.desk, pages.wording(request)
    car = await desk.vehicle(vehicle_id)
    if car is None:
        raise ProblemError(404, "office.problem_no_vehicle")
    events = await desk.timeline(vehicle_id)
    alerts = await desk.alerts(open_only=True, limit=MAX_ALERTS, vehicle_id=car.id)
    return await pages.page(
        request,
        "vehicle.html",
        section="vehicle",
        here="vehicles",
        line=True,
        alerts=by_urgency(alerts),
        on_vehicle=True,
        states=_states(car.stock_state),
        **car_context(car, events, w),
    )


def _states(now: StockState) -> list[StockState]:
    """The state itself and the usual ways on first, then what would be putting a slip right."""
    return sorted(StockState, key=lambda state: (state is not now, not usual(now, state)))


def _alert_pages(routes: APIRouter, pages: Pages) -> None:
    desk = pages.desk

    async def listed(show: str) -> dict[str, Any]:
        found = by_urgency(await desk.alerts(open_only=show != "all", limit=MAX_ALERTS))
        return {"alerts": found, "on_vehicle": False, "show_all": show == "all"}

    @routes.get("/alerts")
    async def alerts(request: Request, show: str = "") -> Response:
        context = await listed(show)
        return await pages.page(request, "alerts.html", section="alerts", here="alerts", line=True, **context)

    @routes.get("/alerts/list")
    async def alert_list(request: Request, show: str = "") -> Response:
        return await pages.piece(request, "alert_list.html", **await listed(show))

    @routes.get("/alerts/count")
    async def count(request: Request) -> Response:
        return await pages.piece(request, "")

    @routes.post("/alerts/{alert_id}/acknowledge")
    async def acknowledge(
        alert_id: OpaqueId, operator: Annotated[Operator, Form()], vehicle: Annotated[str, Form(max_length=64)] = ""
    ) -> Response:
        alert = await desk.acknowledge_alert(alert_id, operator, datetime.now(UTC))
        if alert is None:
            raise ProblemError(404, "office.problem_no_alert")
        back = f"/vehicles/{alert.vehicle_id}" if vehicle else "/alerts"
        return RedirectResponse(back, 303)

    _snooze_page(routes, desk)


def _snooze_page(routes: APIRouter, desk: RecordStore) -> None:
    @routes.post("/alerts/{alert_id}/snooze")
    async def snooze(
        alert_id: OpaqueId,
        days: Annotated[SnoozeDays, Form()],
        reason: Annotated[Reason, Form()],
        operator: Annotated[Operator, Form()],
        vehicle: Annotated[str, Form(max_length=64)] = "",
    ) -> Response:
        until = datetime.now(UTC) + timedelta(days=days)
        alert = await desk.snooze_alert(alert_id, operator, until, reason)
        if alert is None:
            raise ProblemError(404, "office.problem_no_alert")
        return RedirectResponse(f"/vehicles/{alert.vehicle_id}" if vehicle else "/alerts", 303)


def _manual_pages(routes: APIRouter, pages: Pages) -> None:
    @routes.get("/manual")
    async def manual_start(request: Request) -> Response:
        return RedirectResponse(_keeping_language(f"/manual/{SECTIONS[0]}", request), 307)

    @routes.get("/manual/{section}")
    async def manual(request: Request, section: str) -> Response:
        language = pages.wording(request).language
        try:
            body, title = Markup(manual_html(section, language)), manual_title(section, language)  # noqa: S704 - our own files
        except UnknownSectionError as error:
            raise ProblemError(404, "office.problem_no_page") from error
        sections = [(name, manual_title(name, language)) for name in SECTIONS]
        context: dict[str, Any] = {"body": body, "manual_title": title, "sections": sections}
        return await pages.page(request, "manual.html", section=section, here="manual", **context)


def by_urgency(alerts: Iterable[AlertView]) -> list[AlertView]:
    """What nobody has seen yet first, then the most urgent, then the newest; what is settled last."""
    return sorted(
        alerts,
        key=lambda a: (
            a.closed_at is not None,
            a.acknowledged_at is not None,
            _URGENCY[a.severity],
            -a.opened_at.timestamp(),
        ),
    )


async def _cars(desk: RecordStore, q: str, page: int) -> tuple[list[VehicleSummary], bool]:
    found = await desk.search_vehicles(q, PAGE_SIZE + 1, (page - 1) * PAGE_SIZE)
    return list(found[:PAGE_SIZE]), len(found) > PAGE_SIZE


def _list_url(path: str, page: int, token: str) -> str:
    query = [f"page={page}"] if page > 1 else []
    query += [f"s={token}"] if token else []
    return path + ("?" + "&".join(query) if query else "")


def _keeping_language(path: str, request: Request) -> str:
    language = request.query_params.get("lang")
    return f"{path}?lang={language}" if language in ("en", "zh") else path


def _other_language(request: Request, w: Wording) -> str:
    url = request.url.include_query_params(lang="en" if str(w.language) == "zh" else "zh")
    return f"{url.path}?{url.query}"


def _words(w: Wording) -> dict[str, Any]:
    """What templates may call."""
    names: dict[str, Callable[..., str]] = {
        "say": lambda key: render(key, w.language),
        "model_name": lambda car: model_name(car, w),
        "source_name": lambda name: named("source", name, w),
        "trust_name": lambda name: named("trust", name, w),
        "item_name": lambda name: item_name(name, w),
        "detail_words": lambda detail: detail_words(detail, w.language),
        "service_name": lambda name: named("service", name, w),
        "due_words": lambda name: named("due", name, w),
        "quarantine_words": lambda name: named("quarantine", name, w),
        "fate_words": lambda fate: named("fate", fate, w),
        "unit_words": lambda what: named("unit_change", what, w),
        "rule_title": lambda rule: named("rule", f"{rule}.title", w),
        "check_title": lambda check: check_title(check, w),
        "assumption_words": lambda check: _assumption(check, w),
    }
    return {"w": w, "DASH": DASH, "due_kind": due_kind, "episode_kind": episode_kind, **names}


def _assumption(check: CheckPart, w: Wording) -> str:
    key = f"assumption.{check.assumption}"
    return render(key, w.language) if check.assumption and has(key) else check.assumption
