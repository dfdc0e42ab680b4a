"""From the wire into the store: a batch is answered when all of it is committed, and not before."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

import sync.rows  # noqa: F401 - takes 30 ms to load, which the first batch need not wait for
from backoffice.errors import StoreFailedError
from backoffice.keeping import Incoming, StoreResult
from backoffice.store import RecordStore, utc_now
from config.settings import MqttSettings
from sync.codec import Unreadable, answers_of, decode_batch, decode_question
from sync.errors import NotStoredError
from sync.ingest_link import IngestState, receive_batches
from sync.wire import Account, Ack, Nack

log = structlog.get_logger(__name__)
TOGETHER = 64  # batches in one transaction at most
Waiting = tuple[Incoming, "asyncio.Future[StoreResult]"]


@dataclass(slots=True)
class IngestCounts:
    """What came in since this process started."""

    batches: int = 0
    records: int = 0
    duplicates: int = 0
    refused: int = 0
    unreadable: int = 0


class Ingest:
    """Takes batches for one store; ``state`` says whether any can arrive."""

    def __init__(self, store: RecordStore, *, now: Callable[[], datetime] = utc_now) -> None:
        self.counts = IngestCounts()
        self.state = IngestState()
        self._store = store
        self._now = now
        self._waiting: list[Waiting] = []
        self._storing: asyncio.Task[None] | None = None

    async def handle(self, device: str, payload: bytes) -> Sequence[Ack | Nack | Account]:
        """Commit one message and return its answers; raise NotStoredError when the store can't commit now."""
        batch = decode_batch(device, payload)
        if isinstance(batch, Unreadable):
            return await self._answer_question(device, payload, batch.reason)
        result = await self._stored(Incoming(batch, self._now()))
        if result.holes:
            log.error("records proven lost", device=device, stream=batch.stream, ranges=result.holes)
        self._count(result.stored, result.duplicates, sum(nack.b - nack.a + 1 for nack in batch.poison))
        return answers_of(batch)

    async def _stored(self, incoming: Incoming) -> StoreResult:
        """Wait until ``incoming`` is committed, together with whatever else waits by then."""
        done: asyncio.Future[StoreResult] = asyncio.get_running_loop().create_future()
        self._waiting.append((incoming, done))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_waiting(), name="store")
        return await done

    async def _store_waiting(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                await self._store_together(together)
        finally:
            self._storing = None

    async def _store_together(self, together: Sequence[Waiting]) -> None:
        try:
            results = await self._store.store_batches([incoming for incoming, _ in together])
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for these batches
            failure = NotStoredError(str(error)) if isinstance(error, StoreFailedError) else error
            for _, done in together:
                if not done.done():
                    done.set_exception(failure)
        else:
            for (_, done), result in zip(together, results, strict=True):
                if not done.done():
                    done.set_result(result)

    async def _answer_question(self, device: str, payload: bytes, unreadable: str) -> Sequence[Account]:
        """What is no batch may ask what is held; anything else is dropped."""
        question = decode_question(payload)
        if question is None:
            self.counts.unreadable += 1
            log.warning("unreadable batch dropped", device=device, reason=unreadable)
            return ()
        try:
            return (await self._store.account(device, question, self._now()),)
        except StoreFailedError as error:
            raise NotStoredError(str(error)) from error

    async def run(self, settings: MqttSettings, worker: str = "") -> None:
        """Receive for ever, as the only one or as the ``worker`` of that name; ends by being cancelled."""
        await receive_batches(settings, self.handle, worker=worker, on_state=self._note)

    def _note(self, state: IngestState) -> None:
        self.state = state
        self._store.gauges["broker_connected"] = int(state.connected)

    def _count(self, stored: int, duplicates: int, refused: int) -> None:
        self.counts.batches += 1
        self.counts.records += stored
        self.counts.duplicates += duplicates
        self.counts.refused += refused
