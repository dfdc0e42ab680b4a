"""ELM327-emulator 4.0.0, somebody else's simulator, as a peer of our tests: its own environment, its own process.

Its licence is non-commercial, so it is installed when the tests run and is never imported, copied or depended upon.
"""

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tests.system.peer_environments import peer_python

REQUIREMENT = "ELM327-emulator==4.0.0"
START_TIMEOUT_S = 20.0
TCP_LISTEN = "0A"  # state column of /proc/net/tcp


@contextlib.contextmanager
def elm327_emulator(transport: Literal["serial", "tcp"]) -> Iterator[str]:
    """Start a fresh emulator and give its adapter URL; one client each, for its TCP server dies with its client."""
    program = emulator_program()
    with tempfile.TemporaryDirectory(prefix="forecourt-elm-") as folder:
        batch = Path(folder) / "batch"
        port = free_port()
        command = [str(program), "-b", str(batch), "-s", "car", *(["-n", str(port)] if transport == "tcp" else [])]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        try:
            yield wait_for_url(process, transport, batch, port, Path(folder) / "log")
        finally:
            process.kill()
            process.wait(timeout=10)


def emulator_program() -> Path:
    """The emulator's command, installed once per machine and Python; skips (fails in CI) when that is impossible."""
    return peer_python(REQUIREMENT, whole=True).parent / "elm"


def wait_for_url(process: subprocess.Popen[bytes], transport: str, batch: Path, port: int, log: Path) -> str:
    """The adapter URL as soon as the emulator is ready; a probing connection would end its TCP server."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        if transport == "tcp" and is_listening(port):
            return f"tcp:127.0.0.1:{port}"
        if transport == "serial" and batch.exists() and (device := device_of(batch.read_text())):
            return f"serial:{device}?baud=38400"
        time.sleep(0.02)
    raise AssertionError(f"ELM327-emulator did not start: {log.read_text(errors='replace')[-500:]}")


def device_of(told: str) -> str:
    """The port among what the emulator tells; a warning about another emulator of this machine may stand before it."""
    return next((line for line in told.splitlines() if line.startswith("/dev/")), "")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == TCP_LISTEN for row in rows)
