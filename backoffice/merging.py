"""Bringing visits and cars together, and apart again: what moves, and what is written down so that it can go back.

Nothing is copied and nothing is deleted but drawings. Every function works on the caller's transaction.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.cars import MOVED, PINNED, absorb, stand_as_moved
from backoffice.decisions import MergedBody
from backoffice.identity import KeyKind, identity_keys
from backoffice.recording import stored_record
from backoffice.tables import (
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
from sync.records import VehicleRef

BY_ID: tuple[Table, ...] = tuple(table for table in MOVED if table not in (records, identities))
"""Tables whose rows are noted by their id."""
DRAWN: tuple[Table, ...] = (odometer_entries, codes, plates)
_CHUNK = 200


async def inventory(connection: AsyncConnection, vehicle_id: str, wrong_vin: str) -> MergedBody:
    """Everything that belongs to a car, as `merge` and `part` need it."""
    car = (await connection.execute(select(vehicles).where(vehicles.c.id == vehicle_id))).one()
    keys = select(identities.c.kind, identities.c.value).where(identities.c.vehicle_id == vehicle_id)
    still_open = select(alerts.c.id).where(alerts.c.vehicle_id == vehicle_id, alerts.c.closed_at.is_(None))
    return MergedBody(
        wrong_vin=wrong_vin,
        absorbed_vin=car.vin,
        stock_state=car.stock_state,
        keys=tuple((str(row[0]), str(row[1])) for row in await connection.execute(keys)),
        records=await _places(connection, vehicle_id),
        rows={table.name: await _ids(connection, table, vehicle_id) for table in BY_ID},
        open_alerts=tuple((await connection.execute(still_open)).scalars()),
    )


async def merge(connection: AsyncConnection, absorbed: str, keeper: str) -> None:
    """Make ``absorbed`` part of ``keeper``; its id leads there from now on."""
    await absorb(connection, absorbed, keeper)


async def part(connection: AsyncConnection, keeper: str, absorbed: str, body: MergedBody) -> None:
    """Undo `merge`: what came from ``absorbed`` goes back, and with it what has come for it since by its own names."""
    values = {"merged_into": None, "vin": body.absorbed_vin, "stock_state": body.stock_state}
    await connection.execute(update(vehicles).where(vehicles.c.id == absorbed).values(**values))
    for kind, value in body.keys:
        mine = (identities.c.kind == kind, identities.c.value == value, identities.c.vehicle_id == keeper)
        await connection.execute(update(identities).where(*mine).values(vehicle_id=absorbed))
    for device, stream, seqs in body.records:
        await _give_records(connection, (device, stream), seqs, keeper, absorbed)
    for table in BY_ID:
        went_along = table.c.id.in_(body.rows.get(table.name, ()))
        back = update(table).where(went_along, table.c.vehicle_id == keeper).values(vehicle_id=absorbed)
        await connection.execute(back)
    await stand_as_moved(connection, keeper)
    # they stood when the cars were brought together: nobody is told of them a second time
    reopened = update(alerts).where(alerts.c.id.in_(body.open_alerts)).values(closed_at=None)
    await connection.execute(reopened)
    await _give_newcomers(connection, keeper, absorbed, frozenset(body.keys))
    visits = select(records.c.snapshot_id).where(records.c.vehicle_id == absorbed).distinct()
    given = [one for one in (await connection.execute(visits)).scalars() if one]
    await _give_decisions(connection, given, keeper, absorbed)
    for drawing in DRAWN:
        await connection.execute(delete(drawing).where(drawing.c.vehicle_id.in_((keeper, absorbed))))


async def give_visit(connection: AsyncConnection, snapshot_id: str, source: str, target: str) -> None:
    """All records of a visit, and those that will still come, belong to ``target``."""
    mine = (records.c.vehicle_id == source, records.c.snapshot_id == snapshot_id)
    await connection.execute(update(records).where(*mine).values(vehicle_id=target))
    await _give_decisions(connection, [snapshot_id], source, target)
    intake = (identities.c.kind == KeyKind.INTAKE.value, identities.c.value == snapshot_id)
    await connection.execute(update(identities).where(*intake).values(vehicle_id=target))
    pin = (identities.c.kind == PINNED, identities.c.value == snapshot_id)
    await connection.execute(delete(identities).where(*pin))
    await connection.execute(identities.insert().values(kind=PINNED, value=snapshot_id, vehicle_id=target))


async def unpin_visit(connection: AsyncConnection, snapshot_id: str) -> None:
    """From now on the names in a visit's records decide again whose they are."""
    pin = (identities.c.kind == PINNED, identities.c.value == snapshot_id)
    await connection.execute(delete(identities).where(*pin))


