"""Paired Bluetooth adapters, asked of a real D-Bus on which a stand-in for the Bluetooth service answers."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.paired import NoBluetoothServiceError, adapters_among, paired_adapters
from tests.needs import need_program

SPP = "00001101-0000-1000-8000-00805f9b34fb"
FFF0 = "0000fff0-0000-1000-8000-00805f9b34fb"
HEADSET = "0000110b-0000-1000-8000-00805f9b34fb"
MAC = "00:1D:A5:00:00:01"


def device(**changes: Any) -> dict[str, dict[str, Any]]:
    known = {"Address": MAC, "Name": "OBDII", "Paired": True, "Trusted": False, "UUIDs": [SPP]}
    return {"org.bluez.Device1": {**known, **changes}}


@pytest.mark.parametrize(
    ("changes", "urls"),
    [
        ({}, (f"rfcomm:{MAC}",)),
        ({"UUIDs": [FFF0]}, (f"ble:{MAC}",)),
        ({"UUIDs": [FFF0, SPP], "Name": "vLinker MC+"}, (f"rfcomm:{MAC}",)),
        ({"Paired": False, "Trusted": True, "UUIDs": [FFF0]}, (f"ble:{MAC}",)),
        ({"Address": MAC.lower(), "Name": None, "Alias": "V-LINK"}, (f"rfcomm:{MAC}",)),
        ({"Paired": False}, ()),
        ({"Name": "Headset", "UUIDs": [SPP, HEADSET]}, ()),
        ({"UUIDs": [HEADSET]}, ()),
        ({"UUIDs": None}, ()),
        ({"Address": "../../etc"}, ()),
    ],
)
def test_only_a_paired_device_that_is_an_adapter_by_name_and_service_is_one(
    changes: dict[str, Any], urls: tuple[str, ...]
) -> None:
    assert adapters_among({"/org/bluez/hci0/dev_1": device(**changes), "/org/bluez/hci0": {}}) == urls


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.dictionaries(
            st.sampled_from(["org.bluez.Device1", "org.bluez.Adapter1"]),
            st.dictionaries(
                st.sampled_from(["Address", "Name", "Alias", "Paired", "Trusted", "UUIDs"]),
                st.none() | st.booleans() | st.text(max_size=20) | st.lists(st.integers() | st.text(max_size=9)),
            ),
        ),
        max_size=3,
    )
)
def test_whatever_the_service_says_is_no_error(objects: dict[str, dict[str, dict[str, Any]]]) -> None:
    assert all(url.startswith(("rfcomm:", "ble:")) for url in adapters_among(objects))


def answers(devices: dict[str, dict[str, dict[str, Variant]]]) -> Callable[[Message], Message | None]:
    """What BlueZ says when it is asked for all it manages."""

    def answer(message: Message) -> Message | None:
        if message.member != "GetManagedObjects":
            return None
        return Message.new_method_return(message, "a{oa{sa{sv}}}", [devices])

    return answer


@contextmanager
def a_bus(folder: Path) -> Iterator[str]:
    """A D-Bus of our own; its address."""
    daemon = need_program("dbus-daemon", "dbus-daemon")
    command = [str(daemon), "--session", "--nofork", "--print-address", f"--address=unix:path={folder}/bus"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def test_the_service_is_asked_over_dbus(tmp_path: Path) -> None:
    with a_bus(tmp_path) as address:
        service = await MessageBus(bus_address=address).connect()
        known = {"Address": Variant("s", MAC), "Name": Variant("s", "OBDBLE"), "Paired": Variant("b", True)}
        service.add_message_handler(
            answers({"/org/bluez/hci0/dev_1": {"org.bluez.Device1": {**known, "UUIDs": Variant("as", [FFF0])}}})
        )
        await service.request_name("org.bluez")

        found = await paired_adapters(address)
        service.disconnect()

    assert found == (f"ble:{MAC}",)


async def test_a_bus_without_the_service_is_said(tmp_path: Path) -> None:
    with a_bus(tmp_path) as address, pytest.raises(NoBluetoothServiceError):
        await paired_adapters(address)


async def test_a_machine_without_a_bus_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoBluetoothServiceError):
        await paired_adapters(f"unix:path={tmp_path}/nothing")
