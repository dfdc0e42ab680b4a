"""Run the simulated world of ``tests/sync/world.py`` over many seeds; the last line says what was lost and doubled.

    python benchmarks/simulate.py --seeds 10000
    python benchmarks/simulate.py --first 4711 --seeds 1      replays one seed

Exit 0 only when nothing was lost, doubled, reordered, falsely alarmed about or stuck, and every way to build it wrong
did lose records.
"""

import argparse
import gc
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.sync.world import Control, Outcome, World

CONTROL_SEEDS = 30
BUILT_WRONG: list[Control] = [control for control in Control if control is not Control.NONE]


def run_seed(seed: int, control: Control = Control.NONE) -> Outcome:
    outcome = World(seed, control=control).run()
    if seed % 8 == 0:
        gc.collect()
    return outcome


def collect_between_seeds() -> None:
    """A fifth of the time would go into looking for garbage among all that is imported."""
    gc.freeze()
    gc.disable()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, default=1000)
    arguments.add_argument("--first", type=int, default=0, help="the first seed")
    arguments.add_argument("--workers", type=int, default=os.cpu_count())
    wanted = arguments.parse_args()
    started_s = time.monotonic()
    with ProcessPoolExecutor(wanted.workers, initializer=collect_between_seeds) as pool:
        outcomes = list(pool.map(run_seed, range(wanted.first, wanted.first + wanted.seeds), chunksize=8))
        controls = {c: list(pool.map(partial(run_seed, control=c), range(CONTROL_SEEDS))) for c in BUILT_WRONG}
    return report(outcomes, controls, time.monotonic() - started_s)


def report(outcomes: list[Outcome], controls: dict[Control, list[Outcome]], took_s: float) -> int:
    for outcome in outcomes:
        if not outcome.sound:
            print(f"unsound: {outcome}")
    control_losses = {control: sum(outcome.lost for outcome in ran) for control, ran in controls.items()}
    for control, lost in control_losses.items():
        print(f"control '{control}': lost {lost} over {CONTROL_SEEDS} seeds")
    print(f"{sum(o.produced for o in outcomes)} records, {sum(o.crashes for o in outcomes)} crashes, {took_s:.0f} s")
    lost, doubled = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("lost", "doubled"))
    print(f"lost {lost} doubled {doubled} over {len(outcomes)} seeds")
    return 0 if all(control_losses.values()) and all(outcome.sound for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
