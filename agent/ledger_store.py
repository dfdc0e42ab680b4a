"""``ledger.db``: what this box knows about cars, and which records it still owes to the outbox.

Everything a person or a car told us is committed here before anybody hears "done". Every change is one transaction
that also holds the records it causes.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import ConfigDict, TypeAdapter

from agent.command_store import CommandStore
from agent.fact_store import FactStore, claims_in, forget_strangers
from agent.ledger import VIN_HEAD, Change, Intake, Listed, RecordSet, Status, StockState, Vehicle
from agent.ledger_rows import intake_of, row_of, vehicle_of
from agent.sheet_store import SheetStore, put_answer
from evidence.history import Visit
from evidence.sheet.content import SellerAnswer
from evidence.snapshot import Snapshot
from sync.database import Database, Row, named_rows, open_database
from sync.lock import FileLock
from sync.records import AnyBody, StatementBody
from sync.vault import PLAIN, Vault

SCHEMA = Path(__file__).parent / "schema"
OPERATORS_SHOWN = 6
MODELS_SHOWN = 200
VISIBLE_LIMIT = 200
_BODIES: TypeAdapter[tuple[AnyBody, ...]] = TypeAdapter(tuple[AnyBody, ...], config=ConfigDict(defer_build=True))


class LedgerStore:
    """The one connection to ``ledger.db``, locked against a second process.

    ``is_new`` while nothing of an earlier life is known; ``set_aside`` names the damaged file that was the reason.
    """

    def __init__(self, database: Database, lock: FileLock, set_aside: Path | None, *, is_new: bool) -> None:
        self._db = database
        self._lock = lock
        self.set_aside = set_aside
        self.is_new = is_new
        self.sheets = SheetStore(database)
        self.commands = CommandStore(database)
        self.facts = FactStore(database)

    @classmethod
    async def open(cls, path: Path, *, vault: Vault = PLAIN) -> Self:
        """Open or create the ledger at ``path``; raise OutboxError, saying why, when it is locked or unusable."""
        lock = FileLock(path.with_name(f"{path.name}.lock"))
        is_new = not _holds_anything(path)
        try:
            opened = await open_database(path, SCHEMA, vault=vault)
        except BaseException:
            lock.release()
            raise
        return cls(opened.database, lock, opened.set_aside, is_new=is_new or opened.set_aside is not None)

    async def close(self) -> None:
        await self._db.close()
        self._lock.release()

    async def intake(self, intake_id: str) -> Intake | None:
        """The intake with this id; one that was taken over by a later plug-in gives that one."""
        return await self._db.run(lambda db: _followed(db, intake_id))

    async def intakes(self, *statuses: Status) -> tuple[Intake, ...]:
        """The newest intakes in any of ``statuses``, newest first."""
        query = f"SELECT * FROM intakes WHERE status IN ({_marks(statuses)}) ORDER BY seq DESC LIMIT ?"  # noqa: S608
        return tuple(intake_of(row) for row in await self._rows(query, *statuses, VISIBLE_LIMIT))

    async def listed(self, *statuses: Status, limit: int = VISIBLE_LIMIT) -> tuple[Listed, ...]:
        """The newest intakes in any of ``statuses``, newest first, without reading them whole."""
        query = f"SELECT id, vin, version FROM intakes WHERE status IN ({_marks(statuses)}) ORDER BY seq DESC LIMIT ?"  # noqa: S608
        return tuple(Listed(row["id"], row["vin"], row["version"]) for row in await self._rows(query, *statuses, limit))

    async def intakes_by_id(self, ids: Sequence[str]) -> dict[str, Intake]:
        """Those of ``ids`` that there are."""
        query = f"SELECT * FROM intakes WHERE id IN ({_marks(ids)})"  # noqa: S608 - only marks
        return {row["id"]: intake_of(row) for row in await self._rows(query, *ids)}

    async def interrupted(self, vin: str, except_id: str) -> Intake | None:
        """The newest intake of this VIN that has answers but whose scan never became complete."""
        rows = await self._rows(
            "SELECT * FROM intakes WHERE vin = ? AND vin != '' AND id != ? AND snapshot IS NULL"
            " AND status IN ('open', 'awaiting_identity') ORDER BY seq DESC LIMIT 1",
            vin,
            except_id,
        )
        return intake_of(rows[0]) if rows else None

    async def visits(self, vin: str, except_id: str = "") -> tuple[Visit, ...]:
        """All complete visits of the car, oldest first, without the one named."""
        intakes = await self.sent_intakes(vin)
        return tuple(_visit(intake) for intake in intakes if intake.id != except_id)

    async def visits_before(self, intake: Intake) -> tuple[Visit, ...]:
        """All complete visits of the same car that began before this one, oldest first."""
        intakes = await self.sent_intakes(intake.vin)
        place = next((at for at, one in enumerate(intakes) if one.id == intake.id), len(intakes))
        return tuple(_visit(one) for one in intakes[:place])

    async def sent_intakes(self, vin: str) -> tuple[Intake, ...]:
        """The intakes that are visits of this car, oldest first; none for an empty VIN."""
        return await self._db.run(lambda db: _sent_intakes(db, vin)) if vin else ()

    async def vehicle(self, vin: str) -> Vehicle | None:
        rows = await self._rows("SELECT * FROM vehicles WHERE vin = ?", vin)
        return vehicle_of(rows[0]) if rows else None

    async def learned_model(self, vin: str) -> str:
        """The model a person once picked for cars whose VIN begins like this one; empty when nobody did."""
        rows = await self._rows("SELECT model FROM learned_models WHERE vin_head = ?", vin[:VIN_HEAD])
        return str(rows[0]["model"]) if rows else ""

    async def models(self) -> tuple[str, ...]:
        """Every model ever picked, for the page's suggestions."""
        rows = await self._rows("SELECT DISTINCT model FROM learned_models ORDER BY model LIMIT ?", MODELS_SHOWN)
        return tuple(str(row["model"]) for row in rows)

    async def operators(self) -> tuple[str, ...]:
        """Who typed answers lately, the latest first."""
        rows = await self._rows("SELECT name FROM operators ORDER BY used DESC LIMIT ?", OPERATORS_SHOWN)
        return tuple(str(row["name"]) for row in rows)

    async def commit(self, change: Change) -> None:
        """Make one step of an intake durable, with what its answers taught and the records it owes."""
        await self._db.run(lambda db: _apply(db, change))

    async def add_answer(self, intake_id: str, answer: SellerAnswer, owed: StatementBody | None) -> None:
        """Keep what the seller said to a finding, with the record it owes."""

        def add(db: sqlite3.Connection) -> None:
            number = put_answer(db, intake_id, answer)
            if owed is not None:
                _owe(db, RecordSet(f"{intake_id}/statement/{number}", (owed,)))

        await self._db.run(add)

    async def owe(self, owed: RecordSet) -> None:
        """Commit records that belong to no intake (the clock of a boot); a key already known is left alone."""
        await self._db.run(lambda db: _owe(db, owed))

    async def set_stock_state(self, vehicle_id: str, state: StockState) -> bool:
        """True when there is such a vehicle."""
        query = "UPDATE vehicles SET stock_state = ? WHERE id = ?"
        return await self._db.run(lambda db: db.execute(query, (state, vehicle_id)).rowcount == 1)

    async def abandon_open(self) -> None:
        """At start: whatever was being read when the process died will not be read any more."""
        query = "UPDATE intakes SET status = 'awaiting_identity', version = version + 1 WHERE status = 'open'"
        await self._db.run(lambda db: db.execute(query))

    async def forget_before(self, moment: datetime) -> int:
        """Erase finished visits begun before ``moment`` and cars that are sold and have none left; return how many."""
        return await self._db.run(lambda db: _forget(db, moment))

    async def owed(self) -> tuple[RecordSet, ...]:
        """Record sets that the outbox may not have, oldest first."""
        rows = await self._rows("SELECT key, bodies FROM record_sets WHERE emitted = 0 ORDER BY id")
        return tuple(RecordSet(row["key"], _BODIES.validate_json(row["bodies"])) for row in rows)

    async def mark_emitted(self, key: str) -> None:
        """The outbox has them: forget the bodies, since a second copy would outlive an erasure there."""
        query = "UPDATE record_sets SET emitted = 1, bodies = '[]' WHERE key = ?"
        await self._db.run(lambda db: db.execute(query, (key,)))

    async def _rows(self, query: str, *values: str | int) -> list[Row]:
        return await self._db.run(lambda db: named_rows(db, query, *values))


