"""The page's HTTP server: uvicorn inside our loop, on a loopback port that is bound before anybody is told of it."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from agent.errors import WorldError
from config.settings import PageSettings

STOP_WAIT_S = 2
BODY_IDLE_S = 15
BACKLOG = 64


class PageServer:
    """Open it, serve until ``stop``, close it."""

    def __init__(self, app: Starlette, settings: PageSettings) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None
        self._server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=BODY_IDLE_S,
                timeout_graceful_shutdown=STOP_WAIT_S,
                limit_concurrency=128,
            )
        )

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
        await self._server.serve(sockets=[self._socket])

    async def stop(self) -> None:
        """Take no further requests; those under way may finish."""
        self._server.should_exit = True

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process, not to its page."""
        yield
