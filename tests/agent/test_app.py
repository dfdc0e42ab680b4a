"""The edge process as a whole: bays do not delay each other, stopping drains, and a start says what is wrong."""

import asyncio
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from agent import app
from agent.app import run_agent
from agent.errors import WorldError
from collector.events import BayEvent, CarPlugged, ScanDone
from config.settings import Settings
from tests.agent.bench import running_agent, settings_for
from tests.agent.cars import reading_of
from tests.simulated import simulated

START_S = 30.0


async def silence(url: str) -> AsyncIterator[BayEvent]:
    """A bay where nothing happens."""
    await asyncio.sleep(3600)
    yield CarPlugged(None)


@pytest.mark.parametrize(
    ("fault", "traced"), [(RuntimeError("a fault of ours"), True), (sqlite3.OperationalError("disk I/O error"), False)]
)
async def test_a_bay_that_dies_begins_again_and_its_neighbour_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, traced: bool
) -> None:
    monkeypatch.setattr(app, "BAY_RESTART_S", 0.05)
    stop, begun, read = asyncio.Event(), asyncio.Event(), asyncio.Event()
    starts: list[str] = []

    async def watch(url: str) -> AsyncIterator[BayEvent]:
        starts.append(url)
        if url == "tcp:0:1":
            if len([start for start in starts if start == url]) > 1:
                begun.set()
            raise fault
        yield CarPlugged(12.6)
        yield ScanDone(reading_of(), silent=False)
        read.set()
        await stop.wait()

    agent = asyncio.create_task(run_agent(settings_for(tmp_path), watch, stop=stop))
    with capture_logs() as told:
        async with asyncio.timeout(START_S):
            await begun.wait()
            await read.wait()
            stop.set()
            await agent

    assert starts.count("tcp:0:1") >= 2
    died = [line for line in told if line["event"] == "bay stopped, begins again"]
    assert {bool(line.get("exc_info")) for line in died} == {traced}


async def test_a_second_agent_on_the_same_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    async with running_agent(settings_for(tmp_path)):
        with pytest.raises(WorldError) as refused:
            await run_agent(settings_for(tmp_path), silence)

    assert refused.value.key == "agent.store_unusable"


async def test_a_taken_port_is_said_and_nothing_stays_open(tmp_path: Path) -> None:
    async with running_agent(settings_for(tmp_path / "one")) as bench:
        port = int(bench.address.rsplit(":", 1)[1].strip("/"))
        settings = settings_for(tmp_path / "two")
        taken = Settings.model_validate({**settings.model_dump(), "page": {"port": port}})

        with pytest.raises(WorldError, match=r"agent\.port_taken"):
            await run_agent(taken, silence)
        async with running_agent(settings_for(tmp_path / "two")):
            pass


async def test_the_daemon_reads_a_simulated_car_and_ends_with_0_on_sigterm(tmp_path: Path) -> None:
    async with simulated("clean") as lot:
        daemon = await started(tmp_path, lot.url)
        bay = await first_bay_sent(daemon)

        daemon.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(daemon.communicate(), START_S)

    assert (bay["vin"], daemon.returncode) == (lot.truth["vin"], 0)
    assert b"Traceback" not in said
    assert lot.truth["vin"].encode() not in said


async def test_systemd_hears_of_the_start_once_the_page_is_open_and_of_the_end_at_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        daemon = await started(tmp_path, "tcp:127.0.0.1:9", NOTIFY_SOCKET=str(tmp_path / "notify"))
        first = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(systemd, 100), START_S)
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{await page_of(daemon)}api/bays")
        daemon.send_signal(signal.SIGTERM)
        await asyncio.wait_for(daemon.communicate(), START_S)

        assert (first, answer.status_code, systemd.recv(100)) == (b"READY=1", 200, b"STOPPING=1")


async def test_killed_after_a_reading_the_daemon_still_knows_what_to_ask(tmp_path: Path) -> None:
    async with simulated("clean") as lot:
        daemon = await started(tmp_path, lot.url)
        await first_bay_sent(daemon)
        daemon.kill()
        await daemon.communicate()

    async with running_agent(settings_for(tmp_path)) as bench:
        (waiting,) = await bench.awaiting()
    assert (waiting["vin"], waiting["status"]) == (lot.truth["vin"], "awaiting_dash")


async def first_bay_sent(daemon: asyncio.subprocess.Process) -> dict[str, object]:
    """The first bay once its car's snapshot is on its way."""
    async with httpx.AsyncClient(base_url=await page_of(daemon)) as client, asyncio.timeout(START_S):
        while True:
            bay: dict[str, object] = (await client.get("/api/bays")).json()["items"][0]
            if bay["sent"]:
                return bay
            await asyncio.sleep(0.1)


async def page_of(daemon: asyncio.subprocess.Process) -> str:
    assert daemon.stdout is not None
    return (await asyncio.wait_for(daemon.stdout.readline(), START_S)).decode().split()[-1]


async def started(folder: Path, adapter: str, **variables: str) -> asyncio.subprocess.Process:
    """``forecourt run`` as a process of its own, with one bay."""
    config = folder / "forecourt.toml"
    config.write_text(
        f'[storage]\ndirectory = "{folder}"\n[page]\nport = 0\n[mqtt]\nurl = "mqtt://127.0.0.1:9"\n'
        f'[[bay]]\nname = "Bay 1"\nadapter = "{adapter}"\n',
        encoding="utf-8",
    )
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", "from agent.cli import main; main()", "run", "--config", str(config),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=dict(os.environ, PYTHONUTF8="1", **variables),
    )  # fmt: skip
