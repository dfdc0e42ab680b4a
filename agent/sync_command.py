"""``forecourt sync verify``: compare with the back office what it confirmed, by the running agent or without one."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.errors import WorldError
from agent.stores import open_stores
from config.catalogue import Language, render
from config.settings import Settings
from sync.clock import SystemClock
from sync.errors import UpstreamError
from sync.publisher import Publisher
from sync.verify import StreamReport
from sync.wire import Span

PATH = "/api/sync/verify"
ANSWER_MAX_BYTES = 8 << 20
SPANS_SHOWN = 20
FOUND = 1
_REPORTS = TypeAdapter(tuple[StreamReport, ...])


def verify_sync(settings: Settings, language: Language, *, as_json: bool) -> int:
    """Print what was found; 0 when both sides agree or all is refilled, 1 when something is lost or differs."""
    try:
        reports = asyncio.run(_by_ourselves(settings))
    except WorldError as error:
        if error.key != "agent.store_unusable":
            raise
        reports = _by_daemon(settings, error)
    if as_json:
        print(_REPORTS.dump_json(reports).decode())
    else:
        print("\n".join(lines_of(reports, language)))
    return FOUND if any(report.lost or report.different for report in reports) else 0


def verify_route(publisher: Publisher) -> Route:
    """The same for the agent's page."""

    async def answer(_request: Request) -> Response:
        try:
            reports = await publisher.verify()
        except UpstreamError as error:
            return JSONResponse({"detail": str(error)}, 503)
        return JSONResponse([asdict(report) for report in reports])

    return Route(PATH, answer, methods=["POST"])


async def _by_ourselves(settings: Settings) -> tuple[StreamReport, ...]:
    clock = SystemClock()
    connected = asyncio.Event()
    async with open_stores(settings, clock) as (outbox, _):
        publisher = Publisher(
            outbox, settings.device.id, settings.mqtt, clock, lambda state: connected.set() if state.connected else None
        )
        delivering = asyncio.create_task(publisher.run())
        try:
            async with asyncio.timeout(settings.mqtt.connect_timeout_s * 2):
                await connected.wait()
            reports = await publisher.verify()
            await publisher.drained(settings.mqtt.ack_timeout_s)
        except (TimeoutError, UpstreamError) as error:
            raise WorldError("sync_verify.no_answer", detail=publisher.state.lost or str(error) or "-") from error
        finally:
            delivering.cancel()
            with suppress(asyncio.CancelledError):
                await delivering
    return reports


def _by_daemon(settings: Settings, locked: WorldError) -> tuple[StreamReport, ...]:
    """Ask the running agent by its page; raise ``locked`` when there is none."""
    host = f"[{settings.page.host}]" if ":" in settings.page.host else settings.page.host
    request = urllib.request.Request(f"http://{host}:{settings.page.port}{PATH}", b"")
    try:
        with urllib.request.urlopen(request, timeout=settings.mqtt.ack_timeout_s * 10) as answer:  # noqa: S310
            return _REPORTS.validate_json(answer.read(ANSWER_MAX_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            detail = str(json.loads(error.read(4096) or b"{}").get("detail", error.code))
        raise WorldError("sync_verify.no_answer", detail=detail) from error
    except (OSError, ValidationError) as error:
        raise locked from error


def lines_of(reports: Sequence[StreamReport], language: Language) -> Iterable[str]:
    """What was found; of what is still owed nothing is claimed."""
    for report in reports:
        compared = report.last_seq - report.owed
        if report.sound and (compared or not report.owed):
            yield render("sync_verify.sound", language, stream=report.stream, count=compared)
        if report.owed:
            yield render("sync_verify.owed", language, stream=report.stream, count=report.owed)
        for key in ("refilled", "lost", "different"):
            if spans := getattr(report, key):
                yield render(f"sync_verify.{key}", language, stream=report.stream, ranges=_ranges(spans))


def _ranges(spans: Sequence[Span]) -> str:
    shown = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans[:SPANS_SHOWN])
    return f"{shown}, ..." if len(spans) > SPANS_SHOWN else shown
