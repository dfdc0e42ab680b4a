"""What every way to a simulated adapter can do, whatever carries its bytes."""

from collections.abc import Callable
from typing import Protocol

from simulator.adapter import Adapter

READ_SIZE = 1 << 16
# Bytes that nobody takes are dropped beyond this, as a radio module drops them.
BACKLOG_BYTES = 1 << 20

MakeAdapter = Callable[[], Adapter]


class Port(Protocol):
    """One way to an adapter, whatever carries its bytes."""

    @property
    def url(self) -> str:
        """The adapter URL of this port."""

    async def power_on(self) -> None:
        """Start a fresh adapter and be reachable; does nothing while it has power."""

    async def power_off(self) -> None:
        """Break every link and be gone."""

    def cut(self) -> None:
        """Break the link to the present client; the adapter stays."""
