"""Adapters that come and go on USB ports become bays and stop being bays."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from agent import hotplug
from agent.hotplug import BayPlan, configured_bays, watch_for_adapters
from collector.discovery import Finder
from config.errors import SettingsError
from config.settings import AdapterSettings, Settings


def settings_with(directory: Path, *bays: tuple[str, str]) -> Settings:
    return Settings.model_validate(
        {
            "adapter": {"hotplug_dir": directory, "paired_bluetooth": False},
            "bay": [{"name": name, "adapter": adapter} for name, adapter in bays],
        }
    )


def test_bays_with_an_address_are_configured_and_auto_ones_are_not(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, ("Bay 1", "tcp:10.0.0.1:35000"), ("Bay 2", "auto:"))

    assert configured_bays(settings) == (BayPlan("Bay 1", "tcp:10.0.0.1:35000"),)


@pytest.mark.parametrize(
    "bays",
    [
        (("Bay 1", "tcp:10.0.0.1:35000"), ("Bay 1", "tcp:10.0.0.2:35000")),
        (("Bay 1", "tcp:10.0.0.1:35000"), ("Bay 2", "tcp:10.0.0.1:35000")),
    ],
)
def test_twins_are_refused(tmp_path: Path, bays: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(SettingsError, match="given to two bays"):
        configured_bays(settings_with(tmp_path, *bays))


def test_a_bay_that_needs_a_library_which_is_not_installed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_with(tmp_path, ("Bay 1", "ble:AA:BB:CC:DD:EE:FF"))
    configured_bays(settings)
    monkeypatch.setattr("collector.links.find_spec", lambda name: None)

    with pytest.raises(SettingsError, match=r"forecourt\[ble\]") as refused:
        configured_bays(settings)

    assert "安装" in refused.value.zh


async def test_a_paired_adapter_becomes_a_bay_unless_a_bay_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def paired() -> tuple[str, ...]:
        return ("rfcomm:00:1D:A5:00:00:01", "ble:00:1D:A5:00:00:02")

    monkeypatch.setattr(hotplug, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(hotplug, "Finder", partial(Finder, paired=paired))
    settings = settings_with(tmp_path, ("Bay 1", "rfcomm:00:1d:a5:00:00:01?channel=2"), ("Bay 2", "auto:"))
    settings = settings.model_copy(update={"adapter": AdapterSettings(hotplug_dir=None)})
    changes = watch_for_adapters(settings)

    async with asyncio.timeout(10):
        arrived, _ = await anext(changes)
    await changes.aclose()

    assert arrived == (BayPlan("Bay 2", "ble:00:1D:A5:00:00:02"),)


async def test_an_adapter_that_is_plugged_in_becomes_a_bay_and_leaves_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hotplug, "LOOK_EVERY_S", 0.01)
    ports = tmp_path / "by-id"
    ports.mkdir()
    port = ports / "usb-OBDLink_SX-if00"
    changes = watch_for_adapters(settings_with(ports, ("Bay A", "auto:")))

    port.touch()
    arrived, _ = await asyncio.wait_for(anext(changes), 10)
    second = ports / "usb-second"
    second.touch()
    further, _ = await asyncio.wait_for(anext(changes), 10)
    port.unlink()
    _, left = await asyncio.wait_for(anext(changes), 10)
    port.touch()
    back, _ = await asyncio.wait_for(anext(changes), 10)

    assert arrived == left == back == (BayPlan("Bay A", f"serial:{port}"),)
    assert further == (BayPlan("usb-second", f"serial:{second}"),)


async def test_an_adapter_that_a_bay_names_under_another_name_is_not_found_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hotplug, "LOOK_EVERY_S", 0.01)
    ports = tmp_path / "by-id"
    ports.mkdir()
    device = tmp_path / "ttyUSB0"
    device.touch()
    (ports / "usb-one").symlink_to(device)
    (ports / "usb-two").touch()

    changes = watch_for_adapters(settings_with(ports, ("Bay 1", f"serial:{device}?baud=115200")))
    arrived, _ = await asyncio.wait_for(anext(changes), 10)

    assert [plan.name for plan in arrived] == ["usb-two"]
