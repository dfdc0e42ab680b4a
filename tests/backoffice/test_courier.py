"""What the courier hands out and notes, on a real store: due commands, boxes that came back, facts on their way."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, select

from backoffice import commands as queue
from backoffice import migrations
from backoffice.command_tables import facts
from backoffice.commands import Order
from backoffice.courier import Courier
from backoffice.database import open_database
from backoffice.office_settings import CommandSettings
from backoffice.store import RecordStore
from backoffice.views import WorkOrder
from config.settings import MqttSettings
from sync.command import CommandAnswer, Status
from sync.command_exchange import Outgoing
from sync.command_facts import ServiceFact
from tests.backoffice.facts import DAY, START, VIN_A, row, visit
from tests.sync.running import running, until

DONE = CommandAnswer(id="1", status=Status.DONE, reason="command.health_told")
NOBODY = MqttSettings(url="mqtt://127.0.0.1:9")
SERVICE = WorkOrder(vin=VIN_A, done_at=START, odometer_m=67_000_000, operator="Li")


class Desk:
    """A courier whose clock a test sets; ids are 1, 2, 3."""

    def __init__(self, store: RecordStore) -> None:
        self.at = DAY
        self._ids = count(1)
        self.store = store
        settings = CommandSettings(look_every_s=1, send_again_s=30)
        self.courier = Courier(store, settings, now=lambda: START + self.at, new_id=self.new_id)

    def new_id(self) -> str:
        return str(next(self._ids))

    async def enqueue(self, device: str = "bay-1", life: timedelta = timedelta(hours=1)) -> str:
        order = Order(device, "health", {}, "Li", life)
        return await self.store.in_transaction(
            lambda c: queue.enqueue(c, order, now=START + self.at, new_id=self.new_id)
        )

    async def to_send(self, *came_back: str) -> list[Outgoing]:
        return list(await self.courier.to_send(came_back))

    async def facts(self) -> list[str]:
        """Devices that facts are on their way to."""
        return sorted(one.device for one in await self.to_send() if one.command.kind == "facts")


@pytest.fixture
async def desk(store: RecordStore) -> AsyncIterator[Desk]:
    yield Desk(store)


async def read_car(store: RecordStore, device: str) -> None:
    await store.store_batch(device, f"s-{device}", 1, [(1, row(visit(f"v-{device}", vin=VIN_A)))], START)


async def test_a_command_is_due_until_it_was_sent_and_again_after_a_while(desk: Desk) -> None:
    command_id = await desk.enqueue()
    (first,) = await desk.to_send()
    await desk.courier.sent([command_id])

    assert (first.command.id, first.life_s) == (command_id, 3600)
    assert await desk.to_send() == []
    desk.at += timedelta(seconds=31)
    (again,) = await desk.to_send()
    assert again.command.sent_at == first.command.sent_at + 31_000
    assert (again.command.expires_at, again.life_s) == (first.command.expires_at, 3600 - 31)


async def test_a_box_that_came_back_gets_all_that_waits_for_it(desk: Desk) -> None:
    mine, others = await desk.enqueue(), await desk.enqueue("bay-2")
    await desk.courier.sent([mine, others])

    assert [one.command.id for one in await desk.to_send("bay-1", "bay-9")] == [mine]


async def test_an_answer_ends_it_and_what_answers_nothing_is_counted(desk: Desk) -> None:
    await desk.enqueue()
    for device, answer in (("bay-2", DONE), ("bay-1", None), ("bay-1", DONE), ("bay-1", DONE)):
        await desk.courier.answered(device, answer)

    assert await desk.to_send() == []
    assert desk.courier.dropped == 3
    assert (await desk.store.counts())["command_answers_dropped"] == 3


async def test_what_has_expired_is_given_up(desk: Desk) -> None:
    command_id = await desk.enqueue(life=timedelta(seconds=10))
    desk.at += timedelta(seconds=10)

    assert await desk.to_send() == []
    ended = await desk.store.look_up(lambda c: queue.command(c, command_id))
    assert ended is not None
    assert ended.state == "expired"


async def test_facts_that_were_there_before_the_start_go_down(desk: Desk) -> None:
    await read_car(desk.store, "bay-1")
    await desk.store.add_workorder(SERVICE)

    assert await desk.facts() == ["bay-1"]


async def test_a_fact_that_is_entered_and_a_box_that_reads_the_car_are_noticed_at_once(desk: Desk) -> None:
    await read_car(desk.store, "bay-1")
    async with running(desk.courier.run(NOBODY)):
        await until(lambda: desk.store.feed.listener_count == 1)
        assert await desk.facts() == []
        await desk.store.add_workorder(SERVICE)
        await asyncio.sleep(0)
        assert await desk.facts() == ["bay-1"]
        await read_car(desk.store, "bay-2")
        await asyncio.sleep(0)
        assert await desk.facts() == ["bay-1", "bay-2"]


async def test_a_store_that_cannot_be_read_sends_nothing_and_loses_nothing(desk: Desk) -> None:
    command_id = await desk.enqueue()
    async with desk.store._write() as connection:
        await connection.exec_driver_sql("ALTER TABLE commands RENAME TO elsewhere")
    assert await desk.to_send() == []
    await desk.courier.answered("bay-1", DONE)
    assert desk.courier.dropped == 0
    async with desk.store._write() as connection:
        await connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO commands")

    assert [one.command.id for one in await desk.to_send()] == [command_id]


async def test_services_that_an_earlier_version_recorded_go_down_too(tmp_path: Path) -> None:
    engine, config = create_engine(f"sqlite:///{tmp_path / 'office.db'}"), Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.exec_driver_sql(
            "INSERT INTO vehicles (id, vin, plate_key, stock_key, stock_state, market, created_at, summary, detail)"
            " VALUES ('car', ?, '', '', 'on_sale', 'CN', 0, '', '')",
            (VIN_A,),
        )
        connection.exec_driver_sql(
            "INSERT INTO workorders (id, vehicle_id, done_at, odometer_m, items_json, operator, note, recorded_at)"
            " VALUES ('w1', 'car', 1772355600000, 67000000, '[\"oil_and_filter\"]', 'Li', '', 0)"
        )
    engine.dispose()

    database = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'office.db'}", busy_timeout_s=5)
    async with database.engine.connect() as connection_now:
        (told,) = (await connection_now.execute(select(facts.c.fact))).scalars()
    await database.close()

    fact = ServiceFact.model_validate(json.loads(told) | {"vin": VIN_A})
    assert (fact.id, fact.odometer_m, fact.items) == ("w1", 67_000_000, ("oil_and_filter",))
    assert fact.done_at.isoformat() == "2026-03-01T09:00:00+00:00"
