"""Finding adapters by stable names, USB identity and pairing; folders and links are real."""

import asyncio
import sys
from pathlib import Path

import pytest

from collector import discovery
from collector.discovery import PAIRED_EVERY_S, Finder, adapters_in, arrived_and_left, likely_adapters
from collector.paired import NoBluetoothServiceError
from config.settings import AdapterSettings

HUAWEI_MODEM = (0x12D1, 0x1506)
FTDI = (0x0403, 0x6015)


def test_every_link_in_the_folder_is_an_adapter_in_a_stable_order(tmp_path: Path) -> None:
    for name in ("usb-ELM-b", "usb-ELM-a"):
        (tmp_path / name).symlink_to("/dev/null")

    assert adapters_in(tmp_path) == (f"serial:{tmp_path}/usb-ELM-a", f"serial:{tmp_path}/usb-ELM-b")


def test_a_folder_that_is_not_there_holds_no_adapters(tmp_path: Path) -> None:
    assert adapters_in(tmp_path / "by-id") == ()
    assert adapters_in(None) == ()


@pytest.mark.parametrize(
    ("identity", "usb_ids", "is_one"),
    [
        (FTDI, (), True),
        ((0x0483, 0x5740), (), True),
        ((0x0483, 0x3748), (), False),  # the same maker's debugger
        (HUAWEI_MODEM, (), False),
        (HUAWEI_MODEM, ("12d1:1506",), True),
        (HUAWEI_MODEM, ("12D1",), True),
        (HUAWEI_MODEM, ("12D1:0001",), False),
        ((None, None), (), True),
    ],
)
def test_a_port_that_is_known_to_be_something_else_is_left_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    identity: tuple[int | None, int | None],
    usb_ids: tuple[str, ...],
    *,
    is_one: bool,
) -> None:
    (tmp_path / "usb-thing").symlink_to("/dev/null")
    monkeypatch.setattr(discovery, "usb_identity", lambda port: identity)

    assert bool(adapters_in(tmp_path, usb_ids)) is is_one


def test_this_machines_own_ports_can_be_listed() -> None:
    assert all(url.startswith("serial:") for url in likely_adapters())


def test_what_came_and_what_went_is_the_difference_of_two_looks() -> None:
    assert arrived_and_left(["a", "b"], ["b", "c"]) == (frozenset("c"), frozenset("a"))


class Service:
    """A Bluetooth service that answers when it is let to."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.asked = 0
        self.paired: tuple[str, ...] | None = ("rfcomm:00:1D:A5:00:00:01",)

    async def __call__(self) -> tuple[str, ...]:
        self.asked += 1
        await self.may_answer.wait()
        if self.paired is None:
            raise NoBluetoothServiceError
        return self.paired


async def test_a_bluetooth_service_that_does_not_answer_delays_no_usb_adapter(tmp_path: Path) -> None:
    service = Service()
    finder = Finder(AdapterSettings(hotplug_dir=tmp_path), every_port=False, paired=service)
    (tmp_path / "usb-ELM").symlink_to("/dev/null")

    at_once = await finder.look(0.0)
    service.may_answer.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = await finder.look(1.0)
    await finder.close()

    usb = f"serial:{tmp_path}/usb-ELM"
    assert at_once == (usb,)
    assert later == (usb, "rfcomm:00:1D:A5:00:00:01")
    assert service.asked == 1


async def test_what_is_no_longer_paired_leaves_and_a_service_that_restarts_takes_nothing_away() -> None:
    service = Service()
    service.may_answer.set()
    finder = Finder(AdapterSettings(hotplug_dir=None), every_port=False, paired=service)
    seen = []
    for turn, paired in enumerate([("ble:00:1D:A5:00:00:02",), None, ()]):
        service.paired = paired
        await finder.look(turn * PAIRED_EVERY_S)
        await asyncio.sleep(0.01)
        seen.append(await finder.look(turn * PAIRED_EVERY_S))
    await finder.close()

    assert seen == [("ble:00:1D:A5:00:00:02",), ("ble:00:1D:A5:00:00:02",), ()]


async def test_where_there_is_no_radio_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Service()
    asked.may_answer.set()
    monkeypatch.setattr(discovery, "paired_adapters", asked)
    monkeypatch.setattr(discovery, "RADIOS", tmp_path / "bluetooth")

    assert await discovery.paired_by_radio() == ()
    (tmp_path / "bluetooth" / "hci0").mkdir(parents=True)
    assert await discovery.paired_by_radio() == asked.paired
    assert asked.asked == 1


async def test_what_could_not_be_opened_for_want_of_a_library_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    service.may_answer.set()
    service.paired = ("ble:00:1D:A5:00:00:02", "rfcomm:00:1D:A5:00:00:01")
    monkeypatch.setitem(sys.modules, "bleak", None)

    found = await Finder(AdapterSettings(hotplug_dir=None), every_port=False, paired=service).look_once()

    assert found == ("rfcomm:00:1D:A5:00:00:01",)


async def test_an_owner_may_keep_paired_adapters_out() -> None:
    service = Service()
    finder = Finder(AdapterSettings(hotplug_dir=None, paired_bluetooth=False), every_port=False, paired=service)

    assert await finder.look(0.0) == ()
    assert service.asked == 0


async def test_a_single_look_waits_for_the_service_only_when_nothing_is_plugged_in(tmp_path: Path) -> None:
    service = Service()
    (tmp_path / "usb-ELM").symlink_to("/dev/null")
    plugged = await Finder(AdapterSettings(hotplug_dir=tmp_path), every_port=False, paired=service).look_once()
    service.may_answer.set()
    only_paired = await Finder(AdapterSettings(hotplug_dir=None), every_port=False, paired=service).look_once()

    assert plugged == (f"serial:{tmp_path}/usb-ELM",)
    assert only_paired == ("rfcomm:00:1D:A5:00:00:01",)
