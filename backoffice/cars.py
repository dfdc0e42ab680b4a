"""Giving each record to its car: a known one, a new one, or a provisional one that turns out to be another.

Every function works on the caller's transaction.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.chronology import StoredRecord
from backoffice.identity import IdentityKey, KeyKind, identity_keys, resolve
from backoffice.tables import (
    alerts,
    codes,
    identities,
    odometer_entries,
    plates,
    records,
    stock_changes,
    vehicles,
    workorders,
)
from backoffice.views import StockState
from sync.records import ClockBody, MileageBody, SnapshotBody, TombstoneBody, VehicleRef

NewId = Callable[[], str]

_MOVED: tuple[Table, ...] = (records, identities, workorders, stock_changes, alerts)
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
        return body.snapshot.id or stored.key
    return getattr(body, "snapshot_id", "")


async def owner(connection: AsyncConnection, stored: StoredRecord, market: str, new_id: NewId) -> str | None:
    """The id of the car ``stored`` speaks of, made or merged as needed; None for a record about no car."""
    keys = keys_of(stored)
    if not keys:
        return None
    owners = await _owners(connection, keys)
    resolution = resolve(keys, owners, await _vins(connection, set(owners.values())))
    vehicle_id = resolution.vehicle_id or await _create(connection, new_id(), market, stored.received_at)
    for absorbed in resolution.absorb:
        await _merge(connection, absorbed, vehicle_id)
    await _claim(connection, keys, vehicle_id)
    return vehicle_id


async def current_id(connection: AsyncConnection, vehicle_id: str) -> str | None:
    """Follow merges from ``vehicle_id``; None when there is no such car."""
    for _ in range(10):
        row = (await connection.execute(select(vehicles.c.merged_into).where(vehicles.c.id == vehicle_id))).first()
        if row is None:
            return None
        if row[0] is None:
            return vehicle_id
        vehicle_id = row[0]
    return None


async def cars_dated_by(connection: AsyncConnection, stored: StoredRecord) -> tuple[str, ...]:
    """Cars whose earlier records a ``clock`` record gives a date to."""
    if not isinstance(stored.record.body, ClockBody):
        return ()
    boot = (records.c.device == stored.device, records.c.boot == stored.record.boot)
    found = select(records.c.vehicle_id).where(*boot, records.c.vehicle_id.is_not(None)).distinct()
    return tuple((await connection.execute(found)).scalars())


async def _owners(connection: AsyncConnection, keys: Sequence[IdentityKey]) -> dict[IdentityKey, str]:
    found: dict[IdentityKey, str] = {}
    for key in keys:
        where = (identities.c.kind == key.kind.value, identities.c.value == key.value)
        row = (await connection.execute(select(identities.c.vehicle_id).where(*where))).first()
        if row:
            found[key] = row[0]
    return found


async def _vins(connection: AsyncConnection, ids: set[str]) -> dict[str, str]:
    rows = await connection.execute(select(vehicles.c.id, vehicles.c.vin).where(vehicles.c.id.in_(ids)))
    return {row[0]: row[1] for row in rows}


async def _create(connection: AsyncConnection, vehicle_id: str, market: str, at: datetime) -> str:
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


async def _claim(connection: AsyncConnection, keys: Sequence[IdentityKey], vehicle_id: str) -> None:
    """Let ``keys`` name this car from now on; a stock number used again names the car it was used for last."""
    for key in keys:
        where = (identities.c.kind == key.kind.value, identities.c.value == key.value)
        changed = await connection.execute(update(identities).where(*where).values(vehicle_id=vehicle_id))
        if not changed.rowcount:
            row = {"kind": key.kind.value, "value": key.value, "vehicle_id": vehicle_id}
            await connection.execute(insert(identities).values(**row))
        if key.kind is KeyKind.VIN:
            await connection.execute(update(vehicles).where(vehicles.c.id == vehicle_id).values(vin=key.value))


async def _merge(connection: AsyncConnection, absorbed: str, keeper: str) -> None:
    """Make ``absorbed`` part of ``keeper``; its id keeps leading there, and none of its visits is lost."""
    for table in _MOVED:
        await connection.execute(update(table).where(table.c.vehicle_id == absorbed).values(vehicle_id=keeper))
    for table in _REDRAWN:
        await connection.execute(delete(table).where(table.c.vehicle_id == absorbed))
    await connection.execute(
        update(vehicles).where(vehicles.c.id == absorbed).values(merged_into=keeper, vin="", plate_key="", stock_key="")
    )
