"""Server-sent events: each commit that changed an alert or a car, told to open pages within the second.

An event carries an opaque id only; the page then fetches what it shows, so that a lost event never leaves it wrong.
"""

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from backoffice.live import Listener, LiveFeed, TooManyListenersError
from backoffice.problems import ProblemError

KEEPALIVE_S = 15.0
RETRY_MS = 2000


def event_routes(feed: LiveFeed, keepalive_s: float = KEEPALIVE_S) -> APIRouter:
    """The one route ``/events``."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/events")
    async def events() -> StreamingResponse:
        """Open a stream; 503 with a reason when the house is full."""
        stream = _stream(feed, keepalive_s)
        opening = await _opening(stream)
        return StreamingResponse(
            _from(opening, stream),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return routes


async def _opening(stream: AsyncGenerator[str, None]) -> str:
    try:
        return await anext(stream)
    except TooManyListenersError as error:
        raise ProblemError(503, "office.problem_too_many_pages") from error


async def _from(opening: str, stream: AsyncGenerator[str, None]) -> AsyncIterator[str]:
    async with contextlib.aclosing(stream):  # a page that goes gives its place back at once
        yield opening
        async for piece in stream:
            yield piece


async def _stream(feed: LiveFeed, keepalive_s: float) -> AsyncGenerator[str, None]:
    with feed.listen() as listener:
        yield f"retry: {RETRY_MS}\nevent: hello\ndata: {{}}\n\n"
        async for piece in _pieces(listener, keepalive_s):
            yield piece


async def _pieces(listener: Listener, keepalive_s: float) -> AsyncIterator[str]:
    """Events and, in silence, comments that keep proxies from closing the line; ends when the listener was dropped."""
    while True:
        event = await listener.next(keepalive_s)
        if event is not None:
            yield f"event: {event['type']}\ndata: {json.dumps({'id': event['id']})}\n\n"
        elif listener.dropped:
            return
        else:
            yield ": still here\n\n"
