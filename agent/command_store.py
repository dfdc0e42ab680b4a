"""The part of ``ledger.db`` that remembers which commands came and how each ended."""

import sqlite3

from evidence.snapshot import ClockQuality
from sync.clock import Stamp
from sync.command import CommandAnswer
from sync.database import Database

REMEMBERED = 5000  # a back office has at most 200 waiting, so a forgotten one was answered long ago


class CommandStore:
    """Its functions are transactions on the ledger's one connection."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def begin(self, command_id: str, kind: str, ntp_ms: int) -> bool:
        """Note that this command is about to be carried out; False when it has come before: then it must not be."""
        return await self._db.run(lambda db: _begin(db, command_id, kind, ntp_ms))

    async def settle(self, answer: CommandAnswer) -> None:
        """Keep how the command ended, for whoever asks again."""
        query = "UPDATE commands SET answer = ? WHERE id = ?"
        await self._db.run(lambda db: db.execute(query, (answer.model_dump_json(), answer.id)))

    async def answer(self, command_id: str) -> CommandAnswer | None:
        """How the command ended; None while it is carried out, or was when the process died."""
        return await self._db.run(lambda db: _answer(db, command_id))

    async def latest_ntp(self) -> Stamp | None:
        """A moment that has certainly passed, as a stamp of no boot: the latest synchronised time a command came at."""
        return await self._db.run(_latest_ntp)


def _begin(db: sqlite3.Connection, command_id: str, kind: str, ntp_ms: int) -> bool:
    row = (command_id, kind, ntp_ms)
    new = db.execute("INSERT OR IGNORE INTO commands (id, kind, ntp_ms) VALUES (?, ?, ?)", row).rowcount == 1
    db.execute("DELETE FROM commands WHERE number <= (SELECT max(number) FROM commands) - ?", (REMEMBERED,))
    return new


def _answer(db: sqlite3.Connection, command_id: str) -> CommandAnswer | None:
    row = db.execute("SELECT answer FROM commands WHERE id = ?", (command_id,)).fetchone()
    return CommandAnswer.model_validate_json(row[0]) if row and row[0] else None


def _latest_ntp(db: sqlite3.Connection) -> Stamp | None:
    latest = int(db.execute("SELECT coalesce(max(ntp_ms), 0) FROM commands").fetchone()[0])
    return Stamp(latest, ClockQuality.NTP, 0, "") if latest else None
