"""The back office's end of the wire: takes batches, answers after the commit, and only then lets the broker forget.

Backpressure is not acknowledging: at most ``receive_maximum`` batches lie here, the rest waits at the broker and
then on the edges' own disks.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from config.settings import MqttSettings
from sync.errors import NotStoredError, UpstreamError, UpstreamLostError, UpstreamRefusedError, gravest
from sync.mqtt import Inbound, Link, Session, connect
from sync.patience import until_served
from sync.receiver import joined
from sync.wire import INGEST_SUBSCRIPTION, TOPIC_ROOT, Account, Ack, Nack, ack_topic

log = structlog.get_logger(__name__)
ACK_EXPIRY_S = 3600
FINISH_S = 5.0
AT_ONCE = 128  # messages under way here; MQTT 5 lets the broker send ``receive_maximum`` of them
INGEST = "forecourt-ingest"
SESSION_LASTS_S = 7 * 86400
WORKER_LASTS_S = 60  # as long as starting one again takes; a worker that is no more must not be kept messages for
_BATCH_TOPIC = re.compile(rf"{TOPIC_ROOT}/([a-z0-9-]{{1,64}})/t\Z")
Answer = Ack | Nack | Account
Handle = Callable[[str, bytes], Awaitable[Sequence[Answer]]]


@dataclass(frozen=True, slots=True)
class IngestState:
    """Whether batches can arrive; ``refused`` is one line for a person, empty when all is well."""

    connected: bool = False
    refused: str = ""
    lost: str = ""


def ingest_session(worker: str = "") -> Session:
    """Who the receiver is to the broker: the only one, or one of several workers that share a subscription."""
    client_id, lasting_s = (f"{INGEST}-{worker}", WORKER_LASTS_S) if worker else (INGEST, SESSION_LASTS_S)
    return Session(client_id=client_id, username=INGEST, lasting_s=lasting_s)


async def receive_batches(
    settings: MqttSettings,
    handle: Handle,
    *,
    worker: str = "",
    on_state: Callable[[IngestState], None] = lambda _state: None,
) -> None:
    """Receive for ever; ends only by being cancelled, and then first ends what is under way, five seconds at most.

    ``handle(device, payload)`` commits what a batch holds and returns the answers; duplicates are answered again.
    It raises NotStoredError when it cannot commit now: nothing is acknowledged and the batch comes again later.
    """
    ingest = _Ingest(settings, handle, ingest_session(worker), on_state)
    while True:
        await until_served(settings, ingest.serve_once, ingest.failed)


class _Ingest:
    def __init__(
        self, settings: MqttSettings, handle: Handle, session: Session, on_state: Callable[[IngestState], None]
    ) -> None:
        self._settings = settings
        self._handle = handle
        self._session = session
        self._on_state = on_state
        self._useful = False

    async def serve_once(self) -> None:
        """One connection; returns when it was lost after a batch had been stored, raises UpstreamError otherwise."""
        self._useful = False
        try:
            async with connect(self._settings, self._session) as link:
                await _subscribe(link)
                self._on_state(IngestState(connected=True))
                log.info("ingest connected", degraded=link.degraded)
                await self._receive(link)
        except UpstreamLostError as error:
            if not self._useful:
                raise
            self.failed(error)
            await asyncio.sleep(self._settings.backoff_first_s)

    def failed(self, error: UpstreamError) -> None:
        """Tell whoever watches; the next attempt comes by itself."""
        refused = str(error) if isinstance(error, UpstreamRefusedError) else ""
        log.warning("ingest disconnected", reason=str(error))
        self._on_state(IngestState(refused=refused, lost="" if refused else str(error)))

    async def _receive(self, link: Link) -> None:
        """Take messages side by side, so that the store can commit many of them at once."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._take_all(link, group)
        except BaseExceptionGroup as errors:
            raise gravest(errors) from None

    async def _take_all(self, link: Link, group: asyncio.TaskGroup) -> None:
        room, under_way = asyncio.Semaphore(AT_ONCE), set[asyncio.Task[None]]()
        answering = _Answering(link, group)

        def ended(task: asyncio.Task[None]) -> None:
            under_way.discard(task)
            room.release()

        try:
            async for message in link.messages():
                await room.acquire()
                under_way.add(task := group.create_task(self._take(answering, message)))
                task.add_done_callback(ended)
        finally:
            if under_way:
                await asyncio.wait(under_way, timeout=FINISH_S)  # the edges need not send again what is nearly stored

    async def _take(self, answering: "_Answering", message: Inbound) -> None:
        topic = _BATCH_TOPIC.match(message.topic)
        if topic is None:
            message.ack()
            return
        device = topic.group(1)
        try:
            answers = await self._handle(device, message.payload)
        except NotStoredError as error:
            raise UpstreamLostError(f"store cannot commit now: {error}") from error
        self._useful = True
        await answering.answer(device, answers, message)


async def _subscribe(link: Link) -> None:
    try:
        await link.subscribe(INGEST_SUBSCRIPTION)
    except UpstreamRefusedError as error:
        log.warning("no shared subscriptions at this broker, subscribing alone", reason=str(error))
        await link.subscribe(f"{TOPIC_ROOT}/+/t")


class _Answering:
    """Tells the edge first and the broker then: a batch whose answer was lost on the way comes again.

    Batches that were committed together are answered together, a message for each stretch without a gap.
    """

    def __init__(self, link: Link, group: asyncio.TaskGroup) -> None:
        self._link = link
        self._group = group
        self._waiting: dict[str, list[tuple[Sequence[Answer], Inbound, asyncio.Future[None]]]] = {}

    async def answer(self, device: str, answers: Sequence[Answer], message: Inbound) -> None:
        """Return when ``device`` has been told and the broker may forget ``message``."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(device, [])
        waiting.append((answers, message, told))
        if len(waiting) == 1:
            self._group.create_task(self._tell(device))
        await told

    async def _tell(self, device: str) -> None:
        waiting = self._waiting.pop(device)
        for answer in joined([answer for answers, _, _ in waiting for answer in answers]):
            await self._link.publish(ack_topic(device), answer.model_dump_json().encode(), expiry_s=ACK_EXPIRY_S)
        for _, message, told in waiting:
            message.ack()
            if not told.done():
                told.set_result(None)
