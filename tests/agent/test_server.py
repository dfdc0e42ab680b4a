"""The page's port: open from the start, with the page behind it loaded for the first who comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from agent.answering import Answering
from agent.server import PageServer
from config.settings import PageSettings

PATIENCE_S = 10.0


class Loads:
    """Makes what answers, counts how often, and says when it has begun."""

    def __init__(self) -> None:
        self.count = 0
        self.begun = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self) -> Answering:
        self.count += 1
        self._loop.call_soon_threadsafe(self.begun.set)

        async def hello(_request: Request) -> Response:
            return PlainTextResponse("hello")

        return Answering(Starlette(routes=[Route("/", hello)]))


@asynccontextmanager
async def serving(loads: Loads) -> AsyncIterator[PageServer]:
    server = PageServer(PageSettings(port=0), loads)
    await server.open()
    serve = asyncio.create_task(server.serve())
    try:
        yield server
    finally:
        await server.stop()
        async with asyncio.timeout(PATIENCE_S):
            await serve
        await server.close()


async def test_the_first_who_comes_has_the_page_loaded_and_the_next_finds_it_there() -> None:
    loads = Loads()
    async with serving(loads) as server, httpx.AsyncClient(base_url=server.address) as client:
        assert loads.count == 0
        answers = [await client.get("/") for _ in range(2)]

    assert [(answer.text, "date" in answer.headers) for answer in answers] == [("hello", True)] * 2
    assert loads.count == 1


async def test_a_page_that_nobody_opened_is_never_loaded_and_stops_at_once() -> None:
    loads = Loads()
    async with serving(loads) as server:
        assert server.address.startswith("http://127.0.0.1:")

    assert loads.count == 0


async def test_stopped_while_the_page_is_being_loaded_it_answers_nobody() -> None:
    loads = Loads()
    async with serving(loads) as server:
        port = int(server.address.rsplit(":", 1)[1].strip("/"))
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await loads.begun.wait()
    writer.close()
    await writer.wait_closed()


async def test_it_serves_only_what_was_opened() -> None:
    with pytest.raises(RuntimeError, match="open"):
        await PageServer(PageSettings(port=0), Loads()).serve()
