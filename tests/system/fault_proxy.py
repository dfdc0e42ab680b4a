"""A TCP proxy that misbehaves when told to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

CHUNK = 65_536
LOOK_S = 0.02
SLOW_S = 0.1


class Line(StrEnum):
    """How the line behaves. Blackholed: connections stand and nothing comes through, in either direction."""

    PASS = "pass"
    REFUSE = "refuse"
    BLACKHOLE = "blackhole"
    SLOW = "slow"


class FaultProxy:
    """Forwards ``port`` to ``target``; set ``line``, or ``cut`` all connections."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.line = Line.PASS
        self._target = target
        self._visits: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        for visit in self._visits:
            visit.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        try:
            if self.line is not Line.REFUSE:
                await self._forward(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._visits.discard(visit)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        pumps = [asyncio.create_task(self._pump(*way)) for way in ((reader, far_writer), (far_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            far_writer.transport.abort()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                while self.line is Line.BLACKHOLE:  # noqa: ASYNC110 - what it waits for has no event
                    await asyncio.sleep(LOOK_S)
                if self.line is Line.SLOW:
                    await asyncio.sleep(SLOW_S)
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def fault_proxy(target: int) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = int(server.sockets[0].getsockname()[1])
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        await asyncio.sleep(0)


@asynccontextmanager
async def delay_proxy(target: int, one_way_s: float) -> AsyncIterator[int]:
    """Give the port of a proxy through which every byte takes ``one_way_s`` longer, without losing bandwidth."""
    loop = asyncio.get_running_loop()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            loop.call_later(one_way_s, writer.write, data)
        loop.call_later(one_way_s, writer.close)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        with contextlib.suppress(OSError):
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
