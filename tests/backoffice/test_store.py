"""The record store on real SQLite files."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backoffice.office_settings import DatabaseSettings, OfficeSettings
from backoffice.store import RecordStore
from tests.backoffice.facts import DAY, START, VIN_A, VIN_B, dash, row, visit


def settings(tmp_path: Path) -> OfficeSettings:
    return OfficeSettings(database=DatabaseSettings(directory=tmp_path))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RecordStore]:
    opened = await RecordStore.open(settings(tmp_path), now=lambda: START)
    yield opened
    await opened.close()


async def test_a_stored_visit_is_a_car_with_its_odometer(store: RecordStore) -> None:
    result = await store.store_batch("bay-1", "s1", 1, [(1, row(visit("v1", vin=VIN_A, a6_m=50_000_000)))], START)
    (found,) = await store.search_vehicles(VIN_A)
    detail = await store.vehicle(found.id)

    assert (result.stored, result.duplicates, result.holes) == (1, 0, ())
    assert detail is not None
    assert detail.vin == VIN_A
    assert detail.awaiting_dash


async def test_a_batch_sent_again_changes_nothing(store: RecordStore) -> None:
    rows = [(1, row(visit("v1", vin=VIN_A))), (2, row(dash("v1", 50_000, vin=VIN_A)))]
    await store.store_batch("bay-1", "s1", 1, rows, START)
    before = await store.counts()
    again = await store.store_batch("bay-1", "s1", 1, rows, START + DAY)

    assert (again.stored, again.duplicates) == (0, 2)
    assert await store.counts() == before


async def test_two_cars_are_never_mixed(store: RecordStore) -> None:
    rows = [(1, row(visit("v1", vin=VIN_A))), (2, row(visit("v2", vin=VIN_B)))]
    await store.store_batch("bay-1", "s1", 1, rows, START)

    assert {car.vin for car in await store.search_vehicles("")} == {VIN_A, VIN_B}
