"""Bluetooth adapters of a simulator process, met by a Bluetooth host in another process."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from bumble.device import Device

from collector.ble_link import open_ble
from collector.errors import AdapterLostError
from collector.rfcomm_link import open_rfcomm
from collector.transport import Transport
from simulator.cli import main
from simulator.library import load
from simulator.station import Station
from tests.on_air import BumbleClient, radio_of_ours, rfcomm_opener
from tests.simulated import simulated

OTHER = "F0:F1:F2:F3:F6:02"


async def opened(url: str, device: Device) -> Transport:
    kind, _, address = url.partition(":")
    if kind == "rfcomm":
        return await open_rfcomm(address, 5.0, rfcomm_opener(device))
    return await open_ble(address, 5.0, BumbleClient.on(device))


async def ask(link: Transport, line: bytes) -> bytes:
    await link.write(line + b"\r")
    told = b""
    async with asyncio.timeout(10):
        while not told.endswith(b">"):
            told += await link.read()
    return told


async def listen(url: str, device: Device) -> None:
    link = await opened(url, device)
    try:
        async with asyncio.timeout(5):
            while True:
                await link.read()
    finally:
        await link.close()


async def lost(link: Transport) -> None:
    with pytest.raises(AdapterLostError):
        async with asyncio.timeout(5):
            while True:
                await link.read()
    await link.close()


@asynccontextmanager
async def on_the_air() -> AsyncIterator[tuple[str, str]]:
    """A classic adapter in this process: its URL, and where hosts attach."""
    station = Station(load("clean"), 1)
    try:
        await station.add_rfcomm("")
        yield station.urls[0], await station.dongle()
    finally:
        await station.close()


async def test_adapters_come_and_go_with_the_plug_and_serve_one_host_after_another() -> None:
    async with simulated("clean", serve=("--rfcomm", "--ble")) as lot, radio_of_ours(lot.hci) as device:
        for url in lot.urls:
            link = await opened(url, device)
            first = await ask(link, b"ATI")
            await lot.act("drop")
            await lost(link)
            link = await opened(url, device)
            second = await ask(link, b"010D")
            await lot.act("unplug")
            await lost(link)
            with pytest.raises(AdapterLostError) as absent:
                await opened(url, device)
            await lot.act("plug")
            link = await opened(url, device)
            third = await ask(link, b"ATI")
            await link.close()

            assert b"ELM327" in first
            assert b"41 0D 00" in second
            assert absent.value.reason == "adapter.no_connection"
            assert b"ELM327" in third
    assert lot.summary["writes"] == 0


async def test_a_second_host_on_the_serial_port_is_cut_off_and_the_first_goes_on() -> None:
    async with on_the_air() as (url, air), radio_of_ours(air) as device, radio_of_ours(air, OTHER) as other:
        link = await opened(url, device)
        await ask(link, b"ATI")
        with pytest.raises(AdapterLostError):
            await listen(url, other)  # refused at once, or opened and cut off

        assert b"ELM327" in await ask(link, b"ATI")
        await link.close()


async def test_bytes_that_are_no_hci_cost_one_dongle_and_nothing_else() -> None:
    async with on_the_air() as (url, air), radio_of_ours(air) as device:
        port = int(air.rpartition(":")[2])
        _, vandal = await asyncio.open_connection("127.0.0.1", port)
        vandal.write(b"\xff\x00GET / HTTP/1.1\r\n\r\n" * 100)
        await vandal.drain()
        link = await opened(url, device)

        assert b"ELM327" in await ask(link, b"ATI")
        await link.close()
        vandal.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--ble", "--gatt", "1234"), "--gatt 1234: no such service"),
        (("--ble", "tcp-client:127.0.0.1:1"), "tcp-client:127.0.0.1:1: no Bluetooth controller there"),
        (("--rfcomm", "carrier-pigeon:1"), "carrier-pigeon:1: no Bluetooth controller there"),
    ],
)
def test_what_cannot_be_had_is_one_line(
    options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--scenario", "clean", *options])
    told = capsys.readouterr()

    assert code == 2
    assert words in told.err
    assert told.err.strip().count("\n") == 0


def test_a_missing_library_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, "simulator.radio", raising=False)
    monkeypatch.setitem(sys.modules, "bumble", None)

    code = main(["--scenario", "clean", "--ble"])

    assert code == 2
    assert "--ble needs the library bumble" in capsys.readouterr().err
