"""The technician of the demo: plugs cars in one after another at one bay, answers the page, unplugs when told to."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from agent.demo.cars import Plug
from agent.demo.children import start
from agent.demo.office import compare_until_agreed
from agent.demo.visit import Visit
from agent.errors import WorldError

LOOK_EVERY_S = 0.2
BAY_S = 45.0  # plug-in to "unplug now"; the slowest car here needs about ten
OFFICE_S = 20.0
CREATED = 201


@dataclass(frozen=True, slots=True)
class Bay:
    """Where a technician works: the bay's name, how its simulator is reached, and both pages."""

    name: str
    serve: tuple[str, ...]
    agent_url: str
    office_url: str
    simulator: str


class Technician:
    """Works through one bay's queue; ``changed`` is called whenever something to show has happened."""

    def __init__(self, bay: Bay, visits: list[Visit], http: httpx.AsyncClient, changed: Callable[[], None]) -> None:
        self._bay = bay
        self._visits = visits
        self._http = http
        self._changed = changed

    async def work(self, folder: Path) -> None:
        """Plug in every car of the queue; what goes wrong with one is written on it and the next is taken.

        Each visit is held against its truth before the next car comes: a later visit of the same car hides it.
        """
        for visit in self._visits:
            try:
                await self._plug_in(visit, folder)
                await compare_until_agreed(visit, self._bay.office_url, self._http)
            except (WorldError, TimeoutError, httpx.HTTPError) as error:
                visit.error = f"{type(error).__name__}: {error}"
                visit.stage = "failed"
            self._changed()
            await self._until_free()

    async def _plug_in(self, visit: Visit, folder: Path) -> None:
        car = await start(f"{self._bay.name}-{visit.plug.scenario}", self._command(visit.plug), folder)
        try:
            visit.truth = _json(await car.line())["truth"]
            await self._one_car(visit)
        finally:
            visit.writes = _writes(await car.end())
        self._say(visit, "done")

    async def _one_car(self, visit: Visit) -> None:
        self._say(visit, "plugged")
        async with asyncio.timeout(BAY_S):
            intake_id = await self._until(lambda bay: bool(bay["intake_id"]) and (bool(bay["vin"]) or bay["silent"]))
            self._say(visit, "answering")
            await self._answer(intake_id, visit.truth)
            await self._until(lambda bay: bool(bay["sent"]))
        self._say(visit, "unplugging")
        await self._record_last_service(visit.truth)

    def _command(self, plug: Plug) -> list[str]:
        return [self._bay.simulator, "--scenario", plug.scenario, "--visit", str(plug.visit), *self._bay.serve]

    async def _until(self, reached: Callable[[dict[str, Any]], bool]) -> str:
        """Look at the bay until ``reached``; return the id of the intake it shows then."""
        while True:
            answer = await self._http.get(f"{self._bay.agent_url}/api/bays")
            for bay in answer.json()["items"]:
                if bay["name"] == self._bay.name and reached(bay):
                    return str(bay["intake_id"])
            await asyncio.sleep(LOOK_EVERY_S)

    async def _until_free(self) -> None:
        """The next car comes only when the bay has seen this one go, as a technician walks no faster either."""
        async with asyncio.timeout(BAY_S):
            await self._until(lambda bay: not bay["intake_id"])

    async def _answer(self, intake_id: str, truth: dict[str, Any]) -> None:
        said = {name: truth[name] for name in ("plate", "stock_number", "dash_km", "operator")}
        if truth["mil"] is None:  # a car that answers nothing: its VIN is scanned from the windscreen
            said["vin"] = truth["vin"]
        answer = await self._http.post(f"{self._bay.agent_url}/api/intakes/{intake_id}/answers", json=said)
        answer.raise_for_status()

    async def _record_last_service(self, truth: dict[str, Any]) -> None:
        """The clerk's part: the service book of a car goes into the back office once the car is known there."""
        last = truth["last_service"]
        if not last:
            return
        order = {
            "vin": truth["vin"],
            "done_at": (datetime.now(UTC) - timedelta(days=last["done_days_ago"])).isoformat(),
            "odometer_m": last["odometer_m"],
            "operator": truth["operator"],
        }
        async with asyncio.timeout(OFFICE_S):
            while True:
                answer = await self._http.post(f"{self._bay.office_url}/api/v1/workorders", json=order)
                if answer.status_code == CREATED:
                    return
                await asyncio.sleep(LOOK_EVERY_S)

    def _say(self, visit: Visit, stage: str) -> None:
        visit.stage = stage
        self._changed()


def _json(line: str) -> dict[str, Any]:
    word: dict[str, Any] = json.loads(line)
    return word


def _writes(lines: list[str]) -> int | None:
    """The simulator's count of requests that would have changed the car, from its last line."""
    return int(_json(lines[-1])["writes"]) if lines else None
