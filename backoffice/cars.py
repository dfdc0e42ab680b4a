"""Giving each record to its car: a known one, a new one, or a provisional one that turns out to be another.

Every function works on the caller's transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, delete, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.chronology import StoredRecord
from backoffice.identity import MAX_KEY, IdentityKey, KeyKind, identity_keys, resolve
from backoffice.tables import (
    OF_A_CAR,
    alerts,
    codes,
    decisions,
    identities,
    odometer_entries,
    plates,
    records,
    stock_changes,
    vehicles,
    workorders,
)
from backoffice.views import StockState
from evidence.snapshot import VinStatus
from sync.records import ClockBody, MileageBody, SnapshotBody, TombstoneBody, VehicleRef

NewId = Callable[[], str]
TOLD_BY_THE_CAR = frozenset({VinStatus.READ, VinStatus.CONFLICTING})
PINNED = "pinned"
"""Kind of an identity that a person set: the visit of that id belongs to this car. Stronger than any key."""


@dataclass(frozen=True, slots=True)
class Owner:
    """``changed`` when the car is new, or got a name that it did not have."""

    vehicle_id: str
    changed: bool


MOVED: tuple[Table, ...] = (records, identities, workorders, stock_changes, alerts, decisions)
"""What goes along when two cars become one."""
_REDRAWN: tuple[Table, ...] = (odometer_entries, codes, plates)


def keys_of(stored: StoredRecord) -> tuple[IdentityKey, ...]:
    """What ``stored`` says about whose it is; () for a record about no car."""
    body = stored.record.body
    if isinstance(body, ClockBody | TombstoneBody):
        return ()
    if isinstance(body, SnapshotBody):
        vehicle = body.snapshot.vehicle
        ref = VehicleRef(vin=vehicle.vin, stock_number=vehicle.stock_number, intake_id=snapshot_id_of(stored))
        return identity_keys(ref)
    keys = identity_keys(body.vehicle)
    snapshot_id = snapshot_id_of(stored)
    if snapshot_id and snapshot_id != body.vehicle.intake_id:
        keys += (IdentityKey(KeyKind.INTAKE, snapshot_id),)
    if not keys and isinstance(body, MileageBody):
        return (IdentityKey(KeyKind.INTAKE, stored.key),)
    return keys


def snapshot_id_of(stored: StoredRecord) -> str:
    """The visit that ``stored`` belongs to; a snapshot without an id goes by its record's identity."""
    body = stored.record.body
    if isinstance(body, SnapshotBody):
        return body.snapshot.id[:MAX_KEY] or stored.key
    return str(getattr(body, "snapshot_id", ""))[:MAX_KEY]


def tells_its_vin(stored: StoredRecord) -> bool:
    """Whether the VIN of ``stored`` comes from the car itself and not from somebody's keyboard."""
    body = stored.record.body
    return isinstance(body, SnapshotBody) and body.snapshot.vehicle.vin_status in TOLD_BY_THE_CAR


async def owner(
    connection: AsyncConnection,
    keys: Sequence[IdentityKey],
    market: str,
    at: datetime,
    new_id: NewId,
    *,
    told: bool = False,
) -> Owner:
    """The car that ``keys`` (at least one) name, made or merged as needed; ``told`` as in `resolve`.

    A visit that a person gave to a car stays there, whatever VIN was typed with it.
    """
    owners, vins, pinned = await _owners(connection, keys)
    if pinned:
        named = [key for key in keys if key.kind is not KeyKind.VIN and owners.get(key) != pinned]
        await claim(connection, named, pinned)
        return Owner(pinned, changed=bool(named))
    resolution = resolve(tuple(keys), owners, vins, told=told)
    vehicle_id = resolution.vehicle_id or await create_car(connection, new_id(), market, at)
    for absorbed in resolution.absorb:
        await absorb(connection, absorbed, vehicle_id)
    unclaimed = [key for key in keys if owners.get(key) != vehicle_id]
    await claim(connection, unclaimed, vehicle_id)
    return Owner(vehicle_id, changed=bool(unclaimed))


async def current_ids(connection: AsyncConnection, vehicle_ids: Sequence[str]) -> dict[str, str]:
    """Follow merges from each of ``vehicle_ids``; a car that does not exist is left out."""
    leads = dict.fromkeys(vehicle_ids, "")
    unread = set(leads)
    while unread:
        found = select(vehicles.c.id, vehicles.c.merged_into).where(vehicles.c.id.in_(unread))
        rows = {row[0]: row[1] for row in await connection.execute(found)}
        leads |= {vehicle_id: into or vehicle_id for vehicle_id, into in rows.items()}
        unread = {into for into in rows.values() if into and into not in leads}
    ends = {vehicle_id: _end_of(vehicle_id, leads) for vehicle_id in vehicle_ids}
    return {vehicle_id: end for vehicle_id, end in ends.items() if end}


