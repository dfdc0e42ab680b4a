"""A drain with nothing around it: SQLite, zlib and paho on both sides, durable, and no promise but that.

Who takes from one file and puts into another through a broker, in this language, pays for this much. No checks, no
holes, no priorities, no reconnecting; a broken line ends it. ``drain.py`` measures it beside the real one.
"""

import atexit
import json
import queue
import signal
import sqlite3
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

BATCH, WINDOW, ROWS_AT_ONCE, WAIT_S = 100, 32, 50, 60.0
BATCHES, ANSWERS = "bare/t", "bare/ack"
Rows = list[tuple[int, msgspec.Raw]]
_ROWS = msgspec.json.Decoder(Rows)


def prepare(path: Path, payloads: Sequence[str]) -> None:
    with _file(path) as file:
        file.execute("CREATE TABLE owed (seq INTEGER PRIMARY KEY, payload TEXT)")
        file.execute("BEGIN")
        file.executemany("INSERT INTO owed VALUES (?, ?)", enumerate(payloads, start=1))
        file.execute("COMMIT")


def edge(path: Path, port: int) -> None:
    """Drain ``path`` and say how long that took and what it cost."""
    with _file(path) as file, _client(port, ANSWERS) as (client, heard):
        begun_s, cpu_s, after, under_way = time.perf_counter(), time.process_time(), 0, 0
        while True:
            while under_way < WINDOW:
                query = "SELECT seq, CAST(payload AS BLOB) FROM owed WHERE seq > ? ORDER BY seq LIMIT ?"
                if not (rows := file.execute(query, (after, BATCH)).fetchall()):
                    break
                text = b"[%b]" % b",".join([b"[%d,%b]" % row for row in rows])
                client.publish(BATCHES, zlib.compress(text, 1), qos=1)
                after, under_way = rows[-1][0], under_way + 1
            if not under_way:
                break
            for message in _waiting(heard):
                first, last = json.loads(message.payload)
                client.ack(message.mid, 1)
                file.execute("DELETE FROM owed WHERE seq BETWEEN ? AND ?", (first, last))
                under_way -= (last - first + BATCH) // BATCH
        print(json.dumps({"took_s": time.perf_counter() - begun_s, "cpu_s": time.process_time() - cpu_s}))


def office(path: Path, port: int) -> None:
    """Keep what comes, each record once, and answer after the commit, until SIGTERM; then say what it cost."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with _file(path) as file, _client(port, BATCHES) as (client, heard):
        file.execute("CREATE TABLE kept (seq INTEGER PRIMARY KEY, payload TEXT)")
        cpu_s = time.process_time()
        atexit.register(lambda: print(json.dumps({"cpu_s": time.process_time() - cpu_s})))
        print("ready", flush=True)
        while True:
            messages = _waiting(heard)
            batches = [_ROWS.decode(zlib.decompress(message.payload)) for message in messages]
            file.execute("BEGIN")
            for rows in batches:
                _keep(file, rows)
            file.execute("COMMIT")
            client.publish(ANSWERS, json.dumps((batches[0][0][0], batches[-1][-1][0])), qos=1)
            for message in messages:
                client.ack(message.mid, 1)


def _keep(file: sqlite3.Connection, rows: Rows) -> None:
    for first in range(0, len(rows), ROWS_AT_ONCE):
        part = [(seq, str(raw, "utf-8")) for seq, raw in rows[first : first + ROWS_AT_ONCE]]
        insert = f"INSERT OR IGNORE INTO kept VALUES {', '.join(['(?, ?)'] * len(part))}"  # noqa: S608
        file.execute(insert, tuple(chain.from_iterable(part)))


@contextmanager
def _file(path: Path) -> Iterator[sqlite3.Connection]:
    file = sqlite3.connect(path, isolation_level=None)
    for statement in ("journal_mode = WAL", "synchronous = FULL"):
        file.execute(f"PRAGMA {statement}")
    yield file
    file.close()


@contextmanager
def _client(port: int, topic: str) -> Iterator[tuple[Client, "queue.SimpleQueue[MQTTMessage]"]]:
    """A connection, and what it hears of ``topic``."""
    client, heard, ready = Client(CallbackAPIVersion.VERSION2, manual_ack=True), queue.SimpleQueue[MQTTMessage](), []
    client.max_inflight_messages_set(0)
    client.on_message = lambda _client, _userdata, message: heard.put(message)
    client.on_subscribe = lambda *_: ready.append(True)
    client.connect("127.0.0.1", port)
    client.subscribe(topic, qos=1)
    client.loop_start()
    while not ready:
        time.sleep(0.01)
    yield client, heard
    client.disconnect()
    client.loop_stop()


def _waiting(heard: "queue.SimpleQueue[MQTTMessage]") -> list[MQTTMessage]:
    """All that is there, one message at least."""
    found = [heard.get(timeout=WAIT_S)]
    while not heard.empty():
        found.append(heard.get())
    return found


if __name__ == "__main__":
    {"edge": edge, "office": office}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
