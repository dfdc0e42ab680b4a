"""Judging a car again after anything about it changed, and bringing its projections and alerts in line.

Every function works on the caller's transaction; judging the same records twice changes nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, and_, delete, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.alerts import LASTING_RULES, STAGED_RULES, Changes, Episode, Opening, Update, compare, is_news, is_worse
from backoffice.cars import NewId
from backoffice.chronology import Dated, StoredRecord, clock_fixes, in_order
from backoffice.decision_store import load_decisions
from backoffice.decisions import Standing, standing_of
from backoffice.dossier import Dossier, fold
from backoffice.former_alerts import go_on
from backoffice.identity import normalise
from backoffice.judging import EntryFact, judge_dossier, summary_of
from backoffice.recording import stored_record
from backoffice.tables import (
    OF_A_CLOCK,
    alerts,
    codes,
    deliveries,
    notifications,
    odometer_entries,
    plates,
    records,
    vehicles,
    workorders,
)
from backoffice.views import AlertView, UseView, VehicleDetail
from config.rules_in_force import Rules
from evidence.history import ServiceRecord
from evidence.snapshot import Finding, Result, Severity
from evidence.verdict import USUAL, Terms

FOLDED_KINDS = ("snapshot", "mileage", "statement", "drive")
# What a peer wrote may be of any length; the columns are not.
MAX_PLATE, MAX_STOCK, MAX_SOURCE, MAX_CODE = 20, 40, 64, 16
MAX_ODOMETER_M = 2**62
MAX_ENTRY_ID = 260
Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Which alerts a review touched, for the live feed."""

    vehicle_id: str
    alert_ids: tuple[str, ...]


async def review_vehicle(
    connection: AsyncConnection,
    vehicle_id: str,
    now: datetime,
    new_id: NewId,
    rules: Rules | None = None,
    terms: Terms = USUAL,
) -> Reviewed:
    """Judge ``vehicle_id`` by all its records and ``rules`` at ``now`` and write what follows."""
    known = await load_case(connection, vehicle_id)
    judged = judge_dossier(
        vehicle_id,
        known.dossier,
        known.services,
        market=known.market,
        now=now,
        rules=rules,
        use=known.use,
        terms=terms,
        decided=known.decided,
    )
    detail = judged.detail
    await _write_vehicle(connection, vehicle_id, detail_values(judged.detail), now)
    await _redraw(connection, vehicle_id, known.dossier, judged.entries)
    episodes = await _open_episodes(connection, vehicle_id)
    if await go_on(connection, episodes, judged.alerting, new_id):
        episodes = await _open_episodes(connection, vehicle_id)
    undecided = {check.rule for check in detail.checks if check.result is Result.NOT_DETERMINABLE}
    changes = compare(episodes, judged.alerting, detail.snapshot_id, undecided=undecided)
    touched = await _apply(connection, vehicle_id, changes, detail.snapshot_id, now, new_id)
    return Reviewed(vehicle_id, touched)


def use_of(car: Row[tuple[object, ...]]) -> UseView:
    """How the car of a row of ``vehicles`` is used, as far as anybody confirmed it."""
    return UseView(severity=car.use_severity, oil=car.oil, confirmed_by=car.use_confirmed_by)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything that one car is judged by."""

    dossier: Dossier
    services: tuple[ServiceRecord, ...]
    decided: Standing
    market: str
    use: UseView


async def load_case(connection: AsyncConnection, vehicle_id: str) -> CaseFile:
    """The records of one car with what people decided about them; the car must exist."""
    car = (await connection.execute(select(vehicles).where(vehicles.c.id == vehicle_id))).one()
    decided = standing_of(await load_decisions(connection, vehicle_id))
    dossier = fold(await load_records(connection, vehicle_id, FOLDED_KINDS), decided, car.vin)
    return CaseFile(dossier, await load_services(connection, vehicle_id), decided, car.market, use_of(car))


async def load_records(connection: AsyncConnection, vehicle_id: str, kinds: Sequence[str]) -> tuple[Dated, ...]:
    """A car's records of ``kinds``, dated and in order."""
    mine = select(records).where(records.c.vehicle_id == vehicle_id, records.c.kind.in_(kinds))
    stored = [stored_record(row) for row in await connection.execute(mine)]
    return in_order(stored, clock_fixes(await _clock_records(connection, stored)))