def _end_of(vehicle_id: str, leads: dict[str, str]) -> str:
    while leads.get(vehicle_id, vehicle_id) != vehicle_id:
        vehicle_id = leads[vehicle_id]
    return vehicle_id


async def current_id(connection: AsyncConnection, vehicle_id: str) -> str | None:
    """Follow merges from ``vehicle_id``; None when there is no such car."""
    return (await current_ids(connection, [vehicle_id])).get(vehicle_id)


async def cars_dated_by(connection: AsyncConnection, stored: StoredRecord) -> tuple[str, ...]:
    """Cars whose earlier records a ``clock`` record gives a date to."""
    if not isinstance(stored.record.body, ClockBody):
        return ()
    boot = (records.c.device == stored.device, records.c.boot == stored.record.boot)
    found = select(records.c.vehicle_id).where(*boot, OF_A_CAR).distinct()
    return tuple((await connection.execute(found)).scalars())


async def _owners(
    connection: AsyncConnection, keys: Sequence[IdentityKey]
) -> tuple[dict[IdentityKey, str], dict[str, str], str]:
    """Which car each known key names, those cars' VINs, and the car that a person gave this visit to, "" for none."""
    asked = [(key.kind.value, key.value) for key in keys]
    asked += [(PINNED, key.value) for key in keys if key.kind is KeyKind.INTAKE]
    named = tuple_(identities.c.kind, identities.c.value).in_(asked)
    joined = identities.join(vehicles, vehicles.c.id == identities.c.vehicle_id)
    found = select(identities.c.kind, identities.c.value, vehicles.c.id, vehicles.c.vin).select_from(joined)
    rows = (await connection.execute(found.where(named))).all()
    pinned = next((str(row[2]) for row in rows if row[0] == PINNED), "")
    rows = [row for row in rows if row[0] != PINNED]
    owners = {IdentityKey(KeyKind(row[0]), row[1]): row[2] for row in rows}
    return owners, {row[2]: row[3] for row in rows}, pinned


async def create_car(connection: AsyncConnection, vehicle_id: str, market: str, at: datetime) -> str:
    """A car of which nothing is known yet."""
    await connection.execute(
        insert(vehicles).values(
            id=vehicle_id,
            vin="",
            plate_key="",
            stock_key="",
            stock_state=StockState.ARRIVED.value,
            market=market,
            created_at=at,
            summary="",
            detail="",
        )
    )
    return vehicle_id


async def claim(connection: AsyncConnection, keys: Sequence[IdentityKey], vehicle_id: str) -> None:
    """Let ``keys`` name this car from now on; a stock number used again names the car it was used for last."""
    for key in keys:
        where = (identities.c.kind == key.kind.value, identities.c.value == key.value)
        changed = await connection.execute(update(identities).where(*where).values(vehicle_id=vehicle_id))
        if not changed.rowcount:
            row = {"kind": key.kind.value, "value": key.value, "vehicle_id": vehicle_id}
            await connection.execute(insert(identities).values(**row))
        if key.kind is KeyKind.VIN:
            await connection.execute(update(vehicles).where(vehicles.c.id == vehicle_id).values(vin=key.value))


async def absorb(connection: AsyncConnection, absorbed: str, keeper: str) -> None:
    """Make ``absorbed`` part of ``keeper``; its id keeps leading there, and none of its visits is lost."""
    for table in MOVED:
        await connection.execute(update(table).where(table.c.vehicle_id == absorbed).values(vehicle_id=keeper))
    for table in _REDRAWN:
        await connection.execute(delete(table).where(table.c.vehicle_id == absorbed))
    await connection.execute(
        update(vehicles).where(vehicles.c.id == absorbed).values(merged_into=keeper, vin="", plate_key="", stock_key="")
    )
    await stand_as_moved(connection, keeper)


async def stand_as_moved(connection: AsyncConnection, vehicle_id: str) -> None:
    """Let a car stand where its last step put it, whichever of its files held that; boxes go by the same rule."""
    mine = select(stock_changes.c.state).where(stock_changes.c.vehicle_id == vehicle_id)
    newest = mine.order_by(stock_changes.c.at.desc(), stock_changes.c.id.desc()).limit(1)
    state = (await connection.execute(newest)).scalar() or StockState.ARRIVED.value
    await connection.execute(update(vehicles).where(vehicles.c.id == vehicle_id).values(stock_state=state))
