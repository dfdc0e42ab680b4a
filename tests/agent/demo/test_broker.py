"""Both brokers of the demo start on a loopback port, take an MQTT client, and end when told to."""

import importlib.util
from pathlib import Path

import pytest

from agent.demo.broker import find_mosquitto, start_broker
from config.settings import MqttSettings
from sync.mqtt import Session, connect
from tests.needs import unmet


@pytest.mark.parametrize("name", ["mosquitto", "rumqttd"])
async def test_the_demos_broker_takes_a_client_and_ends(name: str, tmp_path: Path) -> None:
    if name == "mosquitto" and find_mosquitto() is None:
        unmet("mosquitto")
    if name == "rumqttd" and importlib.util.find_spec("iotcore") is None:
        unmet("iotcore (extra demo)")

    broker, url, started = await start_broker(tmp_path, find_mosquitto if name == "mosquitto" else lambda: None)
    async with connect(MqttSettings(url=url), Session("demo-test")) as link:
        await link.publish("forecourt/v1/demo-test/t", b"{}")
    await broker.end()

    assert started == name
    assert not broker.alive
