"""What a record costs each side's processor in a drain, and how much of that is the machine's mood.

    python benchmarks/drain_processor.py [--records 60000] [--drains 20]

Each drain stands between two rounds of one computation that waits for nothing and is always the same: taking batches
apart. On a machine that is shared with others even that takes now this long, now half as long again. What others take
is only ever added: the least says what the program needs, the rest what it gets. Needs mosquitto.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.drain import QUICK, body, drain
from sync.clock import SystemClock
from sync.codec import ReceivedBatch, decode_batch, encode_batch
from sync.outbox_lines import lines_of
from tests.sync.broker import Broker

BATCHES = 300
SIDES = ("same_us", "edge_us", "office_us")


def some_batches() -> list[bytes]:
    lines = lines_of([body(number) for number in range(BATCHES * 100)], SystemClock().stamp())
    payloads = [line.payload for line in lines]
    return [
        encode_batch("s", 1, enumerate(payloads[first : first + 100], start=1))
        for first in range(0, len(payloads), 100)
    ]


def same_us(batches: Sequence[bytes]) -> float:
    """Processor time a record of taking ``batches`` apart."""
    begun_s = time.process_time()
    for batch in batches:
        assert isinstance(decode_batch("bay-1", batch), ReceivedBatch)
    return (time.process_time() - begun_s) / len(batches) / 100 * 1e6


def measure(port: int, records: int, batches: Sequence[bytes]) -> dict[str, float]:
    before_us = same_us(batches)
    run = drain(port, records, 100, 32)
    return run | {"same_us": (before_us + same_us(batches)) / 2}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=60_000)
    arguments.add_argument("--drains", type=int, default=20)
    wanted = arguments.parse_args()
    batches, runs = some_batches(), list[dict[str, float]]()
    with tempfile.TemporaryDirectory() as name, Broker(Path(name), options=QUICK) as broker:
        for _ in range(wanted.drains):
            runs.append(measure(broker.port, wanted.records, batches))
            print("  ".join(f"{side.removesuffix('_us')} {runs[-1][side]:5.1f}" for side in SIDES), "us", flush=True)
    for side in SIDES:
        costs = sorted(run[side] for run in runs)
        quarter, half, _ = statistics.quantiles(costs, n=4, method="inclusive")
        print(f"{side}: least {costs[0]:.1f}, quarter {quarter:.1f}, half {half:.1f}, most {costs[-1]:.1f}")


if __name__ == "__main__":
    main()
