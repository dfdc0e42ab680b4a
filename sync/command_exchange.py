"""The back office's end of remote commands: sends what waits, hears the answers, and notices a box that comes back.

Whoever waits for answers keeps the commands and has them sent again, so the broker need remember nothing: a session
ends with its connection, and two back offices on one broker do not disturb each other.
"""

import asyncio
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog
from pydantic import ValidationError

from config.settings import MqttSettings
from sync.command import Command, CommandAnswer
from sync.command_codec import decode_command_answer
from sync.errors import UpstreamError, UpstreamLostError, UpstreamRefusedError, gravest
from sync.ingest_link import INGEST
from sync.mqtt import Inbound, Link, Session, connect
from sync.patience import until_served
from sync.wire import RESULT_SUBSCRIPTION, STATE_SUBSCRIPTION, TOPIC_ROOT, State, command_topic

log = structlog.get_logger(__name__)
CAME_BACK_LIMIT = 1000  # a box that is not remembered here gets its commands when they are sent again
STATE_LIMIT = 4096
_TOPIC = re.compile(rf"{TOPIC_ROOT}/([a-z0-9-]{{1,64}})/(cmd/res|state)\Z")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A command on its way to ``device``; ``life_s`` is how long the broker may keep it (MQTT 5)."""

    device: str
    command: Command
    life_s: int


class CommandDesk(Protocol):
    """Who keeps the commands."""

    async def to_send(self, came_back: Sequence[str]) -> Sequence[Outgoing]:
        """What is to be sent now: what is due, and all that waits for the boxes that ``came_back``."""

    async def sent(self, command_ids: Sequence[str]) -> None:
        """These were handed to the broker, or it would not have them: either way they are due later."""

    async def answered(self, device: str, answer: CommandAnswer | None) -> None:
        """What ``device`` said; None when that was no answer."""


async def exchange_commands(settings: MqttSettings, desk: CommandDesk, *, look_every_s: float) -> None:
    """Send and hear for ever, looking at ``desk`` again and again; ends only by being cancelled.

    Raises what ``desk`` raises.
    """
    exchange = _Exchange(settings, desk, look_every_s)
    while True:
        await until_served(settings, exchange.serve_once, _failed)


class _Exchange:
    def __init__(self, settings: MqttSettings, desk: CommandDesk, look_every_s: float) -> None:
        self._settings = settings
        self._desk = desk
        self._look_every_s = look_every_s
        self._came_back: dict[str, None] = {}

    async def serve_once(self) -> None:
        """One connection; returns when it was lost after it had been of use, raises UpstreamError otherwise."""
        session = Session(client_id=f"forecourt-commands-{uuid.uuid4().hex[:8]}", username=INGEST)
        async with connect(self._settings, session) as link:
            await _subscribe(link)
            log.info("commands can be sent", degraded=link.degraded)
            try:
                await self._serve(link)
            except UpstreamLostError as error:
                _failed(error)
        await asyncio.sleep(self._settings.backoff_first_s)

    async def _serve(self, link: Link) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(link))
                group.create_task(self._send_for_ever(link))
        except BaseExceptionGroup as errors:
            raise gravest(errors) from None

    async def _send_for_ever(self, link: Link) -> None:
        while True:
            back, self._came_back = self._came_back, {}
            for outgoing in await self._desk.to_send(tuple(back)):
                await self._send(link, outgoing)
            await asyncio.sleep(self._look_every_s)

    async def _send(self, link: Link, outgoing: Outgoing) -> None:
        topic, payload = command_topic(outgoing.device), outgoing.command.model_dump_json().encode()
        try:
            await link.publish(topic, payload, expiry_s=max(1, outgoing.life_s))
        except UpstreamRefusedError as error:
            log.error("broker takes no commands; correct its access list", topic=topic, reason=str(error))
        await self._desk.sent((outgoing.command.id,))

    async def _hear(self, link: Link) -> None:
        async for message in link.messages():
            topic = _TOPIC.match(message.topic)
            if topic is not None:
                await self._heard(topic.group(1), topic.group(2), message)
            message.ack()

    async def _heard(self, device: str, said: str, message: Inbound) -> None:
        if said == "state":
            if _is_online(message.payload) and len(self._came_back) < CAME_BACK_LIMIT:
                self._came_back[device] = None
        elif not message.retained:
            await self._desk.answered(device, decode_command_answer(message.payload))


def _is_online(payload: bytes) -> bool:
    if len(payload) > STATE_LIMIT:
        return False
    with suppress(ValidationError):
        return State.model_validate_json(payload).online
    return False


async def _subscribe(link: Link) -> None:
    """Without the states of boxes a command waits until it is sent again; without answers none is of use."""
    await link.subscribe(RESULT_SUBSCRIPTION)
    try:
        await link.subscribe(STATE_SUBSCRIPTION)
    except UpstreamRefusedError as error:
        log.warning("broker does not say when a box comes back; its commands wait until sent again", reason=str(error))


def _failed(error: UpstreamError) -> None:
    log.warning("commands cannot be sent now, they wait", reason=str(error))
