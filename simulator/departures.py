"""When what leaves: one timer of an event loop for all the adapters that live in it.

A thousand adapters answering five times a second would otherwise make and drop ten thousand timers a second.
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from weakref import WeakKeyDictionary

# An event loop rounds a wait up to whole milliseconds; what leaves within this time goes out now, in one piece with
# what is due, as a radio module sends it. So a byte is early as often as late.
GATHER_S = 0.0005

Leave = Callable[[], None]


class Departure:
    """Something that leaves at one moment after another; at most one of them is planned."""

    def __init__(self, leave: Leave) -> None:
        self._timetable = _timetable()
        self.leave = leave
        self.at_s: float | None = None

    def plan(self, at_s: float | None) -> None:
        """Leave at this moment of the loop's time in place of the one planned before; None: not at all."""
        if at_s != self.at_s:
            self.at_s = at_s
            if at_s is not None:
                self._timetable.add(at_s, self)


class _Timetable:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._planned: list[tuple[float, int, Departure]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_s = 0.0

    def add(self, at_s: float, departure: Departure) -> None:
        heapq.heappush(self._planned, (at_s, next(self._numbers), departure))
        self._wait()

    def _wait(self) -> None:
        if not self._planned:
            return
        first_s = self._planned[0][0]
        if self._timer is not None:
            if self._wakes_s <= first_s:
                return
            self._timer.cancel()
        self._wakes_s = first_s
        self._timer = self._loop.call_at(first_s - GATHER_S, self._wake)

    def _wake(self) -> None:
        self._timer = None
        planned, until_s = self._planned, self._loop.time() + GATHER_S
        while planned and planned[0][0] <= until_s:
            at_s, _, departure = heapq.heappop(planned)
            if departure.at_s == at_s:
                departure.at_s = None
                departure.leave()
        self._wait()


_timetables: WeakKeyDictionary[asyncio.AbstractEventLoop, _Timetable] = WeakKeyDictionary()


def _timetable() -> _Timetable:
    """That of the running loop."""
    loop = asyncio.get_running_loop()
    found = _timetables.get(loop)
    if found is None:
        found = _timetables[loop] = _Timetable(loop)
    return found
