"""Two visits that were one, a visit in the wrong car's file, two files of one car. On the caller's transaction.

Each can be taken back, and neither side is lost. A VIN that a car told by itself is never overruled.
"""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.cars import TOLD_BY_THE_CAR, claim, create_car, current_id, current_ids
from backoffice.commands import UNFILLED, fact_entered
from backoffice.decision_store import Hand, Signed, other_end, sign
from backoffice.decisions import Decision, JoinedBody, MergedBody, MovedInBody, MovedOutBody, TakenBackBody
from backoffice.identity import MAX_KEY, IdentityKey, KeyKind, normalise
from backoffice.merging import dissolve_if_empty, give_visit, inventory, merge, part, unpin_visit
from backoffice.problems import ProblemError
from backoffice.review import load_case
from backoffice.tables import identities, stock_changes, vehicles
from evidence.history import in_utc
from evidence.snapshot import VinStatus
from evidence.vin import names_a_car
from sync.command_facts import MergeFact, StockFact, StockState


async def join_visits(
    connection: AsyncConnection, hand: Hand, vehicle_id: str, kept: str, other: str, signed: Signed
) -> Decision:
    """Count the visit ``other`` as part of ``kept``; raise ProblemError for visits that are not two of this car's."""
    visits = {visit.snapshot.id for visit in (await load_case(connection, vehicle_id)).dossier.visits}
    if kept == other or not {kept, other} <= visits:
        raise ProblemError(422, "office.problem_visits")
    return await sign(connection, hand, vehicle_id, other, JoinedBody(kept=kept), signed)


async def move_visit(
    connection: AsyncConnection, hand: Hand, source: str, snapshot_id: str, to: str, signed: Signed
) -> str:
    """Give one visit to the car that ``to`` names (VIN, stock number or plate), or to one of its own; return its id.

    A VIN that no car has yet begins a new file; an empty ``to`` one without a VIN.
    """
    known = await load_case(connection, source)
    visit = next((one for one in known.dossier.visits if one.snapshot.id == snapshot_id), None)
    if visit is None:
        raise ProblemError(404, "office.problem_no_visit")
    target = await _named_or_new(connection, hand, to, known.market)
    if target == source:
        raise ProblemError(422, "office.problem_same_car")
    vehicle, right_vin = visit.snapshot.vehicle, await _vin_of(connection, target)
    if vehicle.vin_status in TOLD_BY_THE_CAR and vehicle.vin != right_vin:
        raise ProblemError(409, "office.problem_told_vin", vin_tail=vehicle.vin[-4:])
    wrong = vehicle.vin if vehicle.vin_status is VinStatus.TYPED and vehicle.vin != right_vin else ""
    arrived = await sign(connection, hand, target, snapshot_id, MovedInBody(other=source, wrong_vin=wrong), signed)
    await sign(connection, hand, source, snapshot_id, MovedOutBody(other=target, pair=arrived.id), signed)
    await give_visit(connection, snapshot_id, source, target)
    fact = MergeFact(id=arrived.id, vin=UNFILLED, intake_ids=(snapshot_id,))
    await fact_entered(connection, target, fact, hand.now)
    return target


async def merge_cars(connection: AsyncConnection, hand: Hand, keeper: str, other: str, signed: Signed) -> Decision:
    """Make the file that ``other`` names part of this car's; raise ProblemError where both cars told a VIN."""
    absorbed = await named_car(connection, other)
    if absorbed is None:
        raise ProblemError(404, "office.problem_no_such_car")
    if absorbed == keeper:
        raise ProblemError(422, "office.problem_same_car")
    wrong_vin = await _overruled(connection, keeper, absorbed)
    body = await inventory(connection, absorbed, wrong_vin)
    own_vin = await _vin_of(connection, keeper)
    await merge(connection, absorbed, keeper)
    if body.absorbed_vin and not own_vin:
        await claim(connection, [IdentityKey(KeyKind.VIN, body.absorbed_vin)], keeper)
    decision = await sign(connection, hand, keeper, absorbed, body, signed)
    if body.absorbed_vin:
        fact = MergeFact(id=decision.id, vin=UNFILLED, other_vin=body.absorbed_vin if own_vin else "")
        await fact_entered(connection, keeper, fact, hand.now)
    return decision


