"""Ways to an adapter with the standard library alone: a TCP socket or a serial line."""

import os
import select
import socket
import termios
import time
import tty
from collections.abc import Callable
from typing import Protocol
from urllib.parse import parse_qs

from simulator.errors import SimulatorError

ANSWER_LIMIT = 64 * 1024
ANSWER_S = 30.0
CONNECT_S = 10.0
QUIET_S = 0.1
PIECE = 4096
DEFAULT_BAUD = 38400


class LinkError(Exception):
    """The adapter cannot be reached or has stopped answering; the text says which, in one line."""


class Wire(Protocol):
    """Sends a line and reads to the prompt."""

    def ask(self, line: str) -> str: ...

    def close(self) -> None: ...


def open_wire(url: str) -> Wire:
    """The wire to ``tcp:HOST:PORT`` or ``serial:PATH[?baud=N]``; SimulatorError for others, LinkError if it fails."""
    kind, _, rest = url.partition(":")
    if kind == "tcp":
        host, _, port = rest.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise SimulatorError(f"--adapter {url}: wanted tcp:HOST:PORT")
        return _tcp(url, host, int(port))
    if kind == "serial":
        path, _, query = rest.partition("?")
        baud = parse_qs(query).get("baud", [str(DEFAULT_BAUD)])[0]
        if not path or f"B{baud}" not in dir(termios):
            raise SimulatorError(f"--adapter {url}: wanted serial:PATH?baud=38400, or another usual rate")
        return _serial(url, path, getattr(termios, f"B{baud}"))
    raise SimulatorError(f"--adapter {url}: wanted tcp:HOST:PORT or serial:PATH")


def _tcp(url: str, host: str, port: int) -> "Link":
    try:
        connection = socket.create_connection((host, port), CONNECT_S)
    except OSError as error:
        raise LinkError(f"{url}: cannot be reached: {error.strerror or error}") from None
    connection.settimeout(0.0)
    return Link(url, connection.fileno(), connection.close)


def _serial(url: str, path: str, rate: int) -> "Link":
    handle = -1
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(handle)
        attributes = termios.tcgetattr(handle)
        attributes[4] = attributes[5] = rate
        termios.tcsetattr(handle, termios.TCSANOW, attributes)
    except (OSError, termios.error) as error:
        if handle >= 0:
            os.close(handle)
        raise LinkError(f"{url}: cannot be opened: {error.args[-1]}") from None
    return Link(url, handle, lambda: os.close(handle))


class Link:
    """An open file descriptor with an adapter behind it. Every wait ends and every answer is bounded."""

    def __init__(
        self, url: str, handle: int, close: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._handle = handle
        self._close = close
        self._clock = clock

    def ask(self, line: str) -> str:
        """Send one line; the answer up to the prompt. LinkError when none comes or the link ends."""
        self._forget_old()
        try:
            os.write(self._handle, line.encode("ascii") + b"\r")
        except OSError as error:
            raise LinkError(f"{self._url}: {error.strerror}") from None
        received = b""
        ends_s = self._clock() + ANSWER_S
        while b">" not in received:
            piece = self._read(ends_s - self._clock())
            if not piece:
                raise LinkError(f"{self._url}: no answer to {line} within {ANSWER_S:.0f} s")
            received += piece
            if len(received) > ANSWER_LIMIT:
                raise LinkError(f"{self._url}: the answer to {line} does not end")
        return received.replace(b"\0", b"").decode("latin-1")

    def close(self) -> None:
        """Let the adapter go."""
        self._close()

    def _forget_old(self) -> None:
        """Late bytes of an earlier answer must not be taken for the next one."""
        while select.select([self._handle], [], [], 0)[0]:
            if not self._read(QUIET_S):
                return

    def _read(self, wait_s: float) -> bytes:
        """What has arrived within ``wait_s``; nothing when it was silent. LinkError when the other end has gone."""
        if wait_s <= 0 or not select.select([self._handle], [], [], wait_s)[0]:
            return b""
        try:
            piece = os.read(self._handle, PIECE)
        except OSError as error:
            raise LinkError(f"{self._url}: {error.strerror}") from None
        if not piece:
            raise LinkError(f"{self._url}: the adapter has closed the link")
        return piece
