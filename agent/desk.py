"""The front desk: takes complete readings and people's answers, one at a time, and makes them durable.

Order of every step: the ledger first, then the outbox, then the mark that the outbox has it. A crash between two of
them is repaired by ``recover``, which neither loses nor doubles a record.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from agent import intake as intakes
from agent.answers import Answers
from agent.bay import BayState, DropReading, KeepDrive, KeepReading
from agent.errors import AnswerError, UnknownIntakeError, UnknownVehicleError
from agent.intake import Circumstances
from agent.ledger import Change, Intake, Known, RecordSet, Status, StockState, purpose_for
from agent.ledger_store import LedgerStore
from agent.moments import wall_time
from evidence.snapshot import ClockQuality, Purpose
from evidence.verdict import USUAL, Terms
from sync.clock import Clock
from sync.command_facts import Fact, StockFact
from sync.errors import OutboxError
from sync.records import AnyBody, ClockBody

log = structlog.get_logger()


class RecordSink(Protocol):
    """Where records go; ``once`` makes a repeated hand-over of the same set a no-op."""

    async def append(self, bodies: tuple[AnyBody, ...], *, once: str) -> object: ...


class Desk:
    """One per process. All changes pass through one lock, so that the outbox sees them in the ledger's order."""

    def __init__(
        self, store: LedgerStore, sink: RecordSink, clock: Clock, notice: str = "", terms: Terms = USUAL
    ) -> None:
        self._store = store
        self._notice = notice
        self._terms = terms
        self._sink = sink
        self._clock = clock
        self._turn = asyncio.Lock()

    async def recover(self) -> None:
        """At start: hand over what a crash left behind, and show what was being read as awaiting identity."""
        await self._store.abandon_open()
        async with self._turn:
            await self._hand_over()

    async def purpose_of(self, vin: str) -> Purpose:
        """Why a car with this VIN is here, as far as the ledger knows."""
        return purpose_for(await self._store.vehicle(vin))

    async def identified(self, intake_id: str, bay: str, vin: str) -> Intake:
        """The VIN of a car that is being read: takes over answers given before an interrupted scan of it."""
        async with self._turn:
            known = await self._known(vin, intake_id)
            current = await self._store.intake(intake_id) or self._begun(intake_id, bay)
            interrupted = await self._store.interrupted(vin, intake_id)
            change = intakes.identified(current, vin, known, interrupted)
            if change.takes_over or current.answers != Answers():
                await self._store.commit(change)
            return change.intake

    async def keep(self, bay: str, kept: KeepReading, same_vin_at: str = "") -> Intake:
        """Store a complete reading as one intake, judge it and hand its records over."""
        async with self._turn:
            current = await self._store.intake(kept.intake_id) or self._begun(kept.intake_id, bay)
            if current.sent:  # one intake, one snapshot
                return current
            vin = kept.reading.vin or current.answers.vin
            circumstances = self._circumstances(kept.changed_from, same_vin_at)
            known = await self._known(vin, current.id)
            return await self._carry_out(intakes.read(current, kept.reading, known, circumstances))

    async def also_elsewhere(self, intake_id: str, other_bay: str) -> None:
        """The VIN of this car hangs at ``other_bay`` too: say so for the car that was read first as well."""
        async with self._turn:
            current = await self._store.intake(intake_id)
            if current is None or not current.sent:
                return
            known = await self._known(current.vin, current.id)
            circumstances = self._circumstances(same_vin_at=other_bay)
            await self._carry_out(intakes.also_elsewhere(current, known, circumstances))

    async def drove(self, kept: KeepDrive) -> None:
        """Add a drive to the intake whose car was driven, and judge it again; one that was put aside stays so."""
        async with self._turn:
            current = await self._store.intake(kept.intake_id)
            if current is None or current.snapshot is None:
                return
            known = await self._known(current.vin, current.id)
            await self._carry_out(intakes.drove(current, kept.drive, known, self._circumstances()))

    async def drop(self, dropped: DropReading) -> None:
        """A scan that will never be complete: its answers, if there are any, wait for an identity."""
        async with self._turn:
            current = await self._store.intake(dropped.intake_id)
            if current is not None and current.status is Status.OPEN:
                await self._store.commit(Change(replace(current, vin=dropped.vin, status=Status.AWAITING_IDENTITY)))

    async def answer(self, intake_id: str, answers: Answers, plugged: BayState | None) -> Intake:
        """Add a person's answers to the intake they were typed for; raise UnknownIntakeError or AnswerError.

        ``plugged`` is the bay where a car with this intake id hangs now, if any.
        """
        async with self._turn:
            current = await self._store.intake(intake_id)
            if current is None and plugged is None:
                raise UnknownIntakeError(intake_id)
            if current is None or current.status is Status.OPEN:
                return await self._note(current or self._begun(intake_id, plugged.name if plugged else ""), answers)
            intakes.refuse_contradiction(current, answers)
            vin = current.vin or answers.vin
            known = await self._known(vin, current.id)
            return await self._carry_out(intakes.answered(current, answers, known, self._circumstances()))

    async def withdraw(self, intake_id: str) -> None:
        """Put an intake without identity aside: a test plug, a slip. Raises UnknownIntakeError, AnswerError."""
        async with self._turn:
            current = await self._store.intake(intake_id)
            if current is None:
                raise UnknownIntakeError(intake_id)
            if current.status is not Status.AWAITING_IDENTITY:
                raise AnswerError("answers.already_sent")
            await self._store.commit(Change(replace(current, status=Status.WITHDRAWN)))

    async def set_stock_state(self, vehicle_id: str, state: StockState) -> None:
        """Raise UnknownVehicleError when this box does not know the car."""
        if not await self._store.set_stock_state(vehicle_id, state):
            raise UnknownVehicleError(vehicle_id)

    async def told(self, facts: Sequence[Fact]) -> int:
        """Keep what the back office knows, and judge the cars it speaks of again; return how many facts were new.

        Where a car stands in the stock says nothing about it.
        """
        new = await self._store.facts.take(facts)
        for vin in dict.fromkeys(fact.vin for fact in new if not isinstance(fact, StockFact)):
            async with self._turn:
                await self._judge_again(vin)
        return len(new)

    async def _judge_again(self, vin: str) -> None:
        intakes_of_car = await self._store.sent_intakes(vin)
        if not intakes_of_car:
            return
        current = intakes_of_car[-1]
        known = await self._known(vin, current.id)
        await self._carry_out(intakes.told(current, known, self._circumstances()))

    def judge_by(self, terms: Terms) -> None:
        """From now on judge by these terms."""
        self._terms = terms

    async def note_clock(self) -> bool:
        """Owe one clock record for this boot once the wall clock is trustworthy; True when that is done."""
        stamp = self._clock.stamp()
        if stamp.tq is not ClockQuality.NTP:
            return False
        async with self._turn:
            await self._store.owe(RecordSet(f"clock/{stamp.boot}", (ClockBody(wall_ms=stamp.t),)))
            await self._hand_over()
        return True

    async def forget_older_than(self, age: timedelta) -> int:
        """Erase visits older than ``age`` that nobody waits for; 0 while the wall clock is not to be believed."""
        if self._quality() is not ClockQuality.NTP:
            return 0
        async with self._turn:
            return await self._store.forget_before(self._now() - age)

    async def _note(self, current: Intake, answers: Answers) -> Intake:
        intakes.refuse_contradiction(current, answers)
        noted = intakes.noted(current, answers)
        await self._store.commit(Change(noted))
        return noted

    async def hand_over(self) -> None:
        """Offer the outbox again what it could not take; raises OutboxError while it still cannot."""
        async with self._turn:
            await self._hand_over()

    async def _carry_out(self, change: Change) -> Intake:
        await self._store.commit(change)
        try:
            await self._hand_over()
        except OutboxError as error:
            # the ledger has it: nothing is lost, and what the person did is done
            log.error("outbox takes no records now, they wait in the ledger", reason=str(error))
        return change.intake

    async def _hand_over(self) -> None:
        for owed in await self._store.owed():
            await self._sink.append(owed.bodies, once=owed.key)
            await self._store.mark_emitted(owed.key)

    async def _known(self, vin: str, except_id: str) -> Known:
        if not vin:
            return Known()
        return Known(
            visits=await self._store.visits(vin, except_id),
            told=await self._store.facts.told(vin),
            vehicle=await self._store.vehicle(vin),
            learned_model=await self._store.learned_model(vin),
        )

    def _circumstances(self, changed_from: str = "", same_vin_at: str = "") -> Circumstances:
        return Circumstances(self._now(), self._quality(), changed_from, same_vin_at, self._notice, self._terms)

    def _begun(self, intake_id: str, bay: str) -> Intake:
        return Intake(intake_id, bay, self._now())

    def _now(self) -> datetime:
        return wall_time(self._clock.stamp())

    def _quality(self) -> ClockQuality:
        return self._clock.stamp().tq