def _holds_anything(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _followed(db: sqlite3.Connection, intake_id: str) -> Intake | None:
    rows = named_rows(db, "SELECT * FROM intakes WHERE id = ?", intake_id)
    if rows and rows[0]["merged_into"]:
        return _followed(db, rows[0]["merged_into"])
    return intake_of(rows[0]) if rows else None


def _sent_intakes(db: sqlite3.Connection, vin: str) -> tuple[Intake, ...]:
    """By the VIN that each had, except where somebody upstream has put visits or cars together."""
    claims = claims_in(db, vin)
    vins, taken_in = sorted(claims.vins), sorted(claims.taken_in)
    query = (
        f"SELECT * FROM intakes WHERE (vin IN ({_marks(vins)}) OR id IN ({_marks(taken_in)})) AND snapshot IS NOT NULL"  # noqa: S608
        " AND status IN ('awaiting_dash', 'complete') ORDER BY seq"
    )
    found = (intake_of(row) for row in named_rows(db, query, *vins, *taken_in))
    return tuple(intake for intake in found if intake.id not in claims.taken_out)


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def _apply(db: sqlite3.Connection, change: Change) -> None:
    _put_intake(db, change.intake)
    _learn(db, change.intake)
    if change.vehicle is not None:
        _put_vehicle(db, change.vehicle)
    if change.takes_over:
        query = (
            "UPDATE intakes SET status = 'merged', merged_into = ?, answers = '{}', version = version + 1 WHERE id = ?"
        )
        db.execute(query, (change.intake.id, change.takes_over))
    if change.owed is not None:
        _owe(db, change.owed)


def _put_intake(db: sqlite3.Connection, intake: Intake) -> None:
    db.execute(
        "INSERT INTO intakes (id, bay, vin, status, purpose, begun_at, answers, revision, snapshot)"
        " VALUES (:id, :bay, :vin, :status, :purpose, :begun_at, :answers, :revision, :snapshot)"
        " ON CONFLICT (id) DO UPDATE SET vin = excluded.vin, status = excluded.status, purpose = excluded.purpose,"
        " answers = excluded.answers, revision = excluded.revision, snapshot = excluded.snapshot,"
        " version = version + 1",
        row_of(intake),
    )


def _learn(db: sqlite3.Connection, intake: Intake) -> None:
    answers = intake.answers
    if answers.operator:
        db.execute(
            "INSERT INTO operators (name, used) SELECT ?, coalesce(max(used), 0) + 1 FROM operators WHERE true"
            " ON CONFLICT (name) DO UPDATE SET used = excluded.used",
            (answers.operator,),
        )
    if answers.model and intake.vin:
        db.execute(
            "INSERT INTO learned_models VALUES (?, ?) ON CONFLICT (vin_head) DO UPDATE SET model = excluded.model",
            (intake.vin[:VIN_HEAD], answers.model),
        )


def _put_vehicle(db: sqlite3.Connection, vehicle: Vehicle) -> None:
    db.execute(
        "INSERT INTO vehicles (id, vin, plate, stock_number, stock_state) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (vin) DO UPDATE SET plate = excluded.plate, stock_number = excluded.stock_number",
        (vehicle.id, vehicle.vin, vehicle.plate, vehicle.stock_number, vehicle.stock_state),
    )


def _owe(db: sqlite3.Connection, owed: RecordSet) -> None:
    db.execute(
        "INSERT INTO record_sets (key, bodies) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
        (owed.key, _BODIES.dump_json(owed.bodies, by_alias=True).decode()),
    )


def _forget(db: sqlite3.Connection, moment: datetime) -> int:
    finished = "DELETE FROM intakes WHERE status IN ('complete', 'merged', 'withdrawn') AND begun_at < ?"
    erased = db.execute(finished, (moment.isoformat(),)).rowcount
    db.execute("DELETE FROM vehicles WHERE stock_state = 'sold' AND vin NOT IN (SELECT vin FROM intakes)")
    forget_strangers(db)
    return erased


def _visit(intake: Intake) -> Visit:
    snapshot = intake.snapshot or Snapshot()
    return Visit(snapshot.taken_at, snapshot, intake.answers.dash_m, intake.answers.papers_m)
