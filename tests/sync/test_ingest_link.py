"""Ingest against a real broker: acknowledged after the commit, and not when nothing was stored."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from sync.codec import decode_answer, encode_batch
from sync.errors import NotStoredError
from sync.ingest_link import IngestState, receive_batches
from sync.mqtt import Link, Session, connect
from sync.wire import Account, Ack, Nack
from tests.sync.broker import Broker, password_options
from tests.sync.office import Office
from tests.sync.running import PATIENCE_S, running, until
from tests.sync.samples import mileage, record_json

pytestmark = pytest.mark.broker
both_versions = pytest.mark.parametrize("protocol", ["5", "3.1.1"])
TOPIC, ACKS = "forecourt/v1/bay-1/t", "forecourt/v1/bay-1/ack"


def batch(*seqs: int) -> bytes:
    return encode_batch("s", min(seqs), [(seq, record_json(mileage(seq))) for seq in seqs])


async def answers(link: Link, count: int) -> list[Ack | Nack | Account | None]:
    heard: list[Ack | Nack | Account | None] = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in link.messages():
            message.ack()
            heard.append(decode_answer(message.payload))
            if len(heard) == count:
                break
    return heard


@both_versions
async def test_a_batch_is_answered_after_it_was_stored_and_again_when_it_comes_twice(
    broker: Broker, office: Office, protocol: str
) -> None:
    settings, states = broker.settings(protocol), list[IngestState]()
    async with (
        connect(settings, Session("edge")) as edge,
        running(receive_batches(settings, office.handle, on_state=states.append)),
    ):
        await edge.subscribe(ACKS)
        await until(lambda: bool(states))
        await edge.publish(TOPIC, batch(1, 2, 4))
        heard = await answers(edge, 2)
        await edge.publish(TOPIC, batch(1, 2, 4))
        heard += await answers(edge, 2)

    assert sorted(map(str, heard)) == sorted(map(str, [Ack(s="s", a=1, b=2), Ack(s="s", a=4, b=4)] * 2))
    assert office.seqs() == [1, 2, 4]


@both_versions
async def test_what_was_not_stored_is_not_acknowledged_and_comes_again(
    broker: Broker, office: Office, protocol: str
) -> None:
    settings, states = broker.settings(protocol), list[IngestState]()
    refusals: list[int] = []

    async def handle(device: str, payload: bytes) -> Sequence[Ack | Nack]:
        if len(refusals) < 2:
            refusals.append(1)
            raise NotStoredError("disk full")
        return await office.handle(device, payload)

    async with (
        connect(settings, Session("edge")) as edge,
        running(receive_batches(settings, handle, on_state=states.append)),
    ):
        await edge.subscribe(ACKS)
        await until(lambda: bool(states))
        await edge.publish(TOPIC, batch(1))

        assert await answers(edge, 1) == [Ack(s="s", a=1, b=1)]

    assert any("disk full" in state.lost for state in states)


async def test_batches_sent_while_ingest_is_away_wait_for_it(broker: Broker, office: Office) -> None:
    settings, states = broker.settings(), list[IngestState]()
    async with running(receive_batches(settings, office.handle, on_state=states.append)):
        await until(lambda: bool(states))
    async with connect(settings, Session("edge")) as edge:
        await edge.publish(TOPIC, batch(1, 2))

    async with running(receive_batches(settings, office.handle)):
        await until(lambda: office.seqs() == [1, 2])


async def test_each_batch_is_let_go_so_that_a_long_run_of_them_never_stalls(broker: Broker, office: Office) -> None:
    settings, states = broker.settings(), list[IngestState]()
    async with (
        connect(settings, Session("edge")) as edge,
        running(receive_batches(settings, office.handle, on_state=states.append)),
    ):
        await until(lambda: bool(states))
        for seq in range(1, 151):
            await edge.publish(TOPIC, batch(seq))
        await until(lambda: len(office.seqs()) == 150)


async def test_what_cannot_be_read_is_let_go_and_the_next_batch_is_taken(broker: Broker, office: Office) -> None:
    settings, states = broker.settings(), list[IngestState]()
    async with (
        connect(settings, Session("edge")) as edge,
        running(receive_batches(settings, office.handle, on_state=states.append)),
    ):
        await edge.subscribe(ACKS)
        await until(lambda: bool(states))
        for garbage in (b"", b"\x78\x00", b"{}", b'{"v":9}'):
            await edge.publish(TOPIC, garbage)
        await edge.publish("forecourt/v1/NOT-A-DEVICE/t", batch(9))
        await edge.publish(TOPIC, batch(1))

        assert await answers(edge, 1) == [Ack(s="s", a=1, b=1)]

    assert office.seqs() == [1]


async def test_a_refused_login_is_told_in_one_line(tmp_path: Path, office: Office) -> None:
    states = list[IngestState]()
    (tmp_path / "pw").write_text("wrong")
    with Broker(tmp_path, options=password_options(tmp_path, "office", "right")) as broker:
        settings = broker.settings(username="office", password_file=tmp_path / "pw", backoff_max_s=30)
        async with running(receive_batches(settings, office.handle, on_state=states.append)):
            await until(lambda: bool(states))

    assert "password" in states[-1].refused
    assert not states[-1].connected


async def test_a_defect_in_the_store_is_not_hidden(broker: Broker) -> None:
    async def handle(_device: str, _payload: bytes) -> Sequence[Ack | Nack]:
        raise LookupError("a defect")

    async with connect(broker.settings(), Session("edge")) as edge:
        receiving = asyncio.create_task(receive_batches(broker.settings(), handle))
        while not receiving.done():
            await edge.publish(TOPIC, batch(1))
            await asyncio.sleep(0.01)

    with pytest.raises(BaseException) as failure:
        await receiving
    assert "LookupError" in repr(failure.value)
