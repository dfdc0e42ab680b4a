"""All bays of this box: feeds events into their state machines and carries out what those ask for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from agent.answers import Answers
from agent.bay import (
    Answered,
    BayState,
    DropReading,
    Effect,
    Happening,
    IdentifyCar,
    KeepDrive,
    KeepReading,
    PurposeKnown,
    advance,
    same_vin_elsewhere,
)
from agent.board import Board
from agent.desk import Desk
from agent.ledger import Intake
from collector.events import AdapterMissing, BayEvent, CarUnplugged, ScanDone, ScanFailed

NewId = Callable[[], str]
Now = Callable[[], datetime]


class Bays:
    """The present state of every bay; only this changes it."""

    def __init__(self, desk: Desk, board: Board, *, now: Now, new_id: NewId) -> None:
        self._desk = desk
        self._board = board
        self._now = now
        self._new_id = new_id
        self._states: dict[str, BayState] = {}
        self._ends: dict[str, list[asyncio.Future[Happening]]] = {}

    @property
    def states(self) -> tuple[BayState, ...]:
        return tuple(self._states.values())

    def add(self, name: str) -> None:
        self._states.setdefault(name, BayState(name))
        self._board.changed()

    def remove(self, name: str) -> None:
        """A bay that hotplug had found is gone."""
        self._states.pop(name, None)
        self._ended(name, CarUnplugged())
        self._board.changed()

    def next_end(self, name: str) -> "asyncio.Future[Happening]":
        """Set once the bay's scan has ended, well or badly, with what ended it; after its effects were carried out."""
        end: asyncio.Future[Happening] = asyncio.get_running_loop().create_future()
        self._ends.setdefault(name, []).append(end)
        return end

    async def follow(self, name: str, events: AsyncIterator[BayEvent]) -> None:
        """Feed the bay from its adapter until the events end."""
        async for event in events:
            await self.happened(name, event)

    async def happened(self, name: str, happening: Happening) -> None:
        """One step of one bay: its new state is shown at once, then its effects are carried out."""
        state, effects = advance(self._states[name], happening, now=self._now(), new_id=self._new_id)
        self._states[name] = state
        self._board.changed()
        for effect in effects:
            await self._carry_out(name, effect)
        if effects:
            self._board.changed()
        if isinstance(happening, ScanDone | ScanFailed | CarUnplugged | AdapterMissing):
            self._ended(name, happening)

    def _ended(self, name: str, happening: Happening) -> None:
        for waiting in self._ends.pop(name, []):
            if not waiting.done():
                waiting.set_result(happening)

    async def answer(self, intake_id: str, answers: Answers) -> Intake:
        """Store a person's answers with the intake they were typed for, wherever its car is by now."""
        intake = await self._desk.answer(intake_id, answers, self.at_plug(intake_id))
        await self._tell(intake)
        return intake

    async def withdraw(self, intake_id: str) -> None:
        await self._desk.withdraw(intake_id)
        self._board.changed()

    def at_plug(self, intake_id: str) -> BayState | None:
        """The bay where the car of this intake hangs now."""
        return next((state for state in self.states if state.car and state.car.intake_id == intake_id), None)

    async def _carry_out(self, name: str, effect: Effect) -> None:
        match effect:
            case IdentifyCar():
                await self._tell(await self._desk.identified(effect.intake_id, name, effect.vin))
            case KeepReading():
                await self._keep(name, effect)
            case DropReading():
                await self._desk.drop(effect)
            case KeepDrive():
                await self._desk.drove(effect)

    async def _keep(self, name: str, kept: KeepReading) -> None:
        other = same_vin_elsewhere(self.states, name, kept.reading.vin)
        await self._tell(await self._desk.keep(name, kept, other.name if other else ""))
        if other is not None and other.car is not None:
            await self._desk.also_elsewhere(other.car.intake_id, name)

    async def _tell(self, intake: Intake) -> None:
        """Let the bay's card know what the ledger now says of its car."""
        plugged = self.at_plug(intake.id)
        if plugged is not None:
            await self.happened(plugged.name, PurposeKnown(intake.id, intake.purpose))
            complete = not intake.answers.missing(intake.vin)
            await self.happened(plugged.name, Answered(intake.id, complete, intake.sent))
        self._board.changed()
