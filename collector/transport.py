"""The one seam between us and an adapter: a byte stream, used once and thrown away."""

from typing import Protocol

WRITE_TIMEOUT_S = 5.0
"""How long a link may hold one command; an adapter whose buffer stays full that long is gone."""


class Transport(Protocol):
    """A byte stream to one adapter. After any error it is dead: close it and open another."""

    url: str

    async def read(self) -> bytes:
        """Return what has come, at least one byte; raise AdapterLostError when the link ended."""

    async def write(self, data: bytes) -> None:
        """Hand ``data`` over whole; raise AdapterLostError when the link ended or took longer than WRITE_TIMEOUT_S."""

    async def close(self) -> None:
        """Release the link; never raises."""


class LinkOpener(Protocol):
    """Opens the link that a URL names; raises AdapterLostError with the reason when it cannot."""

    async def __call__(self, url: str, *, connect_timeout_s: float) -> Transport:
        """Return a fresh Transport within ``connect_timeout_s``."""
