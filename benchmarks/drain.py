"""How fast an outbox drains into the real record store, durable on both sides, beside what binds it on this machine.

    python benchmarks/drain.py [--records 30000] [--turns 3]

A drain is measured from the moment the box is connected until nothing is owed. Each turn measures everything once; of
all turns the median counts, with the least and the most beside it. Read the ratios, not the figures: each compares what
one turn measured. Needs mosquitto; leaves out what needs a C compiler with libmosquitto-dev, or PostgreSQL's server.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import aiosqlite

from benchmarks import bare_drain
from benchmarks.postgresql_ingest import measure
from config.settings import MqttSettings
from sync.clock import SystemClock
from sync.ingest_link import receive_batches
from sync.outbox import Outbox
from sync.outbox_lines import lines_of
from sync.publisher import Publisher
from sync.records import ReadingBody
from sync.turns import let_stay_what_is_here, take_short_turns
from tests.sync.broker import Broker
from tests.system.fault_proxy import delay_proxy

PAD = "x" * 80  # makes a record of about 300 bytes
QUICK = "allow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\nset_tcp_nodelay true"
C_WINDOW = 100
ROUND_TRIP_S = 0.06
LATENCIES = 100
POSTGRESQL_RECORDS = 20_000
C, INSERT = "bare C client, QoS 1, window 100", "aiosqlite, WAL FULL, batch 100"
BARE = "bare drain: SQLite, zlib, paho"
FULL, WIDE, SINGLE = "batch 100, window 32", "batch 100, window 64", "batch 1, window 32"
NORMAL, AFAR = "batch 100, synchronous=NORMAL", "batch 100, 60 ms round trip"
COPY, STORE = "PostgreSQL: bare COPY", "PostgreSQL: store"
Turn = dict[str, dict[str, float]]
"""Measurement -> ``rate`` a second, and for a drain ``edge_us`` and ``office_us`` of processor a record."""

C_CLIENT = r"""
#include <mosquitto.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sem_t window, connected;
static void on_publish(struct mosquitto *m, void *o, int id) { sem_post(&window); }
static void on_connect(struct mosquitto *m, void *o, int code) { sem_post(&connected); }

int main(int count, char **words) {
    long messages = atol(words[2]); int wide = atoi(words[3]), size = atoi(words[4]);
    struct timespec begun, ended;
    mosquitto_lib_init();
    sem_init(&window, 0, wide); sem_init(&connected, 0, 0);
    struct mosquitto *client = mosquitto_new(NULL, 1, NULL);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM, 65535);
    mosquitto_publish_callback_set(client, on_publish);
    mosquitto_connect_callback_set(client, on_connect);
    if (mosquitto_connect(client, "127.0.0.1", atoi(words[1]), 60)) return 1;
    mosquitto_loop_start(client);
    sem_wait(&connected);
    char *payload = malloc(size); memset(payload, 'x', size);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (long i = 0; i < messages; i++) {
        sem_wait(&window);
        mosquitto_publish(client, NULL, "bench/c", size, payload, 1, 0);
    }
    for (int i = 0; i < wide; i++) sem_wait(&window);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%f\n", (ended.tv_sec - begun.tv_sec) + (ended.tv_nsec - begun.tv_nsec) / 1e9);
    return 0;
}
"""


def bare_c_rate(folder: Path, port: int, messages: int) -> float | None:
    """Messages a second that a C client publishes with QoS 1, 300 bytes, window 100; None where it can't be built."""
    compiler, source, program = shutil.which("cc"), folder / "pub.c", folder / "pub"
    source.write_text(C_CLIENT, encoding="ascii")
    build = [str(compiler), "-O2", "-o", str(program), str(source), "-lmosquitto", "-lpthread"]
    if compiler is None or subprocess.run(build, capture_output=True, check=False).returncode:
        return None
    command = [str(program), str(port), str(messages), str(C_WINDOW), "300"]
    return messages / float(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)


async def bare_insert_rate(path: Path, rows: int, batch: int) -> float:
    """Rows a second that aiosqlite inserts durably, deduplicating by a key, ``batch`` a transaction."""
    async with aiosqlite.connect(path, isolation_level=None) as database:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            await database.execute(f"PRAGMA {pragma}")
        await database.execute("CREATE TABLE r (stream TEXT, seq INTEGER, payload TEXT, PRIMARY KEY (stream, seq))")
        started_s = time.perf_counter()
        for first in range(0, rows, batch):
            await database.execute("BEGIN IMMEDIATE")
            lines = [("s", first + n, "x" * 300) for n in range(batch)]
            await database.executemany("INSERT OR IGNORE INTO r VALUES (?, ?, ?)", lines)
            await database.execute("COMMIT")
        return rows / (time.perf_counter() - started_s)


