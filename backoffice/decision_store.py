"""The table of decisions: adding to it and reading it. Every function works on the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.cars import NewId
from backoffice.decisions import BODIES, KIND_OF, MAX_PERSON, MAX_WORDS, Body, Decision, DecisionKind
from backoffice.tables import decisions

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Hand:
    """What every decision needs besides a connection: the time, and where new ids come from."""

    now: datetime
    new_id: NewId


@dataclass(frozen=True, slots=True)
class Signed:
    """Who decides, and why."""

    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decided(Generic[Answer]):
    """What came of a decision, and the ``cars`` that must be judged again because of it."""

    answer: Answer
    cars: tuple[str, ...]


async def add_decision(connection: AsyncConnection, vehicle_id: str, decision: Decision) -> None:
    """Keep a decision for good; nothing changes or deletes one."""
    await connection.execute(
        insert(decisions).values(
            id=decision.id,
            vehicle_id=vehicle_id,
            kind=decision.kind.value,
            subject=decision.subject,
            body=decision.body.model_dump_json(),
            reason=decision.reason[:MAX_WORDS],
            by=decision.person[:MAX_PERSON],
            at=decision.at,
        )
    )


async def sign(
    connection: AsyncConnection, hand: Hand, vehicle_id: str, subject: str, body: Body, signed: Signed
) -> Decision:
    """Keep a new decision about ``subject``; what it is follows from ``body``."""
    decision = Decision(hand.new_id(), KIND_OF[type(body)], subject, body, signed.reason, signed.person, hand.now)
    await add_decision(connection, vehicle_id, decision)
    return decision


async def load_decisions(connection: AsyncConnection, vehicle_id: str) -> tuple[Decision, ...]:
    """All decisions about a car, oldest first, those that were taken back included."""
    mine = select(decisions).where(decisions.c.vehicle_id == vehicle_id)
    return tuple(sorted(_known((await connection.execute(mine)).all()), key=_order))


async def other_end(connection: AsyncConnection, arrived: Decision) -> tuple[str, Decision] | None:
    """The decision that stands at the car which a visit was taken from, and that car; ``arrived`` is its pair."""
    left = (decisions.c.kind == DecisionKind.MOVED_OUT.value, decisions.c.subject == arrived.subject)
    rows = (await connection.execute(select(decisions).where(*left))).all()
    pairs = ((str(row.vehicle_id), one) for row, one in zip(rows, _known(rows), strict=True))
    return next((found for found in pairs if getattr(found[1].body, "pair", "") == arrived.id), None)


async def one_decision(connection: AsyncConnection, decision_id: str) -> tuple[str, Decision] | None:
    """A decision and the car it stands at; None when there is none of that id."""
    row = (await connection.execute(select(decisions).where(decisions.c.id == decision_id))).first()
    found = _known([row] if row else [])
    return (str(row.vehicle_id), found[0]) if row and found else None


async def was_taken_back(connection: AsyncConnection, decision_id: str) -> bool:
    back = (decisions.c.subject == decision_id, decisions.c.kind == DecisionKind.TAKEN_BACK.value)
    return (await connection.execute(select(decisions.c.id).where(*back))).first() is not None


def _order(decision: Decision) -> tuple[datetime, bool, str]:
    """Nothing is taken back before it was decided, also within one tick of the clock."""
    return decision.at, decision.kind is DecisionKind.TAKEN_BACK, decision.id


def _known(rows: Sequence[Row[Any]]) -> tuple[Decision, ...]:
    """Rows as values; a kind that a newer version wrote is left out."""
    kinds = {kind.value: kind for kind in DecisionKind}
    return tuple(_decision(row, kinds[row.kind]) for row in rows if row.kind in kinds)


def _decision(row: Row[Any], kind: DecisionKind) -> Decision:
    body = BODIES[kind].model_validate_json(row.body)
    return Decision(row.id, kind, row.subject, body, row.reason, row.by, row.at)
