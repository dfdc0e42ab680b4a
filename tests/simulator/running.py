"""A simulator as a process of its own, and the smallest client that can talk to it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

START_S = 10.0


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


class Running:
    """A started simulator: its first line, a way to give it orders, and its last line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.first: dict[str, Any] = self.line()

    @property
    def url(self) -> str:
        """Its first adapter."""
        return str(self.first["adapters"][0])

    def line(self) -> dict[str, Any]:
        """The next line it prints."""
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def order(self, words: str) -> dict[str, Any]:
        """Give one line to ``--control`` and read the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.line()

    def end(self, number: int = signal.SIGTERM) -> dict[str, Any]:
        """Send a signal; the last line, after a clean exit."""
        self.process.send_signal(number)
        last = self.line()
        assert self.process.wait(timeout=5) == 0
        return last


@contextmanager
def simulator(*arguments: str) -> Iterator[Running]:
    """Start ``forecourt-sim`` with these arguments; it is gone afterwards."""
    command = [sys.executable, "-m", "simulator.cli", *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            yield Running(process)
        finally:
            process.kill()
