"""Paho's socket in the event loop: what comes late, in pieces, all at once, not at all, or is no MQTT."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.settings import MqttSettings
from sync.errors import UpstreamLostError
from sync.mqtt import Link, Session, connect
from sync.mqtt_client import build_client
from sync.mqtt_socket import SocketCare
from tests.sync.certificates import Authority
from tests.sync.scripted_broker import CONNACK_5, CONNECT, puback_5, publish_5, scripted_broker, served

PATIENCE_S = 10.0
CLOSE_TIMEOUT_S = 0.2
LARGE = bytes(24 << 20)  # more than the buffers of two sockets hold


def settings_for(port: int, **other: object) -> MqttSettings:
    patient: dict[str, object] = {"connect_timeout_s": PATIENCE_S, "ack_timeout_s": PATIENCE_S}
    return MqttSettings.model_validate({"url": f"mqtt://127.0.0.1:{port}"} | patient | other)


def number_of(link: Link) -> int:
    assert link._socket.socket is not None
    return link._socket.socket.fileno()


async def some_messages(link: Link, count: int) -> list[bytes]:
    found = list[bytes]()
    async with asyncio.timeout(PATIENCE_S):
        async for message in link.messages():
            message.ack()
            found.append(message.payload)
            if len(found) == count:
                break
    return found


@asynccontextmanager
async def slow_reader(may_read: asyncio.Event) -> AsyncIterator[tuple[int, list[int]]]:
    """Give the port of a broker that reads nothing after CONNECT until it may, and the lengths of what it read."""
    lengths = list[int]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(CONNACK_5)
        await may_read.wait()
        head = await reader.readexactly(5)
        length = sum((byte & 0x7F) << 7 * at for at, byte in enumerate(head[1:]))
        lengths.append(len(await reader.readexactly(length)))
        writer.write(b"\x40\x02\x00\x01")
        await reader.read()

    async with served(talk) as port:
        yield port, lengths


async def test_what_the_line_does_not_take_at_once_goes_out_when_it_does() -> None:
    may_read = asyncio.Event()
    async with slow_reader(may_read) as (port, lengths), connect(settings_for(port), Session("a")) as link:
        sending = asyncio.create_task(link.publish("x", LARGE))
        await asyncio.sleep(0.1)
        assert link._client.want_write(), "the line took all of it"
        may_read.set()
        await sending
        assert not asyncio.get_running_loop().remove_writer(number_of(link)), "it would wake at once, for ever"

    assert lengths == [len(LARGE) + 6]  # topic, its length, packet id, no properties


async def test_goodbye_is_not_waited_for_when_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.mqtt.CLOSE_TIMEOUT_S", CLOSE_TIMEOUT_S)
    never = asyncio.Event()
    async with slow_reader(never) as (port, _):
        begun_s = asyncio.get_running_loop().time()
        async with connect(settings_for(port), Session("a")) as link:
            sending, descriptor = asyncio.create_task(link.publish("x", LARGE)), number_of(link)
            await asyncio.sleep(0.05)
        assert CLOSE_TIMEOUT_S <= asyncio.get_running_loop().time() - begun_s < CLOSE_TIMEOUT_S + 2
        with pytest.raises(UpstreamLostError, match="closed"):
            await sending
        assert not asyncio.get_running_loop().remove_writer(descriptor)
        never.set()


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 1000])
async def test_splitting_never_changes_what_arrives(pieces: int) -> None:
    stream = b"".join(publish_5("x", b"%d" % number, number) for number in range(1, 40))
    size = max(1, len(stream) // pieces)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(CONNACK_5)
        for first in range(0, len(stream), size):
            writer.write(stream[first : first + size])
            await asyncio.sleep(0)
        await reader.read()

    async with served(talk) as port, connect(settings_for(port), Session("a")) as link:
        assert await some_messages(link, 39) == [b"%d" % number for number in range(1, 40)]


@pytest.mark.parametrize(
    "nonsense",
    [b"\x32\x02\xff\xff", b"\x32\xff\xff\xff\xff\x01", b"\x90\x03\x00\x01\x00", b"\x40\x01\x00", b"\x00\x00"],
)
async def test_a_broker_that_talks_nonsense_is_left_at_once(nonsense: bytes) -> None:
    def broker(kind: int, _body: bytes) -> bytes:
        return CONNACK_5 if kind == CONNECT else nonsense

    async with scripted_broker(broker) as port, connect(settings_for(port), Session("a")) as link:
        with pytest.raises(UpstreamLostError):
            descriptor = number_of(link)
            async with asyncio.timeout(PATIENCE_S / 2):
                await link.subscribe("x")
        assert not asyncio.get_running_loop().remove_reader(descriptor)


async def test_a_silent_broker_is_asked_whether_it_is_there_and_left_when_it_is_not() -> None:
    heard = list[int]()

    def broker(kind: int, _body: bytes) -> bytes:
        heard.append(kind)
        return CONNACK_5 if kind == CONNECT else b""

    async with scripted_broker(broker) as port, connect(settings_for(port, keepalive_s=5), Session("a")) as link:
        link._client._keepalive = 1  # the settings allow five seconds at least
        with pytest.raises(UpstreamLostError):
            await some_messages(link, 1)

    assert heard[:2] == [CONNECT, 0xC0], "PINGREQ"


@pytest.mark.parametrize("abruptly", [False, True])
async def test_nothing_is_left_to_the_event_loop_of_a_link_that_was_closed(abruptly: bool) -> None:
    broker = scripted_broker(lambda kind, body: CONNACK_5 if kind == CONNECT else puback_5(body, 0))
    async with broker as port, connect(settings_for(port), Session("a")) as link:
        await link.publish("x", b"y")
        descriptor, tending = number_of(link), link._socket._tending
        if abruptly:
            link._socket.let_go()

    assert link._socket.socket is not None
    assert link._socket.socket.fileno() == -1
    assert not asyncio.get_running_loop().remove_reader(descriptor)
    assert tending is not None
    assert tending.cancelled()


async def test_who_has_dialled_for_too_long_finds_nobody_waiting() -> None:
    client = build_client(settings_for(1), Session("a"), version_5=True)
    care = SocketCare(client, lambda _error: None)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as late:
        care.let_go()
        assert client.on_socket_open is not None
        client.on_socket_open(client, None, late)

        assert late.fileno() == -1
    assert not care.gone.is_set(), "it was never cared for"


async def test_what_tls_has_deciphered_already_is_not_left_lying(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("server")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(own.certificate, own.key)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(CONNACK_5 + b"".join(publish_5("x", b"%d" % number, number) for number in range(1, 40)))
        await reader.read()

    async with served(talk, tls) as port:
        settings = settings_for(port, url=f"mqtts://127.0.0.1:{port}", ca_file=authority.own.certificate)
        async with connect(settings, Session("a")) as link:
            assert await some_messages(link, 39) == [b"%d" % number for number in range(1, 40)]
