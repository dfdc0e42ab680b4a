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
from sync.errors import NotStoredError, UpstreamError, UpstreamLostError, UpstreamRefusedError
from sync.mqtt import Inbound, Link, Session, connect
from sync.patience import until_served
from sync.wire import INGEST_SUBSCRIPTION, TOPIC_ROOT, Ack, Nack, ack_topic

log = structlog.get_logger(__name__)
ACK_EXPIRY_S = 3600
SESSION_LASTS_S = 7 * 86400
_BATCH_TOPIC = re.compile(rf"{TOPIC_ROOT}/([a-z0-9-]{{1,64}})/t\Z")
Handle = Callable[[str, bytes], Awaitable[Sequence[Ack | Nack]]]


@dataclass(frozen=True, slots=True)
class IngestState:
    """Whether batches can arrive; ``refused`` is one line for a person, empty when all is well."""

    connected: bool = False
    refused: str = ""
    lost: str = ""


async def receive_batches(
    settings: MqttSettings,
    handle: Handle,
    *,
    client_id: str = "forecourt-ingest",
    on_state: Callable[[IngestState], None] = lambda _state: None,
) -> None:
    """Receive for ever; ends only by being cancelled.

    ``handle(device, payload)`` commits what a batch holds and returns the answers; duplicates are answered again.
    It raises NotStoredError when it cannot commit now: nothing is acknowledged and the batch comes again later.
    """

    def failed(error: UpstreamError) -> None:
        refused = str(error) if isinstance(error, UpstreamRefusedError) else ""
        log.warning("ingest disconnected", reason=str(error))
        on_state(IngestState(refused=refused, lost="" if refused else str(error)))

    async def serve() -> None:
        await _serve_once(settings, handle, client_id, on_state, failed)

    while True:
        await until_served(settings, serve, failed)


async def _serve_once(
    settings: MqttSettings,
    handle: Handle,
    client_id: str,
    on_state: Callable[[IngestState], None],
    failed: Callable[[UpstreamError], None],
) -> None:
    """One connection; returns when it was lost after a batch had been stored, raises UpstreamError otherwise."""
    session = Session(client_id=client_id, username=client_id, lasting_s=SESSION_LASTS_S)
    stored = 0
    try:
        async with connect(settings, session) as link:
            await _subscribe(link)
            on_state(IngestState(connected=True))
            log.info("ingest connected", degraded=link.degraded)
            async for message in link.messages():
                await _take(link, message, handle)
                stored += 1
    except UpstreamLostError as error:
        if not stored:
            raise
        failed(error)
        await asyncio.sleep(settings.backoff_first_s)


async def _subscribe(link: Link) -> None:
    try:
        await link.subscribe(INGEST_SUBSCRIPTION)
    except UpstreamRefusedError as error:
        log.warning("no shared subscriptions at this broker, subscribing alone", reason=str(error))
        await link.subscribe(f"{TOPIC_ROOT}/+/t")


async def _take(link: Link, message: Inbound, handle: Handle) -> None:
    topic = _BATCH_TOPIC.match(message.topic)
    if topic is None:
        message.ack()
        return
    device = topic.group(1)
    try:
        answers = await handle(device, message.payload)
    except NotStoredError as error:
        raise UpstreamLostError(f"store cannot commit now: {error}") from error
    for answer in answers:
        await link.publish(ack_topic(device), answer.model_dump_json().encode(), expiry_s=ACK_EXPIRY_S)
    message.ack()
