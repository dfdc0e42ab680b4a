"""How a client is set up, and what each "no" of a broker means for who must act (MQTT 5.0, section 2.4)."""

import ssl
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from config.settings import MqttSettings
from sync.errors import UpstreamLostError, UpstreamRefusedError
from sync.mqtt_client import (
    Session,
    Will,
    address_of,
    build_client,
    connect_failure,
    connect_properties,
    failure,
    login_failure,
    publish_properties,
    refusal,
)

DAY_S = 86_400


def code(packet_type: int, value: int) -> ReasonCode:
    return ReasonCode(packet_type, identifier=value)


def asked(properties: Properties) -> dict[str, object]:
    """The properties by their names in the standard."""
    return dict(properties.json())  # type: ignore[no-untyped-call]


def settings_with(**other: object) -> MqttSettings:
    return MqttSettings.model_validate({"url": "mqtt://broker.example"} | other)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker.example", ("broker.example", 1883)),
        ("mqtts://broker.example", ("broker.example", 8883)),
        ("mqtts://broker.example:1883", ("broker.example", 1883)),
        ("mqtt://[::1]:7", ("::1", 7)),
    ],
)
def test_an_address_has_the_port_of_its_kind_unless_it_names_one(url: str, address: tuple[str, int]) -> None:
    assert address_of(MqttSettings(url=url)) == address


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (0x86, "mqtt.refused_login"),  # bad user name or password
        (0x87, "mqtt.refused_login"),  # not authorised
        (0x8C, "mqtt.refused_login"),  # bad authentication method
        (0x84, ""),  # unsupported protocol version
        (0x85, ""),  # client identifier not valid
        (0x8A, ""),  # banned
        (0x90, "mqtt.refused_topic"),  # topic name invalid
        (0x9A, ""),  # retain not supported
        (0x9B, ""),  # QoS not supported
    ],
)
def test_a_refused_connection_is_for_a_person(value: int, key: str) -> None:
    error = login_failure(code(PacketTypes.CONNACK, value))

    assert isinstance(error, UpstreamRefusedError)
    assert (error.key == key) if key else error.key not in ("mqtt.refused_login", "mqtt.refused_topic")
    assert f"(0x{value:02x})" in str(error)
    assert error.detail == str(code(PacketTypes.CONNACK, value))


@pytest.mark.parametrize("value", [0x80, 0x83, 0x88, 0x89, 0x97, 0x9F])
def test_what_passes_by_itself_is_a_loss_and_tried_again(value: int) -> None:
    assert isinstance(login_failure(code(PacketTypes.CONNACK, value)), UpstreamLostError)


@pytest.mark.parametrize(("value", "refused"), [(0x8E, True), (0x99, True), (0x9E, True), (0x8B, False), (0x8D, False)])
def test_a_broker_that_ends_a_connection_says_whether_it_is_worth_another(value: int, refused: bool) -> None:
    error = failure(code(PacketTypes.DISCONNECT, value), "connection")

    assert isinstance(error, UpstreamRefusedError if refused else UpstreamLostError)


@pytest.mark.parametrize(("value", "key"), [(0x87, "mqtt.refused_topic"), (0x8F, "mqtt.refused_topic"), (0x91, "")])
def test_a_refused_subscription_is_for_a_person_whatever_the_reason(value: int, key: str) -> None:
    error = refusal(code(PacketTypes.SUBACK, value))

    assert error.key == key or (not key and error.key != "mqtt.refused_topic")
    assert f"(0x{value:02x})" in str(error)


def test_what_mqtt_5_is_asked_for_in_each_connection() -> None:
    assert asked(connect_properties(Session("c", lasting_s=7))) == {
        "ReceiveMaximum": 64,
        "MaximumPacketSize": (4 << 20) + (64 << 10),  # the largest batch, with its topic and properties
        "SessionExpiryInterval": 7,
    }
    assert asked(connect_properties(Session("c")))["SessionExpiryInterval"] == 0


def test_a_message_expires_only_when_it_is_told_to() -> None:
    told = publish_properties(0)

    assert publish_properties(None) is None
    assert told is not None
    assert asked(told) == {"MessageExpiryInterval": 0}


@pytest.mark.parametrize(("lasting_s", "clean"), [(0, True), (DAY_S - 1, True), (DAY_S, False)])
def test_in_3_1_1_only_a_session_for_days_is_kept_since_it_has_no_end(lasting_s: int, clean: bool) -> None:
    client = build_client(settings_with(), Session("c", lasting_s=lasting_s), version_5=False)

    assert vars(client)["_clean_session"] is clean


def test_a_client_is_for_one_connection_and_waits_no_longer_than_told() -> None:
    inside = vars(build_client(settings_with(connect_timeout_s=3), Session("c"), version_5=True))

    assert (inside["_connect_timeout"], inside["_reconnect_on_failure"], inside["_manual_ack"]) == (3, False, True)
    assert inside["_max_inflight_messages"] == 0
    assert inside["_username"] is None


@pytest.mark.parametrize("version_5", [True, False])
def test_the_will_waits_a_little_where_it_can(version_5: bool) -> None:
    inside = vars(build_client(settings_with(), Session("c", will=Will("t/state", b"gone")), version_5=version_5))

    assert (inside["_will_topic"], inside["_will_payload"], inside["_will_qos"], inside["_will_retain"]) == (
        b"t/state", b"gone", 1, True,
    )  # fmt: skip
    assert (inside["_will_properties"].WillDelayInterval if version_5 else 30) == 30


def test_the_password_is_the_first_of_its_file_and_comes_with_the_devices_name(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("x" * 4095 + "\r\n" + "y" * 9)

    inside = vars(build_client(settings_with(password_file=file), Session("c", username="bay-1"), version_5=True))
    named = vars(build_client(settings_with(username="me"), Session("c", username="bay-1"), version_5=True))

    assert (inside["_username"], inside["_password"]) == (b"bay-1", b"x" * 4095)
    assert (named["_username"], named["_password"]) == (b"me", None)


def tls_error(kind: type[ssl.SSLError], reason: str, verify_message: str = "") -> ssl.SSLError:
    error = kind(1, reason)
    error.reason = reason
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_message = verify_message
    return error


@pytest.mark.parametrize(
    "error", [OSError("no route"), TimeoutError("timed out"), tls_error(ssl.SSLError, "UNEXPECTED_EOF_WHILE_READING")]
)
def test_a_line_that_fails_is_a_loss(error: OSError) -> None:
    named = connect_failure(error, "broker.example:8883")

    assert isinstance(named, UpstreamLostError)
    assert "broker.example:8883" in str(named)


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (tls_error(ssl.SSLCertVerificationError, "CERTIFICATE_VERIFY_FAILED", "expired"), "expired"),
        (tls_error(ssl.SSLCertVerificationError, "CERTIFICATE_VERIFY_FAILED"), "CERTIFICATE_VERIFY_FAILED"),
        (tls_error(ssl.SSLError, "TLSV1_ALERT_UNKNOWN_CA"), "TLSV1_ALERT_UNKNOWN_CA"),
    ],
)
def test_a_certificate_that_one_of_both_does_not_take_is_for_a_person(error: OSError, detail: str) -> None:
    named = connect_failure(error, "broker.example:8883")

    assert isinstance(named, UpstreamRefusedError)
    assert (named.key, named.detail) == ("mqtt.refused_certificate", detail)
    assert "broker.example:8883" in str(named)