async def undo_merge(connection: AsyncConnection, hand: Hand, keeper: str, decision: Decision) -> tuple[str, ...]:
    """Part what a merge brought together; return the cars to judge again."""
    body = decision.body
    assert isinstance(body, MergedBody)  # noqa: S101 - the kind of decision that it is
    await part(connection, keeper, decision.subject, body)
    if body.absorbed_vin and await _vin_of(connection, keeper) == body.absorbed_vin:
        await connection.execute(update(vehicles).where(vehicles.c.id == keeper).values(vin=""))
    await _tell_where_they_stand(connection, hand, (keeper, decision.subject))
    return keeper, decision.subject


async def _tell_where_they_stand(connection: AsyncConnection, hand: Hand, cars: tuple[str, ...]) -> None:
    """A box that first heard of a step while these cars were one has noted it for the wrong one."""
    steps = select(stock_changes.c.id).where(stock_changes.c.vehicle_id.in_(cars)).limit(1)
    if (await connection.execute(steps)).first() is None:
        return
    standing = select(vehicles.c.id, vehicles.c.stock_state).where(vehicles.c.id.in_(cars))
    for car, state in (await connection.execute(standing)).all():
        fact = StockFact(id=hand.new_id(), vin=UNFILLED, state=StockState(state), at=in_utc(hand.now))
        await fact_entered(connection, car, fact, hand.now)


async def undo_move(
    connection: AsyncConnection, hand: Hand, target: str, decision: Decision, signed: Signed
) -> tuple[str, ...]:
    """Bring a visit back to the car that it was taken from, wherever that car's file is now.

    A car that was begun for it and has nothing else leads there from now on.
    """
    body = decision.body
    assert isinstance(body, MovedInBody)  # noqa: S101 - the kind of decision that it is
    source = await current_id(connection, body.other) or body.other
    await give_visit(connection, decision.subject, target, source)
    await unpin_visit(connection, decision.subject)
    left = await other_end(connection, decision)
    if left:
        await sign(connection, hand, left[0], left[1].id, TakenBackBody(), signed)
    if await dissolve_if_empty(connection, target, source):
        return (source,)
    return source, target


async def named_car(connection: AsyncConnection, words: str) -> str | None:
    """The one car that goes by this id, VIN, stock number or plate; None when there is none, or more than one."""
    by_id = await current_id(connection, words[:MAX_KEY])
    name = normalise(words)[:MAX_KEY]
    if by_id is not None or not name:
        return by_id
    key = (identities.c.kind.in_((KeyKind.VIN.value, KeyKind.STOCK.value)), identities.c.value == name)
    known = (await connection.execute(select(identities.c.vehicle_id).where(*key))).scalars()
    found = set((await current_ids(connection, list(known))).values())
    if not found:
        plated = select(vehicles.c.id).where(vehicles.c.plate_key == name, vehicles.c.merged_into.is_(None))
        found = set((await connection.execute(plated.limit(2))).scalars())
    return found.pop() if len(found) == 1 else None


async def _named_or_new(connection: AsyncConnection, hand: Hand, to: str, market: str) -> str:
    known = await named_car(connection, to) if to.strip() else None
    if known is not None:
        return known
    vin = normalise(to)
    if to.strip() and not names_a_car(vin):
        raise ProblemError(404, "office.problem_no_such_car")
    new = await create_car(connection, hand.new_id(), market, hand.now)
    if vin:
        await claim(connection, [IdentityKey(KeyKind.VIN, vin)], new)
    return new


async def _overruled(connection: AsyncConnection, keeper: str, absorbed: str) -> str:
    """The VIN that a merge says was a mistake, "" for none; raise ProblemError where it may not be one."""
    right, wrong = await _vin_of(connection, keeper), await _vin_of(connection, absorbed)
    if not right or not wrong:
        return ""
    if await _told(connection, absorbed, wrong):
        both = await _told(connection, keeper, right)
        key = "office.problem_two_cars" if both else "office.problem_other_way"
        raise ProblemError(409, key, vin_tail=wrong[-4:])
    return wrong


async def _told(connection: AsyncConnection, vehicle_id: str, vin: str) -> bool:
    """Whether the car itself said this VIN at some visit."""
    visits = (await load_case(connection, vehicle_id)).dossier.visits
    vehicles_seen = (visit.snapshot.vehicle for visit in visits)
    return any(normalise(one.vin) == vin and one.vin_status in TOLD_BY_THE_CAR for one in vehicles_seen)


async def _vin_of(connection: AsyncConnection, vehicle_id: str) -> str:
    return str((await connection.execute(select(vehicles.c.vin).where(vehicles.c.id == vehicle_id))).scalar_one())
