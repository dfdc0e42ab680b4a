"""Blocking calls that a dead adapter may hold for long: each in a thread of its own, given up in time.

The loop's shared pool has few threads, and what waits in it for one dead adapter would delay all others.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_own_thread(call: Callable[[], T], timeout_s: float, *, give_back: Callable[[T], object]) -> T:
    """Return what ``call`` returns within ``timeout_s``, else raise TimeoutError.

    What ``call`` brings after nobody waits for it any more goes to ``give_back``, so that nothing stays open.
    """
    loop = asyncio.get_running_loop()
    waited: asyncio.Future[T] = loop.create_future()

    def fail(error: BaseException) -> None:
        if not waited.done():
            waited.set_exception(error)

    def deliver(brought: T) -> None:
        if waited.done():
            give_back(brought)
        else:
            waited.set_result(brought)

    def run() -> None:
        try:
            brought = call()
        except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(fail, error)
            return
        try:
            loop.call_soon_threadsafe(deliver, brought)
        except RuntimeError:
            give_back(brought)

    threading.Thread(target=run, name="adapter-open", daemon=True).start()
    try:
        async with asyncio.timeout(timeout_s):
            return await waited
    except BaseException:
        if waited.done() and not waited.cancelled() and waited.exception() is None:
            give_back(waited.result())  # it came in the very moment in which the wait was given up
        raise
