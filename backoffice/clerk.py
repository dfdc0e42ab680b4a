"""What a person in the office may decide about a car: withdraw a value, note an event, bring files together or apart.

Each is one transaction: the decision is kept, the cars concerned are judged again, and what a box must know goes down
to it. A refusal is one sentence and changes nothing.
"""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.cars import current_id
from backoffice.commands import UNFILLED, fact_entered
from backoffice.decision_store import Decided, Hand, Signed, load_decisions, one_decision, sign, was_taken_back
from backoffice.decisions import (
    Decision,
    EventBody,
    MergedBody,
    MileageEntryBody,
    MovedInBody,
    MovedOutBody,
    TakenBackBody,
    VoidBody,
    in_force,
)
from backoffice.happenings import sentence_of
from backoffice.problems import ProblemError
from backoffice.reuniting import join_visits, merge_cars, move_visit, undo_merge, undo_move
from backoffice.store import RecordStore
from backoffice.views import DecisionView
from backoffice.withdrawing import amend_entry, enter_mileage, entries_of_record, note_event, void_entry
from evidence.history import in_utc
from sync.command_facts import WithdrawnFact

Work = Callable[[AsyncConnection, Hand, str], Awaitable[str]]
TOLD_BELOW = (VoidBody, EventBody, MergedBody, MovedInBody)
"""Decisions that boxes are told of, and are told when they no longer hold."""


class Clerk:
    """Decides on ``store``; every method may raise ProblemError, and StoreFailedError."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    async def void(self, vehicle_id: str, entry_id: str, signed: Signed, seen_m: int | None = None) -> str:
        """Withdraw one value of a car's ledger, if it still says ``seen_m``; return the decision's id."""

        async def work(connection: AsyncConnection, hand: Hand, current: str) -> str:
            return (await void_entry(connection, hand, current, entry_id, signed, seen_m=seen_m)).id

        return await self._of_car(vehicle_id, work)

    async def void_record(self, record_id: str, signed: Signed, entry_id: str = "") -> tuple[str, ...]:
        """Withdraw the values that rest on one raw record, or the one of them that ``entry_id`` names."""

        async def work(connection: AsyncConnection, hand: Hand) -> Decided[tuple[str, ...]]:
            vehicle_id, found = await entries_of_record(connection, record_id)
            wanted = [one for one in found if entry_id in ("", one.entry_id) and not one.voided]
            if not wanted:
                raise ProblemError(404, "office.problem_no_entry")
            made = [await void_entry(connection, hand, vehicle_id, one.entry_id, signed) for one in wanted]
            return Decided(tuple(one.id for one in made), (vehicle_id,))

        return await self._store.decide(work)

    async def amend_record(self, record_id: str, odometer_m: int, signed: Signed, entry_id: str = "") -> str:
        """Put another value in place of the one that rests on a raw record; return the decision's id."""

        async def work(connection: AsyncConnection, hand: Hand) -> Decided[str]:
            vehicle_id, found = await entries_of_record(connection, record_id)
            wanted = [one for one in found if entry_id in ("", one.entry_id)]
            if len(wanted) != 1:
                raise ProblemError(422 if wanted else 404, "office.problem_which_entry")
            made = await amend_entry(connection, hand, vehicle_id, wanted[0], odometer_m, signed)
            return Decided(made.id, (vehicle_id,))

        return await self._store.decide(work)

    async def enter_mileage(self, vehicle_id: str, said: MileageEntryBody, signed: Signed) -> str:
        """Add a mileage that a person knows; return the decision's id."""
        dated = said.model_copy(update={"seen_at": in_utc(said.seen_at), "amends": ""})

        async def work(connection: AsyncConnection, hand: Hand, current: str) -> str:
            return (await enter_mileage(connection, hand, current, dated, signed)).id

        return await self._of_car(vehicle_id, work)

    async def note_event(self, vehicle_id: str, event: EventBody, signed: Signed) -> str:
        """Note a replaced cluster or another unit of the dashboard; return the decision's id."""
        dated = event.model_copy(update={"happened_at": in_utc(event.happened_at)})

        async def work(connection: AsyncConnection, hand: Hand, current: str) -> str:
            return (await note_event(connection, hand, current, dated, signed)).id

        return await self._of_car(vehicle_id, work)

    async def join_visits(self, vehicle_id: str, kept: str, other: str, signed: Signed) -> str:
        """Count two visits of a car as one; return the decision's id."""

        async def work(connection: AsyncConnection, hand: Hand, current: str) -> str:
            return (await join_visits(connection, hand, current, kept, other, signed)).id

        return await self._of_car(vehicle_id, work)

    async def move_visit(self, vehicle_id: str, snapshot_id: str, to: str, signed: Signed) -> str:
        """Give a visit to another car, or to one of its own; return that car's id."""

        async def work(connection: AsyncConnection, hand: Hand) -> Decided[str]:
            source = await _existing(connection, vehicle_id)
            target = await move_visit(connection, hand, source, snapshot_id, to, signed)
            return Decided(target, (source, target))

        return await self._store.decide(work)

    async def merge_cars(self, vehicle_id: str, other: str, signed: Signed) -> str:
        """Make another car's file part of this one's; return the decision's id."""

        async def work(connection: AsyncConnection, hand: Hand, current: str) -> str:
            return (await merge_cars(connection, hand, current, other, signed)).id

        return await self._of_car(vehicle_id, work)

    async def take_back(self, decision_id: str, signed: Signed) -> str:
        """Let a decision no longer hold; return the id of the car it stood at."""

        async def work(connection: AsyncConnection, hand: Hand) -> Decided[str]:
            vehicle_id, decision = await _in_force(connection, decision_id)
            back = await sign(connection, hand, vehicle_id, decision.id, TakenBackBody(), signed)
            cars = await _undo(connection, hand, vehicle_id, decision, signed)
            if isinstance(decision.body, TOLD_BELOW):
                fact = WithdrawnFact(id=back.id, vin=UNFILLED, fact=decision.id)
                await fact_entered(connection, vehicle_id, fact, hand.now)
            return Decided(await current_id(connection, vehicle_id) or vehicle_id, cars)

        return await self._store.decide(work)

    async def decisions(self, vehicle_id: str) -> tuple[DecisionView, ...]:
        """Everything that was decided about a car, the newest first."""

        async def read(connection: AsyncConnection) -> tuple[Decision, ...]:
            return await load_decisions(connection, await _existing(connection, vehicle_id))

        known = await self._store.look_up(read)
        by_id, standing = {one.id: one for one in known}, {one.id for one in in_force(known)}
        return tuple(_view(one, by_id, standing) for one in reversed(known))

    async def _of_car(self, vehicle_id: str, work: Work) -> str:
        """Work on one car's file, wherever it is now, and judge that car again."""

        async def act(connection: AsyncConnection, hand: Hand) -> Decided[str]:
            current = await _existing(connection, vehicle_id)
            return Decided(await work(connection, hand, current), (current,))

        return await self._store.decide(act)


