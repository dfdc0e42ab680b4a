"""What each kind of link costs beside the car: opening, a round trip of 20 bytes, and plug to first request.

    python benchmarks/links.py --trips 500 --plugs 20

The peer is scripted and in this process, so that the numbers are the link's and the driver's own. Bluetooth runs over
bumble's virtual air: its numbers hold for the software, a real radio adds its own (15 ms and more a round trip).
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from agent.hotplug import LOOK_EVERY_S, watch_for_adapters
from collector.watch import watch_bay
from config.profiles import load_profiles
from config.settings import Settings
from simulator.library import load
from simulator.pump import Pump
from simulator.station import Station
from tests.collector.conftest import PEERS

ASKED = b"010C\r"
TOLD = b"41 0C 1A F8 \r\r00000>"


async def round_trips(kind: str, trips: int) -> tuple[float, list[float]]:
    """Seconds to open, and of each round trip, sorted."""
    began = time.perf_counter()
    async with PEERS[kind]() as peer:
        opened_s = time.perf_counter() - began
        took = []
        for _ in range(trips):
            began = time.perf_counter()
            await peer.transport.write(ASKED)
            await peer.heard()
            peer.say(TOLD)
            told = b""
            while not told.endswith(b">"):
                told += await peer.transport.read()
            took.append(time.perf_counter() - began)
    return opened_s, sorted(took)


async def plug_to_first_request(wait_s: float) -> float:
    """Seconds from a USB adapter's name appearing to the first byte that reaches it, through hotplug and watch.

    ``wait_s`` is when the plug comes, counted from the first look; looks are evenly apart.
    """
    with tempfile.TemporaryDirectory() as folder:
        ports = Path(folder)
        settings = Settings.model_validate({"adapter": {"hotplug_dir": ports, "paired_bluetooth": False}})
        station = Station(load("clean"), 1)
        heard = asyncio.Event()
        feed = Pump.feed

        def noted(pump: Pump, data: bytes) -> None:
            heard.set()
            feed(pump, data)

        Pump.feed = noted  # type: ignore[method-assign, assignment]
        try:
            following = asyncio.create_task(follow(settings))
            await asyncio.sleep(wait_s)
            began = time.perf_counter()
            await station.add_pty(ports / "usb-ELM327")
            await heard.wait()
            took = time.perf_counter() - began
            following.cancel()
            await asyncio.wait((following,))
        finally:
            Pump.feed = feed  # type: ignore[method-assign]
            await station.close()
    return took


async def follow(settings: Settings) -> None:
    """The daemon's two loops for one adapter: see it come, watch it."""
    async with aclosing(watch_for_adapters(settings)) as changes:
        arrived, _ = await anext(changes)
        async with aclosing(watch_bay(arrived[0].url, settings.adapter, load_profiles())) as events:
            async for _ in events:
                pass


async def measure(trips: int, plugs: int) -> None:
    print("| link | open ms | round trip of 20 bytes, median ms | p99 ms |")
    print("|---|---|---|---|")
    for kind in PEERS:
        opened_s, took = await round_trips(kind, trips)
        median, p99 = statistics.median(took), took[int(len(took) * 0.99)]
        print(f"| {kind} | {opened_s * 1e3:.1f} | {median * 1e3:.2f} | {p99 * 1e3:.2f} |")
    phases = [1.0 + LOOK_EVERY_S * place / plugs for place in range(plugs)]  # anywhere between two looks
    plugged = sorted([await plug_to_first_request(wait_s) for wait_s in phases])
    print(
        f"\nplug to first request, {plugs} plugs: median {statistics.median(plugged):.2f} s, worst {plugged[-1]:.2f} s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trips", type=int, default=500)
    parser.add_argument("--plugs", type=int, default=20)
    options = parser.parse_args()
    asyncio.run(measure(options.trips, options.plugs))
