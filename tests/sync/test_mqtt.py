"""The port against a real mosquitto, in both versions of the protocol, and against a broker that follows a script."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from config.settings import MqttSettings
from sync.errors import UpstreamError, UpstreamLostError, UpstreamRefusedError
from sync.ingest_link import SESSION_LASTS_S
from sync.mqtt import Inbound, Link, Session, Will, connect
from tests.sync.broker import Broker, password_options
from tests.sync.scripted_broker import (
    CONNACK_5,
    CONNACK_5_RECEIVE_3,
    CONNACK_311,
    CONNECT,
    PUBLISH,
    SUBSCRIBE,
    protocol_level,
    puback_5,
    publish_5,
    scripted_broker,
    suback_5,
)

broker_test = pytest.mark.broker
both_versions = pytest.mark.parametrize("protocol", ["5", "3.1.1"])
PATIENCE_S = 5.0


async def first_message(link: Link) -> Inbound:
    async with asyncio.timeout(PATIENCE_S):
        async for message in link.messages():
            return message
    raise AssertionError("no message")


def settings_for(port: int, **other: object) -> MqttSettings:
    quick: dict[str, object] = {"connect_timeout_s": 0.5, "ack_timeout_s": 0.5}
    return MqttSettings.model_validate({"url": f"mqtt://127.0.0.1:{port}"} | quick | other)


@broker_test
@both_versions
async def test_a_message_arrives_as_it_was_sent(broker: Broker, protocol: str) -> None:
    async with connect(broker.settings(protocol), Session("a")) as link:
        await link.subscribe("forecourt/v1/bay-1/ack")
        await link.publish("forecourt/v1/bay-1/ack", b"\x00\xff payload", expiry_s=60)

        message = await first_message(link)

    assert (message.topic, message.payload) == ("forecourt/v1/bay-1/ack", b"\x00\xff payload")
    assert link.degraded == (protocol == "3.1.1")
    with pytest.raises(UpstreamLostError, match="closed"):
        await link.publish("forecourt/v1/bay-1/ack", b"too late")


@broker_test
@both_versions
async def test_what_was_not_acknowledged_comes_again_to_the_next_connection(broker: Broker, protocol: str) -> None:
    session = Session("ingest", lasting_s=SESSION_LASTS_S)
    async with connect(broker.settings(protocol), session) as link:
        await link.subscribe("x/t")
        await link.publish("x/t", b"one")
        assert (await first_message(link)).payload == b"one"

    async with connect(broker.settings(protocol), session) as link:
        again = await first_message(link)
        assert again.payload == b"one"
        again.ack()
        await link.publish("x/t", b"two")
        assert (await first_message(link)).payload == b"two"


@broker_test
async def test_a_session_that_is_not_to_last_gets_nothing_that_was_kept_for_one_before(broker: Broker) -> None:
    async with connect(broker.settings(), Session("ingest", lasting_s=SESSION_LASTS_S)) as link:
        await link.subscribe("x/t")
    async with connect(broker.settings(), Session("other")) as link:
        await link.publish("x/t", b"for the one before")

    async with connect(broker.settings(), Session("ingest")) as link:
        await link.subscribe("x/t")
        await link.publish("x/t", b"for us")
        assert (await first_message(link)).payload == b"for us"


@broker_test
@both_versions
async def test_a_broker_keeps_only_what_it_is_asked_to_keep(broker: Broker, protocol: str) -> None:
    async with connect(broker.settings(protocol), Session("a")) as link:
        await link.publish("x/passing", b"1")
        await link.publish("x/kept", b"2", retain=True)
        await link.subscribe("x/+")
        kept = await first_message(link)
        await link.publish("x/end", b"3")
        passing = await first_message(link)

    assert (kept.topic, kept.retained) == ("x/kept", True)
    assert (passing.topic, passing.retained) == ("x/end", False)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Broker]:
    """A broker that knows one login, ``bay-1`` with password ``right``, and lets it write its own topics only."""
    with Broker(tmp_path, options=password_options(tmp_path, "bay-1", "right")) as broker:
        yield broker


def password_file(folder: Path, content: str) -> Path:
    file = folder / "password"
    file.write_text(content)
    return file


@broker_test
@both_versions
async def test_a_wrong_password_is_one_line_for_a_person(guarded: Broker, tmp_path: Path, protocol: str) -> None:
    settings = guarded.settings(protocol, username="bay-1", password_file=password_file(tmp_path, "wrong\n"))

    with pytest.raises(UpstreamRefusedError, match=r"mqtt\.password_file") as refusal:
        async with connect(settings, Session("bay-1")):
            pass

    assert refusal.value.key == "mqtt.refused_login"
    assert "\n" not in str(refusal.value)


@broker_test
async def test_the_right_password_opens_the_door_and_a_foreign_topic_is_refused(
    guarded: Broker, tmp_path: Path
) -> None:
    settings = guarded.settings(password_file=password_file(tmp_path, "right\n"))

    async with connect(settings, Session("bay-1", username="bay-1")) as link:
        await link.publish("forecourt/v1/bay-1/t", b"mine")
        with pytest.raises(UpstreamRefusedError, match="access list") as refusal:
            await link.publish("forecourt/v1/bay-2/t", b"not mine")

    assert refusal.value.key == "mqtt.refused_topic"


@broker_test
@both_versions
async def test_a_broker_that_dies_fails_everything_that_waits(broker: Broker, protocol: str) -> None:
    async with connect(broker.settings(protocol), Session("a")) as link:
        reading = asyncio.create_task(first_message(link))
        await asyncio.sleep(0)
        broker.kill()

        with pytest.raises(UpstreamLostError):
            await reading
        with pytest.raises(UpstreamLostError):
            await link.publish("x", b"late")


@broker_test
async def test_the_window_is_what_the_broker_says_it_receives(tmp_path: Path) -> None:
    with Broker(tmp_path, options="allow_anonymous true\nmax_inflight_messages 5") as broker:
        async with connect(broker.settings(), Session("a")) as link:
            assert link.receive_maximum == 5
            await asyncio.gather(*(link.publish("x", b"y") for _ in range(30)))


@broker_test
@both_versions
async def test_the_last_will_is_said_when_the_line_breaks(broker: Broker, protocol: str) -> None:
    async with connect(broker.settings(protocol), Session("watcher")) as watcher:
        await watcher.subscribe("bay/state")
        async with connect(broker.settings(protocol), Session("a", will=Will("bay/state", b"gone", delay_s=0))) as link:
            link._socket.let_go()

            assert (await first_message(watcher)).payload == b"gone"


@broker_test
@both_versions
async def test_whoever_leaves_in_order_leaves_no_last_will(broker: Broker, protocol: str) -> None:
    async with connect(broker.settings(protocol), Session("watcher")) as watcher:
        await watcher.subscribe("bay/#")
        async with connect(broker.settings(protocol), Session("a", will=Will("bay/state", b"gone", delay_s=0))):
            pass
        await watcher.publish("bay/end", b"")

        assert (await first_message(watcher)).topic == "bay/end"


async def test_no_broker_is_a_loss_and_no_refusal(tmp_path: Path) -> None:
    settings = settings_for(Broker(tmp_path).port)

    with pytest.raises(UpstreamLostError, match="not reachable"):
        async with connect(settings, Session("a")):
            pass


@pytest.mark.parametrize(
    ("other", "key"),
    [
        ({"password_file": "absent"}, "mqtt.bad_file"),
        ({"url": "mqtts://127.0.0.1:1", "ca_file": "absent"}, "mqtt.bad_file"),
        ({"url": "mqtt://127.0.0.1:99999"}, "mqtt.bad_address"),
    ],
)
async def test_a_setting_that_cannot_work_is_named(other: dict[str, object], key: str, tmp_path: Path) -> None:
    placed = {name: tmp_path / "absent" if value == "absent" else value for name, value in other.items()}

    with pytest.raises(UpstreamRefusedError, match=r"mqtt\.|setting") as refusal:
        async with connect(settings_for(1, **placed), Session("a")):
            pass

    assert refusal.value.key == key


@pytest.mark.parametrize("garbage", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\xff\xff\xff\xff", b"\x20\x00"])
async def test_a_peer_that_is_no_broker_is_given_up_in_time(garbage: bytes) -> None:
    async with scripted_broker(lambda _type, _body: garbage) as port:
        with pytest.raises(UpstreamError):
            async with asyncio.timeout(PATIENCE_S), connect(settings_for(port, connect_timeout_s=0.1), Session("a")):
                pass


@pytest.mark.parametrize("refusal", [b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00", None])
async def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(refusal: bytes | None) -> None:
    def old_broker(kind: int, body: bytes) -> bytes | None:
        if kind == CONNECT:
            return CONNACK_311 if protocol_level(body) == 4 else refusal
        return b""

    async with scripted_broker(old_broker) as port, connect(settings_for(port), Session("a")) as link:
        assert link.degraded
        assert link.receive_maximum == 20, "what mosquitto takes; the protocol names none"


@pytest.mark.parametrize(
    ("says", "window"), [(b"\x20\x03\x00\x00\x00", 256), (b"\x20\x06\x00\x00\x03\x21\xff\xff", 256)]
)
async def test_a_broker_that_takes_whatever_comes_is_not_believed(says: bytes, window: int) -> None:
    async with (
        scripted_broker(lambda kind, _body: says if kind == CONNECT else b"") as port,
        connect(settings_for(port), Session("a")) as link,
    ):
        assert link.receive_maximum == window


@pytest.mark.parametrize("code", [0x86, 0x87, 0x8A])
async def test_whom_the_broker_refuses_does_not_ask_again_in_the_older_version(code: int) -> None:
    asked: list[int] = []

    def refusing(kind: int, body: bytes) -> bytes:
        asked.append(protocol_level(body) if kind == CONNECT else kind)
        return bytes([0x20, 3, 0, code, 0])

    async with scripted_broker(refusing) as port:
        with pytest.raises(UpstreamRefusedError):
            async with connect(settings_for(port), Session("a")):
                pass

    assert asked == [5]


async def test_a_broker_that_hangs_up_without_a_word_is_a_loss_unless_certificates_were_to_be_shown() -> None:
    async with scripted_broker(lambda _kind, _body: None) as port:
        with pytest.raises(UpstreamLostError):
            async with connect(settings_for(port, protocol="3.1.1"), Session("a")):
                pass


@pytest.mark.parametrize(("code", "error"), [(0x8B, UpstreamLostError), (0x8E, UpstreamRefusedError)])
async def test_a_broker_that_takes_its_leave_says_whether_to_come_again(code: int, error: type[UpstreamError]) -> None:
    leaving = answering(lambda _kind, _body: bytes([0xE0, 2, code, 0]))  # shutting down; session taken over
    async with scripted_broker(leaving) as port, connect(settings_for(port), Session("a")) as link:
        with pytest.raises(error):
            await link.publish("x", b"y")


async def test_small_packets_are_not_held_back() -> None:
    async with (
        scripted_broker(answering(lambda _k, _b: b"")) as port,
        connect(settings_for(port), Session("a")) as link,
    ):
        assert link._socket.socket is not None
        assert link._socket.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def answering(answer: Callable[[int, bytes], bytes | None]) -> Callable[[int, bytes], bytes | None]:
    return lambda kind, body: CONNACK_5 if kind == CONNECT else answer(kind, body)


@pytest.mark.parametrize("reason", [0x80, 0x83, 0x87, 0x90, 0x97, 0x99])
async def test_a_negative_puback_is_for_a_person_and_never_taken_for_success(reason: int) -> None:
    broker = answering(lambda kind, body: puback_5(body, reason) if kind == PUBLISH else b"")
    async with scripted_broker(broker) as port, connect(settings_for(port), Session("a")) as link:
        with pytest.raises(UpstreamRefusedError):
            await link.publish("x", b"y")


async def test_no_more_is_under_way_than_the_broker_said_it_receives() -> None:
    under_way: list[bytes] = []

    def slow_broker(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return CONNACK_5_RECEIVE_3
        if kind == PUBLISH:
            under_way.append(body)
        return b""

    async with scripted_broker(slow_broker) as port, connect(settings_for(port), Session("a")) as link:
        outcomes = await asyncio.gather(*(link.publish("x", b"y") for _ in range(9)), return_exceptions=True)
        assert link.receive_maximum == 3

    assert len(under_way) == 3
    assert all(isinstance(outcome, UpstreamLostError) for outcome in outcomes)


async def test_no_matching_subscriber_is_a_puback_like_any_other() -> None:
    broker = answering(lambda kind, body: puback_5(body, 0x10) if kind == PUBLISH else b"")
    async with scripted_broker(broker) as port, connect(settings_for(port), Session("a")) as link:
        await link.publish("x", b"y")


@pytest.mark.parametrize("use", [lambda link: link.publish("x", b"y"), lambda link: link.subscribe("x")])
async def test_an_answer_that_never_comes_is_a_loss(use: Callable[[Link], Awaitable[None]]) -> None:
    async with (
        scripted_broker(answering(lambda _kind, _body: b"")) as port,
        connect(settings_for(port, ack_timeout_s=0.1), Session("a")) as link,
    ):
        with pytest.raises(UpstreamLostError, match=r"no (PUB|SUB)ACK"):
            await use(link)


async def test_after_an_answer_that_never_came_nothing_more_is_asked_on_this_connection() -> None:
    asked: list[int] = []

    def silent(kind: int, _body: bytes) -> bytes:
        asked.append(kind)
        return CONNACK_5 if kind == CONNECT else b""

    async with scripted_broker(silent) as port, connect(settings_for(port, ack_timeout_s=0.1), Session("a")) as link:
        for use in (link.publish("x", b"y"), link.publish("x", b"z"), link.subscribe("x")):
            with pytest.raises(UpstreamLostError, match="no PUBACK for x"):
                await use

    assert asked == [CONNECT, PUBLISH]


@pytest.mark.parametrize(
    ("connack", "as_published", "options"),
    [(CONNACK_5, False, 0x01), (CONNACK_5, True, 0x09), (CONNACK_311, False, 0x01), (CONNACK_311, True, 0x01)],
)  # MQTT 5.0, 3.8.3.1: QoS 1, and Retain As Published
async def test_every_subscription_asks_for_each_message_once_at_least(
    connack: bytes, as_published: bool, options: int
) -> None:
    asked: list[bytes] = []

    def broker(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return connack
        asked.append(body)
        return suback_5(body) if connack == CONNACK_5 else b"\x90\x03" + body[:2] + b"\x01"

    protocol = "5" if connack == CONNACK_5 else "3.1.1"
    async with scripted_broker(broker) as port, connect(settings_for(port, protocol=protocol), Session("a")) as link:
        await (link.subscribe("x", as_published=True) if as_published else link.subscribe("x"))

    assert asked[0][-1] == options


async def test_a_message_that_is_to_expire_says_when() -> None:
    sent: list[bytes] = []

    def broker(kind: int, body: bytes) -> bytes:
        sent.append(body)
        return CONNACK_5 if kind == CONNECT else puback_5(body, 0)

    async with scripted_broker(broker) as port, connect(settings_for(port), Session("a")) as link:
        await link.publish("x", b"kept", expiry_s=60)

    assert sent[1][5:] == b"\x05\x02\x00\x00\x00\x3c" + b"kept"  # MQTT 5.0, 3.3.2.3.3


@pytest.mark.parametrize(("count", "too_many"), [(1000, False), (1001, True)])
async def test_of_a_flood_the_first_thousand_are_given_before_the_connection_is_left(
    count: int, too_many: bool
) -> None:
    message = publish_5("x", b"!")

    def broker(kind: int, body: bytes) -> bytes:
        return CONNACK_5 if kind == CONNECT else message * count + puback_5(body, 0)

    async with (
        scripted_broker(broker) as port,
        connect(settings_for(port, ack_timeout_s=PATIENCE_S), Session("a")) as link,
    ):
        await link.publish("t", b"")
        assert [(await first_message(link)).payload for _ in range(1000)] == [b"!"] * 1000
        with pytest.raises(UpstreamLostError, match="more than 1000") if too_many else pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await first_message(link)


async def test_a_refused_subscription_is_a_refusal() -> None:
    broker = answering(lambda kind, body: suback_5(body, 0x87) if kind == SUBSCRIBE else b"")
    async with scripted_broker(broker) as port, connect(settings_for(port), Session("a")) as link:
        with pytest.raises(UpstreamRefusedError):
            await link.subscribe("x")
