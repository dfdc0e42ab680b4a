"""The publisher against a real broker: what is sent, sent again and told to a person."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import MqttSettings
from sync import outbox_file
from sync.clock import SystemClock
from sync.codec import MAX_SEQ, decode_question
from sync.errors import OutboxError, UpstreamLostError
from sync.ingest_link import receive_batches
from sync.mqtt import Session, connect
from sync.outbox import Outbox
from sync.publisher import Publisher, PublisherState
from sync.records import MileageBody, Record
from sync.wire import Account, Ack, Nack, State
from tests.sync.broker import Broker, Rumqttd, password_options
from tests.sync.office import Answers, Office
from tests.sync.running import PATIENCE_S, running, until
from tests.sync.samples import mileage, speed
from tests.sync.scripted_broker import (
    CONNACK_5,
    CONNECT,
    PUBLISH,
    SUBSCRIBE,
    Answer,
    puback_5,
    publish_5,
    scripted_broker,
    suback_5,
)
from tests.sync.upstream import Upstream

pytestmark = pytest.mark.broker
both_versions = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


def a_publisher(outbox: Outbox, settings: MqttSettings, states: list[PublisherState] | None = None) -> Publisher:
    heard = [] if states is None else states
    return Publisher(outbox, "bay-1", settings, SystemClock(), heard.append, version="0.1.0")


@both_versions
async def test_everything_owed_arrives_once_and_is_then_forgotten(
    broker: Broker, outbox: Outbox, office: Office, protocol: str
) -> None:
    settings = broker.settings(protocol, batch_records=7, window_batches=3)
    publisher = a_publisher(outbox, settings)
    await outbox.append([speed(n) for n in range(100)])

    async with running(publisher.run(), receive_batches(settings, office.handle)):
        await outbox.append([mileage(n) for n in range(20)])
        assert await publisher.drained(PATIENCE_S)

        await until(lambda: publisher.state.buffered == 0)

    assert office.seqs() == list(range(1, 121))
    assert publisher.state.last_ack_at is not None


@pytest.mark.parametrize("version", ["v5", "v4"])
async def test_another_broker_that_is_unlike_mosquitto_will_do_too(
    version: str, tmp_path: Path, outbox: Outbox, office: Office
) -> None:
    await outbox.append([speed(n) for n in range(100)])
    with Rumqttd(tmp_path, version=version) as broker:
        settings = broker.settings(batch_records=7, window_batches=3)
        publisher = a_publisher(outbox, settings)
        async with running(publisher.run(), receive_batches(settings, office.handle)):
            assert await publisher.drained(PATIENCE_S)

    assert office.seqs() == list(range(1, 101))
    assert publisher.state.degraded == (version == "v4")


async def test_what_people_wait_for_overtakes_raw_readings(broker: Broker, outbox: Outbox, office: Office) -> None:
    settings = broker.settings(batch_records=10, window_batches=1)
    publisher = a_publisher(outbox, settings)
    await outbox.append([speed(n) for n in range(30)])
    await outbox.append([mileage(n) for n in range(5)])
    order: list[str] = []

    async def handle(device: str, payload: bytes) -> Answers:
        before = set(office.payloads())
        answers = await office.handle(device, payload)
        order.extend(json.loads(row)["body"]["kind"] for row in office.payloads() if row not in before)
        return answers

    async with running(publisher.run(), receive_batches(settings, handle)):
        assert await publisher.drained(PATIENCE_S)

    assert order[:5] == ["mileage"] * 5


@both_versions
async def test_a_broker_that_forgets_everything_costs_nothing_but_time(
    broker: Broker, outbox: Outbox, office: Office, protocol: str
) -> None:
    settings = broker.settings(protocol, batch_records=5)
    publisher = a_publisher(outbox, settings)
    async with running(publisher.run(), receive_batches(settings, office.handle)):
        for _ in range(3):
            await outbox.append([mileage(n) for n in range(40)])
            await asyncio.sleep(0.02)
            broker.kill()
            await outbox.append([mileage(n) for n in range(40)])
            await until(lambda: not publisher.state.connected)
            await until(lambda: bool(publisher.state.lost))
            broker.start()
            await until(lambda: publisher.state.connected)
            assert not publisher.state.lost
        assert await publisher.drained(PATIENCE_S)

    assert office.seqs() == list(range(1, 241))


async def test_an_office_that_is_away_or_full_is_waited_for(broker: Broker, outbox: Outbox, office: Office) -> None:
    settings = broker.settings(ack_timeout_s=0.3)
    publisher = a_publisher(outbox, settings)
    office.closed = True
    await outbox.append([mileage(n) for n in range(60)])

    with capture_logs() as told:
        async with running(publisher.run(), receive_batches(settings, office.handle)):
            await until(lambda: publisher.state.unanswered)
            assert outbox.pending_count() == 60
            assert not await publisher.drained(0)
            office.closed = False
            assert await publisher.drained(PATIENCE_S)

    assert "no acknowledgement, sending again" in [line["event"] for line in told]
    assert not publisher.state.unanswered
    assert office.seqs() == list(range(1, 61))


async def test_an_answer_that_got_lost_is_asked_for_again(broker: Broker, outbox: Outbox, office: Office) -> None:
    settings = broker.settings(ack_timeout_s=0.3)
    publisher = a_publisher(outbox, settings)
    await outbox.append([mileage(n) for n in range(5)])

    async def handle(device: str, payload: bytes) -> Answers:
        answers = await office.handle(device, payload)
        return answers if office.batches > 1 else ()

    async with running(publisher.run(), receive_batches(settings, handle)):
        assert await publisher.drained(PATIENCE_S)

    assert office.batches == 2
    assert office.seqs() == [1, 2, 3, 4, 5]


async def test_whoever_looks_later_still_learns_that_the_box_is_online(broker: Broker, outbox: Outbox) -> None:
    publisher = a_publisher(outbox, broker.settings())
    async with running(publisher.run()):
        await until(lambda: publisher.state.connected)
        async with connect(broker.settings(), Session("watcher")) as link, asyncio.timeout(PATIENCE_S):
            await link.subscribe("forecourt/v1/bay-1/state")
            async for message in link.messages():
                assert State.model_validate_json(message.payload).online
                break


async def test_poison_goes_to_quarantine_and_the_rest_goes_on(broker: Broker, outbox: Outbox, office: Office) -> None:
    settings = broker.settings(batch_records=4)
    publisher = a_publisher(outbox, settings)
    await outbox.append([mileage(n) for n in range(6)])
    bad = outbox_file.Line(outbox_file.PEOPLE, '{"body":{"kind":"no such kind"}}')
    await outbox._commits.change(lambda c: outbox_file.append(c, 1, [bad]), lambda _last: outbox._count(1))
    await outbox.append([mileage(n) for n in range(6)])

    async with running(publisher.run(), receive_batches(settings, office.handle)):
        assert await publisher.drained(PATIENCE_S)

    assert office.seqs() == [*range(1, 7), *range(8, 15)]
    assert json.loads(office.payloads()[-1])["body"]["first_seq"] == 7


async def test_of_a_long_reason_for_a_refusal_only_the_beginning_is_kept(broker: Broker, outbox: Outbox) -> None:
    settings = broker.settings()
    publisher = a_publisher(outbox, settings)
    await outbox.append([mileage(1)])
    said: list[Nack] = []

    async def handle(_device: str, payload: bytes) -> Sequence[Ack | Nack]:
        stream, (first, *_) = (content := json.loads(payload))["s"], content["r"]
        if said:
            return [Ack(s=stream, a=first[0], b=first[0])]
        said.append(Nack(s=stream, a=1, b=1, reason="x" * 1000))
        return said

    async with running(publisher.run(), receive_batches(settings, handle)):
        assert await publisher.drained(PATIENCE_S)

    kept = await outbox._commits.read(lambda c: c.execute("SELECT seq, reason FROM quarantine").fetchall())
    assert kept == [(1, "x" * 200)]


async def test_records_of_a_copied_file_keep_the_identity_they_had(
    broker: Broker, outbox: Outbox, office: Office, tmp_path: Path
) -> None:
    await outbox.append([mileage(n) for n in range(8)])
    old, settings = outbox.stream, broker.settings()
    await outbox.close()
    (tmp_path / "copy.db").write_bytes((tmp_path / "outbox.db").read_bytes())

    copy = await Outbox.open(tmp_path / "copy.db", clock=SystemClock(), max_bytes=1 << 24)
    await copy.append([mileage(n) for n in range(3)])
    publisher = a_publisher(copy, settings)
    async with running(publisher.run(), receive_batches(settings, office.handle)):
        assert await publisher.drained(PATIENCE_S)

    streams = office._database.execute("SELECT stream, count(*) FROM records GROUP BY stream").fetchall()
    assert dict(streams) == {old: 8, copy.stream: 3}
    await copy.close()


async def test_what_is_read_after_a_disk_was_put_back_as_a_whole_is_not_taken_for_what_was_read_before(
    broker: Broker, outbox: Outbox, office: Office, tmp_path: Path
) -> None:
    files, settings, first = [tmp_path / "outbox.db", tmp_path / "outbox.db.lock"], broker.settings(), outbox.stream
    await outbox.append([mileage(1), mileage(2)])
    await outbox.close()
    image = [file.read_bytes() for file in files]
    await delivered_by_the_next_life(tmp_path, settings, office, [mileage(3), mileage(4), mileage(5)])
    for file, content in zip(files, image, strict=True):
        file.write_bytes(content)

    second = await delivered_by_the_next_life(tmp_path, settings, office, [mileage(6), mileage(7)])

    assert second != first
    told = [Record.model_validate_json(row).body for row in office.payloads()]
    assert sorted(body.odometer_m or 0 for body in told if isinstance(body, MileageBody)) == [1, 2, 3, 4, 5, 6, 7]
    streams = office._database.execute("SELECT stream, seq FROM records ORDER BY seq").fetchall()
    assert [seq for stream, seq in streams if stream == first] == [1, 2, 3, 4, 5]
    assert [seq for stream, seq in streams if stream == second] == [1, 2]


async def delivered_by_the_next_life(
    folder: Path, settings: MqttSettings, office: Office, bodies: Sequence[MileageBody]
) -> str:
    """Open the outbox again, append ``bodies`` and deliver all of it; the stream it ended in."""
    outbox = await Outbox.open(folder / "outbox.db", clock=SystemClock(), max_bytes=1 << 24)
    await outbox.append(bodies)
    publisher = a_publisher(outbox, settings)
    async with running(publisher.run(), receive_batches(settings, office.handle)):
        assert await publisher.drained(PATIENCE_S)
    await outbox.close()
    return outbox.stream


async def test_a_file_that_was_opened_again_sends_nothing_before_upstream_has_told_what_it_holds(
    broker: Broker, outbox: Outbox, office: Office, tmp_path: Path
) -> None:
    await outbox.append([mileage(1)])
    await outbox.close()
    heard, states, settings = list[bytes](), list[PublisherState](), broker.settings(ack_timeout_s=0.2)

    async def handle(device: str, payload: bytes) -> Answers:
        heard.append(payload)
        return () if len(heard) < 3 else await office.handle(device, payload)

    outbox = await Outbox.open(tmp_path / "outbox.db", clock=SystemClock(), max_bytes=1 << 24)
    publisher = a_publisher(outbox, settings, states)
    async with running(publisher.run(), receive_batches(settings, handle)):
        assert await publisher.drained(PATIENCE_S)

    questions = [decode_question(payload) for payload in heard[:4]]
    assert [question and question.of for question in questions] == [*[((2, MAX_SEQ),)] * 3, None]
    assert (True, False) in {(before.unanswered, after.unanswered) for before, after in pairwise(states)}
    await outbox.close()


async def test_birth_and_farewell_carry_the_same_session_id(broker: Broker, outbox: Outbox) -> None:
    said: list[State] = []
    async with connect(broker.settings(), Session("watcher")) as link:
        await link.subscribe("forecourt/v1/bay-1/state")
        publisher = a_publisher(outbox, broker.settings())
        async with running(publisher.run()):
            await until(lambda: publisher.state.connected)
        async with asyncio.timeout(PATIENCE_S):
            async for message in link.messages():
                said.append(State.model_validate_json(message.payload))
                message.ack()
                if len(said) == 2:
                    break

    async with connect(broker.settings(), Session("late watcher")) as link, asyncio.timeout(PATIENCE_S):
        await link.subscribe("forecourt/v1/bay-1/state")
        late = State.model_validate_json((await anext(aiter(link.messages()))).payload)

    assert [state.online for state in (*said, late)] == [True, False, False]
    assert not publisher.state.connected
    assert (said[0].sid == said[1].sid) and said[0].version == "0.1.0"


async def test_a_refused_password_is_told_to_a_person_and_loses_nothing(tmp_path: Path, outbox: Outbox) -> None:
    states: list[PublisherState] = []
    (tmp_path / "pw").write_text("wrong")
    await outbox.append([mileage(1)])
    with Broker(tmp_path, options=password_options(tmp_path, "bay-1", "right")) as broker:
        settings = broker.settings(password_file=tmp_path / "pw", backoff_max_s=30)
        with capture_logs() as told:
            async with running(a_publisher(outbox, settings, states).run()):
                await until(lambda: bool(states and states[-1].refused))
                await asyncio.sleep(0.5)

    assert [line["log_level"] for line in told] == ["error"]
    refusals = [state for state in states if state.refused]
    assert len(refusals) == 1, "a refusal is not retried in a hot loop"
    assert (refusals[0].refused_key, refusals[0].buffered, refusals[0].connected) == ("mqtt.refused_login", 1, False)
    assert "password" in refusals[0].refused


async def test_a_denied_topic_is_told_to_a_person(tmp_path: Path, outbox: Outbox) -> None:
    states: list[PublisherState] = []
    (tmp_path / "pw").write_text("right")
    with Broker(tmp_path, options=password_options(tmp_path, "another", "right")) as broker:
        settings = broker.settings(username="another", password_file=tmp_path / "pw", backoff_max_s=30)
        async with running(a_publisher(outbox, settings, states).run()):
            await until(lambda: bool(states and states[-1].refused))

    assert states[-1].refused_key == "mqtt.refused_topic"


@pytest.mark.parametrize("reason", [0x87, 0x97])
async def test_a_broker_that_refuses_batches_is_told_to_a_person_and_not_asked_in_a_hot_loop(
    outbox: Outbox, reason: int
) -> None:
    states: list[PublisherState] = []
    connects: list[bytes] = []

    def answer(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            connects.append(body)
            return CONNACK_5
        if kind == SUBSCRIBE:
            return suback_5(body)
        return puback_5(body, reason if b"bay-1/t" in body else 0) if kind == PUBLISH else b""

    await outbox.append([mileage(n) for n in range(50)])
    async with scripted_broker(answer) as port:
        settings = MqttSettings(url=f"mqtt://127.0.0.1:{port}", backoff_first_s=0.01, backoff_max_s=30, batch_records=5)
        async with running(a_publisher(outbox, settings, states).run()):
            await until(lambda: bool(states and states[-1].refused))
            await asyncio.sleep(0.3)

    assert len(connects) == 1
    assert states[-1].buffered == 50


def a_broker_that_refuses(what: bytes) -> tuple[Answer, list[bytes]]:
    """Takes everything but what concerns the topic ``what``; notes the batches."""
    batches: list[bytes] = []

    def answer(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return CONNACK_5
        if kind == SUBSCRIBE:
            return suback_5(body, 0x87 if what in body else 1)
        if kind == PUBLISH and b"bay-1/t" in body:
            batches.append(body)
        return puback_5(body, 0x87 if what in body else 0) if kind == PUBLISH else b""

    return answer, batches


async def test_a_broker_that_keeps_commands_from_us_does_not_keep_us_from_delivering(outbox: Outbox) -> None:
    await outbox.append([mileage(1)])
    broker, batches = a_broker_that_refuses(b"bay-1/cmd")
    with capture_logs() as told:
        async with scripted_broker(broker) as port:
            publisher = a_publisher(outbox, MqttSettings(url=f"mqtt://127.0.0.1:{port}"))
            publisher.on_command = lambda _payload, _retained: None
            async with running(publisher.run()):
                await until(lambda: bool(batches))
                await publisher.answer_command(b"{}")

    assert not publisher.state.refused
    assert [line["event"].partition(";")[0] for line in told if line["log_level"] == "error"] == [
        "broker gives this box no commands",
        "broker takes no answers to commands",
    ]


async def test_an_answer_to_a_command_that_gets_lost_stops_nothing(outbox: Outbox) -> None:
    broker, batches = a_broker_that_refuses(b"nothing")

    def deaf(kind: int, body: bytes) -> bytes | None:
        return None if b"cmd/res" in body else broker(kind, body)

    await outbox.append([mileage(1)])
    async with scripted_broker(deaf) as port:
        publisher = a_publisher(outbox, MqttSettings(url=f"mqtt://127.0.0.1:{port}", backoff_first_s=0.01))
        async with running(publisher.run()):
            await until(lambda: len(batches) == 1)
            await publisher.answer_command(b"{}")
            await until(lambda: len(batches) == 2)


async def test_a_range_of_a_stream_that_is_none_of_ours_is_not_sent(outbox: Outbox) -> None:
    assert await a_publisher(outbox, MqttSettings()).resend("another", [(1, 2)]) is None


def a_broker_that_hangs_up(answered: int) -> Callable[[int, bytes], bytes | None]:
    """One that has ``answered`` batches confirmed by a back office, and breaks off at the next."""
    batches: list[bytes] = []

    def answer(kind: int, body: bytes) -> bytes | None:
        if kind == CONNECT:
            return CONNACK_5
        if kind == SUBSCRIBE:
            return suback_5(body)
        if kind != PUBLISH or b"bay-1/t" not in body:
            return puback_5(body, 0) if kind == PUBLISH else b""
        batches.append(body)
        seq = len(batches)
        stream = json.loads(body[body.index(b"{") :])["s"]
        said = publish_5("forecourt/v1/bay-1/ack", Ack(s=stream, a=seq, b=seq).model_dump_json().encode())
        return puback_5(body, 0) + said if seq <= answered else None

    return answer


@pytest.mark.parametrize("answered", [0, 1])
async def test_only_a_connection_that_was_of_use_is_followed_by_the_next_without_a_longer_pause(
    outbox: Outbox, answered: int
) -> None:
    await outbox.append([mileage(1), mileage(2)])
    async with scripted_broker(a_broker_that_hangs_up(answered)) as port:
        settings = MqttSettings(url=f"mqtt://127.0.0.1:{port}", backoff_first_s=0.01, batch_records=1, window_batches=1)
        publisher = a_publisher(outbox, settings)
        with capture_logs() as told, nullcontext() if answered else pytest.raises(UpstreamLostError):
            await publisher._serve_once()

    assert [line["log_level"] for line in told] == ["info", "warning"][: 1 + answered]
    assert bool(publisher.state.lost) == bool(answered), "of the other one whoever tries again tells"
    await until(lambda: outbox.pending_count() == 2 - answered)


async def test_both_sides_are_compared_over_the_wire_and_what_is_missing_is_sent_again(
    broker: Broker, outbox: Outbox, office: Office
) -> None:
    settings, upstream = broker.settings(), Upstream()
    publisher = a_publisher(outbox, settings)
    await outbox.append([mileage(n) for n in range(5)])

    async def handle(device: str, payload: bytes) -> Sequence[Ack | Nack | Account]:
        question = decode_question(payload)
        if question is None:
            return await office.handle(device, payload)
        account = (await upstream.ask(question.s, question.lo, question.of)).model_copy(update={"ask": question.ask})
        return [account.model_copy(update={"ask": "ff"}), account, account]

    async with running(publisher.run(), receive_batches(settings, handle)):
        assert await publisher.drained(PATIENCE_S)
        batches = office.batches
        (report,) = await publisher.verify()
        await until(lambda: office.batches > batches and not outbox.pending_count())
        upstream.held[outbox.stream] = dict(zip(office.seqs(), map(str.encode, office.payloads()), strict=True))
        batches = office.batches
        (again,) = await publisher.verify()

    assert report.refilled == ((1, 5),)
    assert again.sound
    assert (office.batches, office.seqs()) == (batches, [1, 2, 3, 4, 5])


async def test_a_back_office_that_does_not_answer_questions_is_told_from_none(broker: Broker, outbox: Outbox) -> None:
    settings = broker.settings(ack_timeout_s=0.2)
    publisher = a_publisher(outbox, settings)
    await outbox.append([mileage(1)])
    await outbox.acknowledge(1, 1)

    with pytest.raises(UpstreamLostError, match="not connected"):
        await publisher.verify()
    async with running(publisher.run()):
        await until(lambda: publisher.state.connected)
        with pytest.raises(UpstreamLostError, match="does not answer"):
            await publisher.verify()

    assert publisher._asked == {}


async def test_an_outbox_that_fails_ends_delivery_with_its_own_error(broker: Broker, outbox: Outbox) -> None:
    publisher = a_publisher(outbox, broker.settings())
    delivering = asyncio.create_task(publisher.run())
    await until(lambda: publisher.state.connected)
    await outbox.close()
    outbox._announce()

    with pytest.raises(OutboxError, match="closed"):
        await delivering


def test_before_the_first_connection_nothing_is_claimed() -> None:
    said = PublisherState()

    assert (said.connected, said.degraded, said.unanswered, said.buffered, said.fullness) == (False, False, False, 0, 0)
    assert (said.refused, said.refused_key, said.refused_detail, said.lost, said.last_ack_at) == ("", "", "", "", None)
