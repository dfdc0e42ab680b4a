"""Starts ``forecourt-sim`` as a process of its own: the tests meet the simulator only over its wires and its stdout."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

START_S = 60.0  # as long as a shared machine may take; nobody waits for it when all is well
END_S = 10.0


@dataclass
class SimulatedLot:
    """One running simulator: where its adapters are, what is true, and how to act on the car."""

    urls: list[str]
    truth: dict[str, Any]
    process: asyncio.subprocess.Process
    summary: dict[str, Any]
    hci: str = ""

    @property
    def url(self) -> str:
        return self.urls[0]

    async def act(self, command: str) -> dict[str, Any]:
        """Send one control line (``unplug``, ``plug clean``, ``speed 30``) and return the simulator's word."""
        assert self.process.stdin is not None
        self.process.stdin.write(command.encode() + b"\n")
        return await _line(self.process)


@asynccontextmanager
async def simulated(
    scenario: str, *options: str, serve: tuple[str, ...] = ("--tcp", "127.0.0.1:0")
) -> AsyncIterator[SimulatedLot]:
    """Run a scenario until the block ends; ``summary`` then holds the simulator's last line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "simulator.cli", "--scenario", scenario, *serve, "--control", *options,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    first = await _line(process)
    lot = SimulatedLot(first["adapters"], first["truth"], process, {}, first.get("hci", ""))
    try:
        yield lot
    finally:
        lot.summary.update(await _end(process))


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        line = await process.stdout.readline()
    assert line, "the simulator ended early"
    word: dict[str, Any] = json.loads(line)
    return word


async def _end(process: asyncio.subprocess.Process) -> dict[str, Any]:
    if process.returncode is None:
        process.terminate()
    async with asyncio.timeout(END_S):
        out, _ = await process.communicate()
    lines = out.splitlines()
    word: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return word