def body(number: int) -> ReadingBody:
    return ReadingBody(signal="Vehicle.Speed", value=f"{number}{PAD}")


async def fill(path: Path, records: int) -> None:
    outbox = await Outbox.open(path, clock=SystemClock(), max_bytes=1 << 30)
    for first in range(0, records, 500):
        await outbox.append([body(n) for n in range(first, min(first + 500, records))])
    await outbox.close()


async def edge(path: Path, port: int, batch: int, window: int, synchronous: str) -> None:
    """Child process: drain the outbox and say how long it took and what it cost."""
    let_stay_what_is_here()
    outbox = await Outbox.open(path, clock=SystemClock(), max_bytes=1 << 30)
    await outbox._database.execute(f"PRAGMA synchronous = {synchronous}")  # noqa: SLF001
    settings = MqttSettings(url=f"mqtt://127.0.0.1:{port}", batch_records=batch, window_batches=window)
    connected = asyncio.Event()
    publisher = Publisher(
        outbox, "bay-1", settings, SystemClock(), lambda state: connected.set() if state.connected else None
    )
    delivering = asyncio.create_task(publisher.run())
    await connected.wait()
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    await publisher.drained(600)
    print(json.dumps({"took_s": time.perf_counter() - begun_s, "cpu_s": time.process_time() - cpu_s}))
    delivering.cancel()
    await asyncio.wait([delivering])
    await outbox.close()


async def office(folder: Path, port: int, synchronous: str) -> None:
    """Child process: the real record store, until SIGTERM; then say what it cost since the first batch."""
    from backoffice.ingest import Ingest
    from backoffice.office_settings import OfficeSettings
    from backoffice.store import RecordStore

    let_stay_what_is_here()
    store = await RecordStore.open(OfficeSettings.model_validate({"database": {"directory": folder}}))
    async with store._database.engine.connect() as connection:  # noqa: SLF001
        raw = (await connection.get_raw_connection()).driver_connection
        await raw.execute(f"PRAGMA synchronous = {synchronous}")
    ingest, stop = Ingest(store), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    receiving = asyncio.create_task(receive_batches(MqttSettings(url=f"mqtt://127.0.0.1:{port}"), ingest.handle))
    cpu_s = time.process_time()
    print("ready", flush=True)
    await stop.wait()
    receiving.cancel()
    print(json.dumps({"cpu_s": time.process_time() - cpu_s, "records": ingest.counts.records}))
    await store.close()