async def load_services(connection: AsyncConnection, vehicle_id: str) -> tuple[ServiceRecord, ...]:
    """Services that were done, oldest first."""
    mine = select(workorders).where(workorders.c.vehicle_id == vehicle_id).order_by(workorders.c.done_at)
    return tuple(
        ServiceRecord(
            id=row.id,
            done_at=row.done_at,
            odometer_m=row.odometer_m,
            items=tuple(json.loads(row.items_json)),
            note=row.note,
            engine_run_s=row.engine_run_s,
            hev_m=row.hev_m,
        )
        for row in await connection.execute(mine)
    )


def detail_values(detail: VehicleDetail) -> Values:
    """Columns of ``vehicles`` that a judgement fills; a car that was never seen, or no longer, is in no list."""
    return {
        "plate_key": normalise(detail.plate)[:MAX_PLATE],
        "stock_key": normalise(detail.stock_number)[:MAX_STOCK],
        "last_seen_at": detail.last_seen_at,
        "summary": summary_of(detail).model_dump_json(by_alias=True),
        "detail": detail.model_dump_json(by_alias=True),
    }


async def _clock_records(connection: AsyncConnection, stored: Iterable[StoredRecord]) -> list[StoredRecord]:
    boots = sorted({(one.device, one.record.boot) for one in stored})
    if not boots:
        return []
    fixes = (
        select(records)
        .where(OF_A_CLOCK, records.c.device.in_({device for device, _ in boots}))
        .where(tuple_(records.c.device, records.c.boot).in_(boots))
        .order_by(records.c.stream, records.c.seq)
    )
    return [stored_record(row) for row in await connection.execute(fixes)]


async def _write_vehicle(connection: AsyncConnection, vehicle_id: str, values: Values, now: datetime) -> None:
    await connection.execute(update(vehicles).where(vehicles.c.id == vehicle_id).values(**values, reviewed_at=now))


async def _redraw(connection: AsyncConnection, vehicle_id: str, dossier: Dossier, entries: Sequence[EntryFact]) -> None:
    """Draw the car's mileage log, codes and plates anew."""
    rows: dict[object, list[Values]] = {
        odometer_entries: [_entry_row(vehicle_id, position, entry) for position, entry in enumerate(entries)],
        codes: _code_rows(vehicle_id, dossier),
        plates: _plate_rows(vehicle_id, dossier),
    }
    for table in (odometer_entries, codes, plates):
        await connection.execute(delete(table).where(table.c.vehicle_id == vehicle_id))
        if rows[table]:
            await connection.execute(insert(table), rows[table])


def _entry_row(vehicle_id: str, position: int, entry: EntryFact) -> Values:
    return {
        "vehicle_id": vehicle_id,
        "position": position,
        "snapshot_id": entry.snapshot_id,
        "at": entry.at,
        "source": entry.source[:MAX_SOURCE],
        "ecu": entry.ecu[:MAX_CODE],
        "odometer_m": min(entry.odometer_m, MAX_ODOMETER_M),
        "raw": entry.raw,
        "trust": entry.trust,
        "quarantined": entry.quarantined,
        "entry_id": entry.entry_id[:MAX_ENTRY_ID],
        "voided": entry.voided,
        "voided_by": entry.voided_by,
        "voided_at": entry.voided_at,
        "offset_m": entry.offset_m,
    }


