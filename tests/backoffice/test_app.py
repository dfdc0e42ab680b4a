"""The whole back office in one process, with a real broker and an edge's own outbox at the other end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from backoffice.app import run_office
from backoffice.office_settings import DatabaseSettings, HttpSettings, IngestSettings, OfficeSettings
from evidence.snapshot import ClockQuality
from sync.clock import Stamp
from sync.outbox import Outbox
from sync.publisher import Publisher
from tests.backoffice.facts import VIN_A, dash, visit
from tests.sync.broker import Broker

pytestmark = pytest.mark.broker
DRAIN_S = 20.0


class FixedClock:
    def stamp(self) -> Stamp:
        return Stamp(1_772_442_000_000, ClockQuality.NTP, 0, "boot-1")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    box = await Outbox.open(tmp_path / "outbox.db", clock=FixedClock(), max_bytes=8 << 20)
    yield box
    await box.close()


def settings(tmp_path: Path, broker: Broker) -> OfficeSettings:
    return OfficeSettings(
        http=HttpSettings(port=0),
        database=DatabaseSettings(directory=tmp_path / "office"),
        mqtt=broker.settings(),
        ingest=IngestSettings(review_every_s=1),
    )


async def running(office: OfficeSettings) -> tuple[asyncio.Task[None], str]:
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run_office(office, url.set_result))
    return task, await asyncio.wait_for(url, 30)


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_an_edge_sends_is_seen_by_a_person_also_after_a_restart(
    tmp_path: Path, broker: Broker, outbox: Outbox
) -> None:
    office = settings(tmp_path, broker)
    task, url = await running(office)
    await outbox.append([visit("v1", vin=VIN_A, plate="沪A12345", a6_m=50_000_000)])
    publisher = Publisher(outbox, "bay-1", office.mqtt, FixedClock())
    delivering = asyncio.create_task(publisher.run())
    assert await publisher.drained(DRAIN_S)
    await stopped(task)

    await outbox.append([dash("v1", 50_010, vin=VIN_A)])  # while the back office is away
    task, url = await running(office)
    assert await publisher.drained(DRAIN_S)
    async with httpx.AsyncClient(base_url=url) as person:
        found = (await person.get("/api/v1/vehicles", params={"q": "沪a·12345"})).json()["items"]
        car = (await person.get(f"/api/v1/vehicles/{found[0]['id']}")).json()
        health = (await person.get("/healthz")).json()
    delivering.cancel()
    await asyncio.wait({delivering})
    await stopped(task)

    assert (car["vin"], car["current_odometer_m"], car["awaiting_dash"]) == (VIN_A, 50_000_000, False)
    assert (health["records"], health["holes"]) == (2, 0)
