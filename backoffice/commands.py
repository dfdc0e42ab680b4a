"""The queue of commands to the boxes, and the facts that go down by themselves. Each function is part of a transaction.

A command waits until the box has answered it or it has expired. A fact goes to every box that has read its car, also to
one that reads it later; whoever enters a fact only says so here (`fact_entered`).
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, Select, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.cars import NewId, current_ids
from backoffice.command_tables import commands, facts, facts_sent
from backoffice.errors import QueueFullError
from backoffice.tables import records, streams, vehicles
from backoffice.views import WorkOrder
from evidence.history import in_utc
from sync.command import KINDS, MAX_FACTS, CommandAnswer, Status
from sync.command_facts import ITEM, Fact, ServiceFact

WAITING = "waiting"
OPEN_LIMIT = 200
FACTS_LIFE = timedelta(days=30)
LIVES = {  # how long each kind is worth waiting for, unless somebody says otherwise
    "intake": timedelta(minutes=2),
    "health": timedelta(hours=1),
    "rules": timedelta(days=1),
    "resend": timedelta(days=7),
    "facts": FACTS_LIFE,
}
TRY_AGAIN_AFTER = timedelta(days=1)
KEEP_CLOSED = timedelta(days=90)
BY_ITSELF = "forecourt"
UNFILLED = "-"
"""Stands for the VIN in a fact until it is sent: it may still change."""
FACTS_BYTES = 64 << 10
LOOKED_AT_TOGETHER = 500
_ITEM = re.compile(ITEM)


@dataclass(frozen=True, slots=True)
class Queued:
    """One command as the queue holds it; ``answer`` is None while the box has said nothing."""

    id: str
    device: str
    kind: str
    params: dict[str, object]
    created_at: datetime
    created_by: str
    expires_at: datetime
    state: str
    answer: CommandAnswer | None
    closed_at: datetime | None
    sent_at: datetime | None
    sends: int


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants of ``device``; ``params`` fit the kind (`sync.command.KINDS`)."""

    device: str
    kind: str
    params: dict[str, object]
    by: str
    life: timedelta


async def enqueue(connection: AsyncConnection, order: Order, *, now: datetime, new_id: NewId) -> str:
    """Owe ``order`` to its device and return the command's id.

    Raise ValueError for a kind or parameters that no box takes, QueueFullError when 200 wait for this device already.
    """
    if order.kind not in KINDS:
        raise ValueError(f"no command is called '{order.kind}'")
    KINDS[order.kind].model_validate(order.params)
    waiting = select(func.count()).where(commands.c.device == order.device, commands.c.state == WAITING)
    if (await connection.execute(waiting)).scalar_one() >= OPEN_LIMIT:
        raise QueueFullError(order.device)
    command_id = new_id()
    await connection.execute(
        insert(commands).values(
            id=command_id,
            device=order.device,
            kind=order.kind,
            params=json.dumps(order.params, ensure_ascii=False),
            created_at=now,
            created_by=order.by[:80],
            expires_at=now + order.life,
            state=WAITING,
        )
    )
    return command_id


async def fact_entered(connection: AsyncConnection, vehicle_id: str, fact: Fact, at: datetime) -> None:
    """Let ``fact`` go down to the boxes; call it in the transaction that enters it.

    One whose id is known changes nothing. ``fact.vin`` need not be right: the car's own is filled in when it is sent.
    """
    known = select(facts.c.id).where(facts.c.id == fact.id)
    if (await connection.execute(known)).first() is None:
        body = fact.model_dump_json(exclude={"vin"})
        await connection.execute(insert(facts).values(id=fact.id, vehicle_id=vehicle_id, fact=body, entered_at=at))


def service_fact(workorder_id: str, order: WorkOrder) -> ServiceFact:
    """The service of ``order`` as the boxes learn it: nobody's name, no note, and only items that a plan can name."""
    items = tuple(item for item in order.items if _ITEM.match(item))
    meters = order.model_dump(include={"odometer_m", "engine_run_s", "hev_m"})
    return ServiceFact(id=workorder_id, vin=UNFILLED, done_at=in_utc(order.done_at), items=items, **meters)


async def owes_facts(connection: AsyncConnection, cars: Collection[str] | None = None) -> bool:
    """Whether `plan_facts` would find anything."""
    return bool(await _owed_facts(connection, cars))