def _code_rows(vehicle_id: str, dossier: Dossier) -> list[Values]:
    rows: dict[tuple[str, str, str], Values] = {}
    for visit in dossier.visits:
        for part in visit.snapshot.dtcs:
            key = (part.code[:MAX_CODE], str(part.dtc_class), part.ecu[:MAX_CODE])
            row = rows.setdefault(key, {"first_seen_at": visit.at})
            row |= {"last_seen_at": visit.at, "present": visit is dossier.latest}
    names = ("code", "dtc_class", "ecu")
    return [{"vehicle_id": vehicle_id, **dict(zip(names, key, strict=True)), **row} for key, row in rows.items()]


def _plate_rows(vehicle_id: str, dossier: Dossier) -> list[Values]:
    return [
        {
            "vehicle_id": vehicle_id,
            "plate_key": normalise(seen.plate)[:MAX_PLATE],
            "plate": seen.plate[:MAX_PLATE],
            "first_seen_at": seen.first_seen_at,
            "last_seen_at": seen.last_seen_at,
        }
        for seen in dossier.plates
    ]


async def _open_episodes(connection: AsyncConnection, vehicle_id: str) -> tuple[Episode, ...]:
    mine = (
        select(alerts)
        .where(alerts.c.vehicle_id == vehicle_id, alerts.c.closed_at.is_(None))
        .order_by(alerts.c.opened_at, alerts.c.id)
    )
    return tuple(_episode(row) for row in await connection.execute(mine))


def _episode(row: Row[tuple[object, ...]]) -> Episode:
    return Episode(row.id, row.rule, row.subject, Severity(row.severity), row.snapshot_id, row.occurrences)


async def _apply(
    connection: AsyncConnection, vehicle_id: str, changes: Changes, snapshot_id: str, now: datetime, new_id: NewId
) -> tuple[str, ...]:
    touched = [await _open(connection, vehicle_id, o, snapshot_id, now, new_id) for o in changes.opened]
    touched += [one for u in changes.updated for one in await _update(connection, u, snapshot_id, now, new_id)]
    for episode in changes.closed:
        await _close(connection, episode.id, now)
        touched.append(episode.id)
    return tuple(touched)


async def _open(
    connection: AsyncConnection, vehicle_id: str, opening: Opening, snapshot_id: str, now: datetime, new_id: NewId
) -> str:
    finding, alert_id = opening.finding, new_id()
    former = await _former(connection, vehicle_id, finding.rule)
    if opening.subject in former:
        return await _reopen(connection, former[opening.subject], finding, now, new_id)
    news = is_news(finding.rule, opening.subject, await _staged_before(connection, vehicle_id, finding.rule))
    await connection.execute(
        insert(alerts).values(
            id=alert_id,
            vehicle_id=vehicle_id,
            rule=finding.rule,
            subject=opening.subject,
            severity=finding.severity.value,
            text_en=finding.text.en,
            text_zh=finding.text.zh,
            evidence=json.dumps(finding.evidence),
            snapshot_id=snapshot_id,
            opened_at=now,
            updated_at=now,
            occurrences=1,
            acknowledged_by="",
        )
    )
    if news:
        await _notify(connection, alert_id, finding.severity, now, new_id)
    return alert_id


async def _former(connection: AsyncConnection, vehicle_id: str, rule: str) -> dict[str, str]:
    """Closed alerts of this car that come back as what they were, by their subject: stages and episodes."""
    if rule not in LASTING_RULES:
        return {}
    mine = select(alerts.c.subject, alerts.c.id).where(
        alerts.c.vehicle_id == vehicle_id, alerts.c.rule == rule, alerts.c.closed_at.is_not(None)
    )
    return {row.subject: row.id for row in await connection.execute(mine)}


async def _staged_before(connection: AsyncConnection, vehicle_id: str, rule: str) -> frozenset[str]:
    """Subjects of all staged alerts that this car ever had."""
    if rule not in STAGED_RULES:
        return frozenset()
    mine = select(alerts.c.subject).where(alerts.c.vehicle_id == vehicle_id, alerts.c.rule.in_(STAGED_RULES))
    return frozenset((await connection.execute(mine)).scalars())


