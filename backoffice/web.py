"""The back office's web application put together: API, pages, events, health, and the guards around them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles

from backoffice.api import api_routes
from backoffice.clerk import Clerk
from backoffice.command_api import command_routes
from backoffice.decision_api import decision_routes
from backoffice.errors import StoreFailedError
from backoffice.events import event_routes
from backoffice.file_pages import file_routes
from backoffice.live import LiveFeed
from backoffice.metrics import metrics_text
from backoffice.office_settings import OfficeSettings
from backoffice.pages import Pages, page_routes
from backoffice.problems import ProblemError, answer_problems, problem_response
from backoffice.store import RecordStore

STATIC = Path(__file__).parent / "static"
HEALTH_TIMEOUT_S = 5.0
MAX_BODY_BYTES = 1_000_000
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
Next = Callable[[Request], Awaitable[Response]]


def create_app(store: RecordStore, feed: LiveFeed, settings: OfficeSettings) -> FastAPI:
    """The application on an open ``store``. Who serves it switches the access log off: the API's ``q`` may be a VIN."""
    app = FastAPI(
        title="Forecourt",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        summary="Cars, their evidence and their alerts.",
    )
    pages = Pages(store, settings.language, settings.timezone)
    clerk = Clerk(store)
    app.include_router(api_routes(store))
    app.include_router(decision_routes(clerk))
    app.include_router(command_routes(store))
    app.include_router(event_routes(feed))
    app.include_router(page_routes(pages))
    app.include_router(file_routes(pages, clerk))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _health(app, store, feed)
    answer_problems(app, pages.problem)
    app.middleware("http")(_guard)
    return app


def _health(app: FastAPI, store: RecordStore, feed: LiveFeed) -> None:
    @app.get("/healthz", summary="Whether the store answers", tags=["health"])
    async def healthz() -> Response:
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                counts = await store.counts()
        except (TimeoutError, StoreFailedError):
            return JSONResponse({"status": "store_unreachable"}, 503)
        return JSONResponse({"status": "ok", **counts})

    @app.get("/metrics", summary="Counts in Prometheus' text format", tags=["health"])
    async def metrics() -> Response:
        text = metrics_text(await store.counts(), listeners=feed.listener_count)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _guard(request: Request, call_next: Next) -> Response:
    """Refuse what another site's page sends and what is too large; say to browsers what these pages may do."""
    if request.method not in SAFE_METHODS:
        if _from_other_site(request):
            return problem_response(ProblemError(403, "office.problem_other_site"))
        if int(request.headers.get("content-length", "0") or 0) > MAX_BODY_BYTES:
            return problem_response(ProblemError(413, "office.problem_too_large"))
    response = await call_next(request)
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.url.path.startswith("/static"):
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def _from_other_site(request: Request) -> bool:
    """Browsers name the page a request comes from; programs name none and are let through."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        return True
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
