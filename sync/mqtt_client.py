"""Setting up paho's client, and telling apart what a person must correct from what time will heal."""

import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from config.settings import MqttSettings
from sync.codec import MAX_BATCH_BYTES
from sync.errors import UpstreamError, UpstreamLostError, UpstreamRefusedError

UNSUPPORTED_PROTOCOL = 0x84
_LOGIN = {0x86, 0x87, 0x8C}
_TOPIC = {0x87, 0x8F, 0x90}
_OTHER_REFUSALS = {UNSUPPORTED_PROTOCOL, 0x85, 0x8A, 0x8E, 0x99, 0x9A, 0x9B, 0x9E}
_PASSWORD_LIMIT = 4096
_PLAIN_PORT, _TLS_PORT = 1883, 8883
_PACKET_ROOM = 64 << 10
KEPT_FOR_EVER_S = 86_400  # 3.1.1 knows no end of a session: only one that is to last for days is worth keeping


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says in our name when we vanish; ``delay_s`` spares short breaks (MQTT 5)."""

    topic: str
    payload: bytes
    delay_s: int = 30


@dataclass(frozen=True, slots=True)
class Session:
    """Who we are to the broker. A lasting session keeps what arrives while we are away."""

    client_id: str
    username: str = ""
    lasting_s: int = 0
    receive_maximum: int = 64
    will: Will | None = None


def address_of(settings: MqttSettings) -> tuple[str, int]:
    """Return host and port; raise UpstreamRefusedError when the address cannot be one."""
    parts = urlsplit(settings.url)
    try:
        port = parts.port
    except ValueError as error:
        raise UpstreamRefusedError(
            f"setting 'mqtt.url': {error}", key="mqtt.bad_address", detail=settings.url
        ) from error
    return parts.hostname or "127.0.0.1", port or (_TLS_PORT if parts.scheme == "mqtts" else _PLAIN_PORT)


def build_client(settings: MqttSettings, session: Session, *, version_5: bool) -> Client:
    """Return a client ready to connect, for one connection only. Raises UpstreamRefusedError for unusable files."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=session.client_id,
        clean_session=None if version_5 else session.lasting_s < KEPT_FOR_EVER_S,
        protocol=MQTTv5 if version_5 else MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.max_inflight_messages_set(0)  # paho's own window scans its whole queue for each PUBACK; ours does not
    client.connect_timeout = settings.connect_timeout_s
    client.on_socket_open = _without_delay
    _identify(client, settings, session)
    if session.will:
        _leave_will(client, session.will, version_5=version_5)
    return client


def connect_properties(session: Session) -> Properties:
    """What MQTT 5 lets us ask for: a bounded inflow and how long the session lasts."""
    properties = _properties(PacketTypes.CONNECT)
    properties.ReceiveMaximum = session.receive_maximum
    properties.MaximumPacketSize = MAX_BATCH_BYTES + _PACKET_ROOM
    properties.SessionExpiryInterval = session.lasting_s
    return properties


@lru_cache(maxsize=16)
def publish_properties(expiry_s: int | None) -> Properties | None:
    if expiry_s is None:
        return None
    properties = _properties(PacketTypes.PUBLISH)
    properties.MessageExpiryInterval = expiry_s
    return properties


def login_failure(code: ReasonCode) -> UpstreamError:
    """Name the error for a negative CONNACK."""
    if code.value in _LOGIN:
        message = f"broker refused the login: {_said(code)}; correct mqtt.username and mqtt.password_file"
        return UpstreamRefusedError(message, key="mqtt.refused_login", detail=str(code))
    return failure(code, "connection")


def failure(code: ReasonCode, what: str) -> UpstreamError:
    """Name the error for any other negative reason code, said of ``what``."""
    if code.value in _TOPIC:
        message = f"broker refused the {what}: {_said(code)}; its access list must allow each device its own topics"
        return UpstreamRefusedError(message, key="mqtt.refused_topic", detail=str(code))
    if code.value in _OTHER_REFUSALS:
        return UpstreamRefusedError(f"broker refused the {what}: {_said(code)}", detail=str(code))
    return UpstreamLostError(f"broker could not take the {what}: {_said(code)}")


def refusal(code: ReasonCode) -> UpstreamRefusedError:
    """Name the error for a negative PUBACK or SUBACK: asking again at once would get the same answer."""
    error = failure(code, "topic")
    if isinstance(error, UpstreamRefusedError):
        return error
    return UpstreamRefusedError(f"broker does not take it: {_said(code)}; see its log and limits", detail=str(code))


def _said(code: ReasonCode) -> str:
    return f"{code} (0x{code.value:02x})"


def connect_failure(error: OSError, where: str) -> UpstreamError:
    """Name the error for a connection that did not come about."""
    if isinstance(error, ssl.SSLError) and (
        isinstance(error, ssl.SSLCertVerificationError) or "ALERT" in (error.reason or "")
    ):
        detail = str(getattr(error, "verify_message", "") or error.reason)
        message = f"{where}: certificate not accepted: {detail}; check mqtt.ca_file, certificate_file and the clock"
        return UpstreamRefusedError(message, key="mqtt.refused_certificate", detail=detail)
    return UpstreamLostError(f"{where}: not reachable: {error}")


def _properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]


def hung_up_on_us(where: str) -> UpstreamRefusedError:
    """Name the error for a broker that ends a TLS connection before it has answered."""
    message = f"{where}: hung up before it answered, as brokers do that do not accept this device's certificate"
    return UpstreamRefusedError(f"{message}; check mqtt.certificate_file and key_file", key="mqtt.refused_certificate")


def _without_delay(_client: Client, _userdata: object, sock: object) -> None:
    """Paho leaves Nagle's algorithm on, which costs 40 ms for each small packet."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _identify(client: Client, settings: MqttSettings, session: Session) -> None:
    password = _password(settings)
    username = settings.username or (session.username if password else "")
    if username:
        client.username_pw_set(username, password)
    if settings.url.startswith("mqtts:"):
        _use_tls(client, settings)


def _password(settings: MqttSettings) -> str | None:
    if settings.password_file is None:
        return None
    try:
        with settings.password_file.open(encoding="utf-8") as file:
            return file.read(_PASSWORD_LIMIT).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        message = f"setting 'mqtt.password_file': {settings.password_file}: {error}"
        raise UpstreamRefusedError(message, key="mqtt.bad_file", detail=str(settings.password_file)) from error


class _TidySocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho drops it without a word."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the base class says so
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _use_tls(client: Client, settings: MqttSettings) -> None:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.sslsocket_class = _TidySocket
        if settings.certificate_file:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
    except OSError as error:
        named = ", ".join(str(f) for f in (settings.ca_file, settings.certificate_file, settings.key_file) if f)
        message = f"TLS files {named}: {error}; check mqtt.ca_file, certificate_file, key_file"
        raise UpstreamRefusedError(message, key="mqtt.bad_file", detail=named) from error
    client.tls_set_context(context)


def _leave_will(client: Client, will: Will, *, version_5: bool) -> None:
    properties = None
    if version_5:
        properties = _properties(PacketTypes.WILLMESSAGE)
        properties.WillDelayInterval = will.delay_s
    client.will_set(will.topic, will.payload, qos=1, retain=True, properties=properties)
