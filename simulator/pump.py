"""Moves bytes between one adapter and whatever carries them, at the moments the adapter names."""

from collections.abc import Callable

from simulator.adapter import Adapter
from simulator.clock import WallClock
from simulator.departures import GATHER_S, Departure

# No command is longer; whoever sends more without a CR is told once, and the adapter drops it as a real one does.
ENDLESS_BYTES = 1 << 16


class Pump:
    """One adapter's. In a virtual time nothing waits: the time jumps to each of those moments."""

    def __init__(self, adapter: Adapter, write: Callable[[bytes], None]) -> None:
        self.adapter = adapter
        self._write = write
        self._clock = adapter.bus.clock or WallClock()
        self._wall = self._clock if isinstance(self._clock, WallClock) else None
        self._departure = Departure(self._send)
        self._unended = 0

    def endless(self, data: bytes) -> bool:
        """Whether with these bytes a line has just become longer than any can be."""
        before = self._unended
        self._unended = 0 if b"\r" in data else before + len(data)
        return before <= ENDLESS_BYTES < self._unended

    def feed(self, data: bytes) -> None:
        """Bytes from the host."""
        self.adapter.receive(self._clock.now_s(), data)
        if self._wall is None:
            self._jump()
        else:
            self._wait(self._wall)

    def stop(self) -> None:
        """Let nothing more leave."""
        self._departure.plan(None)

    def _wait(self, wall: WallClock) -> None:
        """Come back when something leaves, which may be sooner than was planned before."""
        moment = self.adapter.next_s
        self._departure.plan(None if moment is None else wall.wall_s(moment))

    def _send(self) -> None:
        ready = self.adapter.due(self._clock.now_s() + GATHER_S)
        if ready:
            self._write(ready)
        if self._wall is not None:
            self._wait(self._wall)

    def _jump(self) -> None:
        while (moment := self.adapter.next_s) is not None:
            self._clock.skip(max(moment - self._clock.now_s(), 0.0))
            ready = self.adapter.due(self._clock.now_s())
            if ready:
                self._write(ready)
        # What was sent took its time even where nothing answers it: else the input buffer would stay full for ever.
        self._clock.skip(max(self.adapter.heard_s - self._clock.now_s(), 0.0))
