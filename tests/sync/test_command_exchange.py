"""Commands over a real broker: down to the box, the answer back, again after any break, and no stranger's word."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import MqttSettings
from sync.command import Command, CommandAnswer, Status
from sync.command_exchange import Outgoing, _is_online, exchange_commands
from sync.errors import UpstreamRefusedError
from sync.ingest_link import receive_batches
from sync.mqtt import Session, connect
from sync.outbox import Outbox
from sync.publisher import Publisher
from sync.wire import command_topic, result_topic, state_topic
from tests.sync.broker import Broker, login_options
from tests.sync.conftest import FixedClock
from tests.sync.office import Office
from tests.sync.running import running, until
from tests.sync.samples import mileage
from tests.sync.scripted_broker import (
    CONNACK_5,
    CONNECT,
    PUBACK,
    PUBLISH,
    SUBSCRIBE,
    Answer,
    puback_5,
    publish_5,
    scripted_broker,
    suback_5,
)

pytestmark = pytest.mark.broker
both_versions = pytest.mark.parametrize("protocol", ["5", "3.1.1"])
ACCESS = Path(__file__).parents[2] / "deploy" / "mosquitto.acl"
ANSWER = CommandAnswer(id="c-1", status=Status.DONE, reason="command.health_told", params={"count": 0})
LOOK_S = 0.05


def outgoing(command_id: str = "c-1", device: str = "bay-1") -> Outgoing:
    command = Command(id=command_id, kind="health", sent_at=1_760_000_000_000, expires_at=1_760_000_060_000)
    return Outgoing(device, command, 60)


@dataclass
class Desk:
    """Hands each command out once, and again to a box that came back until it has answered."""

    waiting: list[Outgoing] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    answers: list[tuple[str, CommandAnswer | None]] = field(default_factory=list)
    back: list[str] = field(default_factory=list)

    async def to_send(self, came_back: Sequence[str]) -> Sequence[Outgoing]:
        self.back += came_back
        return [one for one in self.waiting if one.command.id not in self.handed or one.device in came_back]

    async def sent(self, command_ids: Sequence[str]) -> None:
        self.handed += command_ids

    async def answered(self, device: str, answer: CommandAnswer | None) -> None:
        self.answers.append((device, answer))
        self.waiting = [one for one in self.waiting if answer is None or one.command.id != answer.id]


def box_on(
    outbox: Outbox, broker: Broker, clock: FixedClock, take: Callable[[bytes, bool], None], protocol: str = "5"
) -> Publisher:
    publisher = Publisher(outbox, "bay-1", broker.settings(protocol), clock)
    publisher.on_command = take
    return publisher


@both_versions
async def test_a_command_goes_down_and_its_answer_comes_back(
    broker: Broker, outbox: Outbox, clock: FixedClock, protocol: str
) -> None:
    desk, taken = Desk([outgoing()]), list[tuple[bytes, bool]]()
    box = box_on(outbox, broker, clock, lambda payload, retained: taken.append((payload, retained)), protocol)
    settings = broker.settings(protocol)
    async with running(box.run(), exchange_commands(settings, desk, look_every_s=LOOK_S)):
        await until(lambda: bool(taken))
        await box.answer_command(ANSWER.model_dump_json().encode())
        await until(lambda: bool(desk.answers))

    assert taken[0] == (outgoing().command.model_dump_json().encode(), False)
    assert desk.answers == [("bay-1", ANSWER)]
    assert "c-1" in desk.handed


@both_versions
async def test_a_box_that_comes_back_gets_what_waits_for_it_at_once(
    broker: Broker, outbox: Outbox, clock: FixedClock, protocol: str
) -> None:
    desk, taken = Desk([outgoing(), outgoing("c-2", "bay-2")], ["c-1", "c-2"]), list[bytes]()
    box = box_on(outbox, broker, clock, lambda payload, _retained: taken.append(payload), protocol)
    async with running(exchange_commands(broker.settings(protocol), desk, look_every_s=LOOK_S)), running(box.run()):
        await until(lambda: bool(taken))

    assert taken == [outgoing().command.model_dump_json().encode()]
    assert set(desk.back) == {"bay-1"}


@both_versions
async def test_a_broker_that_forgets_everything_costs_no_command(
    broker: Broker, outbox: Outbox, clock: FixedClock, protocol: str
) -> None:
    desk, taken = Desk(), list[bytes]()
    box = box_on(outbox, broker, clock, lambda payload, _retained: taken.append(payload), protocol)
    async with running(box.run(), exchange_commands(broker.settings(protocol), desk, look_every_s=LOOK_S)):
        await until(lambda: bool(desk.back))
        broker.kill()
        desk.waiting.append(outgoing())
        await asyncio.to_thread(broker.start)
        await until(lambda: bool(taken))
        await until(lambda: box.state.connected)
        await box.answer_command(ANSWER.model_dump_json().encode())
        await until(lambda: bool(desk.answers))

    assert desk.answers == [("bay-1", ANSWER)]


async def test_what_the_broker_keeps_is_known_as_such(broker: Broker, outbox: Outbox, clock: FixedClock) -> None:
    taken: list[bool] = []
    box = box_on(outbox, broker, clock, lambda _payload, retained: taken.append(retained))
    async with connect(broker.settings(), Session("office")) as office:
        await office.publish(command_topic("bay-1"), b"old", retain=True)
        async with running(box.run()):
            await until(lambda: len(taken) == 1)
            await office.publish(command_topic("bay-1"), b"kept while we are there", retain=True)
            await office.publish(command_topic("bay-1"), b"now")
            await until(lambda: len(taken) == 3)

    assert taken == [True, True, False]


async def test_what_is_no_answer_is_handed_on_as_none_and_stops_nothing(broker: Broker) -> None:
    desk = Desk()
    junk = [b"", b"\x00\xff", b"[]", b"{}", b"x" * 300_000, ANSWER.model_dump_json().encode()]
    async with connect(broker.settings(), Session("box")) as box:
        await box.publish(result_topic("bay-1"), b"kept", retain=True)
        await box.publish(state_topic("bay-1"), b"{" * 5000, retain=True)
        await box.publish(state_topic("bay-2"), b'{"sid":"a","online":true}', retain=True)
        async with running(exchange_commands(broker.settings(), desk, look_every_s=LOOK_S)):
            await until(lambda: bool(desk.back))
            for payload in junk:
                await box.publish(result_topic("bay-1"), payload)
            await box.publish("forecourt/v1/UPPER case/cmd/res", junk[-1])
            await until(lambda: len(desk.answers) >= len(junk))

    assert desk.back == ["bay-2"]
    assert desk.answers == [*[("bay-1", None)] * (len(junk) - 1), ("bay-1", ANSWER)]


async def test_two_back_offices_on_one_broker_do_not_push_each_other_out(broker: Broker) -> None:
    first, second = Desk([outgoing()]), Desk([outgoing("c-2")])
    async with (
        connect(broker.settings(), Session("box")) as box,
        running(*(exchange_commands(broker.settings(), desk, look_every_s=LOOK_S) for desk in (first, second))),
    ):
        await until(lambda: bool(first.handed) and bool(second.handed))
        await box.publish(result_topic("bay-1"), ANSWER.model_dump_json().encode())
        await until(lambda: bool(first.answers) and bool(second.answers))

    assert first.answers == second.answers == [("bay-1", ANSWER)]


def a_broker_that_says(refused: bytes, reason: int, *messages: bytes) -> tuple[Answer, list[int]]:
    """Refuses what concerns a topic that ends like ``refused``, and sends ``messages`` with the second subscription."""
    heard: list[int] = []

    def answer(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return CONNACK_5
        heard.append(kind)
        if kind == PUBLISH:
            return puback_5(body, reason if refused in body else 0)
        if kind == SUBSCRIBE:
            granted = suback_5(body, reason if refused in body else 1)
            return granted + b"".join(messages if b"/state" in body else ())
        return b""

    return answer, heard


def impatient(port: int) -> MqttSettings:
    return MqttSettings(url=f"mqtt://127.0.0.1:{port}", backoff_first_s=0.01)


async def test_a_command_that_the_broker_does_not_take_is_told_to_a_person_and_due_later() -> None:
    desk = Desk([outgoing(), outgoing("c-2", "bay-2")])
    broker, _ = a_broker_that_says(b"bay-1/cmd", 0x87)
    with capture_logs() as told:
        async with (
            scripted_broker(broker) as port,
            running(exchange_commands(impatient(port), desk, look_every_s=LOOK_S)),
        ):
            await until(lambda: len(desk.handed) == 2)

    assert desk.handed == ["c-1", "c-2"]
    assert [line["topic"] for line in told if line["log_level"] == "error"] == [command_topic("bay-1")]


@pytest.mark.parametrize(("life_s", "kept_s"), [(0, 1), (1, 1), (60, 60)])
async def test_the_broker_keeps_a_command_for_its_life_and_a_second_at_least(life_s: int, kept_s: int) -> None:
    sent: list[bytes] = []
    granting, _ = a_broker_that_says(b"nothing", 0x87)

    def broker(kind: int, body: bytes) -> bytes | None:
        if kind == PUBLISH:
            sent.append(body)
        return granting(kind, body)

    desk = Desk([replace(outgoing(), life_s=life_s)])
    async with scripted_broker(broker) as port, running(exchange_commands(impatient(port), desk, look_every_s=LOOK_S)):
        await until(lambda: bool(desk.handed))

    assert b"\x05\x02" + kept_s.to_bytes(4) + b"{" in sent[0]  # MQTT 5.0, 3.3.2.3.3


async def test_without_the_states_of_boxes_commands_and_answers_go_on() -> None:
    desk = Desk([outgoing("c-2")])
    answered = publish_5(result_topic("bay-1"), ANSWER.model_dump_json().encode())
    broker, heard = a_broker_that_says(b"/state", 0x87, answered)
    with capture_logs() as told:
        async with (
            scripted_broker(broker) as port,
            running(exchange_commands(impatient(port), desk, look_every_s=LOOK_S)),
        ):
            await until(lambda: bool(desk.answers) and bool(desk.handed) and PUBACK in heard)

    assert [line["log_level"] for line in told] == ["warning", "info"]
    assert desk.answers == [("bay-1", ANSWER)]
    assert heard.count(SUBSCRIBE) == 2


async def test_a_connection_that_breaks_is_told_and_followed_by_another(broker: Broker) -> None:
    desk = Desk()
    with capture_logs() as told:
        async with running(exchange_commands(broker.settings(), desk, look_every_s=LOOK_S)):
            await until(lambda: bool(told))
            broker.kill()
            await until(lambda: any(line["log_level"] == "warning" for line in told))
            await asyncio.to_thread(broker.start)
            await until(lambda: told[-1]["log_level"] == "info" and len(told) > 1)

    assert {line["event"] for line in told if line["log_level"] == "warning"} == {
        "commands cannot be sent now, they wait"
    }


@pytest.mark.parametrize(("length", "online"), [(4096, True), (4097, False)])
def test_a_state_longer_than_any_is_not_read(length: int, online: bool) -> None:
    assert _is_online(b'{"sid":"a","online":true}'.ljust(length)) is online
    assert not _is_online(b'{"sid":"a","online":false}')
    assert not _is_online(b"online")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Broker]:
    """A broker with the access list that we tell people to use."""
    logins = dict.fromkeys(("bay-1", "bay-2", "forecourt-ingest"), "right")
    with Broker(tmp_path, options=login_options(tmp_path, logins, ACCESS)) as broker:
        yield broker


async def test_the_access_list_lets_only_the_office_command_and_only_the_box_answer(
    guarded: Broker, tmp_path: Path, outbox: Outbox, clock: FixedClock
) -> None:
    (tmp_path / "password").write_text("right", encoding="utf-8")
    guarded_settings = guarded.settings(password_file=tmp_path / "password")
    desk, taken = Desk([outgoing()]), list[bytes]()
    box = Publisher(outbox, "bay-1", guarded_settings, clock)
    box.on_command = lambda payload, _retained: taken.append(payload)
    async with running(box.run(), exchange_commands(guarded_settings, desk, look_every_s=LOOK_S)):
        await until(lambda: bool(taken))
        await box.answer_command(ANSWER.model_dump_json().encode())
        await until(lambda: bool(desk.answers))
        async with connect(guarded_settings, Session("thief", username="bay-2")) as thief:
            await thief.subscribe(command_topic("bay-1"))
            for topic in (command_topic("bay-1"), command_topic("bay-2"), result_topic("bay-1"), state_topic("bay-1")):
                with pytest.raises(UpstreamRefusedError):
                    await thief.publish(topic, b"mine")
            await thief.publish(result_topic("bay-2"), b"mine")
            await until(lambda: len(desk.answers) == 2)

    assert desk.answers == [("bay-1", ANSWER), ("bay-2", None)]
    assert len(set(taken)) == 1


async def test_a_range_that_is_wanted_again_is_delivered_again(
    broker: Broker, outbox: Outbox, clock: FixedClock, office: Office
) -> None:
    box = box_on(outbox, broker, clock, lambda _payload, _retained: None)
    await outbox.append([mileage(seq) for seq in range(1, 4)])
    await box.answer_command(b"to nobody: not connected yet")
    async with running(box.run(), receive_batches(broker.settings(), office.handle)):
        await until(lambda: outbox.pending_count() == 0)
        batches = office.batches
        outcome = await box.resend(outbox.stream, [(2, 9)])
        await until(lambda: outbox.pending_count() == 0 and office.batches > batches)

    assert outcome is not None
    assert (outcome[0].again, outcome[1]) == (((2, 3),), 2)
    assert office.seqs() == [1, 2, 3]
