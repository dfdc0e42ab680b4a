"""The thin asyncio port over paho-mqtt: one Link is one connection, used once; the callers make a new one.

Everything the peer controls is bounded: messages waiting here, publishes without a PUBACK, every wait.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from config.settings import MqttSettings
from sync.errors import UpstreamError, UpstreamLostError, UpstreamRefusedError
from sync.mqtt_client import (
    UNSUPPORTED_PROTOCOL,
    Session,
    Will,
    address_of,
    build_client,
    connect_failure,
    connect_properties,
    failure,
    hung_up_on_us,
    login_failure,
    publish_properties,
    refusal,
)
from sync.mqtt_socket import SocketCare

__all__ = ["Inbound", "Link", "Session", "Will", "connect"]

INBOUND_LIMIT = 1000
CLOSE_TIMEOUT_S = 2.0
OLD_BROKER_WINDOW = 20  # MQTT 3.1.1 names none: what mosquitto takes unless told otherwise
OWN_WINDOW_LIMIT = 256  # MQTT 5 allows 65,535 to a broker that names none


class _OldBrokerError(Exception):
    """The broker does not speak MQTT 5."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message for us; the broker keeps it until ``ack`` is called, and sends it again to the next connection.

    ``retained`` when the broker kept it for whoever comes (of a subscription ``as_published``: when it was asked to).
    """

    topic: str
    payload: bytes
    ack: Callable[[], None]
    retained: bool


@asynccontextmanager
async def connect(settings: MqttSettings, session: Session) -> AsyncIterator["Link"]:
    """Connect once and give the link; leave the block to disconnect.

    Speaks MQTT 5, or 3.1.1 (``link.degraded``) when the settings or the broker want that. Raises UpstreamLostError
    when the broker cannot be reached in time, UpstreamRefusedError when it says no.
    """
    link = await _open(settings, session)
    try:
        yield link
    finally:
        await link.close()


async def _open(settings: MqttSettings, session: Session) -> "Link":
    if settings.protocol == "5":
        with contextlib.suppress(_OldBrokerError):
            return await _open_version(settings, session, version_5=True)
    return await _open_version(settings, session, version_5=False)


async def _open_version(settings: MqttSettings, session: Session, *, version_5: bool) -> "Link":
    link = Link(build_client(settings, session, version_5=version_5), settings, degraded=not version_5)
    try:
        await link.open(session)
    except BaseException:
        await link.close()
        raise
    return link


class Link:
    """One connection to the broker. Its methods raise UpstreamLostError or UpstreamRefusedError once it is gone."""

    def __init__(self, client: Client, settings: MqttSettings, *, degraded: bool) -> None:
        self.degraded = degraded
        self.receive_maximum = OLD_BROKER_WINDOW
        self._client = client
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._where = "broker {}:{}".format(*address_of(settings))
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._inbound: deque[Inbound] = deque()
        self._arrived = asyncio.Event()
        self._flooded = False
        self._error: UpstreamError | None = None
        self._room = asyncio.Semaphore(self.receive_maximum)
        self._socket = SocketCare(client, self._on_nonsense)
        self._listen()

    async def open(self, session: Session) -> None:
        """Connect and wait for the broker's word, ``connect_timeout_s`` at most for each."""
        host, port = address_of(self._settings)
        properties = None if self.degraded else connect_properties(session)
        options = {} if self.degraded else {"clean_start": session.lasting_s == 0, "properties": properties}
        timeout_s = self._settings.connect_timeout_s
        try:
            # paho's own timeout does not cover looking up the name
            dialling = asyncio.to_thread(self._client.connect, host, port, self._settings.keepalive_s, **options)  # type: ignore[arg-type]
            async with asyncio.timeout(timeout_s + 1):
                await dialling
            self._socket.begin()
            async with asyncio.timeout(timeout_s):
                await self._accepted
        except TimeoutError as error:
            raise UpstreamLostError(f"{self._where}: no answer within {timeout_s:g} s") from error
        except OSError as error:
            raise connect_failure(error, self._where) from error
        self._room = asyncio.Semaphore(self.receive_maximum)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        """Hand a message to the broker and wait for its PUBACK (QoS 1), ``ack_timeout_s`` at most.

        A PUBACK says that the broker took it, not that anybody has it. ``expiry_s`` works with MQTT 5 only.
        """
        async with self._room:
            self._check()
            properties = None if self.degraded else publish_properties(expiry_s)
            sent = self._client.publish(topic, payload, qos, retain, properties)
            if qos:
                await self._answered(sent.mid, f"PUBACK for {topic}")

    async def subscribe(self, topic: str, *, as_published: bool = False) -> None:
        """Subscribe with QoS 1 and wait until the broker grants it.

        With ``as_published`` a message also says to those who are there that the broker keeps it (MQTT 5 only).
        """
        self._check()
        if as_published and not self.degraded:
            _, mid = self._client.subscribe(topic, options=SubscribeOptions(qos=1, retainAsPublished=True))
        else:
            _, mid = self._client.subscribe(topic, qos=1)
        if mid is None:
            raise UpstreamLostError(f"{self._where}: connection lost")
        await self._answered(mid, f"SUBACK for {topic}")

    async def messages(self) -> AsyncIterator[Inbound]:
        """What arrives, until the link is lost. Messages not yet taken then are void: the broker sends them again.

        So are those for which there was no room; the others are given first, so that each connection brings us on.
        """
        while True:
            self._check()
            if self._inbound:
                yield self._inbound.popleft()
            elif self._flooded:
                raise UpstreamLostError(f"{self._where}: sends more than {INBOUND_LIMIT} unacknowledged messages")
            else:
                self._arrived.clear()
                await self._arrived.wait()

    async def close(self) -> None:
        """Say goodbye if the line is still there and let go of it, within two seconds."""
        self._fail(UpstreamLostError(f"{self._where}: closed"))
        try:
            if self._client.is_connected():
                self._client.disconnect()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_TIMEOUT_S):
                        await self._socket.gone.wait()
        finally:
            self._socket.let_go()

    def _check(self) -> None:
        if self._error:
            raise self._error

    async def _answered(self, mid: int, what: str) -> None:
        answer: asyncio.Future[None] = self._loop.create_future()
        self._answers[mid] = answer
        overdue = self._loop.call_later(self._settings.ack_timeout_s, self._on_silence, what)
        try:
            await answer
        finally:
            overdue.cancel()
            self._answers.pop(mid, None)

    def _listen(self) -> None:
        client = self._client
        client.on_connect = lambda _c, _u, _flags, code, props: self._on_connected(code, props)
        client.on_disconnect = lambda _c, _u, _flags, code, _props: self._on_disconnected(code)
        client.on_publish = lambda _c, _u, mid, code, _props: self._on_answer(mid, code)
        client.on_subscribe = lambda _c, _u, mid, codes, _props: self._on_answer(mid, codes[0])
        client.on_message = lambda _c, _u, message: self._on_message(message)

    def _on_nonsense(self, error: Exception) -> None:
        self._fail(UpstreamLostError(f"{self._where}: sends what is no MQTT: {error!r}"))

    def _on_silence(self, what: str) -> None:
        """What was not answered may still be under way: no more of it on this connection."""
        self._fail(UpstreamLostError(f"{self._where}: no {what}"))

    def _on_connected(self, code: ReasonCode, properties: object) -> None:
        if self._accepted.done():
            return
        if code.is_failure:
            old = not self.degraded and code.value == UNSUPPORTED_PROTOCOL
            self._accepted.set_exception(_OldBrokerError() if old else login_failure(code))
            return
        if not self.degraded:
            self.receive_maximum = min(
                getattr(properties, "ReceiveMaximum", None) or OWN_WINDOW_LIMIT, OWN_WINDOW_LIMIT
            )
        self._accepted.set_result(None)

    def _on_disconnected(self, code: ReasonCode) -> None:
        if not self._accepted.done() and not self.degraded:
            # closed without a word right after CONNECT: a broker before MQTT 5 may do just that
            self._accepted.set_exception(_OldBrokerError())
        elif not self._accepted.done() and self._settings.url.startswith("mqtts:"):
            # in TLS 1.3 a refused client certificate shows only after the handshake, as a line that breaks
            self._fail(hung_up_on_us(self._where))
        gone = failure(code, "connection")
        self._fail(gone if isinstance(gone, UpstreamRefusedError) else UpstreamLostError(f"{self._where}: {code}"))

    def _on_answer(self, mid: int, code: ReasonCode) -> None:
        answer = self._answers.get(mid)
        if answer is None or answer.done():
            return
        if code.is_failure:
            answer.set_exception(refusal(code))
        else:
            answer.set_result(None)

    def _on_message(self, message: MQTTMessage) -> None:
        if len(self._inbound) >= INBOUND_LIMIT:
            self._flooded = True  # as mosquitto 2.0.11 does with what it kept for us, whatever we said we receive
            return
        mid, qos = message.mid, message.qos
        payload, retained = bytes(message.payload), bool(message.retain)
        self._inbound.append(Inbound(message.topic, payload, lambda: self._acknowledge(mid, qos), retained))
        self._arrived.set()

    def _acknowledge(self, mid: int, qos: int) -> None:
        if not self._error:
            self._client.ack(mid, qos)

    def _fail(self, error: UpstreamError) -> None:
        """The link is gone; whoever waits for something learns why."""
        if self._error:
            return
        self._error = error
        self._inbound.clear()
        self._arrived.set()
        for waiting in (self._accepted, *self._answers.values()):
            if not waiting.done():
                waiting.set_exception(error)
        if self._accepted.done() and not self._accepted.cancelled():
            self._accepted.exception()  # seen: open() may be long past it
