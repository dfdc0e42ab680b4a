"""Carries the queue of commands to the broker and the answers back, and lets facts go down where cars were read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice import commands as queue
from backoffice.cars import NewId
from backoffice.commands import Queued
from backoffice.errors import StoreFailedError
from backoffice.live import TooManyListenersError
from backoffice.office_settings import CommandSettings
from backoffice.store import RecordStore, random_id, utc_now
from config.settings import MqttSettings
from sync.command import Command, CommandAnswer
from sync.command_exchange import Outgoing, exchange_commands

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")
LOOK_AT_ALL_EVERY = timedelta(hours=1)
STIRRED_LIMIT = 500
LISTEN_AGAIN_S = 5.0


class Courier:
    """Give ``run`` to one task. A second one, in another process on the same database, costs a message now and then."""

    def __init__(
        self,
        store: RecordStore,
        settings: CommandSettings,
        *,
        now: Callable[[], datetime] = utc_now,
        new_id: NewId = random_id,
    ) -> None:
        self.dropped = 0
        self._store = store
        self._settings = settings
        self._now = now
        self._new_id = new_id
        self._stirred: dict[str, None] = {}
        self._looked_at: datetime | None = None

    async def run(self, mqtt: MqttSettings) -> None:
        """Carry for ever; ends by being cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._notice_changes(), name="changes")
            group.create_task(exchange_commands(mqtt, self, look_every_s=self._settings.look_every_s), name="commands")

    async def to_send(self, came_back: Sequence[str]) -> tuple[Outgoing, ...]:
        """What is to be sent now; nothing while the store cannot be read."""
        now = self._now()
        try:
            await self._bring_up_to_date(now)
            due = await self._store.look_up(lambda c: self._due(c, came_back, now))
        except StoreFailedError as error:
            log.warning("commands cannot be looked up now", reason=str(error))
            return ()
        return tuple(_outgoing(one, now) for one in due)

    async def sent(self, command_ids: Sequence[str]) -> None:
        """Note when they were sent."""
        await self._write(lambda c: queue.note_sent(c, command_ids, self._now()))

    async def answered(self, device: str, answer: CommandAnswer | None) -> None:
        """Close the command; what answers none that this device was asked is counted and dropped."""
        if answer is None:
            self._drop(device)
            return
        noted = await self._write(lambda c: queue.note_answer(c, device, answer, self._now()))
        if noted:
            log.info("command answered", device=device, command=answer.id, status=answer.status.value)
        elif noted is False:
            self._drop(device)

    def _drop(self, device: str) -> None:
        self.dropped += 1
        self._store.gauges["command_answers_dropped"] = self.dropped
        if self.dropped.bit_count() == 1:  # the 1st, 2nd, 4th, 8th: a box that floods us fills no log
            log.warning("answer to no open command dropped", device=device, so_far=self.dropped)

    async def _due(self, connection: AsyncConnection, came_back: Sequence[str], now: datetime) -> tuple[Queued, ...]:
        before = now - timedelta(seconds=self._settings.send_again_s)
        found = {one.id: one for one in await queue.to_send(connection, now=now, sent_before=before)}
        for device in came_back:
            waiting = await queue.to_send(connection, now=now, sent_before=before, device=device)
            found |= {one.id: one for one in waiting}
        return tuple(found.values())

    async def _bring_up_to_date(self, now: datetime) -> None:
        """Give up what is too late, and make commands of facts; writes only when there is something to write."""
        whole = self._looked_at is None or not timedelta() <= now - self._looked_at < LOOK_AT_ALL_EVERY
        if whole or await self._store.look_up(lambda c: queue.any_expired(c, now)):
            await self._store.in_transaction(lambda c: queue.close_expired(c, now))
        cars, self._stirred = None if whole else tuple(self._stirred), {}
        if cars is None or cars:
            await self._plan(cars, now)
        if whole:
            self._looked_at = now

    async def _plan(self, cars: Sequence[str] | None, now: datetime) -> None:
        while await self._store.look_up(lambda c: queue.owes_facts(c, cars)):
            got = await self._store.in_transaction(
                lambda c: queue.plan_facts(c, now=now, new_id=self._new_id, cars=cars)
            )
            if not got:
                return  # the queues of those boxes are full: their facts are found again by the next look at all

    async def _notice_changes(self) -> None:
        """Remember which cars something has happened to: a fact may be new, or a box may have read the car."""
        feed = self._store.feed
        while not feed.closed:
            with suppress(TooManyListenersError), feed.listen() as listener:
                self._looked_at = None  # what happened before is not known
                async for event in listener:
                    if len(self._stirred) >= STIRRED_LIMIT:
                        self._looked_at = None
                    elif event["type"] == "vehicle":
                        self._stirred[event["id"]] = None
            await asyncio.sleep(LISTEN_AGAIN_S)

    async def _write(self, work: Callable[[AsyncConnection], Awaitable[Answer]]) -> Answer | None:
        """Do ``work``; None while the store cannot be written, after which the box is asked again."""
        try:
            return await self._store.in_transaction(work)
        except StoreFailedError as error:
            log.warning("command not noted, it comes again", reason=str(error))
            return None


def _outgoing(one: Queued, now: datetime) -> Outgoing:
    command = Command(id=one.id, kind=one.kind, sent_at=_ms(now), expires_at=_ms(one.expires_at), params=one.params)
    return Outgoing(one.device, command, life_s=int((one.expires_at - now).total_seconds()))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
