"""A Transport over a pair of asyncio streams; serial, TCP and RFCOMM differ only in how the pair is made."""

import asyncio
import contextlib

from collector.errors import AdapterLostError

READ_SIZE = 4096


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
            self._writer.write(data)
            await self._writer.drain()
        except Exception as error:
            raise AdapterLostError("adapter.link_lost", error) from error

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            self._writer.close()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1.0):  # wait_for of Python 3.11 can lose a cancellation that comes just now
                await self._writer.wait_closed()