async def _reopen(connection: AsyncConnection, alert_id: str, finding: Finding, now: datetime, new_id: NewId) -> str:
    """The same thing again, told before: a clock was put right, or a later record changed what came before it.

    Only what is worse now than it ever was is told.
    """
    mine = alerts.c.id == alert_id
    before = Severity((await connection.execute(select(alerts.c.severity).where(mine))).scalar_one())
    said = {"text_en": finding.text.en, "text_zh": finding.text.zh, "severity": finding.severity.value}
    await connection.execute(update(alerts).where(mine).values(**said, closed_at=None, updated_at=now))
    if is_worse(finding.severity, before):
        await _notify(connection, alert_id, finding.severity, now, new_id)
    return alert_id


async def _close(connection: AsyncConnection, alert_id: str, now: datetime) -> None:
    """Settled: what was put off about it need not be told any more."""
    mine = alerts.c.id == alert_id
    put_off = (await connection.execute(select(alerts.c.snoozed_until).where(mine))).scalar()
    await connection.execute(update(alerts).where(mine).values(closed_at=now, updated_at=now, snoozed_until=None))
    if put_off is not None:
        owed = update(notifications).where(notifications.c.alert_id == alert_id, notifications.c.sent_at.is_(None))
        await connection.execute(owed.values(sent_at=now))


async def _update(
    connection: AsyncConnection, change: Update, snapshot_id: str, now: datetime, new_id: NewId
) -> tuple[str, ...]:
    finding, episode = change.finding, change.episode
    values: Values = {
        "severity": finding.severity.value,
        "text_en": finding.text.en,
        "text_zh": finding.text.zh,
        "evidence": json.dumps(finding.evidence),
        "snapshot_id": snapshot_id or episode.snapshot_id,
        "occurrences": change.occurrences,
    }
    row = (await connection.execute(select(alerts).where(alerts.c.id == episode.id))).one()
    if all(getattr(row, name) == value for name, value in values.items()):
        return ()
    await connection.execute(update(alerts).where(alerts.c.id == episode.id).values(**values, updated_at=now))
    if change.worsened:
        await _notify(connection, episode.id, finding.severity, now, new_id)
    return (episode.id,)


async def tell_again_at(
    connection: AsyncConnection, alert: AlertView, at: datetime, now: datetime, new_id: NewId
) -> None:
    """Owe the message about ``alert`` once more at ``at``, to every channel; what is still owed waits until then.

    One that was told as something worse, or never, has no message of its severity yet.
    """
    await _notify(connection, alert.id, alert.severity, now, new_id)
    of_alert = notifications.c.alert_id == alert.id
    mine = and_(of_alert, notifications.c.severity == alert.severity.value)
    others = and_(of_alert, notifications.c.severity != alert.severity.value, notifications.c.sent_at.is_(None))
    owed = select(notifications.c.id).where(mine)
    await connection.execute(delete(deliveries).where(deliveries.c.notification_id.in_(owed)))
    await connection.execute(update(notifications).where(mine).values(sent_at=None, not_before=at, attempts=0))
    await connection.execute(update(notifications).where(others).values(sent_at=now))


async def _notify(connection: AsyncConnection, alert_id: str, severity: Severity, now: datetime, new_id: NewId) -> None:
    """Owe a message about this alert; one that got worse, better and worse again is not told twice."""
    known = select(notifications.c.id).where(
        notifications.c.alert_id == alert_id, notifications.c.severity == severity.value
    )
    if (await connection.execute(known)).first() is None:
        await connection.execute(
            insert(notifications).values(
                id=new_id(),
                alert_id=alert_id,
                severity=severity.value,
                created_at=now,
                not_before=now,
                attempts=0,
                last_error="",
            )
        )
