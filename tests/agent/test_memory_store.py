"""The memory on disk: it comes back after a restart, forgets in time, shows no VIN, and never stands in the way."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.memory_store import CARS_KEPT, MAX_BYTES, SCHEMA, MemoryStore, remembering
from collector.memory import KnownCar, KnownUnit, ShortMemory, Skills, car_key
from config.settings import StorageSettings
from sync.database import open_database
from sync.errors import OutboxError

VIN = "LFMAP22C0L0000102"
KEEP = timedelta(days=30)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNITS = (
    KnownUnit("7E8", frozenset({0x01, 0x0C, 0xA6}), ("04E906027AB 5519", "第二"), 20, 35),
    KnownUnit("7E9", frozenset(), ("0AM300054H  1203",), 0, 19),
)
SKILLS = Skills(
    "STN1170",
    counts_lines=False,
    pids_at_once=2,
    measures_supply=False,
    visits=7,
    long_messages=True,
    lacks_defaults=True,
    stpx=False,
    supply_falls=True,
)


def car(key: str) -> KnownCar:
    return KnownCar(key, "6", "ISO 15765-4 (CAN 11/500)", UNITS, ("vag-cluster-2203-24",), ("vag-ecm-10E0",), 5)


class Wall:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def opened(path: Path, wall: Wall | None = None) -> AsyncIterator[MemoryStore]:
    store = await MemoryStore.open(path, keep=KEEP, now=wall or Wall())
    try:
        yield store
    finally:
        await store.close()


async def test_what_was_learnt_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with opened(path) as store:
        key = store.key_of(VIN)
        await store.keep_car(car(key))
        await store.keep_skills("serial:/dev/x ELM327 v1.5", SKILLS)
    async with opened(path) as store:
        assert store.key_of(VIN) == key
        assert await store.car(key) == car(key)
        assert await store.skills("serial:/dev/x ELM327 v1.5") == SKILLS
        assert await store.skills("serial:/dev/y ELM327 v1.5") is None
        assert await store.car(store.key_of("LSVAA49J3K2000101")) is None


EARLIER = """
CREATE TABLE secret (bytes BLOB NOT NULL) STRICT;
CREATE TABLE adapters (identity TEXT PRIMARY KEY, chip TEXT NOT NULL, seen_at TEXT NOT NULL) STRICT;
CREATE TABLE cars (key TEXT PRIMARY KEY, protocol TEXT NOT NULL, seen_at TEXT NOT NULL) STRICT;
"""


@pytest.mark.parametrize("earlier", [EARLIER, (SCHEMA / "001.sql").read_text(encoding="utf-8")])
async def test_the_memory_of_an_earlier_version_begins_anew_and_keeps_its_secret(tmp_path: Path, earlier: str) -> None:
    path, first = tmp_path / "memory.db", tmp_path / "schema"
    first.mkdir()
    (first / "001.sql").write_text(earlier, encoding="utf-8")
    before = await open_database(path, first, max_bytes=MAX_BYTES)
    await before.database.run(lambda db: db.execute("INSERT INTO secret VALUES (?)", (b"s" * 32,)).rowcount)
    await before.database.close()
    with capture_logs() as logs:
        async with opened(path) as store:
            key, skills, known = store.key_of(VIN), await store.skills("tcp:x"), await store.car("a")
            await store.keep_skills("tcp:x", SKILLS)
            await store.keep_car(car("a"))
            kept = await store.skills("tcp:x"), await store.car("a")

    assert logs == []
    assert key == car_key(VIN, b"s" * 32)
    assert (skills, known) == (None, None)
    assert kept == (SKILLS, car("a"))


async def test_the_later_lesson_counts(tmp_path: Path) -> None:
    async with opened(tmp_path / "memory.db") as store:
        await store.keep_car(car("a"))
        later = KnownCar("a", "7", "ISO 15765-4 (CAN 29/500)", UNITS[:1])
        await store.keep_car(later)

        assert await store.car("a") == later


def content_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_no_vin_stands_in_the_file(tmp_path: Path) -> None:
    async with opened(tmp_path / "memory.db") as store:
        await store.keep_car(car(store.key_of(VIN)))
    content = content_of(tmp_path)

    assert VIN.encode() not in content
    assert b"7E8" in content


async def test_two_boxes_name_the_same_car_differently(tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        assert one.key_of(VIN) != two.key_of(VIN)


async def test_a_car_that_is_not_read_for_long_is_forgotten_and_its_adapter_expects_nobody(tmp_path: Path) -> None:
    wall = Wall()
    async with opened(tmp_path / "memory.db", wall) as store:
        await store.keep_car(car("old"))
        await store.keep_skills("adapter", Skills(last_car="old"))
        wall.now += KEEP + timedelta(hours=1)
        await store.keep_car(car("new"))

        assert await store.car("old") is None
        assert await store.car("new") == car("new")
        assert await store.skills("adapter") == Skills(last_car="")


async def test_a_clock_that_falls_back_loses_nothing_of_now(tmp_path: Path) -> None:
    wall = Wall()
    async with opened(tmp_path / "memory.db", wall) as store:
        await store.keep_car(car("a"))
        wall.now = datetime(1970, 1, 1, tzinfo=UTC)
        await store.keep_car(car("b"))

        assert await store.car("a") == car("a")
        assert await store.car("b") == car("b")


async def test_the_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.memory_store.CARS_KEPT", 3)
    monkeypatch.setattr("agent.memory_store.ADAPTERS_KEPT", 2)
    wall = Wall()
    async with opened(tmp_path / "memory.db", wall) as store:
        for number in range(5):
            wall.now += timedelta(seconds=1)
            await store.keep_car(car(f"car{number}"))
            await store.keep_skills(f"adapter{number}", SKILLS)
        cars = [await store.car(f"car{number}") is not None for number in range(5)]
        adapters = [await store.skills(f"adapter{number}") is not None for number in range(5)]

    assert CARS_KEPT > 3
    assert cars == [False, False, True, True, True]
    assert adapters == [False, False, False, True, True]


async def test_a_row_that_nobody_can_read_is_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with opened(path) as store:
        await store.keep_car(car("a"))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE units SET pids = 'zz', calibration_ids = '{'")
    connection.commit()
    connection.close()
    async with opened(path) as store:
        assert await store.car("a") is None


async def test_a_closed_memory_is_an_empty_one(tmp_path: Path) -> None:
    async with opened(tmp_path / "memory.db") as store:
        await store.keep_car(car("a"))
    await store.keep_car(car("b"))

    assert await store.car("a") is None


async def test_one_process_holds_the_file_and_the_other_works_without(tmp_path: Path) -> None:
    settings = StorageSettings(directory=tmp_path)
    async with remembering(settings) as held, remembering(settings) as without:
        assert isinstance(held, MemoryStore)
        assert isinstance(without, ShortMemory)
        with pytest.raises(OutboxError):
            await MemoryStore.open(tmp_path / "memory.db", keep=KEEP)


async def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with remembering(StorageSettings(directory=tmp_path / "file" / "below")) as memory:
        await memory.keep_car(car("a"))

        assert await memory.car("a") == car("a")


async def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(b"not a database at all, but long enough to look at" * 200)
    async with opened(path) as store:
        await store.keep_car(car("a"))

        assert await store.car("a") == car("a")
