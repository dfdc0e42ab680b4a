"""Cars that come and go at an agent under faults: what it said was read must be upstream exactly once."""

import asyncio
import itertools
import json
import random
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.simulated import SimulatedLot
from tests.sync.broker import free_port
from tests.system.fault_store import FaultStore
from tests.system.product import AGENT, BIN

SCENARIOS = ("clean", "engine-fault", "codes-cleared", "rolled-back")
FAST = ("--ecu-ms", "2", "--baud", "500000", "--search-ms", "5")
STAYS_S = 40.0
LEAVES_EARLY = 0.2
GONE_S = 0.5
LOOK_S = 0.1
NOBODY = "?"


@dataclass(slots=True)
class Visits:
    """``read`` holds what the agent's page or ledger said was read and kept: intake id -> the VIN it gave."""

    lot: SimulatedLot
    folder: Path
    chance: random.Random
    page: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}")
    read: dict[str, str] = field(default_factory=dict)
    _plugged: set[str] = field(default_factory=set)

    def command(self, broker_port: int) -> list[str]:
        """How to start the agent that watches the lot."""
        config = self.folder / "agent.toml"
        page = self.page.rpartition(":")[2]
        config.write_text(AGENT.format(adapter=self.lot.url, folder=self.folder, port=broker_port, page=page))
        return [str(BIN / "forecourt"), "run", "--config", str(config)]

    async def go_on(self) -> None:
        """One car after the other, each for as long as its reading takes; some are gone before."""
        async with httpx.AsyncClient(timeout=1) as http:
            for visit in itertools.count():
                await self.lot.act("unplug")
                await asyncio.sleep(GONE_S)
                vin = (await self.lot.act(f"plug {SCENARIOS[visit % len(SCENARIOS)]}"))["truth"]["vin"]
                self._plugged.add(vin)
                with suppress(TimeoutError):
                    async with asyncio.timeout(1.0 if self.chance.random() < LEAVES_EARLY else STAYS_S):
                        await self._until_read(http, vin)

    async def _until_read(self, http: httpx.AsyncClient, vin: str) -> None:
        while True:
            with suppress(httpx.HTTPError, json.JSONDecodeError):
                for bay in (await http.get(f"{self.page}/api/bays")).json()["items"]:
                    if bay["sent"] and bay["vin"] == vin and bay["intake_id"] not in self.read:
                        self.read[bay["intake_id"]] = vin
                        return
            await asyncio.sleep(LOOK_S)

    def ask_the_ledger(self, agent: subprocess.Popen[bytes]) -> None:
        """Kill the agent and read from its own file what it had read: also what nobody saw on its page."""
        agent.kill()
        agent.wait()
        with closing(sqlite3.connect(self.folder / "edge" / "ledger.db")) as ledger:
            rows = ledger.execute("SELECT id, vin FROM intakes WHERE status IN ('awaiting_dash', 'complete')")
            self.read |= {intake: vin if vin in self._plugged else NOBODY for intake, vin in rows}

    async def missing(self, store: FaultStore) -> list[str]:
        """Intakes that were read and are not upstream exactly once, with a car that was there."""
        found = await store.query("SELECT snapshot_id, record FROM records WHERE kind = 'snapshot'")
        vins = [(intake, json.loads(str(record))["body"]["snapshot"]["vehicle"]["vin"]) for intake, record in found]
        return [intake for intake, vin in self.read.items() if vins.count((intake, vin)) != 1]

    async def doubled(self, store: FaultStore) -> int:
        """How many snapshots are upstream beyond the one that each intake has."""
        found = await store.query("SELECT snapshot_id FROM records WHERE kind = 'snapshot'")
        return sum(times - 1 for times in Counter(found).values())
