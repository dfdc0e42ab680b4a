"""The record store: everything the edges sent, each record once, and what it adds up to for each car.

A write is one transaction with all that follows from it; listeners are told after the commit. Ids are opaque.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice import lookups
from backoffice.cars import NewId, current_id
from backoffice.commands import fact_entered, service_fact
from backoffice.database import Database, one_line, open_database
from backoffice.decision_store import Decided, Hand, load_decisions
from backoffice.drawing import Drawing
from backoffice.errors import StoreFailedError, UnknownVehicleError
from backoffice.happenings import happenings
from backoffice.holdings import holding
from backoffice.identity import KeyKind, normalise
from backoffice.keeping import Incoming, StoreResult, result_of
from backoffice.live import LiveFeed
from backoffice.office_settings import OfficeSettings
from backoffice.projection import Projector
from backoffice.recording import Place, settle_streams, streams_touched
from backoffice.review import Reviewed, load_case, tell_again_at
from backoffice.sheets import sheet_from
from backoffice.stock import StockStep, load_steps, take_step
from backoffice.tables import (
    alerts,
    deliveries,
    identities,
    notifications,
    vehicles,
    workorders,
)
from backoffice.timeline import timeline_of
from backoffice.views import (
    AlertView,
    Notification,
    RecordFilter,
    RecordView,
    StockState,
    TimelineEvent,
    VehicleDetail,
    VehicleSummary,
    WorkOrder,
)
from config.rules_in_force import RulesInForce
from config.zones import zone_of
from evidence.history import in_utc
from evidence.sheet.content import Sheet
from evidence.verdict import Terms
from sync.codec import Unreadable, decode_batch, encode_batch
from sync.wire import Account, Question

log = structlog.get_logger(__name__)
Given = ParamSpec("Given")
Answer = TypeVar("Answer")
MAX_LIMIT = 1000
MAX_ERROR = 300


def random_id() -> str:
    """An id that says nothing about the car."""
    return secrets.token_hex(12)


def utc_now() -> datetime:
    return datetime.now(UTC)


def _whole(
    method: Callable[Concatenate["RecordStore", Given], Coroutine[Any, Any, Answer]],
) -> Callable[Concatenate["RecordStore", Given], Coroutine[Any, Any, Answer]]:
    """Let a call run to its end even when nobody waits for it any more.

    SQLite has one connection here; a statement that is cancelled half-way would leave it unusable for everybody.
    """

    @wraps(method)
    async def uninterrupted(store: "RecordStore", /, *args: Given.args, **named: Given.kwargs) -> Answer:
        task = asyncio.create_task(method(store, *args, **named))
        store.running.add(task)
        task.add_done_callback(store.ended)
        return await asyncio.shield(task)

    return uninterrupted


class RecordStore:
    """An open store. Close it; every method may raise StoreFailedError, after which nothing of that call is kept."""

    def __init__(
        self,
        database: Database,
        settings: OfficeSettings,
        *,
        feed: LiveFeed | None = None,
        now: Callable[[], datetime] = utc_now,
        new_id: NewId = random_id,
    ) -> None:
        self.feed = feed or LiveFeed()
        self.gauges: dict[str, int] = {}
        """What this process measures besides the store itself; part of ``counts``."""
        self.running: set[asyncio.Task[Any]] = set()
        self._database = database
        self.rules = RulesInForce(settings.rules.plans, settings.rules.severities)
        self._terms = Terms(frozenset(settings.checks.off), zone_of(settings.timezone))
        self._projector = Projector(settings.market, lambda: self._now(), new_id, lambda: self.rules.rules, self._terms)
        self._drawing = Drawing(self._write, self._projector, self._tell)
        self._chores: list[asyncio.Task[None]] = []
        self._now = now
        self._new_id = new_id

    @classmethod
    async def open(
        cls,
        settings: OfficeSettings,
        *,
        feed: LiveFeed | None = None,
        now: Callable[[], datetime] = utc_now,
        new_id: NewId = random_id,
    ) -> "RecordStore":
        """Open the store, its schema up to date; raise StoreBusyError, StoreFailedError, or SettingsError for rules."""
        wait_s, key_file = settings.database.busy_timeout_s, settings.database.key_file
        database = await open_database(settings.database_url, busy_timeout_s=wait_s, key_file=key_file)
        try:
            store = cls(database, settings, feed=feed, now=now, new_id=new_id)
            await store.catch_up()
        except BaseException:
            await database.close()
            raise
        if not database.keeping.draws_at_once:
            store._share_the_work()
        return store

    def _share_the_work(self) -> None:
        """Take part in what the processes of one database do together."""
        from backoffice.news import share_news  # its driver is an extra

        chores = (self._drawing.run(), share_news(self._database.engine, self.feed))
        self._chores = [asyncio.create_task(chore) for chore in chores]

    async def close(self) -> None:
        """Wait for what is under way, then close the file."""
        self.feed.close()
        await asyncio.gather(*self.running, return_exceptions=True)
        if self._chores:
            await self._drawing.finish()
            for chore in self._chores:
                chore.cancel()
            await asyncio.wait(self._chores)
        await self._database.close()

    @property
    def alone(self) -> bool:
        """Whether no other process may use the same database."""
        return self._database.keeping.draws_at_once

    @_whole
    async def store_batch(
        self, device: str, stream: str, lo: int, rows: Sequence[tuple[int, dict[str, object]]], received_at: datetime
    ) -> StoreResult:
        """Keep one batch of (seq, record JSON) and all that follows from it; raise ValueError for what is no batch."""
        batch = decode_batch(device, encode_batch(stream, lo, [(seq, json.dumps(row)) for seq, row in rows]))
        if isinstance(batch, Unreadable):
            raise ValueError(batch.reason)
        (result,) = await self.store_batches([Incoming(batch, received_at)])
        if not self._database.keeping.draws_at_once:
            await self._drawing.draw_waiting()
        return result

    @_whole
    async def store_batches(self, incoming: Sequence[Incoming]) -> tuple[StoreResult, ...]:
        """Keep several batches in one transaction; what a result says is committed when this returns.

        What follows from them is drawn in the same transaction where one process writes, else very soon.
        """
        if (all_readings := await self._keep_readings(incoming)) is not None:
            return all_readings
        keeping, reviewed = self._database.keeping, list[Reviewed]()
        async with self._keep() as connection:
            await keeping.hold_streams(connection, streams_touched(incoming))
            kept = await keeping.keep(connection, incoming)
            holes = await settle_streams(connection, incoming, kept)
            telling = [stored for new in kept for stored in new.telling if stored.record.body.kind != "tombstone"]
            if telling and keeping.draws_at_once:
                reviewed = await self._projector.project(connection, telling)
        self._tell(reviewed)
        if telling and not keeping.draws_at_once:
            self._drawing.want()
        return tuple(map(result_of, incoming, kept, holes))

    async def _keep_readings(self, incoming: Sequence[Incoming]) -> tuple[StoreResult, ...] | None:
        """The short way for batches from which nothing more follows; None when the long one must be taken."""
        if not all(one.batch.readings for one in incoming):
            return None
        try:
            kept = await self._database.keeping.keep_readings(self._database.engine, incoming)
        except self._database.keeping.broken as error:
            raise StoreFailedError(one_line(error)) from error
        return None if kept is None else tuple(map(result_of, incoming, kept))

    @_whole
    async def in_transaction(self, work: Callable[[AsyncConnection], Awaitable[Answer]]) -> Answer:
        """Do ``work`` in one transaction of its own; what it raises undoes it."""
        async with self._write() as connection:
            return await work(connection)

    @_whole
    async def decide(self, act: Callable[[AsyncConnection, Hand], Awaitable[Decided[Answer]]]) -> Answer:
        """Let ``act`` write in one transaction, judge the cars it names again, and tell whoever watches them."""
        async with self._write() as connection:
            decided = await act(connection, Hand(self._now(), self._new_id))
            reviewed = await self._projector.review(connection, decided.cars)
        self._tell(reviewed)
        return decided.answer

    @_whole
    async def look_up(self, question: Callable[[AsyncConnection], Awaitable[Answer]]) -> Answer:
        """The answer to one ``question`` that reads and writes nothing."""
        async with self._read() as connection:
            return await question(connection)

    @_whole
    async def account(self, device: str, question: Question, at: datetime) -> Account:
        """Say what is held of the spans a device asks about; what must be held and is not is noted as a hole."""
        async with self._keep() as connection:
            await self._database.keeping.hold_streams(connection, [(device, question.s)])
            holds = tuple(
                [await holding(connection, Place(device, question.s, at), question.lo, of) for of in question.of]
            )
        return Account(s=question.s, ask=question.ask, holds=holds)

    @_whole
    async def catch_up(self) -> int:
        """Project records that an earlier version could keep but not place; return how many."""
        return await self._drawing.draw_all()

    @_whole
    async def search_vehicles(self, q: str, limit: int = 50, offset: int = 0) -> tuple[VehicleSummary, ...]:
        """Cars whose VIN, plate or stock number contains ``q`` however it is written; all cars for an empty one."""
        async with self._read() as connection:
            return await lookups.search(connection, q, min(limit, MAX_LIMIT), max(offset, 0))

    @_whole
    async def vehicle(self, vehicle_id: str) -> VehicleDetail | None:
        """One car; the id of a car that was merged into another leads there."""
        async with self._read() as connection:
            current = await current_id(connection, vehicle_id)
            return await lookups.detail(connection, current) if current else None

    @_whole
    async def timeline(self, vehicle_id: str) -> tuple[TimelineEvent, ...]:
        """One car's history, oldest first; () for an unknown car."""
        async with self._read() as connection:
            current = await current_id(connection, vehicle_id)
            if current is None:
                return ()
            known = await load_case(connection, current)
            entries = await lookups.entries(connection, current)
            told = await lookups.car_alerts(connection, current)
            happened = happenings(await load_decisions(connection, current), await load_steps(connection, current))
            return timeline_of(known.dossier, entries, known.services, told, happened)

    @_whole
    async def sheet(self, vehicle_id: str, timezone: str) -> Sheet | None:
        """The intake sheet of a car's latest visit; None for an unknown car or one never read."""
        async with self._read() as connection:
            current = await current_id(connection, vehicle_id)
            if current is None:
                return None
            rules, terms = self.rules.rules, self._terms
            return await sheet_from(connection, current, timezone=timezone, now=self._now(), rules=rules, terms=terms)

    @_whole
    async def alerts(self, *, open_only: bool = True, limit: int = 100, vehicle_id: str = "") -> tuple[AlertView, ...]:
        """Alerts (of one car, if named), the newest first."""
        async with self._read() as connection:
            return await lookups.list_alerts(
                connection, open_only=open_only, limit=min(limit, MAX_LIMIT), vehicle_id=vehicle_id, now=self._now()
            )

    @_whole
    async def alert(self, alert_id: str) -> AlertView | None:
        async with self._read() as connection:
            return await lookups.one_alert(connection, alert_id)

    @_whole
    async def acknowledge_alert(self, alert_id: str, by: str, at: datetime) -> AlertView | None:
        """Note who has seen an alert; the first acknowledgement stays. None for an unknown alert."""
        async with self._write() as connection:
            first = update(alerts).where(alerts.c.id == alert_id, alerts.c.acknowledged_at.is_(None))
            await connection.execute(first.values(acknowledged_at=at, acknowledged_by=by[:80], updated_at=at))
            view = await lookups.one_alert(connection, alert_id)
        if view:
            self.feed.publish({"type": "alert", "id": alert_id})
        return view

    @_whole
    async def snooze_alert(self, alert_id: str, by: str, until: datetime, reason: str) -> AlertView | None:
        """Put an open alert off with a reason: told once more at ``until`` if it still stands. None if unknown."""
        async with self._write() as connection:
            values = {"snoozed_until": until, "snoozed_by": by[:80], "snooze_reason": reason[:MAX_ERROR]}
            standing = update(alerts).where(alerts.c.id == alert_id, alerts.c.closed_at.is_(None))
            await connection.execute(standing.values(**values, updated_at=self._now()))
            view = await lookups.one_alert(connection, alert_id)
            if view is not None and view.closed_at is None:
                await tell_again_at(connection, view, until, self._now(), self._new_id)
        if view:
            self.feed.publish({"type": "alert", "id": alert_id})
        return view

    @_whole
    async def set_use(self, vehicle_id: str, severity: str, oil: str, by: str) -> VehicleDetail | None:
        """Note how a car is used and which oil it has, as ``by`` confirms, and judge it again. None if unknown."""
        async with self._write() as connection:
            current = await current_id(connection, vehicle_id)
            if current is None:
                return None
            values = {"use_severity": severity[:16], "oil": oil[:32], "use_confirmed_by": by[:80]}
            await connection.execute(update(vehicles).where(vehicles.c.id == current).values(**values))
            reviewed = await self._projector.review(connection, [current])
            detail = await lookups.detail(connection, current)
        self._tell(reviewed)
        return detail

    @_whole
    async def set_stock_state(
        self,
        vehicle_id: str,
        state: StockState,
        by: str,
        at: datetime,
        note: str = "",
        *,
        expected: StockState | None = None,
    ) -> VehicleDetail | None:
        """Move a car in stock and note who did; None for an unknown car.

        Raise ProblemError for a step that needs a note, and when the car is not where it was ``expected``.
        """
        async with self._write() as connection:
            current = await current_id(connection, vehicle_id)
            if current is None:
                return None
            await take_step(connection, current, StockStep(None, state, by, at, note), self._new_id, expected=expected)
            detail = await lookups.detail(connection, current)
        self.feed.publish({"type": "vehicle", "id": current})
        return detail

    @_whole
    async def add_workorder(self, order: WorkOrder) -> str:
        """Record a service that was done and judge the car again; raise UnknownVehicleError. Return its id."""
        workorder_id, now = self._new_id(), self._now()
        async with self._write() as connection:
            vehicle_id = await self._vehicle_of(connection, order)
            await connection.execute(
                insert(workorders).values(
                    id=workorder_id,
                    vehicle_id=vehicle_id,
                    done_at=in_utc(order.done_at),
                    odometer_m=order.odometer_m,
                    items_json=json.dumps(order.items),
                    operator=order.operator,
                    note=order.note,
                    recorded_at=now,
                    engine_run_s=order.engine_run_s,
                    hev_m=order.hev_m,
                )
            )
            await fact_entered(connection, vehicle_id, service_fact(workorder_id, order), now)
            reviewed = await self._projector.review(connection, [vehicle_id])
        self._tell(reviewed)
        return workorder_id

    @_whole
    async def review_stale(self, reviewed_before: datetime, limit: int = 20) -> int:
        """Judge cars again that were last judged before ``reviewed_before`` (time makes services due)."""
        async with self._write() as connection:
            stale = (
                select(vehicles.c.id)
                .where(vehicles.c.merged_into.is_(None))
                .where(or_(vehicles.c.reviewed_at.is_(None), vehicles.c.reviewed_at < reviewed_before))
                .where(vehicles.c.stock_state != StockState.SOLD.value)
                .order_by(vehicles.c.reviewed_at)
                .limit(limit)
            )
            ids = (await connection.execute(stale)).scalars().all()
            reviewed = await self._projector.review(connection, ids)
            # also a car whose judging failed waits for the next round
            await connection.execute(update(vehicles).where(vehicles.c.id.in_(ids)).values(reviewed_at=self._now()))
        self._tell([one for one in reviewed if one.alert_ids])
        return len(ids)

    @_whole
    async def records(self, wanted: RecordFilter | None = None) -> tuple[RecordView, ...]:
        """Raw records, received last first."""
        async with self._read() as connection:
            return await lookups.list_records(connection, wanted or RecordFilter())

    @_whole
    async def counts(self) -> dict[str, int]:
        """What the store holds, for health and metrics; ``holes`` above 0 is an alarm."""
        async with self._read() as connection:
            return await lookups.count_all(connection, self._now()) | self.gauges

    @_whole
    async def waiting_notifications(
        self, now: datetime, limit: int = 20, *, channel: str = ""
    ) -> tuple[Notification, ...]:
        """Messages owed to people outside the pages, oldest first; with ``channel`` only those it has not taken."""
        async with self._read() as connection:
            return await lookups.waiting_notifications(connection, now, limit, channel)

    @_whole
    async def notification_delivered(self, notification_id: str, channel: str, at: datetime) -> None:
        """Note that ``channel`` took it, so that a retry leaves that channel out."""
        async with self._write() as connection:
            row = {"notification_id": notification_id, "channel": channel[:64]}
            known = select(deliveries).where(*(deliveries.c[name] == value for name, value in row.items()))
            if (await connection.execute(known)).first() is None:
                await connection.execute(insert(deliveries).values(**row, delivered_at=at))

    @_whole
    async def notification_sent(self, notification_id: str, at: datetime) -> None:
        """Every channel has it: nothing more is owed."""
        async with self._write() as connection:
            await connection.execute(
                update(notifications).where(notifications.c.id == notification_id).values(sent_at=at, last_error="")
            )

    @_whole
    async def notification_failed(self, notification_id: str, error: str, retry_at: datetime) -> None:
        """Some channel did not take it; it is offered again from ``retry_at``."""
        async with self._write() as connection:
            await connection.execute(
                update(notifications)
                .where(notifications.c.id == notification_id)
                .values(attempts=notifications.c.attempts + 1, last_error=error[:MAX_ERROR], not_before=retry_at)
            )

    async def _vehicle_of(self, connection: AsyncConnection, order: WorkOrder) -> str:
        vehicle_id: str | None = order.vehicle_id
        if not vehicle_id:
            vin = (identities.c.kind == KeyKind.VIN.value, identities.c.value == normalise(order.vin))
            vehicle_id = (await connection.execute(select(identities.c.vehicle_id).where(*vin))).scalar()
        current = await current_id(connection, vehicle_id) if vehicle_id else None
        if current is None:
            raise UnknownVehicleError(order.vehicle_id or "no car with that VIN")
        return current

    def ended(self, task: asyncio.Task[Any]) -> None:
        """Forget a finished call; what went wrong with one that nobody waits for is logged."""
        self.running.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, StoreFailedError):
            log.debug("store call failed", error=repr(error))

    def _tell(self, reviewed: Iterable[Reviewed]) -> None:
        for one in reviewed:
            self.feed.publish({"type": "vehicle", "id": one.vehicle_id})
            for alert_id in one.alert_ids:
                self.feed.publish({"type": "alert", "id": alert_id})

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is alone with all that people see."""
        async with self._keep() as connection:
            await self._database.keeping.hold_cars(connection)
            yield connection

    @asynccontextmanager
    async def _keep(self) -> AsyncIterator[AsyncConnection]:
        """A transaction beside which others may keep records."""
        try:
            async with self._database.engine.begin() as connection:
                yield connection
        except self._database.keeping.broken as error:
            raise StoreFailedError(one_line(error)) from error

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._database.engine.connect() as connection:
                yield connection
        except self._database.keeping.broken as error:
            raise StoreFailedError(one_line(error)) from error
