"""Tells everybody who watches the bay page that something changed; what it is they look up themselves."""

import asyncio
from collections.abc import AsyncGenerator

WATCHERS_MAX = 32


class Board:
    """A change signal for any number of watchers; a slow one misses nothing but the steps between."""

    def __init__(self) -> None:
        self._watchers: set[asyncio.Event] = set()
        self._closed = False

    def changed(self) -> None:
        for watcher in self._watchers:
            watcher.set()

    def close(self) -> None:
        """End every watch: the process is stopping."""
        self._closed = True
        self.changed()

    @property
    def full(self) -> bool:
        """True when no further watcher fits."""
        return len(self._watchers) >= WATCHERS_MAX

    async def watch(self, *, every_s: float) -> AsyncGenerator[bool, None]:
        """True at once and after each change, False when nothing changed for ``every_s``; ends when closed."""
        watcher = asyncio.Event()
        watcher.set()
        self._watchers.add(watcher)
        try:
            while not self._closed:
                changed = await _is_set(watcher, every_s)
                # cleared before it is told: what changes while somebody looks must be told again
                watcher.clear()
                yield changed
        finally:
            self._watchers.discard(watcher)


async def _is_set(watcher: asyncio.Event, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await watcher.wait()
    except TimeoutError:
        return False
    return True
