"""Delivery of the outbox: connects for ever, sends batches, forgets a record only when the back office has it."""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from config.settings import MqttSettings
from sync.clock import Clock
from sync.codec import decode_answer
from sync.command import ResendReport
from sync.command_resend import resend
from sync.errors import UpstreamError, UpstreamLostError, UpstreamRefusedError, gravest
from sync.mqtt import Link, Session, Will, connect
from sync.outbox import Outbox
from sync.patience import until_served
from sync.restored import leave_stream_if_restored
from sync.sender import Sender
from sync.verify import StreamReport, verify
from sync.wire import (
    Account,
    Ack,
    Nack,
    Question,
    Span,
    State,
    ack_topic,
    batch_topic,
    command_topic,
    result_topic,
    state_topic,
)

log = structlog.get_logger(__name__)
FAREWELL_S = 1.0


@dataclass(frozen=True, slots=True)
class PublisherState:
    """What a person may want to know. ``refused`` is one line that says what to correct, empty when all is well.

    ``refused_key`` and ``refused_detail`` name the same in the message catalogue; ``last_ack_at`` is wall ms;
    ``fullness`` the used part of the outbox; ``unanswered`` is true while the broker takes batches and nobody confirms.
    """

    connected: bool = False
    degraded: bool = False
    refused: str = ""
    refused_key: str = ""
    refused_detail: str = ""
    lost: str = ""
    buffered: int = 0
    last_ack_at: int | None = None
    fullness: float = 0.0
    unanswered: bool = False


