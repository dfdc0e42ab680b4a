"""Runs the demo: starts everything, shows a live table, and at the end holds the back office against the truth."""

import asyncio
import json
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.live import Live

from agent.demo.broker import free_port, start_broker
from agent.demo.cars import QUEUES, SERIAL_BAY, TCP_BAY
from agent.demo.children import Child, script, start
from agent.demo.office import compare_until_agreed
from agent.demo.table import summary_lines, visits_table
from agent.demo.technician import Bay, Technician
from agent.demo.visit import Visit
from agent.errors import WorldError
from config.catalogue import Language, render

HTTP_TIMEOUT_S = 10.0
DONE, WORLD_FAILED = 0, 3

AGENT_TOML = """\
[device]
id = "demo-box"
language = "{language}"
[[bay]]
name = "{tcp_bay}"
adapter = "tcp:127.0.0.1:{port}"
[[bay]]
name = "{serial_bay}"
adapter = "serial:{pty}"
[adapter]
presence_every_s = 0.3
reopen_first_s = 0.2
reopen_max_s = 0.6
hotplug_dir = "{folder}/no-hotplug"
paired_bluetooth = false
[mqtt]
url = "{broker}"
[page]
port = 0
[storage]
directory = "{folder}/edge"
"""
OFFICE_TOML = """\
language = "{language}"
[http]
port = {port}
[database]
directory = "{folder}/office"
[mqtt]
url = "{broker}"
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs: where both pages are, and how the bays' simulators are reached."""

    folder: Path
    agent_url: str
    office_url: str
    broker: str
    serve: dict[str, tuple[str, ...]]


def run_demo(seconds: float | None, port: int, language: Language) -> int:
    """Show the product until ``seconds`` are over or Ctrl-C; 0 when the back office repeats every truth, else 3."""
    return asyncio.run(_run(seconds, port, language))


async def _run(seconds: float | None, port: int, language: Language) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    console = Console()
    visits = {bay: [Visit(bay, plug) for plug in queue] for bay, queue in QUEUES.items()}
    async with _stage(port, language) as stage, httpx.AsyncClient(timeout=HTTP_TIMEOUT_S) as http:
        console.print(render("demo.open", language, office=stage.office_url, bay=stage.agent_url, broker=stage.broker))
        with Live(visits_table(visits, language), console=console, refresh_per_second=4) as live:
            work = asyncio.create_task(_work(stage, visits, http, lambda: live.update(visits_table(visits, language))))
            await _until(stop, work, seconds)
            live.update(visits_table(visits, language))
        console.print()
        for line in summary_lines(visits, language):
            console.print(line, markup=False, highlight=False)
    shown = [visit for queue in visits.values() for visit in queue]
    return DONE if all(v.stage == "agreed" for v in shown) else WORLD_FAILED


async def _until(stop: asyncio.Event, work: "asyncio.Task[None]", seconds: float | None) -> None:
    """With ``seconds``: until the work is done or the time is over. Without: until somebody stops us."""
    stopped = asyncio.create_task(stop.wait())
    waits = {stopped} if seconds is None else {stopped, work}
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not work.done():
        work.cancel()
    with suppress(asyncio.CancelledError):
        await work


async def _work(
    stage: Stage, visits: dict[str, list[Visit]], http: httpx.AsyncClient, changed: Callable[[], None]
) -> None:
    async with asyncio.TaskGroup() as group:
        for name, queue in visits.items():
            bay = Bay(name, stage.serve[name], stage.agent_url, stage.office_url, script("forecourt-sim"))
            group.create_task(Technician(bay, queue, http, changed).work(stage.folder))
    await _compare_again([visit for queue in visits.values() for visit in queue], stage.office_url, http)
    changed()


async def _compare_again(visits: list[Visit], office_url: str, http: httpx.AsyncClient) -> None:
    """Hold every car's last visit against its truth once more: no other car's visit may have changed it."""
    last = {visit.truth["vin"]: visit for visit in visits if visit.truth}
    for visit in last.values():
        if visit.stage == "agreed":
            await compare_until_agreed(visit, office_url, http)


@asynccontextmanager
async def _stage(port: int, language: Language) -> AsyncIterator[Stage]:
    """Broker, back office and agent as child processes over a temporary folder; all ended and removed at the end."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="forecourt-demo-")))
        broker, broker_url, broker_name = await start_broker(folder)
        stack.push_async_callback(broker.end)
        office_url = await _start_office(folder, broker_url, port, language, stack)
        sim_port, pty = free_port(), folder / "tty-usb"
        settings = AGENT_TOML.format(
            language=language, tcp_bay=TCP_BAY, serial_bay=SERIAL_BAY, port=sim_port, pty=pty, folder=folder,
            broker=broker_url,
        )  # fmt: skip
        agent_url = await _start_agent(folder, settings, stack)
        serve: dict[str, tuple[str, ...]] = {
            TCP_BAY: ("--tcp", f"127.0.0.1:{sim_port}"),
            SERIAL_BAY: ("--pty", str(pty)),
        }
        yield Stage(folder, agent_url, office_url, broker_name, serve)


async def _start_office(folder: Path, broker_url: str, port: int, language: Language, stack: AsyncExitStack) -> str:
    config = folder / "office.toml"
    config.write_text(
        OFFICE_TOML.format(language=language, port=port, folder=folder, broker=broker_url), encoding="utf-8"
    )
    office = await start("office", [script("forecourt-office"), "run", "--config", str(config)], folder)
    stack.push_async_callback(office.end)
    return str(json.loads(await office.line())["url"])


async def _start_agent(folder: Path, settings: str, stack: AsyncExitStack) -> str:
    config = folder / "forecourt.toml"
    config.write_text(settings, encoding="utf-8")
    agent = await start("agent", [script("forecourt"), "run", "--config", str(config)], folder)
    stack.push_async_callback(agent.end)
    return _address_in(await agent.line(), agent)


def _address_in(line: str, agent: Child) -> str:
    word = next((word for word in line.split() if word.startswith("http")), "")
    if not word:
        raise WorldError("demo.child_failed", name="agent", detail=agent.last_words() or line)
    return word.rstrip("/")
