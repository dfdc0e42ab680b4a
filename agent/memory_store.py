"""``memory.db``: the durable memory of adapters and cars that makes the second intake a quick one.

It is a convenience, never a source: whatever goes wrong with it costs time and no reading, so nothing here raises once
the file is open, and a box that cannot open it works without.
"""

import json
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self, TypeVar

import structlog

from agent.premises import vault_for
from collector.memory import KnownCar, KnownUnit, Memory, ShortMemory, Skills, car_key
from config.settings import StorageSettings
from sync.database import Database, open_database
from sync.errors import OutboxError
from sync.lock import FileLock
from sync.vault import PLAIN, Vault

FILE = "memory.db"
SCHEMA = Path(__file__).parent / "memory_schema"
MAX_BYTES = 16 * 1024 * 1024
CARS_KEPT = 5000  # some 2 kB each
ADAPTERS_KEPT = 200
SECRET_BYTES = 32

log = structlog.get_logger()
Now = Callable[[], datetime]
Result = TypeVar("Result")


class MemoryStore:
    """The one connection to ``memory.db``; a ``collector.memory.Memory``."""

    def __init__(self, database: Database, lock: FileLock, keep: timedelta, now: Now) -> None:
        self._db = database
        self._lock = lock
        self._keep = keep
        self._now = now
        self._secret = b""

    @classmethod
    async def open(
        cls, path: Path, *, keep: timedelta, now: Now = lambda: datetime.now(UTC), vault: Vault = PLAIN
    ) -> Self:
        """Open or create the memory at ``path``; cars that are not read for ``keep`` are erased from it.

        Raises OutboxError or OSError when it is locked or unusable.
        """
        lock = FileLock(path.with_name(f"{path.name}.lock"))
        try:
            opened = await open_database(path, SCHEMA, max_bytes=MAX_BYTES, vault=vault)
        except BaseException:
            lock.release()
            raise
        store = cls(opened.database, lock, keep, now)
        try:
            store._secret = await opened.database.run(_secret_of)
        except BaseException as error:
            await store.close()
            raise OutboxError(f"{path}: {error}") from error
        return store

    async def close(self) -> None:
        await self._db.close()
        self._lock.release()

    def key_of(self, vin: str) -> str:
        return car_key(vin, self._secret)

    async def skills(self, adapter: str) -> Skills | None:
        return await self._try(lambda db: _skills(db, adapter), None)

    async def keep_skills(self, adapter: str, skills: Skills) -> None:
        moment = self._now().isoformat()
        await self._try(lambda db: _put_skills(db, adapter, skills, moment), None)

    async def car(self, key: str) -> KnownCar | None:
        return await self._try(lambda db: _car(db, key), None)

    async def keep_car(self, car: KnownCar) -> None:
        now = self._now()
        await self._try(lambda db: _put_car(db, car, now.isoformat(), (now - self._keep).isoformat()), None)

    async def _try(self, work: Callable[[sqlite3.Connection], Result], otherwise: Result) -> Result:
        try:
            return await self._db.run(work)
        except (sqlite3.Error, ValueError, TypeError) as error:  # ValueError: closed, or a row nobody can read
            log.warning("memory of cars and adapters not usable now, reading goes on without", reason=str(error))
            return otherwise


@asynccontextmanager
async def remembering(settings: StorageSettings) -> AsyncIterator[Memory]:
    """The memory of this box while the block runs; where its file is not usable, one that ends with the process.

    Raise SettingsError when the storage key does not belong to what is stored.
    """
    keep = timedelta(days=settings.forget_acknowledged_after_days)
    try:
        store = await MemoryStore.open(settings.directory / FILE, keep=keep, vault=vault_for(settings))
    except (OutboxError, OSError) as error:
        log.info("no memory of earlier visits, reading is slower", reason=str(error))
        yield ShortMemory()
        return
    try:
        yield store
    finally:
        await store.close()


def _secret_of(db: sqlite3.Connection) -> bytes:
    row = db.execute("SELECT bytes FROM secret").fetchone()
    if row is None:
        row = (secrets.token_bytes(SECRET_BYTES),)
        db.execute("INSERT INTO secret VALUES (?)", row)
    return bytes(row[0])