class Publisher:
    """Give it to one task: ``run`` goes on until cancelled.

    Whoever carries out commands sets ``on_command`` before that: it is told each message of topic ``cmd``, and whether
    the broker kept it. Without it this box takes no commands.
    """

    def __init__(
        self,
        outbox: Outbox,
        device: str,
        settings: MqttSettings,
        clock: Clock,
        on_state: Callable[[PublisherState], None] = lambda _state: None,
        *,
        version: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._device = device
        self._settings = settings
        self._clock = clock
        self._on_state = on_state
        self._version = version
        self._monotonic = monotonic
        self._answers: list[Ack | Nack] = []
        self._link: Link | None = None
        self._asked: dict[str, asyncio.Future[Account]] = {}
        self._begin_again = False
        self._useful = False
        self._sure_of_numbers = False
        self.on_command: Callable[[bytes, bool], None] | None = None
        self.state = PublisherState(buffered=outbox.pending_count())

    async def run(self) -> None:
        """Deliver for ever, with growing pauses while the broker is away.

        Ends only by being cancelled, or with OutboxError when the outbox can no longer be used.
        """
        while True:
            await until_served(self._settings, self._serve_once, self._failed)

    async def drained(self, timeout_s: float) -> bool:
        """Wait until nothing is owed; False when that took longer. ``run`` must be going on meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._outbox.emptied.wait()
        return self._outbox.pending_count() == 0

    async def verify(self) -> tuple[StreamReport, ...]:
        """Compare with upstream and send again what is missing there. Raises UpstreamLostError without an answer."""
        reports = await verify(self._outbox, self._ask)
        if any(report.refilled for report in reports):
            self._send_again()
        return reports

    async def resend(self, stream: str, ranges: Sequence[Span]) -> tuple[ResendReport, int] | None:
        """Send ``ranges`` again as far as they are kept; None for no stream of ours. Raises OutboxError."""
        outcome = await resend(self._outbox, stream, ranges)
        if outcome and outcome[1]:
            self._send_again()
        return outcome

    async def answer_command(self, payload: bytes) -> None:
        """Send one answer to a command while connected; an answer that gets lost is asked for again."""
        if self._link is None:
            return
        try:
            await self._link.publish(result_topic(self._device), payload)
        except UpstreamRefusedError as error:
            log.error("broker takes no answers to commands; correct its access list", reason=str(error))
        except UpstreamLostError as error:
            log.info("answer to a command not sent, it is asked for again", reason=str(error))

    def _send_again(self) -> None:
        self._begin_again = True
        self._outbox.appended.set()

    async def _ask(self, stream: str, lo: int, spans: Sequence[Span]) -> Account:
        link = self._link
        if link is None:
            raise UpstreamLostError("not connected")
        question = Question(s=stream, ask=uuid.uuid4().hex[:16], lo=lo, of=tuple(spans))
        answer: asyncio.Future[Account] = asyncio.get_running_loop().create_future()
        self._asked[question.ask] = answer
        try:
            async with asyncio.timeout(self._settings.ack_timeout_s):
                await link.publish(batch_topic(self._device), question.model_dump_json().encode())
                return await answer
        except TimeoutError as error:
            raise UpstreamLostError("the back office does not answer questions") from error
        finally:
            self._asked.pop(question.ask, None)

    async def _serve_once(self) -> None:
        """One connection; returns when it was lost after it had been of use, raises UpstreamError otherwise."""
        self._useful = False
        session_id = uuid.uuid4().hex[:16]
        will = Will(state_topic(self._device), self._said(session_id, online=False))
        session = Session(client_id=f"forecourt-{self._device}", username=self._device, will=will)
        try:
            async with connect(self._settings, session) as link:
                await self._serve(link, session_id)
        except UpstreamRefusedError:
            raise
        except UpstreamLostError as error:
            if not self._useful:
                raise
            self._failed(error)
            await asyncio.sleep(self._settings.backoff_first_s)

    async def _serve(self, link: Link, session_id: str) -> None:
        await link.subscribe(ack_topic(self._device))
        await self._subscribe_to_commands(link)
        await link.publish(state_topic(self._device), self._said(session_id, online=True), retain=True)
        self._answers.clear()
        self._link = link
        self._tell(connected=True, degraded=link.degraded, refused="", refused_key="", refused_detail="", lost="")
        log.info("upstream connected", degraded=link.degraded, buffered=self.state.buffered)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(link))
                group.create_task(self._deliver(link, group))
        except BaseExceptionGroup as errors:
            raise gravest(errors) from None
        finally:
            self._link = None
            await self._take_leave(link, session_id)

    async def _subscribe_to_commands(self, link: Link) -> None:
        """A broker that keeps commands from us does not keep us from delivering."""
        if self.on_command is None:
            return
        try:
            await link.subscribe(command_topic(self._device), as_published=True)
        except UpstreamRefusedError as error:
            log.error("broker gives this box no commands; correct its access list", reason=str(error))

    async def _take_leave(self, link: Link, session_id: str) -> None:
        """On an orderly end the broker drops the will, so say it ourselves."""
        self._tell(connected=False)
        with suppress(UpstreamError, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await link.publish(state_topic(self._device), self._said(session_id, online=False), retain=True)

    async def _listen(self, link: Link) -> None:
        async for message in link.messages():
            message.ack()
            if message.topic == command_topic(self._device):
                if self.on_command is not None:
                    self.on_command(message.payload, message.retained)
            else:
                self._take_answer(message.payload)

    def _take_answer(self, payload: bytes) -> None:
        answer = decode_answer(payload)
        if isinstance(answer, Account):
            self._take_account(answer)
        elif answer is not None:
            self._answers.append(answer)
            self._outbox.appended.set()

    def _take_account(self, account: Account) -> None:
        asked = self._asked.get(account.ask)
        if asked is not None and not asked.done():
            asked.set_result(account)

    async def _deliver(self, link: Link, group: asyncio.TaskGroup) -> None:
        """Drain the streams one after another; those of a copied file come before our own."""
        await self._make_sure_of_numbers()
        while True:
            owing = await self._outbox.owing_streams()
            sender = self._sender(owing[0] if owing else self._outbox.stream, link)
            await self._drain(sender, link, group)

    async def _make_sure_of_numbers(self) -> None:
        """Before the first batch; asks until there is an answer."""
        while not self._sure_of_numbers:
            try:
                await leave_stream_if_restored(self._outbox, self._ask)
            except UpstreamLostError as error:
                log.warning("cannot send yet, asking again", reason=str(error))
                self._tell(unanswered=True)
                await asyncio.sleep(self._settings.backoff_first_s)
            else:
                self._sure_of_numbers = True
                self._tell(unanswered=False)

    def _sender(self, stream: str, link: Link) -> Sender:
        window = min(self._settings.window_batches, link.receive_maximum)
        return Sender(stream, self._settings.batch_records, window, self._settings.ack_timeout_s)

    async def _drain(self, sender: Sender, link: Link, group: asyncio.TaskGroup) -> None:
        """Deliver ``sender``'s stream; return when it owes nothing and another one does, or to begin again."""
        self._begin_again, appends = False, 0
        while not self._begin_again:
            self._outbox.appended.clear()
            if appends != self._outbox.appends:
                appends = self._outbox.appends
                sender.appended()
            stored = await self._apply_answers(sender)
            if sender.expired(self._monotonic()):
                log.warning("no acknowledgement, sending again", in_flight=sender.in_flight)
                sender.go_back()
                self._tell(unanswered=True)
            await self._send(sender, link, group)  # first: while we forget, the others have something to do
            await self._forget(sender, stored)
            if not sender.in_flight and sender.stream != self._outbox.stream:
                return
            await self._wait(sender)

    async def _send(self, sender: Sender, link: Link, group: asyncio.TaskGroup) -> None:
        while (page := sender.wants()) is not None:
            lo, rows = await self._outbox.offer(page.after_seq, page.limit, turn=page.turn, stream=sender.stream)
            for payload in sender.take(page, rows, lo, self._monotonic()):
                group.create_task(self._publish(link, payload))

    async def _publish(self, link: Link, payload: bytes) -> None:
        """Only paced by the broker's PUBACK; what it means is said by the back office alone."""
        await link.publish(batch_topic(self._device), payload)

    async def _wait(self, sender: Sender) -> None:
        """Sleep until something was appended or answered, or the acknowledgement is overdue."""
        deadline = sender.deadline_s()
        patience_s = None if deadline is None else max(0.0, deadline - self._monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._outbox.appended.wait()

    async def _apply_answers(self, sender: Sender) -> list[Span]:
        """Return what is stored upstream and may be forgotten here."""
        answers, self._answers = self._answers, []
        acks, now_s = [answer for answer in answers if isinstance(answer, Ack)], self._monotonic()
        stored = [part for ack in acks for part in sender.on_ack(ack, now_s)]
        for answer in answers:
            if isinstance(answer, Nack):
                await self._quarantine(sender, answer)
        if answers:
            self._useful = True
            self._tell(unanswered=False, last_ack_at=self._clock.stamp().t)
        return stored

    async def _forget(self, sender: Sender, stored: Sequence[Span]) -> None:
        if stored:
            await self._outbox.acknowledge_ranges(stored, stream=sender.stream)
            self._tell()

    async def _quarantine(self, sender: Sender, nack: Nack) -> None:
        for first, last in sender.on_nack(nack):
            log.error("upstream refused records for good", first=first, last=last, reason=nack.reason[:200])
            await self._outbox.quarantine(first, last, nack.reason[:200], stream=sender.stream)

    def _failed(self, error: UpstreamError) -> None:
        if isinstance(error, UpstreamRefusedError):
            log.error("upstream refused", reason=str(error))
            self._tell(connected=False, refused=str(error), refused_key=error.key, refused_detail=error.detail)
        else:
            log.warning("upstream lost, keeping records here", reason=str(error))
            self._tell(connected=False, lost=str(error))

    def _said(self, session_id: str, *, online: bool) -> bytes:
        buffered = self._outbox.pending_count()
        return State(sid=session_id, online=online, version=self._version, buffered=buffered).model_dump_json().encode()

    def _tell(self, **changed: object) -> None:
        seen = {"buffered": self._outbox.pending_count(), "fullness": self._outbox.fullness}
        self.state = replace(self.state, **(seen | changed))  # type: ignore[arg-type]
        self._on_state(self.state)
