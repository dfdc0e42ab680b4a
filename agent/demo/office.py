"""Asks the back office about a visit until it repeats the simulator's truth, or the time for that is over."""

import asyncio
from datetime import UTC, datetime

import httpx

from agent.demo.compare import Returned, differences
from agent.demo.visit import Visit

SETTLE_S = 15.0  # until the last record has been stored and judged upstream
LOOK_EVERY_S = 0.3


async def compare_until_agreed(visit: Visit, office_url: str, http: httpx.AsyncClient) -> None:
    """Set ``stage`` and ``differences`` of a visit that is its car's latest; records may still be on their way."""
    deadline = asyncio.get_running_loop().time() + SETTLE_S
    while True:
        visit.differences = await _compare(visit, office_url, http)
        visit.stage = "differs" if visit.differences else "agreed"
        if not visit.differences or asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def _compare(visit: Visit, office_url: str, http: httpx.AsyncClient) -> list[str]:
    found = await http.get(f"{office_url}/api/v1/vehicles", params={"q": visit.truth["vin"]})
    items = found.json()["items"]
    if len(items) != 1:
        return [f"{len(items)} cars with this VIN"]
    returned = await _returned(items[0]["id"], office_url, http)
    visit.vehicle = dict(returned.vehicle)
    found_writes = [] if visit.writes == 0 else [f"writes to the car: {visit.writes}"]
    return differences(visit.truth, returned, datetime.now(UTC)) + found_writes


async def _returned(vehicle_id: str, office_url: str, http: httpx.AsyncClient) -> Returned:
    api = f"{office_url}/api/v1"
    vehicle = (await http.get(f"{api}/vehicles/{vehicle_id}")).json()
    timeline = (await http.get(f"{api}/vehicles/{vehicle_id}/timeline")).json()["items"]
    records = (await http.get(f"{api}/records", params={"vehicle_id": vehicle_id})).json()["items"]
    return Returned(vehicle, timeline, [record["record"]["body"] for record in records])
