"""What only PostgreSQL has: several stores at once on one database, a server that is killed, an address to hide."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice import projection
from backoffice.database import open_database
from backoffice.errors import StoreFailedError
from backoffice.ingest import Ingest
from backoffice.office_settings import DatabaseSettings, OfficeSettings
from backoffice.review import review_vehicle
from backoffice.store import RecordStore
from backoffice.tables import metadata
from sync.codec import encode_batch
from sync.errors import NotStoredError
from sync.wire import Ack
from tests.backoffice.facts import START, VIN_A, dash, row, visit
from tests.postgres import PASSWORD, PostgresServer

pytestmark = pytest.mark.postgres
WAIT_S = 30.0


@pytest.fixture
async def office(postgres: PostgresServer) -> OfficeSettings:
    url = await postgres.new_database()
    return OfficeSettings(database=DatabaseSettings(url=url, busy_timeout_s=5))


@pytest.fixture
async def stores(
    office: OfficeSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[RecordStore, RecordStore]]:
    """Two processes' stores, opened at the same moment on an empty database."""
    monkeypatch.setattr("backoffice.drawing.LOOK_EVERY_S", 0.05)
    one, two = await asyncio.gather(*(RecordStore.open(office) for _ in range(2)))
    yield one, two
    await asyncio.gather(one.close(), two.close())


def payload(first: int, count: int, *, lo: int = 1, stream: str = "s1") -> bytes:
    rows = [(seq, row(dash(f"v{seq}", seq, vin=VIN_A))) for seq in range(first, first + count)]
    return encode_batch(stream, lo, [(seq, json.dumps(record)) for seq, record in rows])


async def drawn(store: RecordStore) -> dict[str, int]:
    async with asyncio.timeout(WAIT_S):
        while (counts := await store.counts())["unprojected"]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return counts


async def test_the_schema_is_the_one_that_the_tables_describe(office: OfficeSettings) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    database = await open_database(office.database_url, busy_timeout_s=5)
    async with database.engine.connect() as connection:
        found = await connection.run_sync(differences)
        await connection.exec_driver_sql("SET enable_sort = off")  # as if there were many rows
        latest = "EXPLAIN SELECT * FROM records ORDER BY received_at DESC, device, stream, seq DESC LIMIT 100"
        plan = "\n".join((await connection.exec_driver_sql(latest)).scalars())
    await database.close()

    assert found == []
    assert "Index Scan Backward using records_latest" in plan


async def test_what_two_workers_get_at_the_same_time_is_kept_once_and_answered_by_both(
    stores: tuple[RecordStore, RecordStore],
) -> None:
    workers = [Ingest(store) for store in stores]
    batches = [payload(first, 20) for first in range(1, 101, 10)]  # each record stands in two batches
    answers = await asyncio.gather(
        *(worker.handle("bay-1", batch) for batch in batches for worker in (*workers, workers[0]))
    )
    counts = await drawn(stores[0])

    assert all(answer == (Ack(s="s1", a=1 + 10 * (n // 3), b=20 + 10 * (n // 3)),) for n, answer in enumerate(answers))
    assert (counts["records"], counts["holes"]) == (110, 0)
    assert sum(worker.counts.records for worker in workers) == 110
    assert counts["vehicles"] == 1


async def test_a_hole_is_proven_though_the_parts_of_a_stream_went_to_two_workers(
    stores: tuple[RecordStore, RecordStore],
) -> None:
    one, two = (Ingest(store) for store in stores)
    await asyncio.gather(one.handle("bay-1", payload(1, 3)), two.handle("bay-1", payload(6, 3)))
    await one.handle("bay-1", payload(9, 1, lo=9))

    assert (await stores[1].counts())["holes"] == 2  # records 4 and 5
    await two.handle("bay-1", payload(4, 2))
    assert (await stores[0].counts())["holes"] == 0


async def test_what_one_process_judged_the_open_pages_of_another_are_told(
    stores: tuple[RecordStore, RecordStore],
) -> None:
    here, there = stores
    with there.feed.listen() as listener:
        await asyncio.sleep(0.3)  # until both have a line to the database; news before that may be lost
        await here.store_batch("bay-1", "s1", 1, [(1, row(visit("v1", vin=VIN_A)))], START)
        event = await listener.next(WAIT_S)

    assert event is not None
    assert event["type"] == "vehicle"


async def test_what_a_killed_process_left_is_drawn_by_the_next_that_looks(
    stores: tuple[RecordStore, RecordStore], postgres: PostgresServer, office: OfficeSettings
) -> None:
    await stores[0].store_batch("bay-1", "s1", 1, [(1, row(visit("v1", vin=VIN_A)))], START)
    await postgres.run("UPDATE records SET projected = false", office.database_url.rpartition("/")[2])

    assert (await drawn(stores[1]))["vehicles"] == 1


async def test_a_server_that_is_killed_holds_batches_up_and_loses_none(
    stores: tuple[RecordStore, RecordStore], postgres: PostgresServer
) -> None:
    ingest = Ingest(stores[0])
    await ingest.handle("bay-1", payload(1, 5))
    await asyncio.to_thread(postgres.kill)
    with pytest.raises(NotStoredError) as down:
        await ingest.handle("bay-1", payload(6, 5))
    await asyncio.to_thread(postgres.start)
    answers = await until_taken(ingest, payload(6, 5))
    again = await ingest.handle("bay-1", payload(1, 5))

    assert (answers, again) == ((Ack(s="s1", a=6, b=10),), (Ack(s="s1", a=1, b=5),))
    assert (await drawn(stores[1]))["records"] == 10
    assert PASSWORD not in str(down.value)
    assert "\n" not in str(down.value)


async def test_a_line_that_is_lost_amid_judging_is_no_mistake_of_ours_and_judged_again(
    stores: tuple[RecordStore, RecordStore], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost: list[str] = []

    async def judge_without_a_line(connection: AsyncConnection, *given: object) -> object:
        if not lost:
            lost.append("now")
            await connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return await review_vehicle(connection, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(projection, "review_vehicle", judge_without_a_line)
    await Ingest(stores[0]).handle("bay-1", payload(1, 5))

    assert (await drawn(stores[1]))["vehicles"] == 1
    assert lost
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err


async def until_taken(ingest: Ingest, batch: bytes) -> object:
    """What the edge does: send again until it is answered."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                return await ingest.handle("bay-1", batch)
            except NotStoredError:
                await asyncio.sleep(0.05)


async def test_an_opener_that_dies_leaves_no_lock_on_the_schema(office: OfficeSettings) -> None:
    opening = asyncio.create_task(open_database(office.database_url, busy_timeout_s=5))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])

    database = await open_database(office.database_url, busy_timeout_s=5)
    await database.close()


async def test_a_server_that_is_away_is_one_line_without_the_password() -> None:
    address = f"postgresql+asyncpg://office:{PASSWORD}@127.0.0.1:1/office?ssl=disable"
    with pytest.raises(StoreFailedError, match="see that PostgreSQL runs there") as failure:
        await open_database(address, busy_timeout_s=1)

    assert "127.0.0.1:1/office" in str(failure.value)
    assert PASSWORD not in str(failure.value)
    assert "\n" not in str(failure.value)
