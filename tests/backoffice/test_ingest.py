"""From the wire into the store: answered after the commit, and never instead of it."""

import json

import pytest

from backoffice.ingest import Ingest
from backoffice.store import RecordStore
from sync.codec import encode_batch
from sync.errors import NotStoredError
from sync.wire import Ack, Nack
from tests.backoffice.facts import START, VIN_A, dash, row, visit


@pytest.fixture
def ingest(store: RecordStore) -> Ingest:
    return Ingest(store, now=lambda: START)


def batch(*rows: tuple[int, object], lo: int = 1) -> bytes:
    return encode_batch("s1", lo, [(seq, json.dumps(record)) for seq, record in rows])


async def test_what_is_answered_is_stored(ingest: Ingest, store: RecordStore) -> None:
    answers = await ingest.handle("bay-1", batch((1, row(visit("v1", vin=VIN_A))), (2, row(dash("v1", 5)))))

    assert list(answers) == [Ack(s="s1", a=1, b=2)]
    assert (await store.counts())["records"] == 2
    assert (ingest.counts.batches, ingest.counts.records) == (1, 2)


async def test_a_duplicate_is_acknowledged_again(ingest: Ingest) -> None:
    payload = batch((1, row(visit("v1", vin=VIN_A))))
    first, second = await ingest.handle("bay-1", payload), await ingest.handle("bay-1", payload)

    assert list(first) == list(second) == [Ack(s="s1", a=1, b=1)]
    assert ingest.counts.duplicates == 1


async def test_poison_is_refused_by_name_and_holds_nothing_up(ingest: Ingest, store: RecordStore) -> None:
    answers = await ingest.handle("bay-1", batch((1, {"kind": "?"}), (2, row(visit("v2", vin=VIN_A)))))

    assert [type(answer) for answer in answers] == [Ack, Nack]
    assert (await store.counts())["records"] == 1


@pytest.mark.parametrize("payload", [b"", b"\x00\xff", b"[]", b"{}", b'{"v":2}', b"x" * 100_000])
async def test_what_is_no_batch_is_dropped_and_counted(ingest: Ingest, store: RecordStore, payload: bytes) -> None:
    assert await ingest.handle("bay-1", payload) == ()
    assert ingest.counts.unreadable == 1
    assert (await store.counts())["records"] == 0


async def test_a_store_that_cannot_commit_acknowledges_nothing(ingest: Ingest, store: RecordStore) -> None:
    async with store._write() as connection:
        await connection.exec_driver_sql("ALTER TABLE records RENAME TO elsewhere")
    with pytest.raises(NotStoredError):
        await ingest.handle("bay-1", batch((1, row(visit("v1", vin=VIN_A)))))
    async with store._write() as connection:
        await connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO records")

    assert list(await ingest.handle("bay-1", batch((1, row(visit("v1", vin=VIN_A)))))) == [Ack(s="s1", a=1, b=1)]
