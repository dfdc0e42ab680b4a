"""In-process publish and subscribe."""

import pytest

from backoffice.live import LiveEvent, LiveFeed, TooManyListenersError

EVENT: LiveEvent = {"type": "alert", "id": "a1"}


async def test_every_listener_hears_every_event() -> None:
    feed = LiveFeed()
    with feed.listen() as one, feed.listen() as other:
        feed.publish(EVENT)

        assert await one.next(1) == await other.next(1) == EVENT


async def test_a_slow_listener_is_dropped_and_told_so() -> None:
    feed = LiveFeed(queue_length=2)
    with feed.listen() as slow:
        for _ in range(5):
            feed.publish(EVENT)
        heard = [event async for event in slow]

    assert heard == [EVENT, EVENT]
    assert slow.dropped
    assert feed.listener_count == 0


async def test_silence_is_no_end() -> None:
    with LiveFeed().listen() as listener:
        assert await listener.next(0.001) is None
        assert not listener.dropped


async def test_the_house_has_so_many_places() -> None:
    feed = LiveFeed(max_listeners=1)
    with feed.listen(), pytest.raises(TooManyListenersError), feed.listen():
        pass

    assert feed.listener_count == 0


async def test_closing_ends_all_streams() -> None:
    feed = LiveFeed()
    with feed.listen() as listener:
        feed.close()

        assert [event async for event in listener] == []
