"""Ingest against a real broker: acknowledged after the commit, and not when nothing was stored."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import MqttSettings
from sync.codec import decode_answer, encode_batch
from sync.errors import NotStoredError, UpstreamLostError
from sync.ingest_link import IngestState, _Ingest, ingest_session, receive_batches
from sync.mqtt import Link, Session, connect
from sync.wire import Account, Ack, Nack
from tests.sync.broker import Broker, password_options
from tests.sync.office import Answers, Office
from tests.sync.running import PATIENCE_S, running, until
from tests.sync.samples import mileage, record_json
from tests.sync.scripted_broker import (
    CONNACK_5,
    CONNECT,
    PUBACK,
    PUBLISH,
    SUBSCRIBE,
    puback_5,
    publish_5,
    scripted_broker,
    suback_5,
)

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

    async def handle(device: str, payload: bytes) -> Answers:
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


async def test_however_much_a_broker_kept_for_us_all_of_it_is_taken(tmp_path: Path) -> None:
    count, taken = 2300, set[bytes]()

    async def handle(_device: str, payload: bytes) -> Sequence[Ack | Nack]:
        taken.add(payload)
        return ()

    with Broker(tmp_path, options="allow_anonymous true\nmax_queued_messages 0") as broker:
        async with running(receive_batches(broker.settings(), handle, on_state=(states := list[IngestState]()).append)):
            await until(lambda: bool(states))
        async with connect(broker.settings(), Session("edge")) as edge:
            await asyncio.gather(*(edge.publish(TOPIC, b"%d" % number) for number in range(count)))
        async with running(receive_batches(broker.settings(), handle)):
            await until(lambda: len(taken) == count)


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


def test_messages_are_kept_a_week_for_a_lone_receiver_and_a_minute_for_one_of_several() -> None:
    alone, worker = ingest_session(), ingest_session("w1")

    assert (alone.client_id, alone.username, alone.lasting_s) == ("forecourt-ingest", "forecourt-ingest", 604_800)
    assert (worker.client_id, worker.username, worker.lasting_s) == ("forecourt-ingest-w1", "forecourt-ingest", 60)


class OfficeBroker:
    """A scripted broker that sends ``messages`` to whoever subscribes, and notes what comes back."""

    def __init__(self, *messages: bytes, shared: bool = True, hangs_up_at_answer: int = 0) -> None:
        self._messages = messages
        self._shared = shared
        self._hangs_up_at_answer = hangs_up_at_answer
        self.subscribed: list[bytes] = []
        self.answers: list[bytes] = []
        self.heard: list[int] = []

    def __call__(self, kind: int, body: bytes) -> bytes | None:
        if kind == CONNECT:
            return CONNACK_5
        if kind == SUBSCRIBE:
            self.subscribed.append(body[5:-1])
            refused = not self._shared and b"$share" in body
            return suback_5(body, 0x9E) if refused else suback_5(body) + b"".join(self._messages)
        self.heard.append(kind)
        if kind == PUBLISH:
            self.answers.append(body)
            return None if len(self.answers) == self._hangs_up_at_answer else puback_5(body, 0)
        return b""


def settings_for(port: int) -> MqttSettings:
    return MqttSettings(url=f"mqtt://127.0.0.1:{port}", backoff_first_s=0.01)


async def test_the_broker_keeps_a_batch_until_the_edge_was_told_and_the_answer_for_an_hour(office: Office) -> None:
    broker = OfficeBroker(publish_5(TOPIC, batch(1)))
    async with (
        scripted_broker(broker) as port,
        running(receive_batches(settings_for(port), office.handle)),
    ):
        await until(lambda: len(broker.heard) == 2)

    assert broker.heard == [PUBLISH, PUBACK]
    assert broker.answers[0].startswith(len(ACKS).to_bytes(2) + ACKS.encode())
    assert b"\x05\x02\x00\x00\x0e\x10{" in broker.answers[0]  # MQTT 5.0, 3.3.2.3.3: 3,600 seconds


async def test_a_message_of_no_device_is_let_go(office: Office) -> None:
    broker = OfficeBroker(publish_5("forecourt/v1/NOT-A-DEVICE/t", batch(1)))
    async with scripted_broker(broker) as port, running(receive_batches(settings_for(port), office.handle)):
        await until(lambda: bool(broker.heard))

    assert broker.heard == [PUBACK]
    assert office.seqs() == []


async def test_a_broker_without_shared_subscriptions_is_subscribed_to_alone(office: Office) -> None:
    broker = OfficeBroker(publish_5(TOPIC, batch(1)), shared=False)
    with capture_logs() as told:
        async with scripted_broker(broker) as port, running(receive_batches(settings_for(port), office.handle)):
            await until(lambda: office.seqs() == [1])

    assert "no shared subscriptions" in told[0]["event"]
    assert broker.subscribed == [b"$share/ingest/forecourt/v1/+/t", b"forecourt/v1/+/t"]


async def test_no_more_batches_are_taken_at_once_than_128() -> None:
    broker = OfficeBroker(*(publish_5(TOPIC, batch(seq), seq) for seq in range(1, 201)))
    taken: list[bytes] = []
    store_answers = asyncio.Event()

    async def handle(_device: str, payload: bytes) -> Sequence[Ack | Nack]:
        taken.append(payload)
        await store_answers.wait()
        return ()

    async with scripted_broker(broker) as port, running(receive_batches(settings_for(port), handle)):
        await until(lambda: len(taken) >= 128)
        for _ in range(100):
            await asyncio.sleep(0)
        at_once = len(taken)
        store_answers.set()
        await until(lambda: len(taken) == 200)

    assert at_once == 128


@pytest.mark.parametrize("stored", [False, True])
async def test_only_a_connection_that_stored_something_is_followed_by_the_next_without_a_longer_pause(
    office: Office, stored: bool
) -> None:
    states = list[IngestState]()
    office.closed = not stored
    broker = OfficeBroker(publish_5(TOPIC, batch(1)), hangs_up_at_answer=1)
    async with scripted_broker(broker) as port:
        ingest = _Ingest(settings_for(port), office.handle, ingest_session(), states.append)
        with capture_logs() as told, nullcontext() if stored else pytest.raises(UpstreamLostError, match="disk full"):
            await ingest.serve_once()

    assert [line["log_level"] for line in told] == (["info", "warning"] if stored else ["info"])
    assert [state.connected for state in states] == ([True, False] if stored else [True])


async def test_what_is_under_way_when_it_ends_is_stored_and_answered_first(broker: Broker, office: Office) -> None:
    storing, may_store = asyncio.Event(), asyncio.Event()

    async def handle(device: str, payload: bytes) -> Answers:
        storing.set()
        await may_store.wait()
        return await office.handle(device, payload)

    async with connect(broker.settings(), Session("edge")) as edge:
        await edge.subscribe(ACKS)
        await edge.publish(TOPIC, batch(1))
        receiving = asyncio.create_task(receive_batches(broker.settings(), handle, worker="w1"))
        while not storing.is_set():
            await edge.publish(TOPIC, batch(1))
            await asyncio.sleep(0.01)
        receiving.cancel()
        await asyncio.sleep(0)
        may_store.set()
        with pytest.raises(asyncio.CancelledError):
            await receiving

        assert await answers(edge, 1) == [Ack(s="s", a=1, b=1)]


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
