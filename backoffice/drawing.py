"""Drawing what follows from records that are kept already, where several processes keep them at once.

None of them draws what people see in the transaction that keeps a batch. Each does so afterwards; the database lets
one draw at a time, and that one takes all that waits, also what a process left that died.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress

import structlog
from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.errors import StoreFailedError
from backoffice.projection import Projector
from backoffice.recording import stored_record
from backoffice.review import Reviewed
from backoffice.tables import WAITING, records

log = structlog.get_logger(__name__)
AT_ONCE = 200  # records a transaction: so long do others wait who want to draw or decide
LOOK_EVERY_S = 5.0
PAUSE_S = 1.0
END_S = 5.0
Key = tuple[str, str, int]


class Drawing:
    """``write`` opens a transaction that is alone with all that is drawn; ``tell`` is told after its commit."""

    def __init__(
        self,
        write: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
        projector: Projector,
        tell: Callable[[Iterable[Reviewed]], None],
    ) -> None:
        self._write = write
        self._projector = projector
        self._tell = tell
        self._wanted = asyncio.Event()
        self._given_up: set[Key] = set()

    def want(self) -> None:
        """Something was kept that is to be drawn soon."""
        self._wanted.set()

    async def run(self) -> None:
        """Draw for ever what waits; ends by being cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.draw_waiting()
            except StoreFailedError as error:
                log.warning("records kept but not judged yet, next attempt soon", reason=str(error))
                self._wanted.set()
                await asyncio.sleep(PAUSE_S)

    async def finish(self) -> None:
        """Draw what waits if that is possible soon; what is left is drawn by the next process that looks."""
        with suppress(StoreFailedError, TimeoutError):
            async with asyncio.timeout(END_S):
                await self.draw_waiting()

    async def draw_all(self) -> int:
        """Draw all that waits, also what could not be drawn before; return how many records that were."""
        self._given_up.clear()
        return await self.draw_waiting()

    async def draw_waiting(self) -> int:
        """Draw all that waits now; return how many records that were. Raise StoreFailedError."""
        drawn = 0
        after: Key | None = ("", "", 0)
        while after is not None:
            count, after = await self._draw_some(after)
            drawn += count
        return drawn

    async def _draw_some(self, after: Key) -> tuple[int, Key | None]:
        """Draw the first that wait beyond ``after``; return how many, and where to go on if there may be more."""
        async with self._write() as connection:
            found = [stored_record(row) for row in await connection.execute(_waiting(after))]
            keys = [(one.device, one.stream, one.seq) for one in found]
            new = [one for one, key in zip(found, keys, strict=True) if key not in self._given_up]
            reviewed = await self._projector.project(connection, new) if new else []
            still = (await connection.execute(_waiting(after))).all() if new else []
        self._given_up |= {*keys} & {
            (row.device, row.stream, row.seq) for row in still
        }  # a mistake of ours: tried again by the next version
        self._tell(reviewed)
        return len(new), keys[-1] if len(keys) == AT_ONCE else None


def _waiting(after: Key) -> Select[tuple[object, ...]]:
    key = (records.c.device, records.c.stream, records.c.seq)
    waiting = select(records).where(WAITING, tuple_(*key) > after)
    return waiting.order_by(*key).limit(AT_ONCE)
