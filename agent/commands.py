"""Remote commands at the box: each id at most once, answered again whenever it is asked again, also after a restart.

Order of every command: what it is, whether it came before, whether it is still alive, a durable note, the work, the
durable answer, the answer on the wire. A crash after the note leaves a command that is answered ``failed``: nobody
knows how far it came, and it is not tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from agent.command_store import CommandStore
from evidence.snapshot import ClockQuality
from sync.clock import Clock, Stamp
from sync.command import Command, CommandAnswer, Status, Wanted
from sync.command_codec import Order, Turned, decode_command
from sync.command_life import certainly_past_ms, outlived

log = structlog.get_logger()
WAITING_LIMIT = 16
AT_ONCE = 4  # an intake takes a minute; a question about health need not wait for it


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a piece of work ended; ``reason`` is a key of the catalogue."""

    status: Status
    reason: str
    params: dict[str, str | int] = field(default_factory=dict)
    report: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class CommandCounts:
    """What came since this process started; ``dropped`` got no answer because it could get none."""

    taken: int = 0
    repeated: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class _Arrival:
    order: Order | Turned
    stamp: Stamp


Work = Callable[[Wanted], Awaitable[Outcome]]


class Commands:
    """Set ``works``, which carries out each kind, and give ``run`` to one task. ``send`` puts an answer on the wire."""

    def __init__(self, memory: CommandStore, clock: Clock, send: Callable[[bytes], Awaitable[None]]) -> None:
        self.works: Mapping[str, Work] = {}
        self.counts = CommandCounts()
        self._memory = memory
        self._clock = clock
        self._send = send
        self._waiting: asyncio.Queue[_Arrival] = asyncio.Queue(WAITING_LIMIT)
        self._under_way: set[str] = set()
        self._believed: Stamp | None = None

    def take(self, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - called back by the publisher
        """A message of topic ``cmd``. What the broker keeps for whoever comes is nobody's order of now: dropped."""
        order = None if retained else decode_command(payload)
        if order is None:
            self._drop("kept by the broker" if retained else "no command", len(payload))
            return
        if order.command.id in self._under_way:
            self.counts.repeated += 1
            return
        try:
            self._waiting.put_nowait(_Arrival(order, self._clock.stamp()))
        except asyncio.QueueFull:
            self._drop("too many at once, they come again", len(payload))
            return
        self._under_way.add(order.command.id)

    async def run(self) -> None:
        """Carry out what comes, for ever."""
        self._believed = await self._memory.latest_ntp()
        room = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                arrival = await self._waiting.get()
                await room.acquire()
                group.create_task(self._settle(arrival)).add_done_callback(lambda _task: room.release())

    def _drop(self, why: str, size: int) -> None:
        self.counts.dropped += 1
        if self.counts.dropped.bit_count() == 1:  # the 1st, 2nd, 4th, 8th: whoever floods us fills no log
            log.warning("command dropped", why=why, size_bytes=size, so_far=self.counts.dropped)

    async def _settle(self, arrival: _Arrival) -> None:
        command = arrival.order.command
        try:
            answer = await self._answer_to(arrival)
            await self._send(answer.model_dump_json().encode())
        except Exception:  # the ledger cannot be written: the command stays unanswered and comes again
            log.exception("command not answered", command=command.id)
        finally:
            self._under_way.discard(command.id)

    async def _answer_to(self, arrival: _Arrival) -> CommandAnswer:
        command, now = arrival.order.command, self._clock.stamp()
        before = self._certainly_past_ms(now)
        ntp_ms = now.t if now.tq is ClockQuality.NTP else 0
        if not await self._memory.begin(command.id, command.kind, ntp_ms):
            self.counts.repeated += 1
            known = await self._memory.answer(command.id)
            return known or await self._kept(command, Outcome(Status.FAILED, "command.interrupted"))
        self.counts.taken += 1
        return await self._kept(command, await self._outcome(arrival, now, before))

    async def _outcome(self, arrival: _Arrival, now: Stamp, before_ms: int) -> Outcome:
        order = arrival.order
        if isinstance(order, Turned):
            return Outcome(order.status, order.reason, order.params)
        if outlived(order.command, arrival.stamp, now, not_before_ms=before_ms):
            return Outcome(Status.EXPIRED, "command.expired", {"clock": now.tq.value})
        return await self._carried_out(order)

    async def _carried_out(self, order: Order) -> Outcome:
        log.info("command", kind=order.command.kind, command=order.command.id)
        try:
            return await self.works[order.command.kind](order.wanted)
        except Exception as error:  # whatever a kind's work meets is that command's failure and nobody else's
            log.exception("command failed", kind=order.command.kind, command=order.command.id)
            return Outcome(Status.FAILED, "command.failed", {"detail": type(error).__name__})

    async def _kept(self, command: Command, outcome: Outcome) -> CommandAnswer:
        now = self._clock.stamp()
        answer = CommandAnswer(
            id=command.id,
            status=outcome.status,
            reason=outcome.reason,
            params=outcome.params,
            report=outcome.report,
            t=now.t,
            tq=now.tq,
        )
        await self._memory.settle(answer)
        return answer

    def _certainly_past_ms(self, now: Stamp) -> int:
        if now.tq is ClockQuality.NTP:
            self._believed = now
        return certainly_past_ms(self._believed, now)
