"""The stream of changes as a page receives it."""

import asyncio
import json

import pytest
from fastapi.responses import StreamingResponse

from backoffice.events import event_routes
from backoffice.live import LiveFeed
from backoffice.problems import ProblemError


async def opened(feed: LiveFeed, keepalive_s: float = 10.0) -> StreamingResponse:
    (route,) = event_routes(feed, keepalive_s).routes
    return await route.endpoint()  # type: ignore[attr-defined, no-any-return]


async def pieces(response: StreamingResponse, count: int) -> list[str]:
    stream = aiter(response.body_iterator)
    return [str(await asyncio.wait_for(anext(stream), 20)) for _ in range(count)]


async def closed(response: StreamingResponse) -> None:
    await response.body_iterator.aclose()  # type: ignore[attr-defined]


async def test_a_page_is_greeted_and_told_how_soon_to_come_back() -> None:
    response = await opened(LiveFeed())
    (hello,) = await pieces(response, 1)
    await closed(response)

    assert response.media_type == "text/event-stream"
    assert hello == "retry: 2000\nevent: hello\ndata: {}\n\n"


async def test_a_change_arrives_with_its_opaque_id_only() -> None:
    feed = LiveFeed()
    response = await opened(feed)
    feed.publish({"type": "alert", "id": "a1"})
    _, event = await pieces(response, 2)
    await closed(response)

    name, data = event.strip().split("\n")
    assert name == "event: alert"
    assert json.loads(data.removeprefix("data: ")) == {"id": "a1"}


async def test_silence_is_kept_alive() -> None:
    response = await opened(LiveFeed(), keepalive_s=0.01)
    _, still = await pieces(response, 2)
    await closed(response)

    assert still.startswith(":")


async def test_a_page_that_reads_too_slowly_is_let_go_and_may_come_back() -> None:
    feed = LiveFeed(queue_length=2)
    response = await opened(feed)
    for number in range(5):
        feed.publish({"type": "alert", "id": str(number)})
    rest = [piece async for piece in response.body_iterator]

    assert len(rest) == 3
    assert feed.listener_count == 0


async def test_one_page_too_many_is_told_so() -> None:
    feed = LiveFeed(max_listeners=1)
    first = await opened(feed)
    with pytest.raises(ProblemError) as refused:
        await opened(feed)
    await closed(first)

    assert refused.value.status == 503


async def test_a_closed_page_gives_its_place_back() -> None:
    feed = LiveFeed(max_listeners=1)
    for _ in range(3):
        response = await opened(feed)
        await pieces(response, 1)
        await closed(response)

    assert feed.listener_count == 0
