"""A simulator in a process of its own, for tests: its adapters, what is true, orders to it, and what it counted."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

PATIENCE_S = 30.0
PIECE = 65536


class Started:
    """A running simulator. Every wait ends with TimeoutError after ``PATIENCE_S``."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("a simulator needs pipes for its input and output")
        self.process = process
        self._orders, self._lines = process.stdin, process.stdout.fileno()
        self._rest = b""
        self.first: dict[str, Any] = self.line()

    @property
    def url(self) -> str:
        """Its first adapter, such as ``tcp:127.0.0.1:35000``."""
        return str(self.first["adapters"][0])

    @property
    def truth(self) -> dict[str, Any]:
        """What is true of its car."""
        found: dict[str, Any] = self.first["truth"]
        return found

    def line(self) -> dict[str, Any]:
        """The next line it prints; EOFError when it has ended, its complaint is on standard error."""
        ends_s = time.monotonic() + PATIENCE_S
        while b"\n" not in self._rest:
            self._rest += self._read(ends_s - time.monotonic())
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def order(self, words: str) -> dict[str, Any]:
        """Give one line to ``--control``, such as ``engine off``, and read the answer."""
        self._orders.write(words.encode("utf-8") + b"\n")
        return self.line()

    def end(self, number: int = signal.SIGTERM) -> dict[str, Any]:
        """End it by a signal; its last line: ``requests``, ``writes`` and the ``unsafe`` ones among them."""
        self.process.send_signal(number)
        last = self.line()
        code = self.process.wait(PATIENCE_S)
        if code:
            raise RuntimeError(f"the simulator ended with {code}")
        return last

    def _read(self, wait_s: float) -> bytes:
        if wait_s <= 0 or not select.select([self._lines], [], [], wait_s)[0]:
            raise TimeoutError("the simulator says nothing")
        piece = os.read(self._lines, PIECE)
        if not piece:
            raise EOFError("the simulator has ended")
        return piece


@contextmanager
def started(
    *arguments: str,
    command: Sequence[str] = (sys.executable, "-m", __name__.partition(".")[0]),
    environment: Mapping[str, str] | None = None,
    complaints: int | IO[bytes] | None = None,
) -> Iterator[Started]:
    """Start ``forecourt-sim`` with these arguments; it is gone afterwards. ``complaints`` is its standard error."""
    with subprocess.Popen(  # noqa: S603 - the command is the caller's, no shell is involved
        [*command, *arguments],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        env=None if environment is None else dict(environment),
    ) as process:
        try:
            yield Started(process)
        finally:
            process.kill()
