"""The table of decisions: adding to it and reading it. Every function works on the caller's transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.decisions import BODIES, MAX_PERSON, MAX_WORDS, Decision, DecisionKind
from backoffice.tables import decisions


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


async def load_decisions(connection: AsyncConnection, vehicle_id: str) -> tuple[Decision, ...]:
    """All decisions about a car, oldest first, those that were taken back included."""
    mine = select(decisions).where(decisions.c.vehicle_id == vehicle_id).order_by(decisions.c.at, decisions.c.id)
    return _known((await connection.execute(mine)).all())


async def one_decision(connection: AsyncConnection, decision_id: str) -> tuple[str, Decision] | None:
    """A decision and the car it stands at; None when there is none of that id."""
    row = (await connection.execute(select(decisions).where(decisions.c.id == decision_id))).first()
    found = _known([row] if row else [])
    return (str(row.vehicle_id), found[0]) if row and found else None


async def was_taken_back(connection: AsyncConnection, decision_id: str) -> bool:
    back = (decisions.c.subject == decision_id, decisions.c.kind == DecisionKind.TAKEN_BACK.value)
    return (await connection.execute(select(decisions.c.id).where(*back))).first() is not None


def _known(rows: Sequence[Row[Any]]) -> tuple[Decision, ...]:
    """Rows as values; a kind that a newer version wrote is left out."""
    kinds = {kind.value: kind for kind in DecisionKind}
    return tuple(_decision(row, kinds[row.kind]) for row in rows if row.kind in kinds)


def _decision(row: Row[Any], kind: DecisionKind) -> Decision:
    body = BODIES[kind].model_validate_json(row.body)
    return Decision(row.id, kind, row.subject, body, row.reason, row.by, row.at)
