"""Calls that block: given up in time, in threads of their own, and what comes too late is given back."""

import asyncio
import threading

import pytest

from collector.own_thread import in_own_thread


async def test_what_comes_in_time_is_returned_and_an_error_is_raised() -> None:
    def fail() -> str:
        raise OSError("refused")

    assert await in_own_thread(lambda: "socket", 5, give_back=print) == "socket"
    with pytest.raises(OSError, match="refused"):
        await in_own_thread(fail, 5, give_back=print)


async def test_what_comes_too_late_is_given_back() -> None:
    go, given_back = threading.Event(), asyncio.Queue[str]()

    def slow() -> str:
        go.wait(10)
        return "socket"

    with pytest.raises(TimeoutError):
        await in_own_thread(slow, 0.01, give_back=given_back.put_nowait)
    go.set()

    async with asyncio.timeout(5):
        assert await given_back.get() == "socket"


async def test_what_comes_in_the_moment_of_giving_up_is_given_back() -> None:
    loop, given_back = asyncio.get_running_loop(), list[str]()
    waiting = asyncio.create_task(in_own_thread(lambda: "socket", 5, give_back=given_back.append))
    deliver = loop.call_soon_threadsafe

    def deliver_and_cancel(call, *brought):  # type: ignore[no-untyped-def]
        deliver(lambda: (call(*brought), waiting.cancel()))

    loop.call_soon_threadsafe = deliver_and_cancel  # type: ignore[method-assign, assignment]
    try:
        with pytest.raises(asyncio.CancelledError):
            await waiting
    finally:
        loop.call_soon_threadsafe = deliver  # type: ignore[method-assign]

    assert given_back == ["socket"]


async def test_any_number_of_dead_adapters_leaves_the_shared_pool_free() -> None:
    go = threading.Event()
    dead = [asyncio.create_task(in_own_thread(lambda: go.wait(10), 5, give_back=bool)) for _ in range(64)]

    async with asyncio.timeout(5):
        assert await asyncio.to_thread(lambda: "looked") == "looked"

    go.set()
    await asyncio.gather(*dead)
