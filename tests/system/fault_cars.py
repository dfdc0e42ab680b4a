"""Cars that come and go at an agent under faults: what its page said was read must be upstream exactly once."""

import asyncio
import itertools
import json
import random
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.simulated import SimulatedLot
from tests.sync.broker import free_port
from tests.system.fault_store import FaultStore
from tests.system.product import AGENT, BIN

SCENARIOS = ("clean", "engine-fault", "codes-cleared", "rolled-back")
FAST = ("--ecu-ms", "2", "--baud", "500000", "--search-ms", "5")
STAYS_S = 12.0
LOOK_S = 0.1


@dataclass(slots=True)
class Visits:
    """``read`` holds what the page showed as read and kept: intake id -> the VIN that the simulator says it has."""

    lot: SimulatedLot
    page: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}")
    read: dict[str, str] = field(default_factory=dict)

    def command(self, folder: Path, broker_port: int) -> list[str]:
        """How to start the agent that watches the lot."""
        config = folder / "agent.toml"
        page = self.page.rpartition(":")[2]
        config.write_text(AGENT.format(adapter=self.lot.url, folder=folder, port=broker_port, page=page))
        return [str(BIN / "forecourt"), "run", "--config", str(config)]

    async def go_on(self, chance: random.Random) -> None:
        """One car after the other, each for as long as its reading takes; some are gone before."""
        async with httpx.AsyncClient(timeout=1) as http:
            for visit in itertools.count():
                await self.lot.act("unplug")
                await asyncio.sleep(0.5)
                vin = (await self.lot.act(f"plug {SCENARIOS[visit % len(SCENARIOS)]}"))["truth"]["vin"]
                with suppress(TimeoutError):
                    async with asyncio.timeout(STAYS_S if chance.random() < 0.8 else 1.0):
                        await self._until_read(http, vin)

    async def _until_read(self, http: httpx.AsyncClient, vin: str) -> None:
        while True:
            with suppress(httpx.HTTPError, json.JSONDecodeError):
                for bay in (await http.get(f"{self.page}/api/bays")).json()["items"]:
                    if bay["sent"] and bay["vin"] == vin and bay["intake_id"] not in self.read:
                        self.read[bay["intake_id"]] = vin
                        return
            await asyncio.sleep(LOOK_S)

    async def missing(self, store: FaultStore) -> list[str]:
        """Intakes that were read and are not upstream exactly once, with their car."""
        found = await store.query("SELECT snapshot_id, record FROM records WHERE kind = 'snapshot'")
        vins = [(intake, json.loads(str(record))["body"]["snapshot"]["vehicle"]["vin"]) for intake, record in found]
        return [intake for intake, vin in self.read.items() if vins.count((intake, vin)) != 1]
