"""Reading the store: lists, one car, alerts, raw records. Every function works on the caller's connection."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.identity import normalise
from backoffice.judging import EntryFact
from backoffice.recording import HOLE, REFUSED, TOMBSTONE
from backoffice.tables import (
    WAITING,
    alerts,
    deliveries,
    gaps,
    notifications,
    odometer_entries,
    plates,
    records,
    vehicles,
)
from backoffice.views import (
    AlertView,
    Notification,
    RecordFilter,
    RecordView,
    StockState,
    VehicleDetail,
    VehicleSummary,
)
from evidence.snapshot import Severity, Text

MAX_QUERY = 64
AnyRow = Row[Any]


async def search(connection: AsyncConnection, q: str, limit: int, offset: int) -> tuple[VehicleSummary, ...]:
    """Cars whose VIN, plate (also a former one) or stock number contains ``q``; last seen first."""
    wanted = normalise(q[:MAX_QUERY])
    if q.strip() and not wanted:
        return ()
    listed = select(vehicles.c.id).where(vehicles.c.merged_into.is_(None), vehicles.c.last_seen_at.is_not(None))
    if wanted:
        listed = listed.where(_called(wanted))
    latest = listed.order_by(vehicles.c.last_seen_at.desc(), vehicles.c.id.desc()).limit(limit).offset(offset)
    ids = list((await connection.execute(latest)).scalars())
    shown = select(vehicles.c.id, vehicles.c.summary, vehicles.c.stock_state).where(vehicles.c.id.in_(ids))
    rows: dict[str, Any] = {row.id: row for row in await connection.execute(shown)}
    counts = await _open_alerts(connection, ids)
    return tuple(
        VehicleSummary.model_validate_json(rows[one].summary).model_copy(update=_standing(rows[one], counts))
        for one in ids
        if rows[one].summary
    )


def _called(wanted: str) -> ColumnElement[bool]:
    """Whether a car's VIN, plate (also a former one) or stock number contains ``wanted``."""
    former = select(plates.c.vehicle_id).where(plates.c.plate_key.contains(wanted, autoescape=True))
    columns = (vehicles.c.vin, vehicles.c.plate_key, vehicles.c.stock_key)
    return or_(vehicles.c.id.in_(former), *(column.contains(wanted, autoescape=True) for column in columns))


async def detail(connection: AsyncConnection, vehicle_id: str) -> VehicleDetail | None:
    """One car by its current id."""
    row = (await connection.execute(select(vehicles).where(vehicles.c.id == vehicle_id))).first()
    if row is None or not row.detail:
        return None
    counts = await _open_alerts(connection, [vehicle_id])
    known = _standing(row, counts) | {"same_stock_number": await _numbered_alike(connection, row)}
    return VehicleDetail.model_validate_json(row.detail).model_copy(update=known)


async def _numbered_alike(connection: AsyncConnection, row: AnyRow) -> tuple[str, ...]:
    """A few other cars in stock with the same stock number; a number may be given again when its car is sold."""
    if not row.stock_key or row.stock_state == StockState.SOLD:
        return ()
    others = select(vehicles.c.id).where(
        vehicles.c.stock_key == row.stock_key,
        vehicles.c.id != row.id,
        vehicles.c.merged_into.is_(None),
        vehicles.c.stock_state != StockState.SOLD.value,
    )
    return tuple((await connection.execute(others.order_by(vehicles.c.id).limit(5))).scalars())


async def list_alerts(
    connection: AsyncConnection, *, open_only: bool, limit: int, now: datetime, vehicle_id: str = ""
) -> tuple[AlertView, ...]:
    """Alerts (of one car, if named), the newest first."""
    statement = _alerts().order_by(alerts.c.opened_at.desc(), alerts.c.id).limit(limit)
    if open_only:
        statement = statement.where(_stands(now))
    if vehicle_id:
        statement = statement.where(alerts.c.vehicle_id == vehicle_id)
    return tuple(_alert_view(row) for row in await connection.execute(statement))


async def car_alerts(connection: AsyncConnection, vehicle_id: str) -> tuple[AlertView, ...]:
    """All alerts of one car, oldest first."""
    statement = _alerts().where(alerts.c.vehicle_id == vehicle_id).order_by(alerts.c.opened_at, alerts.c.id)
    return tuple(_alert_view(row) for row in await connection.execute(statement))


async def one_alert(connection: AsyncConnection, alert_id: str) -> AlertView | None:
    row = (await connection.execute(_alerts().where(alerts.c.id == alert_id))).first()
    return _alert_view(row) if row else None


async def entries(connection: AsyncConnection, vehicle_id: str) -> tuple[EntryFact, ...]:
    """A car's mileage log, oldest first."""
    log = odometer_entries
    statement = select(log).where(log.c.vehicle_id == vehicle_id).order_by(log.c.position)
    names = [field.name for field in fields(EntryFact)]
    return tuple(
        EntryFact(**{name: getattr(row, name) for name in names}) for row in await connection.execute(statement)
    )


