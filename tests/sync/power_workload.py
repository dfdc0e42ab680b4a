"""What runs while its writes are logged: ``python -m tests.sync.power_workload FOLDER SYNCHRONOUS ROUNDS [KEY]``.

Appends from several producers at once, acknowledges what came before, fills the quota now and then. Each promise is
written to the file ``promises`` right after it was given.
"""

import asyncio
import os
import struct
import sys
from pathlib import Path

from sync.outbox import Outbox
from sync.vault import PLAIN
from tests.sealed import vault_with
from tests.sync.conftest import FixedClock
from tests.sync.samples import mileage

PROMISE = struct.Struct("<cqq")
LEFT_OWED = 40


async def main(folder: Path, synchronous: str, rounds: int, key: str = "") -> None:
    vault = vault_with(key) if key else PLAIN
    outbox = await Outbox.open(folder / "outbox.db", clock=FixedClock(), max_bytes=8 << 20, vault=vault)
    if synchronous != "FULL":
        await outbox._database.execute(f"PRAGMA synchronous = {synchronous}")
    promises = os.open(folder / "promises", os.O_WRONLY | os.O_CREAT, 0o600)

    async def produce(count: int) -> None:
        seqs = await outbox.append([mileage(n) for n in range(count)])
        os.write(promises, PROMISE.pack(b"+", seqs[0], seqs[-1]))

    for number in range(rounds):
        await asyncio.gather(*(produce(1 + (number + n) % 5) for n in range(3)))
        rows = await outbox.unacknowledged(0, 10)
        if number % 4 == 3 and outbox.pending_count() > LEFT_OWED:
            # upstream has them: from here on they are not ours to lose
            os.write(promises, PROMISE.pack(b"-", rows[0].seq, rows[-1].seq))
            await outbox.acknowledge(rows[0].seq, rows[-1].seq)
    os.close(promises)
    await outbox.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
