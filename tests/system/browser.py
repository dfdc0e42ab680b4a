"""Debian's Chromium for tests, and the back office it looks at, both in this process."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from backoffice.store import RecordStore
from backoffice.web import create_app
from tests.backoffice.lot import lot_store, office_in
from tests.needs import find_chromium

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
START_S = 30.0
Result = TypeVar("Result")


class Office:
    """A back office with the lot of cars, served on loopback from a thread with a loop of its own."""

    def __init__(self, directory: Path) -> None:
        self.url = ""
        self._directory = directory
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self.store: RecordStore

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(START_S), "the office did not start"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_S)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do ``work`` in the office's own loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_S)

    async def _serve(self) -> None:
        async with lot_store(self._directory) as store, _listening(store, self._directory) as url:
            self.store, self.url = store, url
            self._ready.set()
            await self._stop.wait()


@asynccontextmanager
async def _listening(store: RecordStore, directory: Path) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(store, store.feed, office_in(directory))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2, lifespan="off")
    )
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        store.feed.close()
        server.should_exit = True
        await serving
        listener.close()


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def fonts_of(page: Page, selector: str) -> set[str]:
    """Names of the fonts that really drew an element (DevTools protocol)."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    fonts = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    session.detach()
    return {font["familyName"] for font in fonts}
