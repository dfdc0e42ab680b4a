"""``forecourt sync verify`` with a running agent and without one."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette

from agent.answering import Answering
from agent.server import PageServer
from agent.sync_command import lines_of, verify_route
from backoffice.ingest import Ingest
from backoffice.office_settings import OfficeSettings
from backoffice.store import RecordStore
from config.catalogue import Language
from config.settings import PageSettings
from sync.clock import SystemClock
from sync.ingest_link import receive_batches
from sync.outbox import Outbox
from sync.publisher import Publisher
from sync.verify import StreamReport
from tests.sync.broker import Broker, free_port
from tests.sync.running import running, until
from tests.sync.samples import mileage

pytestmark = pytest.mark.broker
RUN = "import sys; from agent.cli import main; sys.argv[0] = 'forecourt'; main()"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RecordStore]:
    settings = OfficeSettings.model_validate({"database": {"directory": tmp_path / "office"}})
    store = await RecordStore.open(settings)
    yield store
    await store.close()


def write_settings(folder: Path, broker: int, page: int) -> Path:
    file = folder / "forecourt.toml"
    text = f'[device]\nid = "bay-1"\n[page]\nport = {page}\n[storage]\ndirectory = "{folder}"\n'
    file.write_text(f'{text}[mqtt]\nurl = "mqtt://127.0.0.1:{broker}"\nack_timeout_s = 5\nconnect_timeout_s = 0.5\n')
    return file


async def verified(settings: Path, *options: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", RUN, "sync", "verify", "--lang", "en", "--config", str(settings), *options]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


async def delete(store: RecordStore, where: str) -> None:
    async with store._write() as connection:
        await connection.exec_driver_sql(f"DELETE FROM records WHERE {where}")  # noqa: S608


@pytest.mark.parametrize(
    ("owed", "said"),
    [
        (0, ["Stream s: 9 records, both sides agree."]),
        (2, ["Stream s: 7 records, both sides agree.", "Stream s: 2 records wait to be sent;"]),
        (9, ["Stream s: 9 records wait to be sent;"]),
    ],
)
def test_nobody_is_said_to_agree_about_what_was_never_confirmed(owed: int, said: list[str]) -> None:
    lines = list(lines_of([StreamReport("s", 9, owed, (), (), ())], Language.EN))

    assert [line[: len(start)] for line, start in zip(lines, said, strict=True)] == said


async def test_a_hole_is_refilled_with_a_running_agent_and_without_one(tmp_path: Path, store: RecordStore) -> None:
    with Broker(tmp_path) as broker:
        page = PageSettings(port=free_port())
        file = write_settings(tmp_path, broker.port, page.port)
        outbox = await Outbox.open(tmp_path / "outbox.db", clock=SystemClock(), max_bytes=64 << 20)
        await outbox.append([mileage(n) for n in range(20)])
        async with running(receive_batches(broker.settings(), Ingest(store).handle)):
            publisher = Publisher(outbox, "bay-1", broker.settings(), SystemClock())
            server = PageServer(page, lambda: Answering(Starlette(routes=[verify_route(publisher)])))
            await server.open()
            async with running(publisher.run(), server.serve()):
                await until(lambda: outbox.pending_count() == 0)
                await delete(store, "seq = 7")
                by_page = await verified(file, "--json")
                await until(lambda: outbox.pending_count() == 0)
                await server.stop()
            await server.close()
            await outbox.close()
            await delete(store, "seq BETWEEN 3 AND 4")
            by_itself = await verified(file)

    (report,) = json.loads(by_page[1])
    assert (by_page[0], report["refilled"]) == (0, [[7, 7]])
    assert (by_itself[0], "sent again: 3-4" in by_itself[1]) == (0, True), by_itself
    assert (await store.counts())["records"] == 20


async def test_without_a_back_office_the_command_says_what_to_do(tmp_path: Path) -> None:
    code, _, error = await verified(write_settings(tmp_path, free_port(), 0))

    assert code == 3
    assert "Check mqtt.url" in error
    assert len(error.strip().splitlines()) == 1
