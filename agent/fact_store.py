"""The part of ``ledger.db`` that keeps what the back office told about cars; the same fact again changes nothing."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence

from agent.errors import FactsFullError
from agent.upstream_facts import Claims, Told, claims_of, told_of
from evidence.history import in_utc
from sync.command_facts import FACT, Fact, MergeFact, StockFact, StockState, WithdrawnFact
from sync.database import Database

MAX_BYTES = 32 << 20  # some hundred thousand services; the back office must not be able to fill a box's disk
_STANDING = "id NOT IN (SELECT about FROM facts WHERE kind = 'withdrawn')"
_MERGES = "SELECT fact FROM facts WHERE kind = 'merge' ORDER BY number"


class FactStore:
    """Its functions are transactions on the ledger's one connection."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def take(self, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """Keep ``facts``; return those that were not known yet. Raises FactsFullError, keeping none, for too many."""
        return await self._db.run(lambda db: _take(db, facts))

    async def told(self, vin: str) -> Told:
        """All that stands of what was told about the car, its earlier VINs included."""
        return await self._db.run(lambda db: _told(db, vin))

    async def stock_states(self, vins: Collection[str]) -> dict[str, StockState]:
        """Where each of these cars stands in the stock, as far as anybody has told."""
        return await self._db.run(lambda db: _stock_states(db, vins))

    async def claims(self, vin: str) -> Claims:
        """Which visits belong to the car by what was merged."""
        return await self._db.run(lambda db: claims_in(db, vin))


def claims_in(db: sqlite3.Connection, vin: str) -> Claims:
    return claims_of(vin, _merges(db))


def _merges(db: sqlite3.Connection) -> list[MergeFact]:
    query = f"SELECT fact FROM facts WHERE kind = 'merge' AND {_STANDING} ORDER BY number"  # noqa: S608 - our own words
    merges = (FACT.validate_json(row[0]) for row in db.execute(query))
    return [one for one in merges if isinstance(one, MergeFact)]


def _stock_states(db: sqlite3.Connection, vins: Collection[str]) -> dict[str, StockState]:
    """The step that was taken last, by whichever VIN of the car; of two at one moment the one told later."""
    merges = _merges(db)
    cars = {vin: claims_of(vin, merges).vins for vin in vins}
    named = sorted({vin for car in cars.values() for vin in car})
    marks = ",".join("?" * len(named))
    query = f"SELECT fact FROM facts WHERE kind = 'stock' AND vin IN ({marks}) ORDER BY number"  # noqa: S608 - only marks
    told = (FACT.validate_json(row[0]) for row in db.execute(query, named))
    steps = sorted((one for one in told if isinstance(one, StockFact)), key=lambda one: in_utc(one.at))
    last = {vin: [step.state for step in steps if step.vin in car] for vin, car in cars.items()}
    return {vin: states[-1] for vin, states in last.items() if states}


def _move_in_stock(db: sqlite3.Connection, moved: Iterable[str]) -> None:
    """A sold car that is plugged in is delivered; any other one is read again."""
    vins = {other for vin in moved for other in claims_in(db, vin).vins}
    for vin, state in _stock_states(db, vins).items():
        stands = "sold" if state is StockState.SOLD else "in_stock"
        db.execute("UPDATE vehicles SET stock_state = ? WHERE vin = ?", (stands, vin))


def forget_strangers(db: sqlite3.Connection) -> None:
    """Erase facts about cars that this box does not know any more, under this VIN or one that a merge ties to it."""
    known = {row[0] for table in ("vehicles", "intakes") for row in db.execute(f"SELECT vin FROM {table}")}  # noqa: S608
    intakes = {row[0] for row in db.execute("SELECT id FROM intakes")}
    merges = [one for (told,) in db.execute(_MERGES) if isinstance(one := FACT.validate_json(told), MergeFact)]
    tied = known | {merge.vin for merge in merges if not intakes.isdisjoint(merge.intake_ids)}
    while more := {vin for merge in merges if (pair := {merge.vin, merge.other_vin}) & tied for vin in pair} - tied:
        tied |= more
    strangers = [(vin,) for (vin,) in db.execute("SELECT DISTINCT vin FROM facts") if vin not in tied]
    db.executemany("DELETE FROM facts WHERE vin = ?", strangers)


def _take(db: sqlite3.Connection, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    new = tuple(fact for fact in facts if _put(db, fact))
    if new and db.execute("SELECT sum(length(fact)) FROM facts").fetchone()[0] > MAX_BYTES:
        raise FactsFullError
    _move_in_stock(db, {fact.vin for fact in new if isinstance(fact, StockFact)})
    return new


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
