"""What encryption at rest costs: the same records through the real stores, plain and encrypted, durable on both sides.

    python benchmarks/sealed.py [--records 10000] [--turns 3]

Insert is ``Outbox.append``; drain takes batches from the outbox, commits them in the record store and forgets them. No
broker is between, so that only the files differ. Plain and encrypted take turns and the best of each counts. The last
line is the ratio. Needs the extra ``encrypted``.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from backoffice.ingest import Ingest
from backoffice.office_settings import DatabaseSettings, OfficeSettings
from backoffice.store import RecordStore
from sync.clock import SystemClock
from sync.codec import encode_batch
from sync.outbox import Outbox
from sync.records import ReadingBody
from sync.storage_key import new_key, read_key
from sync.vault import PLAIN, Vault
from sync.wire import Ack

BATCH = 100
PRODUCERS = 4
PAD = "x" * 80  # makes a record of about 300 bytes
GOAL = 0.5


@dataclass(frozen=True, slots=True)
class Rates:
    """Records a second."""

    insert: float
    drain: float


async def measured(folder: Path, records: int, key_file: Path | None) -> Rates:
    """One turn in a new folder; all that was inserted must have arrived."""
    settings = OfficeSettings(database=DatabaseSettings(directory=folder / "office", key_file=key_file))
    async with AsyncExitStack() as stack:
        store = await RecordStore.open(settings)
        stack.push_async_callback(store.close)
        clock, vault = SystemClock(), vault_of(key_file)
        outbox = await Outbox.open(folder / "outbox.db", clock=clock, max_bytes=1 << 30, vault=vault)
        stack.push_async_callback(outbox.close)
        begun_s = time.perf_counter()
        await insert(outbox, records)
        inserted_s = time.perf_counter()
        await drain(outbox, store)
        drained_s = time.perf_counter()
        arrived = (await store.counts())["records"]
    assert arrived == records, (arrived, records)
    return Rates(records / (inserted_s - begun_s), records / (drained_s - inserted_s))


def vault_of(key_file: Path | None) -> Vault:
    if key_file is None:
        return PLAIN
    from sync.sealed_vault import SealedVault

    key = read_key(key_file)
    assert key is not None
    return SealedVault(key.key)


async def insert(outbox: Outbox, records: int) -> None:
    async def produce(numbers: range) -> None:
        for first in range(numbers.start, numbers.stop, BATCH):
            last = min(first + BATCH, numbers.stop)
            await outbox.append([ReadingBody(signal="Vehicle.Speed", value=f"{n}{PAD}") for n in range(first, last)])

    share = records // PRODUCERS
    await asyncio.gather(*(produce(range(n * share, (n + 1) * share)) for n in range(PRODUCERS)))


async def drain(outbox: Outbox, store: RecordStore) -> None:
    ingest = Ingest(store)
    while rows := await outbox.unacknowledged(0, BATCH):
        lowest = await outbox.lowest_unacknowledged()
        payload = encode_batch(outbox.stream, lowest, [(row.seq, row.payload) for row in rows])
        for answer in await ingest.handle("bay-1", payload):
            assert isinstance(answer, Ack)
            await outbox.acknowledge(answer.a, answer.b)


def compared(records: int, turns: int) -> tuple[Rates, Rates]:
    """The best plain and the best encrypted turn."""
    plain: list[Rates] = []
    sealed: list[Rates] = []
    with tempfile.TemporaryDirectory() as name:
        key_file = Path(name) / "key"
        new_key(key_file)
        for turn in range(turns):
            for key, found in ((None, plain), (key_file, sealed))[:: 1 if turn % 2 else -1]:
                folder = Path(name) / f"{turn}-{len(plain)}-{len(sealed)}"
                found.append(asyncio.run(measured(folder, records, key)))
    return best(plain), best(sealed)


def best(rates: Iterable[Rates]) -> Rates:
    known = list(rates)
    return Rates(max(one.insert for one in known), max(one.drain for one in known))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=10_000)
    arguments.add_argument("--turns", type=int, default=3)
    wanted = arguments.parse_args()
    plain, sealed = compared(wanted.records - wanted.records % PRODUCERS, wanted.turns)
    for name, rates in (("plain", plain), ("encrypted", sealed)):
        print(f"{name:10} insert {rates.insert:8.0f} records/s   drain {rates.drain:8.0f} records/s")
    insert_ratio, drain_ratio = sealed.insert / plain.insert, sealed.drain / plain.drain
    print(f"encrypted / plain: insert {insert_ratio:.2f}, drain {drain_ratio:.2f} (goal {GOAL})")
    return 0 if min(insert_ratio, drain_ratio) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
