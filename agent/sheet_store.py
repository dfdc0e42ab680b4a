"""The tables of ``ledger.db`` behind the intake sheets: the chain, what the seller said, and which photos there are."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from evidence.sheet.chain import Link
from evidence.sheet.content import Beside, PhotoPart, SellerAnswer
from sync.database import Database, Row, named_rows


class SheetStore:
    """Lives on the ledger's one connection."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def links(self) -> tuple[Link, ...]:
        """The whole chain, in order."""
        rows = await self._rows("SELECT link FROM sheet_links ORDER BY number")
        return tuple(Link.model_validate_json(row["link"]) for row in rows)

    async def last(self) -> Link | None:
        """The end of the chain."""
        rows = await self._rows("SELECT link FROM sheet_links ORDER BY number DESC LIMIT 1")
        return Link.model_validate_json(rows[0]["link"]) if rows else None

    async def standing(self, intake_id: str) -> Link | None:
        """The intake's newest sheet that nothing withdrew."""
        rows = await self._rows(
            "SELECT link FROM sheet_links WHERE intake_id = ? AND kind = 'sheet' AND number NOT IN"
            " (SELECT withdraws FROM sheet_links WHERE kind = 'withdrawal') ORDER BY number DESC LIMIT 1",
            intake_id,
        )
        return Link.model_validate_json(rows[0]["link"]) if rows else None

    async def append(self, links: Sequence[Link]) -> None:
        """Add links in one transaction; sqlite3.IntegrityError when a number is taken."""
        await self._db.run(lambda db: _append(db, links))

    async def beside(self, intake_id: str) -> Beside:
        """What people added to an intake, oldest first; of several answers to one finding, all."""
        said = await self._rows("SELECT * FROM seller_answers WHERE intake_id = ? ORDER BY id", intake_id)
        kept = await self._rows("SELECT * FROM photos WHERE intake_id = ? ORDER BY added_at, sha256", intake_id)
        return Beside(tuple(_answer(row) for row in said), tuple(_photo(row) for row in kept))

    async def add_photo(self, intake_id: str, photo: PhotoPart) -> None:
        """Note a photo; the same one twice is one."""
        query = "INSERT INTO photos VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        added = photo.added_at.isoformat() if photo.added_at else ""
        values = (intake_id, photo.sha256, photo.media_type, photo.size_bytes, added)
        await self._db.run(lambda db: db.execute(query, values))

    async def photo(self, sha256: str) -> PhotoPart | None:
        """A photo by its content's name."""
        rows = await self._rows("SELECT * FROM photos WHERE sha256 = ? LIMIT 1", sha256)
        return _photo(rows[0]) if rows else None

    async def orphans(self) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Numbers of sheets whose intake was erased, and photos that no intake names any more."""
        sheets = await self._rows(
            "SELECT number FROM sheet_links WHERE kind = 'sheet' AND intake_id NOT IN (SELECT id FROM intakes)"
        )
        gone = await self._db.run(_erase_orphans)
        return tuple(row["number"] for row in sheets), gone

    async def _rows(self, query: str, *values: str | int) -> list[Row]:
        return await self._db.run(lambda db: named_rows(db, query, *values))


def put_answer(db: sqlite3.Connection, intake_id: str, answer: SellerAnswer) -> int:
    """Keep what the seller said, on the caller's transaction; return its number, which never repeats."""
    query = "INSERT INTO seller_answers (intake_id, rule, text, operator, at) VALUES (?, ?, ?, ?, ?)"
    values = (intake_id, answer.rule, answer.text, answer.operator, answer.at.isoformat() if answer.at else "")
    return db.execute(query, values).lastrowid or 0


def _append(db: sqlite3.Connection, links: Sequence[Link]) -> None:
    query = "INSERT INTO sheet_links (number, kind, intake_id, withdraws, link) VALUES (?, ?, ?, ?, ?)"
    for link in links:
        said = link.statement
        db.execute(query, (said.number, said.kind, said.intake_id, said.withdraws, link.model_dump_json(by_alias=True)))


def _erase_orphans(db: sqlite3.Connection) -> tuple[str, ...]:
    """Forget what people added to erased intakes; return the photos that nobody names any more."""
    before = {row[0] for row in db.execute("SELECT DISTINCT sha256 FROM photos")}
    for table in ("photos", "seller_answers"):
        db.execute(f"DELETE FROM {table} WHERE intake_id NOT IN (SELECT id FROM intakes)")  # noqa: S608 - our names
    return tuple(sorted(before - {row[0] for row in db.execute("SELECT DISTINCT sha256 FROM photos")}))


def _answer(row: Row) -> SellerAnswer:
    return SellerAnswer(rule=row["rule"], text=row["text"], operator=row["operator"], at=_time(row["at"]))


def _photo(row: Row) -> PhotoPart:
    return PhotoPart(
        sha256=row["sha256"],
        media_type=row["media_type"],
        size_bytes=row["size_bytes"],
        added_at=_time(row["added_at"]),
    )


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
