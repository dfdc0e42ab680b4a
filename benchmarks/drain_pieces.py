"""Where each microsecond of a drain goes: the processor time of its pieces alone, a record, in batches of 100.

    python benchmarks/drain_pieces.py

The sum of a side is its floor: what is left between it and ``drain.py`` is waking up, handing over and accounting.
"Any" is what nobody can do without who keeps the promise in this language on this disk: SQLite and zlib alone, with
nothing of ours around them.
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import msgspec

from backoffice.database import open_database
from backoffice.keeping import Incoming, Keeping
from backoffice.store import utc_now
from benchmarks.drain import QUICK, body, fill
from config.settings import MqttSettings
from sync import outbox_file
from sync.clock import SystemClock
from sync.codec import ReceivedBatch, decode_batch, encode_batch
from sync.mqtt import Link, Session, connect
from sync.outbox import Outbox
from sync.outbox_lines import lines_of
from sync.rows import read
from tests.sync.broker import Broker

BATCH, BATCHES, TURNS, AT_ONCE = 100, 100, 5, 16
TOPIC = "bench/t"
Pieces = dict[str, float]


def costs(work: Callable[[], object], records: int = BATCH) -> float:
    """The least processor time of several turns, us a record."""
    found = []
    for _ in range(TURNS * 10):
        begun_s = time.process_time()
        work()
        found.append(time.process_time() - begun_s)
    return min(found) / records * 1e6


def payloads(first: int) -> list[tuple[int, bytes]]:
    lines = lines_of([body(number) for number in range(first, first + BATCH)], SystemClock().stamp())
    return [(first + at, line.payload.encode()) for at, line in enumerate(lines)]


def of_bytes() -> Pieces:
    rows = payloads(1)
    packed = encode_batch("0123456789abcdef", 1, rows)
    text = zlib.decompress(packed)
    return {
        "edge, any: look for damage": costs(lambda: [zlib.crc32(row) for _, row in rows]),
        "edge, any: deflate": costs(lambda: zlib.compress(text, 1)),
        "edge: join and deflate a batch": costs(lambda: encode_batch("0123456789abcdef", 1, rows)),
        "office, any: inflate": costs(lambda: zlib.decompress(packed)),
        "office, any: see that it is JSON": costs(lambda: msgspec.json.decode(text, type=msgspec.Raw)),
        "office: inflate": costs(lambda: zlib.decompress(packed)),
        "office: take the batch apart": costs(lambda: read("bay-1", text)),
    }


async def of_the_outbox(path: Path) -> Pieces:
    records = BATCH * BATCHES
    await fill(path, records)
    outbox = await Outbox.open(path, clock=SystemClock(), max_bytes=1 << 30)
    stream = (await outbox.owing_streams())[0]

    def reading(connection: sqlite3.Connection) -> float:
        return costs(lambda: outbox_file.page(connection, stream, 0, 4 * BATCH, outbox_file.READINGS), 4 * BATCH)

    read_us = await outbox._database.run(reading)  # noqa: SLF001
    begun_s = time.process_time()
    for first in range(1, records, 4 * BATCH):
        await outbox.acknowledge(first, first + 4 * BATCH - 1, stream=stream)
    forget_us = (time.process_time() - begun_s) / records * 1e6
    await outbox.close()
    return {"edge: read a page": read_us, "edge: forget and commit, 400 a transaction": forget_us}


async def of_the_store(folder: Path) -> Pieces:
    database = await open_database(f"sqlite+aiosqlite:///{folder / 'office.db'}", busy_timeout_s=30)
    incoming = []
    for number in range(BATCHES):
        batch = decode_batch("bay-1", encode_batch("s", 1, payloads(1 + number * BATCH)))
        assert isinstance(batch, ReceivedBatch)
        incoming.append(Incoming(batch, utc_now()))
    keeping: Keeping = database.keeping
    begun_s = time.process_time()
    for first in range(0, BATCHES, AT_ONCE):
        await keeping.keep_readings(database.engine, incoming[first : first + AT_ONCE])
    kept_us = (time.process_time() - begun_s) / BATCHES / BATCH * 1e6
    await database.close()
    return {f"office: keep and commit, {AT_ONCE} batches a transaction": kept_us}


def of_sqlite_alone(folder: Path) -> Pieces:
    """What SQLite takes to give, to forget and to keep the same records durably, with as little of Python as can be."""
    rows = [(at * BATCH + seq, row.decode()) for at in range(BATCHES) for seq, row in payloads(1)]
    turns = [
        (*_give_and_forget(folder / f"owed{turn}", rows), _keep(folder / f"kept{turn}", rows)) for turn in range(5)
    ]
    names = ("edge, any: give", "edge, any: forget and commit", "office, any: keep and commit")
    return {name: min(found) / len(rows) * 1e6 for name, found in zip(names, zip(*turns, strict=True), strict=True)}


def _bare(path: Path, table: str) -> sqlite3.Connection:
    file = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", table):
        file.execute(statement)
    return file


def _give_and_forget(path: Path, rows: Sequence[tuple[int, str]]) -> tuple[float, float]:
    with closing(_bare(path, "CREATE TABLE owed (seq INTEGER PRIMARY KEY, payload TEXT)")) as file:
        file.executemany("INSERT INTO owed VALUES (?, ?)", rows)
        begun_s = time.process_time()
        file.execute("SELECT * FROM owed").fetchall()
        given_s = time.process_time()
        for last in range(4 * BATCH, len(rows) + 1, 4 * BATCH):
            file.execute("DELETE FROM owed WHERE seq <= ?", (last,))
        return given_s - begun_s, time.process_time() - given_s


def _keep(path: Path, rows: Sequence[tuple[int, str]]) -> float:
    step = BATCH // 2
    insert = f"INSERT OR IGNORE INTO kept VALUES {', '.join(['(?, ?)'] * step)}"  # noqa: S608
    with closing(_bare(path, "CREATE TABLE kept (seq INTEGER PRIMARY KEY, payload TEXT)")) as file:
        begun_s = time.process_time()
        for first in range(0, len(rows), AT_ONCE * BATCH):
            file.execute("BEGIN")
            for at in range(first, min(first + AT_ONCE * BATCH, len(rows)), step):
                file.execute(insert, tuple(chain.from_iterable(rows[at : at + step])))
            file.execute("COMMIT")
        return time.process_time() - begun_s


async def of_the_line(port: int) -> Pieces:
    settings, message = MqttSettings(url=f"mqtt://127.0.0.1:{port}"), encode_batch("s", 1, payloads(1))
    async with connect(settings, Session("sender")) as link:
        sent_us = await timed(lambda: publish(link, message))
        await link.subscribe(TOPIC)
        both_us = await timed(lambda: publish_and_hear(link, message))
    return {"edge: publish and PUBACK (paho)": sent_us, "office: receive and PUBACK (paho)": both_us - sent_us}


async def publish(link: Link, message: bytes) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with room:
            await link.publish(TOPIC, message)

    await asyncio.gather(*(one() for _ in range(BATCHES)))


async def publish_and_hear(link: Link, message: bytes) -> None:
    sending, heard = asyncio.create_task(publish(link, message)), 0
    async for inbound in link.messages():
        inbound.ack()
        heard += 1
        if heard == BATCHES:
            break
    await sending


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    found = []
    for _ in range(TURNS):
        begun_s = time.process_time()
        await work()
        found.append(time.process_time() - begun_s)
    return min(found) / BATCHES / BATCH * 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as name, Broker(Path(name), options=QUICK) as broker:
        pieces = of_bytes() | asyncio.run(of_the_outbox(Path(name) / "outbox.db"))
        pieces |= asyncio.run(of_the_store(Path(name))) | asyncio.run(of_the_line(broker.port))
        pieces |= of_sqlite_alone(Path(name))
    for piece in sorted(pieces):
        print(f"{piece:56}{pieces[piece]:6.2f} us")
    for side in ("edge:", "edge, any:", "office:", "office, any:"):
        print(f"{side} the sum {sum(us for piece, us in pieces.items() if piece.startswith(side)):6.2f} us a record")


if __name__ == "__main__":
    main()
