"""The time a simulated bay lives in: wall time, or a time of its own that jumps to whatever happens next.

Both can be moved forward by hand, which lets an hour of driving pass between two requests.
"""

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count

Act = Callable[[], None]


class Clock:
    """Seconds from an arbitrary start, never backwards. What is planned happens in the order of its moments."""

    def __init__(self) -> None:
        self._planned: list[tuple[float, int, Act]] = []
        self._numbers = count()

    def now_s(self) -> float:
        """The present moment."""
        raise NotImplementedError

    def skip(self, seconds: float) -> None:
        """Let time pass at once; what was planned within it happens on the way, each at its moment."""
        ends_s = self.now_s() + seconds
        while self._planned and self._planned[0][0] <= ends_s:
            moment_s, _, act = heapq.heappop(self._planned)
            self._move_to(moment_s)
            act()
        self._move_to(ends_s)

    def plan(self, moment_s: float, act: Act) -> None:
        """Do something when that moment has come."""
        heapq.heappush(self._planned, (moment_s, next(self._numbers), act))

    def forget(self) -> None:
        """Drop what is planned."""
        self._planned.clear()

    def _move_to(self, moment_s: float) -> None:
        raise NotImplementedError


class WallClock(Clock):
    """The machine's own time, plus what was skipped. Planning needs a running event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def now_s(self) -> float:
        """The present moment."""
        return time.monotonic() + self._skipped_s

    def wall_s(self, moment_s: float) -> float:
        """The machine's time at a moment of this clock, if nothing more is skipped."""
        return moment_s - self._skipped_s

    def plan(self, moment_s: float, act: Act) -> None:
        """Do something when that moment has come, by the wall or by skipping."""
        super().plan(moment_s, act)
        self._wait()

    def forget(self) -> None:
        """Drop what is planned."""
        super().forget()
        self._wait()

    def skip(self, seconds: float) -> None:
        """Let time pass at once; what is planned for later comes that much sooner."""
        super().skip(seconds)
        self._wait()

    def _move_to(self, moment_s: float) -> None:
        self._skipped_s += max(moment_s - self.now_s(), 0.0)

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._planned:
            wait_s = self._planned[0][0] - self.now_s()
            self._timer = asyncio.get_running_loop().call_later(wait_s, self.skip, 0.0)


class VirtualClock(Clock):
    """A time that stands still until somebody moves it: no waiting, and the same moments every time."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0

    def now_s(self) -> float:
        """The present moment."""
        return self._now_s

    def _move_to(self, moment_s: float) -> None:
        self._now_s = max(self._now_s, moment_s)


CLOCKS: dict[str, Callable[[], Clock]] = {"real": WallClock, "virtual": VirtualClock}
