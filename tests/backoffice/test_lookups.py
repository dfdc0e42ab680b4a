"""How lists are found: in an index alone, since each row of a car holds a whole page."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.database import open_database
from backoffice.lookups import count_all, list_records, search
from backoffice.views import RecordFilter

Look = Callable[[AsyncConnection], Awaitable[object]]
NOW = datetime(2026, 6, 1, tzinfo=UTC)


async def plans_of(path: Path, look: Look) -> list[str]:
    """What SQLite does for each statement of ``look``."""
    database = await open_database(f"sqlite+aiosqlite:///{path / 'office.db'}", busy_timeout_s=1)
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_c: object, _cursor: object, statement: str, values: tuple[object, ...], *_more: object) -> None:
        asked.append((statement, values))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    async with database.engine.connect() as connection:
        await look(connection)
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
        plans = [
            str(row["detail"])
            for statement, values in asked
            for row in (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(values))).mappings()
        ]
    await database.close()
    return plans


@pytest.mark.parametrize("q", ["", "沪A12345", "99"])
async def test_cars_are_listed_from_an_index_alone(tmp_path: Path, q: str) -> None:
    plans = await plans_of(tmp_path, lambda connection: search(connection, q, 51, 50_000))

    assert any("COVERING INDEX vehicles_by_sight" in plan for plan in plans)
    assert not any(plan in ("SCAN vehicles", "USE TEMP B-TREE FOR ORDER BY") for plan in plans)


async def test_counting_reads_no_cars_page(tmp_path: Path) -> None:
    plans = await plans_of(tmp_path, lambda connection: count_all(connection, NOW))

    assert not any(plan == "SCAN vehicles" for plan in plans)


@pytest.mark.parametrize("wanted", [{}, {"device": "bay-1"}, {"kind": "snapshot"}, {"received_from": NOW}])
async def test_what_arrived_last_is_not_sorted_out_of_all_records(tmp_path: Path, wanted: dict[str, object]) -> None:
    plans = await plans_of(tmp_path, lambda connection: list_records(connection, RecordFilter.model_validate(wanted)))

    assert plans == ["SCAN records"], "the rows as they came, backwards"
