"""What the agent costs while nothing happens: memory, processor and the time to load, with one adapter and one car.

    python benchmarks/idle.py [--seconds 30]

Goals: resident memory at most 70 MB, processor under 1 %, imports under 0.6 s. Linux only. Exit 1 when one is missed.
"""

import argparse
import asyncio
import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.plug import ROOT, Lot, settings_text, started

MEMORY_MB, CPU_SHARE, IMPORT_S = 70.0, 0.01, 0.6
LEAN = "from agent.lean import load_without; load_without('rich', 'structlog')"
LOADED = f"import agent.cli; {LEAN}; import agent.running"
IMPORT_RUNS = 5
SCAN_S = 12.0  # the intake is over, and two seconds of silence after it
KILOBYTE = 1024
TICKS = os.sysconf("SC_CLK_TCK")


def import_s() -> float:
    """Processor seconds to load everything that ``forecourt run`` needs, beyond an empty interpreter."""
    with TemporaryDirectory() as compiled:  # an installed agent is compiled already
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = compiled
        return _fastest(LOADED, environment) - _fastest("pass", environment)


def _fastest(code: str, environment: dict[str, str]) -> float:
    times = []
    for _ in range(IMPORT_RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / KILOBYTE


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def waiting(seconds: float) -> tuple[float, float]:
    """Memory in MB and the processor share of an agent that has read a car and waits for the next."""
    with TemporaryDirectory() as folder:
        served = ("--tcp", "127.0.0.1:0", "--control")
        async with started("-m", "simulator.cli", "--scenario", "clean", *served) as simulator:
            urls = (await Lot(simulator).line())["adapters"]
            assert isinstance(urls, list)
            config = Path(folder) / "forecourt.toml"
            config.write_text(settings_text(str(urls[0]), Path(folder)), encoding="utf-8")
            command = ("-c", "from agent.cli import main; main()", "run", "--config", str(config))
            async with started(*command) as agent:
                assert agent.stdout is not None
                await agent.stdout.readline()
                await asyncio.sleep(SCAN_S)
                before_s = cpu_s(agent.pid)
                await asyncio.sleep(seconds)
                return resident_mb(agent.pid), (cpu_s(agent.pid) - before_s) / seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    memory_mb, share = asyncio.run(waiting(arguments.seconds))
    loading_s = import_s()
    print(f"memory    {memory_mb:6.1f} MB, at most {MEMORY_MB:g}")
    print(f"processor {share:6.2%}, under {CPU_SHARE:.0%}")
    print(f"imports   {loading_s:6.2f} s, under {IMPORT_S:g}")
    return 1 if memory_mb > MEMORY_MB or share >= CPU_SHARE or loading_s >= IMPORT_S else 0


if __name__ == "__main__":
    sys.exit(main())
