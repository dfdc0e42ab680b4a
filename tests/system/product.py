"""The product as its users run it: broker, back office and agent as processes over one folder, killable one by one."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.needs import find_mosquitto, unmet
from tests.sync.broker import free_port

BIN = Path(sys.executable).parent
START_S = 30.0

AGENT = """\
[device]
id = "bay-box-7"
[[bay]]
name = "Bay 1"
adapter = "{adapter}"
[adapter]
presence_every_s = 0.2
reopen_first_s = 0.2
reopen_max_s = 0.5
hotplug_dir = "{folder}/none"
paired_bluetooth = false
[mqtt]
url = "mqtt://127.0.0.1:{port}"
ack_timeout_s = 2
backoff_first_s = 0.1
backoff_max_s = 0.5
[page]
port = {page}
[storage]
directory = "{folder}/edge"
"""
OFFICE = """\
[http]
port = {page}
[database]
directory = "{folder}/office"
[mqtt]
url = "mqtt://127.0.0.1:{port}"
backoff_first_s = 0.1
backoff_max_s = 0.5
[commands]
look_every_s = 0.1
send_again_s = 1
[alerts]
webhook_url = "{webhook}"
"""
BROKER = "user root\nlistener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"


class Product:
    """Starts and kills its processes; asks both pages."""

    def __init__(self, folder: Path, adapter: str, webhook: str = "") -> None:
        self.folder = folder
        self.agent_url, self.office_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._port = free_port()
        self._running: dict[str, asyncio.subprocess.Process] = {}
        pages = {"agent": self.agent_url, "office": self.office_url}
        texts = {"agent": AGENT, "office": OFFICE, "broker": BROKER}
        for name, text in texts.items():
            page = pages.get(name, "").rpartition(":")[2]
            filled = text.format(adapter=adapter, folder=folder, port=self._port, page=page, webhook=webhook)
            (folder / name).with_suffix(".toml").write_text(filled, encoding="utf-8")

    async def start(self, name: str) -> None:
        """Start ``broker``, ``office`` or ``agent`` and wait until it serves."""
        config = str((self.folder / name).with_suffix(".toml"))
        mosquitto = find_mosquitto() or unmet("mosquitto")
        command = {
            "broker": [str(mosquitto), "-c", config],
            "office": [str(BIN / "forecourt-office"), "run", "--config", config],
            "agent": [str(BIN / "forecourt"), "run", "--config", config],
        }[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        self._running[name] = process
        port = {"broker": self._port, "office": self.office_url, "agent": self.agent_url}[name]
        try:
            await until(lambda: _listens(int(str(port).rpartition(":")[2])), START_S)
        except TimeoutError:
            raise AssertionError(f"{name} does not serve: {self.log(name)[-500:]}") from None

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send ``number`` to a process and wait for its end; return its exit code."""
        process = self._running.pop(name)
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(20):
            return await process.wait()

    async def end(self) -> None:
        for name in list(self._running):
            await self.kill(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    async def console(self, *words: str) -> tuple[int, Any]:
        """``forecourt-office command bay-box-7 ...``: its exit code and the JSON it prints."""
        config = str((self.folder / "office").with_suffix(".toml"))
        command = [str(BIN / "forecourt-office"), "command", "bay-box-7", *words, "--json", "--config", config]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(60):
            said, _ = await process.communicate()
        return process.returncode or 0, json.loads(said)

    async def post(self, path: str, **body: object) -> Any:
        """Tell the back office's API something."""
        async with httpx.AsyncClient(timeout=10) as http:
            said = await http.post(f"{self.office_url}{path}", json=body)
            assert said.status_code < 300, said.text
            return said.json()

    async def ask(self, url: str) -> Any:
        async with httpx.AsyncClient(timeout=10) as http:
            answer = await http.get(url)
            answer.raise_for_status()
            return answer.json()

    async def bay(self) -> dict[str, Any]:
        items: list[dict[str, Any]] = (await self.ask(f"{self.agent_url}/api/bays"))["items"]
        return items[0]

    async def answer(self, intake_id: str, **answers: object) -> None:
        async with httpx.AsyncClient(timeout=10) as http:
            said = await http.post(f"{self.agent_url}/api/intakes/{intake_id}/answers", json=answers)
            assert said.status_code == 200, said.text

    async def vehicles(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.ask(f"{self.office_url}/api/v1/vehicles"))["items"]
        return items

    async def records(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.ask(f"{self.office_url}/api/v1/records?limit=1000"))["items"]
        return items


@asynccontextmanager
async def product(folder: Path, adapter: str, webhook: str = "") -> AsyncIterator[Product]:
    """All three processes, started in order and gone at the end."""
    running = Product(folder, adapter, webhook)
    try:
        for name in ("broker", "office", "agent"):
            await running.start(name)
        yield running
    finally:
        await running.end()


async def until(reached: Callable[[], Any], within_s: float = 20.0) -> Any:
    """Await ``reached()`` (a value or an awaitable) until it is true; return it."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                value = reached()
                value = await value if asyncio.iscoroutine(value) else value
            except (httpx.HTTPError, json.JSONDecodeError):
                value = None
            if value:
                return value
            await asyncio.sleep(0.05)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