@contextmanager
def child(*words: object, file: str = __file__) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, file, *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def drain(port: int, records: int, batch: int, window: int, synchronous: str = "FULL") -> dict[str, float]:
    """Rate, and CPU in us a record on each side."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(fill(folder / "outbox.db", records))
        with child("office", folder / "office", port, synchronous) as receiver:
            assert receiver.stdout is not None and receiver.stdout.readline()
            with child("edge", folder / "outbox.db", port, batch, window, synchronous) as sender:
                sent = json.loads(sender.communicate(timeout=600)[0].splitlines()[-1])
            receiver.send_signal(signal.SIGTERM)
            stored = json.loads(receiver.communicate(timeout=60)[0].splitlines()[-1])
    assert stored["records"] == records, stored
    return _ended(records, sent, stored)


def _ended(records: int, sent: dict[str, float], stored: dict[str, float]) -> dict[str, float]:
    cost = {"edge_us": sent["cpu_s"] / records * 1e6, "office_us": stored["cpu_s"] / records * 1e6}
    return {"rate": records / sent["took_s"]} | cost


def drain_barely(port: int, records: int) -> dict[str, float]:
    """What a drain takes that checks and promises nothing else; see ``bare_drain.py``."""
    with tempfile.TemporaryDirectory() as name:
        owed, kept = Path(name) / "owed.db", Path(name) / "kept.db"
        lines = lines_of([body(number) for number in range(records)], SystemClock().stamp())
        bare_drain.prepare(owed, [line.payload for line in lines])
        with child("office", kept, port, file=bare_drain.__file__) as receiver:
            assert receiver.stdout is not None and receiver.stdout.readline()
            with child("edge", owed, port, file=bare_drain.__file__) as sender:
                sent = json.loads(sender.communicate(timeout=600)[0])
            receiver.send_signal(signal.SIGTERM)
            stored = json.loads(receiver.communicate(timeout=60)[0])
    return _ended(records, sent, stored)


async def latencies(port: int) -> list[float]:
    """Seconds from the call of ``append`` until the back office has said that it stored the record."""
    with tempfile.TemporaryDirectory() as name, child("office", Path(name) / "office", port, "FULL") as receiver:
        assert receiver.stdout is not None and await asyncio.to_thread(receiver.stdout.readline)
        outbox = await Outbox.open(Path(name) / "outbox.db", clock=SystemClock(), max_bytes=1 << 28)
        publisher = Publisher(outbox, "bay-1", MqttSettings(url=f"mqtt://127.0.0.1:{port}"), SystemClock())
        delivering = asyncio.create_task(publisher.run())
        found = []
        for number in range(LATENCIES + 5):
            begun_s = time.perf_counter()
            await outbox.append([body(number)])
            await publisher.drained(60)
            found.append(time.perf_counter() - begun_s)
            await asyncio.sleep(0.02)
        delivering.cancel()
        await asyncio.wait([delivering])
        await outbox.close()
    return sorted(found[5:])  # the first ones waited for the connection


async def drain_afar(port: int, records: int) -> dict[str, float]:
    async with delay_proxy(port, ROUND_TRIP_S / 2) as far:
        return await asyncio.to_thread(drain, far, records, 100, 32)


def middle(values: Sequence[float], digits: int) -> str:
    """The median, and the range where there is one."""
    least, most = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return f"{statistics.median(values):.{digits}f}" + (f" ({least}..{most})" if least != most else "")


def one_turn(port: int, folder: Path, records: int) -> Turn:
    """Each measurement once, what binds beside what is bound."""
    bare_c = bare_c_rate(folder, port, records)
    insert = asyncio.run(bare_insert_rate(folder / f"{time.monotonic_ns()}.db", records, 100))
    copied = measure(POSTGRESQL_RECORDS, turns=1)
    return {
        C: {"rate": bare_c or 0.0},
        INSERT: {"rate": insert},
        BARE: drain_barely(port, records),
        FULL: drain(port, records, 100, 32),
        WIDE: drain(port, records, 100, 64),
        "batch 20, window 32": drain(port, records // 4, 20, 32),
        SINGLE: drain(port, records // 40, 1, 32),
        NORMAL: drain(port, records, 100, 32, "NORMAL"),
        AFAR: asyncio.run(drain_afar(port, records)),
        COPY: {"rate": copied[0] if copied else 0.0},
        STORE: {"rate": copied[1] if copied else 0.0},
    }


def ratios_of(turn: Turn) -> dict[str, float]:
    """What the goals speak of; 0 for what could not be measured."""
    rate = {name: run["rate"] for name, run in turn.items()}
    best = max(rate[FULL], rate[WIDE])
    return {
        "drain / bare C": best / rate[C] if rate[C] else 0.0,
        "drain / bare insert": best / rate[INSERT],
        "drain / bare drain": best / rate[BARE],
        "bare drain / bare C": rate[BARE] / rate[C] if rate[C] else 0.0,
        "batch 100 / batch 1": rate[FULL] / rate[SINGLE],
        "FULL / NORMAL": rate[FULL] / rate[NORMAL],
        "60 ms / local": rate[AFAR] / rate[FULL],
        "PostgreSQL: store / COPY": rate[STORE] / rate[COPY] if rate[COPY] else 0.0,
    }


def show(turns: Sequence[Turn]) -> None:
    for name in turns[0]:
        line = f"{name:38}{middle([turn[name]['rate'] for turn in turns], 0):>26} /s"
        for side in ("edge_us", "office_us"):
            if costs := [turn[name][side] for turn in turns if side in turn[name]]:
                line += f"  {side.removesuffix('_us')} {middle(costs, 1)} us"
        print(line)
    ratios = [ratios_of(turn) for turn in turns]
    for name in ratios[0]:
        print(f"{name:38}{middle([of[name] for of in ratios], 2):>26}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=30_000)
    arguments.add_argument("--turns", type=int, default=3)
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name, Broker(Path(name), options=QUICK) as broker:
        turns = [one_turn(broker.port, Path(name), wanted.records) for _ in range(wanted.turns)]
        waits = asyncio.run(latencies(broker.port))
    show(turns)
    p99 = waits[int(len(waits) * 0.99)] * 1000
    print(f"append to confirmed: median {statistics.median(waits) * 1000:.1f} ms, p99 {p99:.1f} ms")


if __name__ == "__main__":
    take_short_turns()
    match sys.argv[1:]:
        case ["edge", path, port, batch, window, synchronous]:
            asyncio.run(edge(Path(path), int(port), int(batch), int(window), synchronous))
        case ["office", path, port, synchronous]:
            asyncio.run(office(Path(path), int(port), synchronous))
        case _:
            main()
