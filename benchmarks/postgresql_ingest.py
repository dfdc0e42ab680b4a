"""How fast the record store keeps batches in PostgreSQL, each record once, beside a bare COPY of the same rows.

    python benchmarks/postgresql_ingest.py [--records 20000]

``drain.py`` prints it too. The server is started here, with fsync on. Needs the package postgresql.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from backoffice.database import open_database
from backoffice.keeping import COLUMNS, Incoming, rows_of
from backoffice.office_settings import OfficeSettings
from backoffice.store import RecordStore, utc_now
from sync.clock import Stamp, SystemClock
from sync.codec import ReceivedBatch, decode_batch, encode_batch
from sync.records import ReadingBody, Record
from tests.needs import find_postgres
from tests.postgres import PostgresServer

PAD = "x" * 80  # makes a record of about 300 bytes
BATCH = 100
TOGETHER = 10  # batches a transaction
AGAIN = 20  # one batch in so many comes twice


def batches(records: int) -> list[Incoming]:
    """Batches as they come off the wire, 5 % of them for the second time."""
    stamp, found = SystemClock().stamp(), []
    for first in range(1, records + 1, BATCH):
        rows = [(seq, _record(stamp, seq)) for seq in range(first, first + BATCH)]
        batch = decode_batch("bay-1", encode_batch("s1", 1, rows))
        assert isinstance(batch, ReceivedBatch), batch
        one = Incoming(batch, utc_now())
        found += [one, one] if first // BATCH % AGAIN == 0 else [one]
    return found


def _record(stamp: Stamp, number: int) -> str:
    body = ReadingBody(signal="Vehicle.Speed", value=f"{number}{PAD}")
    return Record(t=stamp.t, tq=stamp.tq, mono_ns=stamp.mono_ns, boot=stamp.boot, body=body).model_dump_json()


async def copy_rate(server: PostgresServer, incoming: list[Incoming]) -> float:
    """Rows a second of COPY into the store's own empty table, as many a transaction as the store takes."""
    import asyncpg

    url = await server.new_database()
    await (await open_database(url, busy_timeout_s=30)).close()
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    seen, rows = set(), []
    for one in incoming:
        rows += [] if id(one) in seen else rows_of(one, one.batch.records)
        seen.add(id(one))
    begun_s = time.perf_counter()
    for first in range(0, len(rows), BATCH * TOGETHER):
        await connection.copy_records_to_table(
            "records", records=rows[first : first + BATCH * TOGETHER], columns=COLUMNS
        )
    took_s = time.perf_counter() - begun_s
    await connection.close()
    return len(rows) / took_s


async def store_rate(server: PostgresServer, incoming: list[Incoming], kept: int) -> float:
    """Records a second that the real store takes, deduplicated, its streams settled and committed."""
    office = OfficeSettings.model_validate({"database": {"url": await server.new_database()}})
    store = await RecordStore.open(office)
    begun_s = time.perf_counter()
    for first in range(0, len(incoming), TOGETHER):
        await store.store_batches(incoming[first : first + TOGETHER])
    took_s = time.perf_counter() - begun_s
    stored = (await store.counts())["records"]
    await store.close()
    assert stored == kept, stored
    return sum(len(one.batch.records) for one in incoming) / took_s


def measure(records: int, turns: int = 3) -> tuple[float, float] | None:
    """The best of some turns of bare COPY and of the store, rows a second; None without PostgreSQL."""
    if find_postgres() is None:
        return None
    incoming = batches(records)
    with PostgresServer(fsync="on") as server:
        rates = [
            (asyncio.run(copy_rate(server, incoming)), asyncio.run(store_rate(server, incoming, records)))
            for _ in range(turns)
        ]
    copies, stores = zip(*rates, strict=True)
    return max(copies), max(stores)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=20_000)
    records = arguments.parse_args().records // BATCH * BATCH
    found = measure(records)
    if found is None:
        sys.exit("needs PostgreSQL's server (package postgresql)")
    copy, store = found
    print(json.dumps({"bare COPY": round(copy), "store": round(store), "store / COPY": round(store / copy, 2)}))


if __name__ == "__main__":
    main()
