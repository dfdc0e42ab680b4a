"""A back office as small as it can be: a SQLite table of what was stored, and a count of what came twice."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sync.codec import ReceivedBatch, decode_question, runs
from sync.errors import NotStoredError
from sync.receiver import answers_of, decode_batch
from sync.wire import Account, Ack, Holding, Nack, Question

TABLE = """
CREATE TABLE IF NOT EXISTS records (
    device TEXT, stream TEXT, seq INTEGER, payload TEXT, PRIMARY KEY (device, stream, seq)
) WITHOUT ROWID
"""


Answers = Sequence[Ack | Nack | Account]


class Office:
    """Commits each batch before it answers. ``closed`` makes it unable to, as a full disk would."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(TABLE)
        self.closed = False
        self.batches = 0

    async def handle(self, device: str, payload: bytes) -> Answers:
        if self.closed:
            raise NotStoredError("disk full")
        self.batches += 1
        batch = decode_batch(device, payload)
        if not isinstance(batch, ReceivedBatch):
            question = decode_question(payload)
            return (self._account(device, question),) if question else ()
        rows = [(device, batch.stream, row.seq, row.payload) for row in batch.records]
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")
        return answers_of(batch)

    def _account(self, device: str, question: Question) -> Account:
        query = "SELECT seq FROM records WHERE device = ? AND stream = ? AND seq BETWEEN ? AND ? ORDER BY seq"
        held = [self._database.execute(query, (device, question.s, *of)).fetchall() for of in question.of]
        holds = [
            Holding(of=of, held=runs(seq for (seq,) in rows), noted=())
            for of, rows in zip(question.of, held, strict=True)
        ]
        return Account(s=question.s, ask=question.ask, holds=tuple(holds))

    def payloads(self) -> list[str]:
        return [row[0] for row in self._database.execute("SELECT payload FROM records ORDER BY device, stream, seq")]

    def seqs(self) -> list[int]:
        return [row[0] for row in self._database.execute("SELECT seq FROM records ORDER BY seq")]

    def close(self) -> None:
        self._database.close()
