"""The real edge process on loopback with bays whose events a test tells one by one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from agent.app import run_agent
from collector.events import BayEvent, CarPlugged, CarUnplugged, ScanDone, ScanProgress, VinSeen
from config.settings import Settings
from protocols.readings import CarReading

NOBODY_LISTENS = "mqtt://127.0.0.1:9"
PATIENCE_S = 5.0


@dataclass
class Bench:
    """A running agent. ``plug`` tells a whole visit; each call waits until the bay has taken the events."""

    address: str
    client: httpx.AsyncClient
    events: dict[str, "asyncio.Queue[BayEvent]"] = field(default_factory=dict)

    async def tell(self, bay: str, *events: BayEvent) -> None:
        queue = self.events[bay]
        for event in events:
            queue.put_nowait(event)
        async with asyncio.timeout(PATIENCE_S):
            await queue.join()

    async def plug(self, bay: str, reading: CarReading, *, silent: bool = False) -> str:
        """Plug a car in and read it whole; return its intake id."""
        seen = (VinSeen(reading.vin),) if reading.vin else ()
        await self.tell(bay, CarPlugged(12.6), *seen, ScanProgress("step.codes", 3, 6))
        return await self.plug_on(bay, reading, silent=silent)

    async def plug_on(self, bay: str, reading: CarReading, *, silent: bool = False) -> str:
        """Finish reading the car that is plugged already; return its intake id."""
        await self.tell(bay, ScanDone(reading, silent))
        return await self.intake_id(bay)

    async def unplug(self, bay: str) -> None:
        await self.tell(bay, CarUnplugged())

    async def intake_id(self, bay: str) -> str:
        items = (await self.client.get("/api/bays")).json()["items"]
        return next(str(item["intake_id"]) for item in items if item["name"] == bay)

    async def answer(self, intake_id: str, **answers: object) -> httpx.Response:
        return await self.client.post(f"/api/intakes/{intake_id}/answers", json=answers)

    async def awaiting(self) -> list[dict[str, object]]:
        response = await self.client.get("/api/intakes?state=awaiting")
        items: list[dict[str, object]] = response.json()["items"]
        return items


def settings_for(folder: Path, bays: tuple[str, ...] = ("Bay 1", "Bay 2"), language: str = "en") -> Settings:
    return Settings.model_validate(
        {
            "device": {"id": "test-box", "language": language},
            "bay": [{"name": name, "adapter": f"tcp:{place}:1"} for place, name in enumerate(bays)],
            "adapter": {"hotplug_dir": None, "paired_bluetooth": False},
            "mqtt": {"url": NOBODY_LISTENS, "backoff_first_s": 5},
            "page": {"port": 0},
            "storage": {"directory": folder},
        }
    )


@asynccontextmanager
async def running_agent(settings: Settings) -> AsyncIterator[Bench]:
    """The agent with its page; stopped and drained at the end."""
    names = {bay.adapter: bay.name for bay in settings.bay}
    events: dict[str, asyncio.Queue[BayEvent]] = {name: asyncio.Queue() for name in names.values()}

    async def watch(url: str) -> AsyncIterator[BayEvent]:
        queue = events[names[url]]
        while True:
            event = await queue.get()
            yield event
            queue.task_done()

    stop, opened = asyncio.Event(), asyncio.get_running_loop().create_future()
    agent = asyncio.create_task(run_agent(settings, watch, stop=stop, ready=opened.set_result))
    await asyncio.wait((agent, opened), return_when=asyncio.FIRST_COMPLETED)
    if not opened.done():
        await agent  # it ended before it was ready, and says why
    try:
        async with httpx.AsyncClient(base_url=opened.result(), timeout=PATIENCE_S) as client:
            yield Bench(opened.result(), client, events)
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await agent
