"""A car's way through the stock: which step may follow which, and the steps that were taken.

A step off the map is a slip that somebody puts right, and needs a word why. The functions with a connection work on
the caller's transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.cars import NewId
from backoffice.commands import UNFILLED, fact_entered
from backoffice.problems import ProblemError
from backoffice.tables import stock_changes, vehicles
from evidence.history import in_utc
from sync.command_facts import StockFact, StockState

MAX_NOTE = 200
ARRIVED, PREPARING, ON_SALE, RESERVED, SOLD, RETURNED = StockState
NEXT: dict[StockState, frozenset[StockState]] = {
    ARRIVED: frozenset((PREPARING, ON_SALE, RESERVED, SOLD, RETURNED)),
    PREPARING: frozenset((ON_SALE, RESERVED, SOLD, RETURNED)),
    ON_SALE: frozenset((PREPARING, RESERVED, SOLD, RETURNED)),
    RESERVED: frozenset((PREPARING, ON_SALE, SOLD, RETURNED)),
    SOLD: frozenset((RETURNED,)),
    RETURNED: frozenset((ARRIVED, PREPARING, ON_SALE)),
}
"""The usual ways. A reservation may fall through; a returned car is prepared and offered anew, or arrives again."""


@dataclass(frozen=True, slots=True)
class StockStep:
    """``before`` is None where an earlier version did not note it."""

    before: StockState | None
    after: StockState
    person: str
    at: datetime
    note: str = ""


def usual(before: StockState, after: StockState) -> bool:
    """Whether the step needs no explanation."""
    return after in NEXT[before]


async def take_step(
    connection: AsyncConnection, vehicle_id: str, step: StockStep, new_id: NewId, *, expected: StockState | None = None
) -> bool:
    """Move a car to ``step.after`` and let its boxes know; False when it stands there already.

    Raise ProblemError (409) for a step off the map without a note, and when the car does not stand where ``expected``
    says the person saw it.
    """
    standing = select(vehicles.c.stock_state).where(vehicles.c.id == vehicle_id)
    before = StockState((await connection.execute(standing)).scalar_one())
    if expected not in (None, before):
        raise ProblemError(409, "office.problem_stock_moved", state=f"@office.state_{before}")
    if before is step.after:
        return False
    if not usual(before, step.after) and not step.note:
        raise ProblemError(
            409, "office.problem_stock_step", before=f"@office.state_{before}", after=f"@office.state_{step.after}"
        )
    await connection.execute(update(vehicles).where(vehicles.c.id == vehicle_id).values(stock_state=step.after.value))
    change_id = new_id()
    await connection.execute(
        insert(stock_changes).values(
            id=change_id,
            vehicle_id=vehicle_id,
            state=step.after.value,
            from_state=before.value,
            by=step.person[:80],
            at=step.at,
            note=step.note[:MAX_NOTE],
        )
    )
    fact = StockFact(id=change_id, vin=UNFILLED, state=step.after, at=in_utc(step.at))
    await fact_entered(connection, vehicle_id, fact, step.at)
    return True


async def load_steps(connection: AsyncConnection, vehicle_id: str) -> tuple[StockStep, ...]:
    """The steps a car took, oldest first."""
    mine = select(stock_changes).where(stock_changes.c.vehicle_id == vehicle_id)
    rows = await connection.execute(mine.order_by(stock_changes.c.at, stock_changes.c.id))
    return tuple(
        StockStep(
            StockState(row.from_state) if row.from_state else None, StockState(row.state), row.by, row.at, row.note
        )
        for row in rows
    )