async def _existing(connection: AsyncConnection, vehicle_id: str) -> str:
    current = await current_id(connection, vehicle_id)
    if current is None:
        raise ProblemError(404, "office.problem_no_vehicle")
    return current


async def _in_force(connection: AsyncConnection, decision_id: str) -> tuple[str, Decision]:
    """A decision that may be taken back, at its standing end; raise ProblemError for any other."""
    found = await one_decision(connection, decision_id)
    if found and isinstance(found[1].body, MovedOutBody):
        found = await one_decision(connection, found[1].body.pair)
    if found is None or isinstance(found[1].body, TakenBackBody):
        raise ProblemError(404, "office.problem_no_decision")
    if await was_taken_back(connection, found[1].id):
        raise ProblemError(409, "office.problem_taken_back_already")
    return found


async def _undo(
    connection: AsyncConnection, hand: Hand, vehicle_id: str, decision: Decision, signed: Signed
) -> tuple[str, ...]:
    """Move back what a decision moved; return the cars to judge again."""
    if isinstance(decision.body, MergedBody):
        return await undo_merge(connection, hand, vehicle_id, decision)
    if isinstance(decision.body, MovedInBody):
        return await undo_move(connection, hand, vehicle_id, decision, signed)
    return (vehicle_id,)


def _view(decision: Decision, others: dict[str, Decision], standing: set[str]) -> DecisionView:
    other = getattr(decision.body, "other", decision.subject if isinstance(decision.body, MergedBody) else "")
    undone = isinstance(decision.body, TakenBackBody)
    return DecisionView(
        id=decision.id,
        kind=decision.kind.value,
        subject=decision.subject,
        text=sentence_of(decision, others),
        reason=decision.reason,
        person=decision.person,
        at=decision.at,
        standing=decision.id in standing and not undone,
        other=other,
    )
