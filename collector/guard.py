"""The last thing before the port: bytes that the allow-list does not know never leave.

Nothing else in the product writes to a transport.
"""

from collector.transport import Transport
from protocols.allowed import AllowList


class GuardedPort:
    """A transport that can only be written to through the allow-list."""

    def __init__(self, transport: Transport, allow: AllowList) -> None:
        self._transport = transport
        self._allow = allow

    async def send(self, data: bytes, *, inside_read: bool = False) -> None:
        """Write ``data``; raise ForbiddenCommandError, with nothing sent, when it is not on the list."""
        self._allow.check(data, inside_read=inside_read)
        await self._transport.write(data)
