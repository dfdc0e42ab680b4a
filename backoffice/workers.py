"""Several ingest processes, started and watched by one parent: a worker that dies is started again with growing pauses.

A worker ends with its parent: each reads a pipe that the parent holds open and whose end it takes for a SIGTERM.
"""

import asyncio
import platform
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from backoffice.errors import StoreBusyError
from backoffice.office_settings import OfficeSettings
from backoffice.premises import sqlite_path
from backoffice.stopping import until_stopped

log = structlog.get_logger(__name__)
FIRST_WORKER = 1
REFUSED = 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
STEADY_S = 60.0  # a worker that lived so long did not die of what it was started with
DRAIN_S = 15.0
Command = Callable[[int], Sequence[str]]


def pause_s(deaths: int, chance: float) -> float:
    """Seconds before a worker that died ``deaths`` times in a row is started again; ``chance`` is 0..1."""
    grown_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(deaths - 1, 32))
    return float(grown_s * (0.5 + chance / 2))


def worker_name(number: int) -> str:
    """The name of a worker that no other machine gives to one of its own."""
    return f"{re.sub('[^0-9A-Za-z-]+', '-', platform.node())[:40]}-{number}"


async def run_workers(settings: OfficeSettings, count: int, command: "Command") -> None:
    """Keep ``count`` workers running until SIGTERM or SIGINT; raise StoreBusyError where only one process may write."""
    if sqlite_path(settings.database_url) is not None:
        raise StoreBusyError(
            f"--workers {count}: a SQLite file has one writing process;"
            " leave --workers out, or set database.url to PostgreSQL"
        )
    await until_stopped(watch_workers(count, command))


def worker_command(options: Sequence[str]) -> Command:
    """How to start worker 1, 2, ... with the interpreter and the options of this process."""

    def command(worker: int) -> Sequence[str]:
        start = "from backoffice.cli import main; main()"
        return (sys.executable, "-P", "-c", start, "ingest", "--worker", str(worker), *options)

    return command


async def watch_workers(count: int, command: Command) -> None:
    """Keep ``count`` workers running until cancelled, which drains and ends them.

    Raise StoreBusyError when one refuses its settings, which starting again would not help.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for worker in range(1, count + 1):
                group.create_task(_keep_running(worker, command(worker)), name=f"worker {worker}")
    except ExceptionGroup as errors:  # not ``except*``: Python 3.11.2 wraps what is raised there in a group again
        refused, others = errors.split(StoreBusyError)
        if refused is None or others is not None:
            raise
        raise StoreBusyError(str(refused.exceptions[0])) from None


async def _keep_running(worker: int, command: Sequence[str]) -> None:
    deaths = 0
    while True:
        begun_s = time.monotonic()
        code = await _run_once(worker, command)
        if code == REFUSED:
            raise StoreBusyError(f"worker {worker} refused its settings; the line before says why")
        deaths = 1 if time.monotonic() - begun_s >= STEADY_S else deaths + 1
        wait_s = pause_s(deaths, random.random())  # noqa: S311 - only spreads the work
        log.error("worker ended, starting it again", worker=worker, code=code, pause_s=round(wait_s, 1))
        await asyncio.sleep(wait_s)


async def _run_once(worker: int, command: Sequence[str]) -> int:
    """Start a worker and wait for its end; when cancelled, end it: first kindly."""
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
    log.info("worker started", worker=worker, pid=process.pid)
    try:
        return await process.wait()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(DRAIN_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
