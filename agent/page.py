"""The bay page and its JSON API: thin routes over ``Bays``; every refusal is one sentence in both languages."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from agent.answers import parse_answers
from agent.errors import AnswerError, UnknownIntakeError, UnknownVehicleError, WorldError
from agent.headers import PageHeaders
from agent.ledger import Status, StockState
from agent.looks import Looks
from agent.page_parts import PageParts
from agent.picture import Picture
from agent.posted import json_of
from agent.sheet_page import SheetPage
from agent.views import bay_view, intake_view
from config.catalogue import Language, texts
from config.manual import SECTIONS, manual_html, manual_title
from sync.errors import OutboxError

HERE = Path(__file__).parent
EVENT_PAUSE_S = 0.15  # several changes within a moment are one picture
KEEP_ALIVE_S = 15.0
LANGUAGE_COOKIE = "lang"
YEAR_S = 31_536_000
LOOPBACK = ["127.0.0.1", "localhost", "[::1]", "::1"]

log = structlog.get_logger()
Handler = Callable[[Request], Awaitable[Response]]


class Page:
    """All routes. ``looks`` draws HTML, this class decides what is asked and answered."""

    def __init__(self, parts: PageParts, looks: Looks) -> None:
        self._bays = parts.bays
        self._store = parts.store
        self._desk = parts.desk
        self._board = parts.board
        self._looks = looks
        self._language = parts.language
        self._sheet_page = SheetPage(parts.sheets, parts.store, looks, self._wanted)

    def app(self) -> Starlette:
        """The ASGI application; only loopback host names are served (no DNS rebinding)."""
        return Starlette(
            routes=[
                Route("/", self._index),
                Route("/manual/{section}", self._manual),
                Route("/events", self._events),
                Route("/healthz", self._health),
                Route("/api/bays", self._list_bays),
                Route("/api/intakes", self._list_intakes),
                Route("/api/intakes/{id}/answers", self._answer, methods=["POST"]),
                Route("/api/intakes/{id}/withdraw", self._withdraw, methods=["POST"]),
                Route("/api/vehicles/{id}/stock-state", self._stock_state, methods=["POST"]),
                *self._sheet_page.routes(),
                Mount("/static", StaticFiles(directory=HERE / "static")),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK), Middleware(PageHeaders)],
            exception_handlers={
                AnswerError: _refused,
                UnknownIntakeError: _unknown,
                UnknownVehicleError: _unknown,
                WorldError: _world_failed,
                OutboxError: _not_stored,
                sqlite3.Error: _not_stored,
                HTTPException: _http_error,
                Exception: _broken,
            },
        )

    async def _index(self, request: Request) -> Response:
        language = self._wanted(request)
        if "lang" in request.query_params:
            # one address for the page: the choice is remembered, the query is not
            response: Response = RedirectResponse("/", status_code=303)
            response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, samesite="strict", httponly=True)
            return response
        return HTMLResponse(await self._looks.page(language))

    async def _manual(self, request: Request) -> Response:
        section, language = request.path_params["section"], self._wanted(request)
        if section not in SECTIONS:
            raise HTTPException(404)
        body = self._looks.manual(manual_title(section, language), manual_html(section, language), language)
        return HTMLResponse(body)

    async def _events(self, request: Request) -> Response:
        if self._board.full:
            return _sentence(503, "page.too_many_watchers")
        stream = self._pictures(self._wanted(request))
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def _pictures(self, language: Language) -> AsyncIterator[str]:
        told: Picture | None = None
        async for changed in self._board.watch(every_s=KEEP_ALIVE_S):
            if not changed:
                yield ": still here\n\n"
                continue
            picture = await self._looks.picture(language)
            if picture != told:
                yield f"event: cards\ndata: {json.dumps(picture.since(told), ensure_ascii=False)}\n\n"
            told = picture
            await asyncio.sleep(EVENT_PAUSE_S)

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok", "bays": len(self._bays.states)})

    async def _list_bays(self, request: Request) -> Response:
        return JSONResponse({"items": [bay_view(state) for state in self._bays.states]})

    async def _list_intakes(self, request: Request) -> Response:
        wanted = request.query_params.get("state", "")
        if wanted not in _STATES:
            raise AnswerError("page.unknown_state")
        items = [intake_view(intake, await self._vehicle_id(intake.vin)) for intake in await self._intakes(wanted)]
        return JSONResponse({"items": items})

    async def _intakes(self, wanted: str) -> tuple[Any, ...]:
        return await self._store.intakes(*_STATES[wanted])

    async def _answer(self, request: Request) -> Response:
        answers = parse_answers(await json_of(request))
        intake = await self._bays.answer(request.path_params["id"], answers)
        return JSONResponse(intake_view(intake, await self._vehicle_id(intake.vin)))

    async def _withdraw(self, request: Request) -> Response:
        await self._bays.withdraw(request.path_params["id"])
        return JSONResponse({"status": "withdrawn"})

    async def _stock_state(self, request: Request) -> Response:
        posted = await json_of(request)
        state = posted.get("state") if isinstance(posted, dict) else None
        if state not in list(StockState):
            raise AnswerError("page.unknown_stock_state")
        await self._desk.set_stock_state(request.path_params["id"], StockState(state))
        self._board.changed()
        return JSONResponse({"id": request.path_params["id"], "state": state})

    async def _vehicle_id(self, vin: str) -> str:
        vehicle = await self._store.vehicle(vin) if vin else None
        return vehicle.id if vehicle else ""

    def _wanted(self, request: Request) -> Language:
        """The language asked for, else the one chosen before, else the box's own."""
        asked = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
        return Language(asked) if asked in list(Language) else self._language


_STATES: dict[str, tuple[Status, ...]] = {
    "": (Status.OPEN, Status.AWAITING_IDENTITY, Status.AWAITING_DASH, Status.COMPLETE),
    "awaiting": (Status.AWAITING_IDENTITY, Status.AWAITING_DASH),
    "complete": (Status.COMPLETE,),
}


def _sentence(status: int, key: str, **params: str | int) -> Response:
    return JSONResponse({"error": key, "text": texts(key, **params)}, status_code=status)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, AnswerError):
        raise error
    return _sentence(422, error.key, **error.params)


async def _unknown(request: Request, error: Exception) -> Response:
    return _sentence(404, "page.unknown")


async def _world_failed(request: Request, error: Exception) -> Response:
    if not isinstance(error, WorldError):
        raise error
    log.error("what was asked for could not be done", reason=error.key, **error.params)
    return _sentence(503, error.key, **error.params)


async def _not_stored(request: Request, error: Exception) -> Response:
    log.error("answer could not be stored; free the disk or run 'forecourt doctor'", reason=str(error))
    return _sentence(503, "page.not_stored")


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _sentence(status, "page.unknown" if status == 404 else "page.bad_request")


async def _broken(request: Request, error: Exception) -> Response:
    log.error("page failed", path=request.url.path, exc_info=error)
    return _sentence(500, "page.broken")
