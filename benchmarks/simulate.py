"""Run the simulated world of ``tests/sync/world.py`` over many seeds; the last line says what was lost and doubled.

    python benchmarks/simulate.py --seeds 1000

Exit 0 only when nothing was lost, doubled, falsely alarmed about or stuck, and the negative control did lose.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.sync.world import Outcome, World

CONTROL_SEEDS = 20


def run_seed(seed: int) -> Outcome:
    return World(seed).run()


def run_control(seed: int) -> Outcome:
    return World(seed, trust_broker=True).run()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, default=1000)
    arguments.add_argument(
        "--first", type=int, default=0, help="first seed; a failure replays with --first SEED --seeds 1"
    )
    wanted = arguments.parse_args()
    with ProcessPoolExecutor() as pool:
        outcomes = list(pool.map(run_seed, range(wanted.first, wanted.first + wanted.seeds), chunksize=8))
        control = list(pool.map(run_control, range(CONTROL_SEEDS)))
    return report(outcomes, control)


def report(outcomes: list[Outcome], control: list[Outcome]) -> int:
    for outcome in outcomes:
        if not outcome.sound:
            print(f"unsound: {outcome}")
    control_lost = sum(outcome.lost for outcome in control)
    print(f"{sum(outcome.produced for outcome in outcomes)} records produced")
    print(f"control that trusts the broker: lost {control_lost} over {len(control)} seeds")
    lost, doubled = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("lost", "doubled"))
    print(f"lost {lost} doubled {doubled} over {len(outcomes)} seeds")
    return 0 if control_lost and all(outcome.sound for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
