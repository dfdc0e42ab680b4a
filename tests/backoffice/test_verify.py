"""Edge and back office compare what they hold: a hole on either side is found, refilled where the edge still has it."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from backoffice.ingest import Ingest
from backoffice.store import RecordStore
from config.settings import MqttSettings
from sync.codec import encode_batch
from sync.errors import UpstreamLostError
from sync.ingest_link import receive_batches
from sync.outbox import Outbox
from sync.publisher import Publisher
from sync.verify import StreamReport, verify
from sync.wire import Account, Ack, Question, Span
from tests.backoffice.facts import START
from tests.sync.broker import Broker
from tests.sync.conftest import FixedClock
from tests.sync.running import PATIENCE_S, running, until
from tests.sync.samples import mileage, speed

DEVICE = "bay-1"


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    box = await Outbox.open(tmp_path / "outbox.db", clock=FixedClock(), max_bytes=64 << 20)
    yield box
    await box.close()


@pytest.fixture
def ingest(store: RecordStore) -> Ingest:
    return Ingest(store, now=lambda: START)


class Wire:
    """Carries batches and questions by hand."""

    def __init__(self, ingest: Ingest, outbox: Outbox) -> None:
        self._ingest, self._outbox = ingest, outbox

    async def deliver(self) -> None:
        rows = await self._outbox.unacknowledged(0, 1000)
        lo = await self._outbox.lowest_unacknowledged()
        payload = encode_batch(self._outbox.stream, lo, [(row.seq, row.payload) for row in rows])
        for answer in await self._ingest.handle(DEVICE, payload):
            assert isinstance(answer, Ack)
            await self._outbox.acknowledge(answer.a, answer.b)

    async def ask(self, stream: str, lo: int, spans: Sequence[Span]) -> Account:
        question = Question(s=stream, ask="0a", lo=lo, of=tuple(spans))
        (account,) = await self._ingest.handle(DEVICE, question.model_dump_json().encode())
        assert isinstance(account, Account)
        return account


async def sql(store: RecordStore, statement: str) -> None:
    async with store._write() as connection:
        await connection.exec_driver_sql(statement)


async def only(outbox: Outbox, wire: Wire) -> StreamReport:
    (report,) = await verify(outbox, wire.ask)
    return report


async def test_two_sides_that_agree_are_sound(outbox: Outbox, ingest: Ingest, store: RecordStore) -> None:
    wire = Wire(ingest, outbox)
    await outbox.append([*[mileage(n) for n in range(600)], *[speed(n) for n in range(20)]])
    await wire.deliver()
    await outbox.append([mileage(1)])

    report = await only(outbox, wire)

    assert report.sound and report.last_seq == 621
    assert (await store.counts())["holes"] == 0


async def test_what_the_office_lost_is_sent_again_and_the_alarm_goes(
    outbox: Outbox, ingest: Ingest, store: RecordStore
) -> None:
    wire = Wire(ingest, outbox)
    await outbox.append([mileage(n) for n in range(300)])
    await wire.deliver()
    await sql(store, "DELETE FROM records WHERE seq BETWEEN 250 AND 259 OR seq = 7")

    report = await only(outbox, wire)

    assert report.refilled == ((7, 7), (250, 256), (257, 259))
    assert (await store.counts())["holes"] == 11
    await wire.deliver()
    assert (await only(outbox, wire)).sound
    counts = await store.counts()
    assert (counts["holes"], counts["records"]) == (0, 300)


async def test_a_whole_store_that_was_put_back_to_yesterday_is_filled_again(
    outbox: Outbox, ingest: Ingest, store: RecordStore
) -> None:
    wire = Wire(ingest, outbox)
    await outbox.append([mileage(n) for n in range(100)])
    await wire.deliver()
    for table in ("records", "streams", "gaps"):
        await sql(store, f"DELETE FROM {table}")  # noqa: S608

    assert (await only(outbox, wire)).refilled == ((1, 100),)
    await wire.deliver()
    assert (await store.counts())["records"] == 100


async def test_what_neither_side_has_is_named_and_stays_an_alarm(
    outbox: Outbox, ingest: Ingest, store: RecordStore
) -> None:
    wire = Wire(ingest, outbox)
    await outbox.append([mileage(n) for n in range(10)])
    await outbox._database.execute("DELETE FROM owed WHERE seq = 4")
    await outbox.append([speed(1)])
    await wire.deliver()
    await sql(store, "DELETE FROM records WHERE seq = 11")

    report = await only(outbox, wire)

    assert report.lost == ((4, 4), (11, 11)), "raw readings are not kept"
    assert (await store.counts())["holes"] == 2


async def test_what_was_given_up_and_declared_is_no_hole(outbox: Outbox, ingest: Ingest) -> None:
    wire = Wire(ingest, outbox)
    await outbox.append([mileage(n) for n in range(10)])
    await outbox.quarantine(3, 5, "bad")
    before = await only(outbox, wire)
    await wire.deliver()

    assert before.sound
    assert (await only(outbox, wire)).sound


async def test_a_record_that_reads_differently_is_named(outbox: Outbox, ingest: Ingest, store: RecordStore) -> None:
    wire = Wire(ingest, outbox)
    await outbox.append([mileage(n) for n in range(10)])
    await wire.deliver()
    await sql(store, "UPDATE records SET record = replace(record, '沪A12345', '沪A12346') WHERE seq = 4")

    assert (await only(outbox, wire)).different == ((1, 10),)


@pytest.mark.broker
async def test_a_hole_is_refilled_over_the_wire_also_in_an_earlier_stream(
    tmp_path: Path, outbox: Outbox, ingest: Ingest, store: RecordStore
) -> None:
    with Broker(tmp_path) as broker:
        settings = broker.settings()
        async with running(a_publisher(outbox, settings).run(), receive_batches(settings, ingest.handle)):
            await outbox.append([mileage(n) for n in range(20)])
            await until(lambda: outbox.pending_count() == 0)
        await outbox.close()
        (tmp_path / "copy.db").write_bytes((tmp_path / "outbox.db").read_bytes())
        copy = await Outbox.open(tmp_path / "copy.db", clock=FixedClock(), max_bytes=64 << 20)
        publisher = a_publisher(copy, settings)
        await sql(store, "DELETE FROM records WHERE seq = 5")
        async with running(publisher.run(), receive_batches(settings, ingest.handle)):
            await copy.append([mileage(1)])
            await until(lambda: copy.pending_count() == 0)
            reports = await publisher.verify()
            assert await publisher.drained(PATIENCE_S)
            again = await publisher.verify()
        await copy.close()

    assert [report.refilled for report in reports] == [((5, 5),), ()]
    assert all(report.sound for report in again)
    assert (await store.counts())["records"] == 21


async def test_without_a_connection_nothing_can_be_compared(outbox: Outbox) -> None:
    await outbox.append([mileage(1)])
    await outbox.acknowledge(1, 1)

    with pytest.raises(UpstreamLostError, match="not connected"):
        await a_publisher(outbox, MqttSettings()).verify()


def a_publisher(outbox: Outbox, settings: MqttSettings) -> Publisher:
    return Publisher(outbox, DEVICE, settings, FixedClock())
