"""Running until a signal asks for the end, the parent of a worker is gone, or the work itself fails."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable

STDIN = 0


async def until_stopped(
    work: Awaitable[None], end_early: Callable[[], None] = lambda: None, *, with_parent: bool = False
) -> None:
    """Await ``work`` until it fails or a signal asks for the end; ``end_early`` is called before it is cancelled.

    ``with_parent`` takes the end of stdin, a pipe that a parent holds, for such a signal too.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # not on Windows, where Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(number, stop.set)
    if with_parent:
        _stop_with_parent(stop)
    task, stopping = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        end_early()
        task.cancel()
        await _ended(task)


def _stop_with_parent(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(STDIN, 1024):
            loop.remove_reader(STDIN)
            stop.set()

    with contextlib.suppress(NotImplementedError, PermissionError):  # on Windows, and where stdin is no pipe
        loop.add_reader(STDIN, readable)


async def _ended(task: asyncio.Future[None]) -> None:
    """Wait for ``task``; what broke it is raised by itself, out of the groups it was caught in."""
    try:
        await task
    except asyncio.CancelledError:
        pass
    except BaseExceptionGroup as group:
        raise _first(group) from group


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
