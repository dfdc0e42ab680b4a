"""Several bays at once, each its own task: adapters that are dead in every way delay no other bay."""

import asyncio
import os
import socket
import threading
import tty
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import Any

import pytest

from collector import links
from collector.ble_link import open_ble
from collector.discovery import Finder
from collector.events import AdapterMissing, BayEvent, ScanDone
from collector.rfcomm_link import open_rfcomm
from collector.watch import watch_bay
from config.profiles import load_profiles
from config.settings import AdapterSettings
from tests.on_air import BumbleClient
from tests.simulated import simulated

QUICK = AdapterSettings(connect_timeout_s=0.3, reply_timeout_s=0.3, reopen_first_s=0.1, reopen_max_s=0.2)
FAST = ("--ecu-ms", "2", "--baud", "500000", "--search-ms", "5")
MANY = 12  # more than the shared pool has threads on two cores


class NeverThere(BumbleClient):
    """A Bluetooth service that looks for a device for ever."""

    async def connect(self, pair: bool, **options: Any) -> None:
        await asyncio.Event().wait()


@asynccontextmanager
async def dead_adapters(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """URLs that refuse, that say nothing, and that are paged or looked for without end."""
    released = threading.Event()
    silent = socket.create_server(("127.0.0.1", 0))
    master, slave = os.openpty()
    tty.setraw(slave)

    def page(address: str, channel: int, radio: str) -> socket.socket:
        released.wait(30)
        raise TimeoutError

    monkeypatch.setitem(links.OPENERS, "rfcomm", partial(open_rfcomm, connect=page))
    monkeypatch.setitem(links.OPENERS, "ble", partial(open_ble, backend=NeverThere))
    paged = [f"{kind}:00:1D:A5:00:00:{place:02X}" for place in range(MANY) for kind in ("rfcomm", "ble")]
    try:
        yield [f"tcp:127.0.0.1:{silent.getsockname()[1]}", "tcp:127.0.0.1:1", f"serial:{os.ttyname(slave)}", *paged]
    finally:
        released.set()
        silent.close()
        os.close(master)
        os.close(slave)


class Neighbour:
    """A bay that is followed beside the one that matters."""

    def __init__(self, url: str) -> None:
        self.seen: list[BayEvent] = []
        self._following = asyncio.create_task(self._follow(url))

    async def _follow(self, url: str) -> None:
        async with aclosing(watch_bay(url, QUICK, load_profiles())) as events:
            async for event in events:
                self.seen.append(event)

    async def close(self) -> None:
        self._following.cancel()
        await asyncio.wait((self._following,))


async def test_a_car_is_read_whatever_its_neighbours_adapters_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async with dead_adapters(monkeypatch) as urls, simulated("clean", *FAST) as lot, AsyncExitStack() as stack:
        neighbours = [Neighbour(url) for url in urls]
        for neighbour in neighbours:
            stack.push_async_callback(neighbour.close)
        await asyncio.sleep(0.4)  # every one of them is now waiting for its adapter
        settings = AdapterSettings(reply_timeout_s=2.0, presence_every_s=0.1)
        async with asyncio.timeout(20), aclosing(watch_bay(lot.url, settings, load_profiles())) as events:
            done = await anext(event async for event in events if isinstance(event, ScanDone))
        plugged_in = await Finder(AdapterSettings(hotplug_dir=None), every_port=True).look(0.0)

    assert done.reading.vin == lot.truth["vin"]
    assert isinstance(plugged_in, tuple)
    assert all(isinstance(event, AdapterMissing) for neighbour in neighbours for event in neighbour.seen)
    assert sum(bool(neighbour.seen) for neighbour in neighbours) >= 2
