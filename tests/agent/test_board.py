"""Watchers of the page hear of every change, also of one that comes while they look."""

import asyncio

from agent.board import WATCHERS_MAX, Board


async def test_a_watcher_hears_at_once_and_after_each_change() -> None:
    board = Board()
    changes = board.watch(every_s=5)

    assert await anext(changes)
    board.changed()

    assert await asyncio.wait_for(anext(changes), 10)
    await changes.aclose()


async def test_a_change_while_the_watcher_looks_is_not_lost() -> None:
    board = Board()
    changes = board.watch(every_s=5)
    await anext(changes)
    board.changed()
    await anext(changes)

    board.changed()  # the watcher is busy drawing what it just heard of

    assert await asyncio.wait_for(anext(changes), 10)
    await changes.aclose()


async def test_silence_is_told_too_so_that_the_line_stays_alive() -> None:
    changes = Board().watch(every_s=0.01)
    await anext(changes)

    assert not await anext(changes)
    await changes.aclose()


async def test_closing_ends_every_watch() -> None:
    board = Board()
    changes = board.watch(every_s=5)
    await anext(changes)

    board.close()

    assert [changed async for changed in changes] == []


async def test_a_board_has_room_for_so_many_watchers_and_gets_it_back() -> None:
    board = Board()
    watches = [board.watch(every_s=5) for _ in range(WATCHERS_MAX)]
    for watch in watches:
        await anext(watch)
    assert board.full

    await watches[0].aclose()

    assert not board.full
    for watch in watches[1:]:
        await watch.aclose()
