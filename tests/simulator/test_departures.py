"""One timer for all that leaves: each at its moment, and only the last plan of each counts."""

import asyncio
from functools import partial

from simulator.departures import Departure


async def left(plans: list[tuple[str, float | None]], *, wait_s: float = 0.1) -> list[str]:
    """Plan these one after the other, times from now; who has left after a while, in order."""
    loop = asyncio.get_running_loop()
    gone: list[str] = []
    departures = {name: Departure(partial(gone.append, name)) for name, _ in plans}
    for name, in_s in plans:
        departures[name].plan(None if in_s is None else loop.time() + in_s)
    await asyncio.sleep(wait_s)
    return gone


async def test_each_leaves_at_its_moment_whatever_was_planned_first() -> None:
    assert await left([("late", 0.02), ("early", 0.001), ("between", 0.01)]) == ["early", "between", "late"]


async def test_a_new_plan_takes_the_place_of_the_one_before() -> None:
    assert await left([("a", 0.001), ("b", 0.01), ("a", 0.02)]) == ["b", "a"]
    assert await left([("a", 60.0), ("b", 0.01), ("a", 0.001)]) == ["a", "b"]


async def test_what_is_planned_for_never_stays() -> None:
    assert await left([("a", 0.001), ("b", 0.01), ("a", None)]) == ["b"]


async def test_one_may_plan_its_next_moment_while_it_leaves() -> None:
    loop = asyncio.get_running_loop()
    times: list[float] = []

    def leave() -> None:
        times.append(loop.time())
        departure.plan(loop.time() + 0.002 if len(times) < 3 else None)

    departure = Departure(leave)
    departure.plan(loop.time())
    await asyncio.sleep(0.1)

    assert len(times) == 3
