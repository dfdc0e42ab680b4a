"""What has just changed, told to whoever listens in this process; published only after the commit.

A listener that does not keep up loses its place and is told so by the end of its stream: it reloads and listens anew.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Literal, TypedDict

QUEUE_LENGTH = 100
MAX_LISTENERS = 200


class LiveEvent(TypedDict):
    """``id`` is an opaque alert or vehicle id; never a VIN or a plate."""

    type: Literal["alert", "vehicle"]
    id: str


class TooManyListenersError(Exception):
    """No further listener is taken; the caller answers 503."""


class Listener:
    """One open stream of events."""

    def __init__(self, queue_length: int) -> None:
        self._queue: asyncio.Queue[LiveEvent | None] = asyncio.Queue(queue_length + 1)
        self._room = queue_length
        self.dropped = False

    def offer(self, event: LiveEvent) -> bool:
        """Hand over ``event``; False when the listener is too slow and its stream ends."""
        if self._queue.qsize() >= self._room:
            self.end()
            return False
        self._queue.put_nowait(event)
        return True

    def end(self) -> None:
        """Let the stream end after what is already queued."""
        if not self.dropped:
            self.dropped = True
            self._queue.put_nowait(None)

    async def next(self, timeout_s: float) -> LiveEvent | None:
        """The next event, or None when ``timeout_s`` passed or the stream has ended (then ``dropped`` is True)."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._queue.get()
        except TimeoutError:
            return None

    async def __aiter__(self) -> AsyncIterator[LiveEvent]:
        """Events until the stream ends."""
        while (event := await self._queue.get()) is not None:
            yield event


class LiveFeed:
    """In-process publish and subscribe with bounded queues."""

    def __init__(self, *, queue_length: int = QUEUE_LENGTH, max_listeners: int = MAX_LISTENERS) -> None:
        self._listeners: set[Listener] = set()
        self._queue_length = queue_length
        self._max_listeners = max_listeners
        self.closed = False

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Open a stream; raise TooManyListenersError when the house is full."""
        if len(self._listeners) >= self._max_listeners:
            raise TooManyListenersError
        listener = Listener(self._queue_length)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    @property
    def listener_count(self) -> int:
        return len(self._listeners)

    def publish(self, event: LiveEvent) -> None:
        """Tell every listener; one that is too slow is dropped and nobody waits for it."""
        self._listeners = {listener for listener in self._listeners if listener.offer(event)}

    def close(self) -> None:
        """End all streams (shutdown)."""
        self.closed = True
        for listener in self._listeners:
            listener.end()
        self._listeners = set()
