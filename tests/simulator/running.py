"""A simulator as a process of its own, and the smallest client that can talk to it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from simulator.started import Started, started

MODULE = (sys.executable, "-m", "simulator.cli")


class Client:
    """One TCP connection: sends a line, reads to the prompt."""

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        host, port = url.removeprefix("tcp:").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout_s)

    def ask(self, command: str) -> str:
        """The answer up to the prompt; ConnectionError when the link ends first."""
        self.socket.sendall(command.encode("ascii") + b"\r")
        received = b""
        while not received.endswith(b">"):
            piece = self.socket.recv(4096)
            if not piece:
                raise ConnectionError
            received += piece
        return received.decode("latin-1")

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()


@contextmanager
def simulator(*arguments: str, complaints: int = subprocess.DEVNULL) -> Iterator[Started]:
    """Start ``forecourt-sim`` with these arguments; it is gone afterwards."""
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    with started(*arguments, command=MODULE, environment=environment, complaints=complaints) as running:
        yield running
