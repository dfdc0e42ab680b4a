"""The page's port on this computer: bound before anybody is told of it; the page is loaded for the first who comes."""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from agent.errors import WorldError
from config.settings import PageSettings

BACKLOG = 64


class Answers(Protocol):
    """What answers on the port."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None: ...

    def stop(self) -> None: ...


class PageServer:
    """Open it, serve until ``stop``, close it. ``load`` makes what answers; it is called once, in a thread."""

    def __init__(self, settings: PageSettings, load: Callable[[], Answers]) -> None:
        self._settings = settings
        self._load = load
        self._socket: socket.socket | None = None
        self._answers: Answers | None = None
        self._stopped = False
        self._waited = asyncio.Event()

    async def open(self) -> None:
        """Bind the port and listen; raise WorldError when it is taken."""
        family = socket.AF_INET6 if ":" in self._settings.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((self._settings.host, self._settings.port))
            bound.listen(BACKLOG)  # who is told the address may come at once, before serve() runs
        except OSError as error:
            bound.close()
            raise WorldError("agent.port_taken", port=self._settings.port, detail=str(error)) from error
        self._socket = bound

    @property
    def address(self) -> str:
        """Where the page is, with the port that was really given."""
        port = self._socket.getsockname()[1] if self._socket else self._settings.port
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"http://{host}:{port}/"

    async def serve(self) -> None:
        """Answer requests until ``stop``."""
        if self._socket is None:
            raise RuntimeError("open() comes before serve()")
        await self._first_comes(self._socket)
        if self._stopped:
            return
        self._answers = await asyncio.to_thread(self._load)  # in a thread: a bay may be reading a car meanwhile
        if not self._stopped:
            await self._answers.serve(sockets=[self._socket])

    async def stop(self) -> None:
        """Take no further requests; those under way may finish."""
        self._stopped = True
        self._waited.set()
        if self._answers is not None:
            self._answers.stop()

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    async def _first_comes(self, listening: socket.socket) -> None:
        """Return once somebody has connected, or at ``stop``; at once on a loop that cannot tell (Windows')."""
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(listening, self._waited.set)
        except NotImplementedError:
            return
        try:
            await self._waited.wait()
        finally:
            loop.remove_reader(listening)
