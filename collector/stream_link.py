"""A Transport over a pair of asyncio streams; serial, TCP and RFCOMM differ only in how the pair is made."""

import asyncio
import contextlib

from collector.errors import AdapterLostError
from collector.transport import WRITE_TIMEOUT_S

READ_SIZE = 4096
CLOSE_TIMEOUT_S = 1.0


class StreamLink:
    """Owns the pair; every failure of it, of whatever class, is AdapterLostError."""

    def __init__(self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.url = url
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(READ_SIZE)
        except Exception as error:  # termios.error is no OSError, serial libraries bring classes of their own
            raise AdapterLostError("adapter.link_lost", error) from error
        if not data:
            raise AdapterLostError("adapter.link_lost", "end of stream")
        return data

    async def write(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError as error:
            raise AdapterLostError("adapter.link_lost", f"nothing was taken for {WRITE_TIMEOUT_S:g} s") from error
        except Exception as error:
            raise AdapterLostError("adapter.link_lost", error) from error

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            self._writer.close()
        # a task of its own: a waiter that is cancelled would cancel every later one, too
        closing = asyncio.ensure_future(self._writer.wait_closed())
        closing.add_done_callback(lambda closed: closed.cancelled() or closed.exception())
        done, _ = await asyncio.wait((closing,), timeout=CLOSE_TIMEOUT_S)
        if not done:  # what nobody takes would keep the link open for ever
            with contextlib.suppress(Exception):
                self._writer.transport.abort()
            await asyncio.wait((closing,), timeout=CLOSE_TIMEOUT_S)