async def list_records(connection: AsyncConnection, wanted: RecordFilter) -> tuple[RecordView, ...]:
    """Raw records, received last first."""
    statement = select(records).order_by(*_latest_first(connection))
    # not the box's bare column: by the key all that the box ever sent would be sorted
    for name, column in (
        ("vehicle_id", records.c.vehicle_id),
        ("device", records.c.device.concat("")),
        ("kind", records.c.kind),
    ):
        if value := getattr(wanted, name):
            statement = statement.where(column == value)
    if wanted.received_from:
        statement = statement.where(records.c.received_at >= wanted.received_from)
    if wanted.received_until:
        statement = statement.where(records.c.received_at < wanted.received_until)
    rows = await connection.execute(statement.limit(wanted.limit).offset(wanted.offset))
    return tuple(_record_view(row) for row in rows)


def _latest_first(connection: AsyncConnection) -> tuple[ColumnElement[Any], ...]:
    """By arrival, without sorting all there is: SQLite numbers its rows, PostgreSQL has an index."""
    if connection.dialect.name == "sqlite":
        return (literal_column("records.rowid").desc(),)
    return records.c.received_at.desc(), records.c.device, records.c.stream, records.c.seq.desc()


async def waiting_notifications(
    connection: AsyncConnection, now: datetime, limit: int, channel: str = ""
) -> tuple[Notification, ...]:
    """Messages that are owed (to ``channel``, if named) and whose time has come, oldest first."""
    taken = exists().where(deliveries.c.notification_id == notifications.c.id, deliveries.c.channel == channel)
    statement = (
        select(notifications)
        .where(notifications.c.sent_at.is_(None), notifications.c.not_before <= now, ~taken)
        .order_by(notifications.c.created_at, notifications.c.id)
        .limit(limit)
    )
    found = [await _notification(connection, row) for row in (await connection.execute(statement)).all()]
    return tuple(one for one in found if one is not None)


def _stands(now: datetime) -> ColumnElement[bool]:
    """Neither settled nor put off."""
    awake = or_(alerts.c.snoozed_until.is_(None), alerts.c.snoozed_until <= now)
    return and_(alerts.c.closed_at.is_(None), awake)


async def count_all(connection: AsyncConnection, now: datetime) -> dict[str, int]:
    """What the store holds; ``holes`` is the number of records proven lost and should be 0."""
    totals: dict[str, Select[int]] = {
        "records": select(func.count()).select_from(records),
        "unprojected": select(func.count()).select_from(records).where(WAITING),
        "vehicles": select(func.count()).select_from(vehicles).where(vehicles.c.merged_into.is_(None)),
        "open_alerts": select(func.count()).select_from(alerts).where(_stands(now)),
        "notifications_waiting": select(func.count())
        .select_from(notifications)
        .where(notifications.c.sent_at.is_(None)),
        "holes": _gap_total(HOLE),
        "refused": _gap_total(REFUSED),
        "given_up": _gap_total(TOMBSTONE),
    }
    return {name: int((await connection.execute(total)).scalar_one()) for name, total in totals.items()}


def _gap_total(cause: str) -> Select[int]:
    seqs = func.coalesce(func.sum(gaps.c.last_seq - gaps.c.first_seq + 1), 0)
    return select(seqs).where(gaps.c.cause == cause)


async def _open_alerts(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, int]:
    statement = (
        select(alerts.c.vehicle_id, func.count())
        .where(alerts.c.vehicle_id.in_(ids), alerts.c.closed_at.is_(None))
        .group_by(alerts.c.vehicle_id)
    )
    return {row[0]: row[1] for row in await connection.execute(statement)}


def _standing(row: AnyRow, open_alerts: dict[str, int]) -> dict[str, object]:
    return {"stock_state": StockState(row.stock_state), "open_alerts": open_alerts.get(row.id, 0)}


def _alerts() -> Select[Any]:
    joined = alerts.join(vehicles, and_(vehicles.c.id == alerts.c.vehicle_id))
    return select(alerts, vehicles.c.vin, vehicles.c.summary).select_from(joined)


def _alert_view(row: AnyRow) -> AlertView:
    return AlertView(
        id=row.id,
        vehicle_id=row.vehicle_id,
        rule=row.rule,
        severity=Severity(row.severity),
        text=Text(en=row.text_en, zh=row.text_zh),
        stock_number=json.loads(row.summary or "{}").get("stock_number", ""),
        vin_tail=row.vin[-4:],
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        occurrences=row.occurrences,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        closed_at=row.closed_at,
        snoozed_until=row.snoozed_until,
        snoozed_by=row.snoozed_by,
        snooze_reason=row.snooze_reason,
    )


def _record_view(row: AnyRow) -> RecordView:
    return RecordView(
        device=row.device,
        stream=row.stream,
        seq=row.seq,
        kind=row.kind,
        received_at=row.received_at,
        vehicle_id=row.vehicle_id or "",
        snapshot_id=row.snapshot_id or "",
        record=json.loads(row.record),
    )


async def _notification(connection: AsyncConnection, row: AnyRow) -> Notification | None:
    alert = await one_alert(connection, str(row.alert_id))
    taken = select(deliveries.c.channel).where(deliveries.c.notification_id == row.id)
    channels = tuple((await connection.execute(taken)).scalars())
    return Notification(id=row.id, alert=alert, attempts=row.attempts, delivered=channels) if alert else None
