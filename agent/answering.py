"""Answers on the page's port: uvicorn inside our loop, with the page's routes. Loaded for the first who comes."""

import asyncio
import contextlib
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from agent.looks import Looks
from agent.page import Page
from agent.page_parts import PageParts
from agent.sync_command import verify_route

STOP_WAIT_S = 2
BODY_IDLE_S = 15
TICK_S = 1.0


def answering(parts: PageParts) -> "Answering":
    """The bay page, ready to serve."""
    looks = Looks(parts.bays, parts.store, parts.link, parts.zone)
    app = Page(parts, looks).app()
    app.router.routes.append(verify_route(parts.publisher))
    return Answering(app)


class Answering(uvicorn.Server):
    """Serves until ``stop``."""

    def __init__(self, app: Starlette) -> None:
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=BODY_IDLE_S,
            timeout_graceful_shutdown=STOP_WAIT_S,
            limit_concurrency=128,
        )
        config.load()
        super().__init__(config)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Take no further requests; those under way may finish."""
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        """As uvicorn's, which wakes ten times a second, with one wake-up a second: for the Date header."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._stopped.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process, not to its page."""
        yield
