"""Cut the power over the outbox's real SQLite file at many moments; the last line says what was lost.

    python benchmarks/power.py --cuts 1000 [--key HEX]

Exit 0 only when no record that ``append`` had promised was lost, and synchronous=NORMAL did lose some.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sync.vault import PLAIN
from tests.sealed import vault_with
from tests.sync.power import compiled, cuts, recorded

ROUNDS = 400


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--cuts", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--key", default="", help="64 hexadecimal digits: an encrypted outbox")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = compiled(folder)
        if library is None:
            print("needs Linux and a C compiler")
            return 3
        ended = {}
        vault = vault_with(wanted.key) if wanted.key else PLAIN
        for mode, count in (("FULL", wanted.cuts), ("NORMAL", max(100, wanted.cuts // 5))):
            steps = recorded(folder / mode, library, synchronous=mode, rounds=ROUNDS, key=wanted.key)
            ended[mode] = cuts(steps, count, folder / "disk", random.Random(wanted.seed), vault)
            print(f"synchronous={mode}: {len(steps)} steps, {count} cuts: {dict(ended[mode])}")
    lost = wanted.cuts - ended["FULL"]["sound"]
    print(f"control lost in {ended['NORMAL']['lost']} cuts")
    print(f"lost {lost} over {wanted.cuts} power cuts")
    return 0 if lost == 0 and ended["NORMAL"]["lost"] else 1


if __name__ == "__main__":
    sys.exit(main())
