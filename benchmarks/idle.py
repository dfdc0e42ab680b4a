"""What the agent costs while nothing happens: memory, processor and the time to load, with one adapter and one car.

    python benchmarks/idle.py [--seconds 30]

Goals: resident memory at most 70 MB, processor under 1 %, imports under 0.6 s. Linux only. Exit 1 when one is missed.

Imports are those of ``forecourt run`` until it looks for its adapter, and with those of the page. "Until the first
look" and "with the page opened once" are the whole process from its start: it reads its settings and rules, opens its
databases, and draws the page.
"""

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.plug import ROOT, Lot, settings_text, started

MEMORY_MB, CPU_SHARE, IMPORT_S = 70.0, 0.01, 0.6
BEFORE_A_LOOK = """
import agent.cli
from agent.lean import load_without, look_for_no_plugins, nothing_collected, share_one_heap
share_one_heap()
look_for_no_plugins()
with nothing_collected():
    load_without("rich", "structlog")
    import agent.running
"""
THE_PAGE = "import agent.answering, uvicorn.protocols.http.h11_impl"
SPENT = "import time; print(time.process_time())"
RUNS = 5
IMPORT_RUNS = 12  # quickly done, and a shared processor has a slow spell now and then
COME_S = 30.0
RUN = ("-c", "from agent.cli import main; main()", "run")
SCAN_S = 12.0  # the intake is over, and two seconds of silence after it
KILOBYTE = 1024
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Start:
    """Processor seconds of a start, the interpreter's own among them; each the least of some runs."""

    imports_s: float
    imports_with_page_s: float
    first_look_s: float
    page_opened_s: float


def starting() -> Start:
    """Start often, compiled as an installed agent is."""
    with TemporaryDirectory() as compiled:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = compiled
        imports_s = min(_import_s(BEFORE_A_LOOK, environment) for _ in range(IMPORT_RUNS))
        with_page_s = min(_import_s(BEFORE_A_LOOK + THE_PAGE, environment) for _ in range(IMPORT_RUNS))
        starts = [_start_s(environment) for _ in range(RUNS)]
    return Start(imports_s, with_page_s, min(look for look, _ in starts), min(page for _, page in starts))


def _import_s(code: str, environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", f"{code}\n{SPENT}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def _start_s(environment: dict[str, str]) -> tuple[float, float]:
    """Until the agent connects to its adapter, and until its page has been drawn once."""
    with TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as adapter:
        adapter.settimeout(COME_S)
        config = Path(folder) / "forecourt.toml"
        url = f"tcp:127.0.0.1:{adapter.getsockname()[1]}"
        config.write_text(settings_text(url, Path(folder)), encoding="utf-8")
        command = (sys.executable, *RUN, "--config", str(config))
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as agent:
            assert agent.stdout is not None
            adapter.accept()[0].close()
            look_s = cpu_s(agent.pid)
            page = agent.stdout.readline().split()[-1]
            _open(page)
            page_s = cpu_s(agent.pid)
            agent.kill()
    return look_s, page_s


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / KILOBYTE


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass(frozen=True, slots=True)
class Waiting:
    """An agent that has read a car and waits for the next: before anybody opened its page, and after."""

    share: float
    memory_mb: float
    with_page_mb: float


async def waiting(seconds: float) -> Waiting:
    """Read a simulated car, wait for ``seconds``, open the page."""
    with TemporaryDirectory() as folder:
        served = ("--tcp", "127.0.0.1:0", "--control")
        async with started("-m", "simulator.cli", "--scenario", "clean", *served) as simulator:
            urls = (await Lot(simulator).line())["adapters"]
            assert isinstance(urls, list)
            config = Path(folder) / "forecourt.toml"
            config.write_text(settings_text(str(urls[0]), Path(folder)), encoding="utf-8")
            async with started(*RUN, "--config", str(config)) as agent:
                assert agent.stdout is not None
                page = (await agent.stdout.readline()).decode().split()[-1]
                await asyncio.sleep(SCAN_S)
                before_s = cpu_s(agent.pid)
                await asyncio.sleep(seconds)
                share, memory_mb = (cpu_s(agent.pid) - before_s) / seconds, resident_mb(agent.pid)
                await asyncio.to_thread(_open, page)
                return Waiting(share, memory_mb, resident_mb(agent.pid))


def _open(page: str) -> None:
    with urllib.request.urlopen(page, timeout=COME_S) as answer:  # noqa: S310 - our own page
        answer.read()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    idle = asyncio.run(waiting(arguments.seconds))
    start = starting()
    print(f"memory    {idle.memory_mb:6.1f} MB, page opened once: {idle.with_page_mb:.1f} MB, at most {MEMORY_MB:g}")
    print(f"processor {idle.share:6.2%}, under {CPU_SHARE:.0%}")
    print(f"imports   {start.imports_s:6.2f} s, under {IMPORT_S:g}; with the page's {start.imports_with_page_s:.2f} s")
    print(f"start     {start.first_look_s:6.2f} s until the first look; page opened once: {start.page_opened_s:.2f} s")
    return 1 if idle.with_page_mb > MEMORY_MB or idle.share >= CPU_SHARE or start.imports_s >= IMPORT_S else 0


if __name__ == "__main__":
    sys.exit(main())
