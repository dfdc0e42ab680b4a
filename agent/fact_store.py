"""The part of ``ledger.db`` that keeps what the back office told about cars; the same fact again changes nothing."""

import sqlite3
from collections.abc import Sequence

from agent.upstream_facts import Claims, Told, claims_of, told_of
from sync.command_facts import FACT, Fact, MergeFact, WithdrawnFact
from sync.database import Database

_STANDING = "id NOT IN (SELECT about FROM facts WHERE kind = 'withdrawn')"


class FactStore:
    """Its functions are transactions on the ledger's one connection."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def take(self, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """Keep ``facts``; return those that were not known yet."""
        return await self._db.run(lambda db: tuple(fact for fact in facts if _put(db, fact)))

    async def told(self, vin: str) -> Told:
        """All that stands of what was told about the car, its earlier VINs included."""
        return await self._db.run(lambda db: _told(db, vin))

    async def claims(self, vin: str) -> Claims:
        """Which visits belong to the car by what was merged."""
        return await self._db.run(lambda db: claims_in(db, vin))


def claims_in(db: sqlite3.Connection, vin: str) -> Claims:
    query = f"SELECT fact FROM facts WHERE kind = 'merge' AND {_STANDING} ORDER BY number"  # noqa: S608 - our own words
    merges = [FACT.validate_json(row[0]) for row in db.execute(query)]
    return claims_of(vin, [one for one in merges if isinstance(one, MergeFact)])


def forget_strangers(db: sqlite3.Connection) -> None:
    """Erase facts about cars that this box does not know any more."""
    db.execute("DELETE FROM facts WHERE vin NOT IN (SELECT vin FROM vehicles) AND vin NOT IN (SELECT vin FROM intakes)")


def _told(db: sqlite3.Connection, vin: str) -> Told:
    vins = sorted(claims_in(db, vin).vins)
    marks = ",".join("?" * len(vins))
    query = f"SELECT fact FROM facts WHERE vin IN ({marks}) AND {_STANDING} ORDER BY number"  # noqa: S608 - only marks
    return told_of(FACT.validate_json(row[0]) for row in db.execute(query, vins))


def _put(db: sqlite3.Connection, fact: Fact) -> bool:
    about = fact.fact if isinstance(fact, WithdrawnFact) else ""
    row = (fact.id, fact.vin, fact.kind, about, fact.model_dump_json())
    query = "INSERT OR IGNORE INTO facts (id, vin, kind, about, fact) VALUES (?, ?, ?, ?, ?)"
    return db.execute(query, row).rowcount == 1
