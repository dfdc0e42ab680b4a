"""TLS with a certificate for each device, against mosquitto."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import MqttSettings
from sync.errors import UpstreamRefusedError
from sync.mqtt import Session, connect
from tests.sync.broker import Broker
from tests.sync.certificates import Authority, Issued

pytestmark = pytest.mark.broker
SESSION = Session("bay-1")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def device(authority: Authority) -> Issued:
    return authority.issue("bay-1")


@pytest.fixture(scope="module")
def broker(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("tls-broker")
    server = authority.issue("server")
    access = folder / "access"
    access.write_text("pattern readwrite forecourt/v1/%u/#\n", encoding="utf-8")
    options = (
        f"cafile {authority.own.certificate}\ncertfile {server.certificate}\nkeyfile {server.key}\n"
        f"require_certificate true\nuse_identity_as_username true\nallow_anonymous false\nacl_file {access}"
    )
    with Broker(folder, options=options) as broker:
        yield broker


def secure(broker: Broker, ca_file: Path, device: Issued | None) -> MqttSettings:
    files: dict[str, object] = {"url": f"mqtts://127.0.0.1:{broker.port}", "ca_file": ca_file}
    if device is not None:
        files |= {"certificate_file": device.certificate, "key_file": device.key}
    return broker.settings("5", **files)


async def test_a_device_with_its_certificate_writes_its_own_topics_only(
    broker: Broker, authority: Authority, device: Issued
) -> None:
    async with connect(secure(broker, authority.own.certificate, device), SESSION) as link:
        await link.publish("forecourt/v1/bay-1/t", b"mine")
        with pytest.raises(UpstreamRefusedError, match="access list"):
            await link.publish("forecourt/v1/bay-2/t", b"not mine")


async def test_a_broker_of_a_foreign_authority_is_not_trusted(broker: Broker, device: Issued, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")

    with pytest.raises(UpstreamRefusedError, match=r"mqtt\.ca_file") as refusal:
        async with connect(secure(broker, stranger.own.certificate, device), SESSION):
            pass

    assert refusal.value.key == "mqtt.refused_certificate"


async def test_without_a_certificate_the_broker_lets_nobody_in(broker: Broker, authority: Authority) -> None:
    with pytest.raises(UpstreamRefusedError, match="certificate"):
        async with connect(secure(broker, authority.own.certificate, None), SESSION):
            pass