async def plan_facts(
    connection: AsyncConnection, *, now: datetime, new_id: NewId, cars: Collection[str] | None = None
) -> tuple[str, ...]:
    """Make commands of the facts that some box does not have yet; return the devices that got any.

    With ``cars`` only what concerns these is looked at. There may be more facts than go into one command: ask again.
    """
    owed = await _owed_facts(connection, cars)
    devices = []
    for device in dict.fromkeys(device for device, _ in owed):
        mine = _one_command_of([fact for at, fact in owed if at == device])
        order = Order(device, "facts", {"facts": mine}, BY_ITSELF, FACTS_LIFE)
        try:
            command_id = await enqueue(connection, order, now=now, new_id=new_id)
        except QueueFullError:
            continue  # a box that has been away for long: its facts are still here when it is back
        rows = [{"fact_id": fact["id"], "device": device, "command_id": command_id} for fact in mine]
        await connection.execute(insert(facts_sent), rows)
        devices.append(device)
    return tuple(devices)


def _one_command_of(owed: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """The longest beginning of ``owed`` that a box takes at once, one fact at least."""
    size = 0
    for count, fact in enumerate(owed[:MAX_FACTS]):
        size += len(json.dumps(fact, ensure_ascii=False).encode())
        if size > FACTS_BYTES and count:
            return list(owed[:count])
    return list(owed[:MAX_FACTS])


async def _owed_facts(connection: AsyncConnection, cars: Collection[str] | None) -> list[tuple[str, dict[str, object]]]:
    """Device and fact, oldest first, of everything that a box which has read the car was not told yet."""
    named = (await connection.execute(_facts_to_look_at(cars))).all()
    found: list[tuple[str, dict[str, object]]] = []
    for at in range(0, len(named), LOOKED_AT_TOGETHER):
        found += await _owed_of(connection, named[at : at + LOOKED_AT_TOGETHER])
    return found


def _facts_to_look_at(cars: Collection[str] | None) -> Select[tuple[str, str, str]]:
    wanted = select(facts.c.id, facts.c.vehicle_id, facts.c.fact).order_by(facts.c.entered_at, facts.c.id)
    if cars is None:
        return wanted
    merged = select(vehicles.c.id).where(vehicles.c.merged_into.in_(cars))
    return wanted.where(or_(facts.c.vehicle_id.in_(cars), facts.c.vehicle_id.in_(merged)))


async def _owed_of(
    connection: AsyncConnection, named: Sequence[Row[tuple[str, str, str]]]
) -> list[tuple[str, dict[str, object]]]:
    current = await current_ids(connection, list({row.vehicle_id for row in named}))
    cars = set(current.values())
    # a box knows a car by its VIN
    vins = select(vehicles.c.id, vehicles.c.vin).where(vehicles.c.id.in_(cars), vehicles.c.vin != "")
    vin_of = {row.id: row.vin for row in await connection.execute(vins)}
    read_at = select(records.c.vehicle_id, records.c.device).where(records.c.vehicle_id.in_(set(vin_of))).distinct()
    boxes: dict[str, list[str]] = {}
    for row in await connection.execute(read_at.order_by(records.c.device)):
        boxes.setdefault(row.vehicle_id, []).append(row.device)
    told = select(facts_sent.c.fact_id, facts_sent.c.device).where(facts_sent.c.fact_id.in_([row.id for row in named]))
    done = {(row.fact_id, row.device) for row in await connection.execute(told)}
    return [
        (device, json.loads(row.fact) | {"vin": vin_of[car]})
        for row in named
        for car in (current.get(row.vehicle_id, ""),)
        for device in boxes.get(car, ())
        if (row.id, device) not in done
    ]


async def to_send(
    connection: AsyncConnection, *, now: datetime, sent_before: datetime, device: str = ""
) -> tuple[Queued, ...]:
    """Commands that wait for an answer, oldest first: those not sent since ``sent_before``, or all of ``device``."""
    open_ = select(commands).where(commands.c.state == WAITING, commands.c.expires_at > now)
    quiet = or_(commands.c.sent_at.is_(None), commands.c.sent_at <= sent_before)
    wanted = open_.where(commands.c.device == device if device else quiet)
    rows = await connection.execute(wanted.order_by(commands.c.created_at, commands.c.id).limit(OPEN_LIMIT))
    return tuple(_queued(row) for row in rows)


async def note_sent(connection: AsyncConnection, command_ids: Sequence[str], at: datetime) -> None:
    """The broker has taken these."""
    mine = update(commands).where(commands.c.id.in_(command_ids))
    await connection.execute(mine.values(sent_at=at, sends=commands.c.sends + 1))


async def note_answer(connection: AsyncConnection, device: str, answer: CommandAnswer, at: datetime) -> bool:
    """Close the command that ``answer`` speaks of; False when it is not this device's, or was answered before.

    A box that had carried it out in time is believed also after we had given it up.
    """
    mine = (commands.c.id == answer.id, commands.c.device == device, commands.c.answer == "")
    row = (await connection.execute(select(commands.c.kind, commands.c.params).where(*mine))).first()
    if row is None:
        return False
    said = {"state": answer.status.value, "answer": answer.model_dump_json(), "closed_at": at}
    await connection.execute(update(commands).where(*mine).values(**said, params=_without_cars(row.kind, row.params)))
    return True


async def any_expired(connection: AsyncConnection, now: datetime) -> bool:
    """Whether `close_expired` would give anything up."""
    late = select(commands.c.id).where(commands.c.state == WAITING, commands.c.expires_at <= now)
    return (await connection.execute(late.limit(1))).first() is not None


async def close_expired(connection: AsyncConnection, now: datetime) -> int:
    """Give up what nobody answered in time, and let go of what was closed long ago; return how many were given up."""
    late = select(commands.c.id, commands.c.kind, commands.c.params)
    rows = (await connection.execute(late.where(commands.c.state == WAITING, commands.c.expires_at <= now))).all()
    for row in rows:
        values = {"state": Status.EXPIRED.value, "closed_at": now, "params": _without_cars(row.kind, row.params)}
        await connection.execute(update(commands).where(commands.c.id == row.id).values(**values))
    await _let_go(connection, now)
    return len(rows)


async def _let_go(connection: AsyncConnection, now: datetime) -> None:
    """Facts that did not arrive are owed again after a day; old answers are of no use to anybody."""
    ended = (Status.EXPIRED.value, Status.FAILED.value, Status.UNKNOWN.value)
    lost = select(commands.c.id).where(
        commands.c.kind == "facts", commands.c.state.in_(ended), commands.c.closed_at < now - TRY_AGAIN_AFTER
    )
    await connection.execute(delete(facts_sent).where(facts_sent.c.command_id.in_(lost)))
    for device, begun_at in await _newly_begun(connection, now - KEEP_CLOSED):
        told_since = select(commands.c.id).where(
            commands.c.device == device, or_(commands.c.created_at >= begun_at, commands.c.state == WAITING)
        )
        before = facts_sent.c.command_id.not_in(told_since)
        await connection.execute(delete(facts_sent).where(facts_sent.c.device == device, before))
    await connection.execute(delete(commands).where(commands.c.closed_at < now - KEEP_CLOSED))


async def _newly_begun(connection: AsyncConnection, after: datetime) -> list[tuple[str, datetime]]:
    """Boxes that were told facts and have begun a new stream, with the moment when its first record came.

    What makes a box begin one (`sync.outbox_file.settle`, a ledger that was lost) may have cost it what it was told.
    """
    first = select(records.c.received_at).where(
        records.c.device == streams.c.device, records.c.stream == streams.c.stream
    )
    came_at = first.order_by(records.c.seq).limit(1).correlate(streams).scalar_subquery()
    told = select(streams.c.device, came_at).where(streams.c.device.in_(select(facts_sent.c.device)))
    begun = [(device, at) for device, at in await connection.execute(told) if at is not None]
    return [(device, at) for device, at in sorted(begun) if at >= after]


def _without_cars(kind: str, params: str) -> str:
    """A closed command keeps no VIN; the facts themselves lie elsewhere."""
    return json.dumps({"count": len(json.loads(params)["facts"])}) if kind == "facts" else params


async def command(connection: AsyncConnection, command_id: str) -> Queued | None:
    row = (await connection.execute(select(commands).where(commands.c.id == command_id))).first()
    return _queued(row) if row else None


async def commands_of(connection: AsyncConnection, device: str, limit: int) -> tuple[Queued, ...]:
    """The device's commands, newest first."""
    mine = select(commands).where(commands.c.device == device)
    newest = mine.order_by(commands.c.created_at.desc(), commands.c.id).limit(limit)
    return tuple(_queued(row) for row in await connection.execute(newest))


async def knows_device(connection: AsyncConnection, device: str) -> bool:
    """Whether a box of this name has ever sent a record."""
    return (
        await connection.execute(select(streams.c.device).where(streams.c.device == device).limit(1))
    ).first() is not None


def _queued(row: Row[tuple[object, ...]]) -> Queued:
    names = ("id", "device", "kind", "created_at", "created_by", "expires_at", "state", "closed_at", "sent_at", "sends")
    answer = CommandAnswer.model_validate_json(row.answer) if row.answer else None
    return Queued(params=json.loads(row.params), answer=answer, **{name: getattr(row, name) for name in names})