async def dissolve_if_empty(connection: AsyncConnection, vehicle_id: str, into: str) -> bool:
    """Let a car with no record and no service left lead to another one; False when it has something of its own.

    Its VIN and stock number go free: they were those of a visit that is not here any more.
    """
    for table in (records, workorders, stock_changes):
        if (await connection.execute(select(table.c.vehicle_id).where(table.c.vehicle_id == vehicle_id))).first():
            return False
    names = identities.c.kind.in_((KeyKind.VIN.value, KeyKind.STOCK.value))
    await connection.execute(delete(identities).where(identities.c.vehicle_id == vehicle_id, names))
    await absorb(connection, vehicle_id, into)
    return True


async def _places(connection: AsyncConnection, vehicle_id: str) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    """A car's records by device and stream."""
    mine = select(records.c.device, records.c.stream, records.c.seq).where(records.c.vehicle_id == vehicle_id)
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in await connection.execute(mine.order_by(records.c.device, records.c.stream, records.c.seq)):
        found[row.device, row.stream].append(row.seq)
    return tuple((device, stream, tuple(seqs)) for (device, stream), seqs in found.items())


async def _ids(connection: AsyncConnection, table: Table, vehicle_id: str) -> tuple[str, ...]:
    return tuple((await connection.execute(select(table.c.id).where(table.c.vehicle_id == vehicle_id))).scalars())


async def _give_records(
    connection: AsyncConnection, place: tuple[str, str], seqs: Sequence[int], source: str, target: str
) -> None:
    of = (records.c.device == place[0], records.c.stream == place[1], records.c.vehicle_id == source)
    for start in range(0, len(seqs), _CHUNK):
        chunk = records.c.seq.in_(seqs[start : start + _CHUNK])
        await connection.execute(update(records).where(*of, chunk).values(vehicle_id=target))


async def _give_decisions(connection: AsyncConnection, visits: Sequence[str], source: str, target: str) -> None:
    """What was withdrawn of these visits stays withdrawn, and what was taken back of that stays so."""
    mine = decisions.c.vehicle_id == source
    for visit in visits:
        of_visit = decisions.c.subject.startswith(f"{visit}/", autoescape=True)
        about = list((await connection.execute(select(decisions.c.id).where(mine, of_visit))).scalars())
        await connection.execute(update(decisions).where(mine, of_visit).values(vehicle_id=target))
        while about:
            further = decisions.c.subject.in_(about)
            about = list((await connection.execute(select(decisions.c.id).where(mine, further))).scalars())
            await connection.execute(update(decisions).where(mine, further).values(vehicle_id=target))


async def _give_newcomers(
    connection: AsyncConnection, keeper: str, absorbed: str, keys: frozenset[tuple[str, str]]
) -> None:
    """Visits that came while the cars were one and name the car that goes its own way again."""
    mine = select(records).where(records.c.vehicle_id == keeper, records.c.kind.in_(("snapshot", "mileage")))
    for row in (await connection.execute(mine)).all():
        names = identity_keys(_ref_of(stored_record(row).record.body))
        if names and (names[0].kind.value, names[0].value) in keys:
            visit = (records.c.vehicle_id == keeper, records.c.snapshot_id == row.snapshot_id)
            await connection.execute(update(records).where(*visit).values(vehicle_id=absorbed))
            intake = (identities.c.kind == KeyKind.INTAKE.value, identities.c.value == row.snapshot_id)
            await connection.execute(update(identities).where(*intake).values(vehicle_id=absorbed))


def _ref_of(body: object) -> VehicleRef:
    """Who a record says it is about, its visit left out: that follows whoever the visit belongs to."""
    snapshot = getattr(body, "snapshot", None)
    of = snapshot.vehicle if snapshot is not None else getattr(body, "vehicle", VehicleRef())
    return VehicleRef(vin=of.vin, stock_number=of.stock_number)
