"""Real processes under faults drawn from seeds; the last line says what was lost and doubled.

    python benchmarks/faults.py --seeds 30
    python benchmarks/faults.py --first 17 --seeds 1      draws the faults of one seed again

Broker (mosquitto or rumqttd, without persistence), back office, a busy box and an agent with simulated cars run as
processes of their own. Seeds with an even number have one back office on SQLite, odd ones two workers on PostgreSQL,
where that is installed; then its server is killed too. All are killed and stopped, their lines cut, refused, blackholed
and slowed, the box's disk and quota filled, writes and syncs failing, descriptors and memory withheld, and the clock of
all of them jumps by years (needs a C compiler). A seed under which too few cars or records were read is run again. Exit
0 only when nothing was lost or doubled, nothing got stuck, every seed read enough, and the control that deletes on the
broker's PUBACK did lose records.
"""

import argparse
import asyncio
import math
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.needs import find_postgres
from tests.postgres import PostgresServer
from tests.simulated import simulated
from tests.system.fault_cars import FAST, SCENARIOS
from tests.system.fault_store import ServerStore
from tests.system.fault_verdict import Judged
from tests.system.faults import DISK_BYTES, FaultRun

ATTEMPTS = 3


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk that can be filled, where mounting one is allowed; else the folder itself."""
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield place if mounted else folder
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)


def run_seed(seed: int, seconds: float, control: str = "") -> Judged:
    with tempfile.TemporaryDirectory() as name, small_disk(Path(name)) as disk:
        judged = asyncio.run(_run(Path(name), disk, seed, seconds, control))
        if not control and not judged.sound:
            keep_logs(Path(name), seed)
    return judged


def run_until_enough(seed: int, seconds: float) -> Judged:
    """Run a seed again when too little was read; what was lost or doubled is never run away from."""
    for _ in range(ATTEMPTS):
        judged = run_seed(seed, seconds)
        print(judged, flush=True)
        if judged.sound or judged.wrong:
            break
    return judged


async def _run(folder: Path, disk: Path, seed: int, seconds: float, control: str) -> Judged:
    if control:
        return await FaultRun(folder, seed, seconds=seconds, control=control, disk=disk).run()
    async with simulated(SCENARIOS[0], *FAST) as lot:
        with ExitStack() as stack:
            store = None
            if seed % 2 and find_postgres():
                server = stack.enter_context(PostgresServer())
                store = ServerStore(server, await server.new_database())
            return await FaultRun(folder, seed, seconds=seconds, disk=disk, lot=lot, store=store).run()


def keep_logs(folder: Path, seed: int) -> None:
    for log in folder.glob("*.log"):
        print(f"--- seed {seed} {log.name}\n{log.read_text(errors='replace')[-3000:]}")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, default=30)
    arguments.add_argument("--first", type=int, default=0)
    arguments.add_argument("--seconds", type=float, default=12.0, help="how long faults happen in each run")
    arguments.add_argument("--minutes", type=float, default=math.inf, help="begin no further seed after so long")
    arguments.add_argument("--controls", type=int, default=3, metavar="N", help="seeds of the control")
    wanted = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its last seed"))  # no process is left behind
    started_s = time.monotonic()
    runs: list[Judged] = []
    for seed in range(wanted.first, wanted.first + wanted.seeds):
        if runs and time.monotonic() > started_s + 60 * wanted.minutes:
            break
        began_s = time.monotonic()
        runs.append(run_until_enough(seed, wanted.seconds))
        print(f"  {time.monotonic() - began_s:.0f} s", flush=True)
    controls = [run_seed(seed, wanted.seconds, "trust-broker").lost for seed in range(wanted.controls)]
    return report(runs, controls, time.monotonic() - started_s)


def report(runs: list[Judged], controls: list[int], took_s: float) -> int:
    faults = sum((run.faults for run in runs), Counter[str]())
    promised, visits = (sum(getattr(run, name) for run in runs) for name in ("promised", "visits"))
    print(f"{promised} records, {visits} visits, {faults.total()} faults, {took_s:.0f} s: {dict(faults)}")
    print(f"control 'delete on PUBACK': lost {sum(controls)} over {len(controls)} seeds")
    lost, doubled = (sum(getattr(run, name) for run in runs) for name in ("lost", "doubled"))
    print(f"lost {lost} doubled {doubled} over {len(runs)} seeds")
    return 0 if sum(controls) and all(run.sound for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