def _skills(db: sqlite3.Connection, adapter: str) -> Skills | None:
    row = db.execute(
        "SELECT chip, counts_lines, pids_at_once, measures_supply, last_car, visits, adaptive_timing, long_messages,"
        " lacks_defaults, stpx, supply_falls"
        " FROM adapters WHERE identity = ?",
        (adapter,),
    ).fetchone()
    if row is None:
        return None
    chip, counts_lines, pids_at_once, supply, last_car, visits, adaptive, long_messages, lacks, stpx, falls = row
    told = chip, bool(counts_lines), pids_at_once, _flag(supply), last_car, visits
    return Skills(*told, bool(adaptive), bool(long_messages), bool(lacks), _flag(stpx), bool(falls))


def _flag(kept: int | None) -> bool | None:
    return None if kept is None else bool(kept)


def _kept(flag: bool | None) -> int | None:  # noqa: FBT001
    return None if flag is None else int(flag)


def _put_skills(db: sqlite3.Connection, adapter: str, skills: Skills, moment: str) -> None:
    counted = int(skills.counts_lines), skills.pids_at_once, _kept(skills.measures_supply)
    able = int(skills.adaptive_timing), int(skills.long_messages), int(skills.lacks_defaults)
    later = _kept(skills.stpx), int(skills.supply_falls)
    values = (adapter, skills.chip, *counted, skills.last_car, skills.visits, *able, moment, *later)
    db.execute("INSERT OR REPLACE INTO adapters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    db.execute(
        "DELETE FROM adapters WHERE identity NOT IN (SELECT identity FROM adapters ORDER BY seen_at DESC LIMIT ?)",
        (ADAPTERS_KEPT,),
    )


def _car(db: sqlite3.Connection, key: str) -> KnownCar | None:
    row = db.execute(
        "SELECT protocol_number, protocol, odometer_rows, silent_rows, brief_visits FROM cars WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    units = db.execute(
        "SELECT address, pids, calibration_ids, vin_bytes, calibration_bytes FROM units WHERE car = ? ORDER BY address",
        (key,),
    ).fetchall()
    told, silent = tuple(row[2].split()), tuple(row[3].split())
    return KnownCar(key, row[0], row[1], tuple(_unit(*unit) for unit in units), told, silent, row[4])


def _unit(address: str, pids: str, calibration_ids: str, vin_bytes: int, calibration_bytes: int) -> KnownUnit:
    bits = int(pids, 16)
    have = frozenset(pid for pid in range(bits.bit_length()) if bits >> pid & 1)
    texts = tuple(str(text) for text in json.loads(calibration_ids))
    return KnownUnit(address, have, texts, vin_bytes, calibration_bytes)


def _put_car(db: sqlite3.Connection, car: KnownCar, moment: str, forget_before: str) -> None:
    rows = " ".join(car.odometer_rows), " ".join(car.silent_rows)
    db.execute(
        "INSERT OR REPLACE INTO cars VALUES (?, ?, ?, ?, ?, ?, ?)",
        (car.key, car.protocol_number, car.protocol, *rows, moment, car.brief_visits),
    )
    db.execute("DELETE FROM units WHERE car = ?", (car.key,))
    db.executemany("INSERT INTO units VALUES (?, ?, ?, ?, ?, ?)", [_row_of(car.key, unit) for unit in car.units])
    db.execute("DELETE FROM cars WHERE key NOT IN (SELECT key FROM cars ORDER BY seen_at DESC LIMIT ?)", (CARS_KEPT,))
    db.execute("DELETE FROM cars WHERE seen_at < ?", (forget_before,))
    db.execute("DELETE FROM units WHERE car NOT IN (SELECT key FROM cars)")
    db.execute("UPDATE adapters SET last_car = '' WHERE last_car NOT IN (SELECT key FROM cars)")


def _row_of(key: str, unit: KnownUnit) -> tuple[str, str, str, str, int, int]:
    bits = f"{sum(1 << pid for pid in unit.pids):X}"
    texts = json.dumps(unit.calibration_ids, ensure_ascii=False)
    return key, unit.address, bits, texts, unit.vin_bytes, unit.calibration_bytes
