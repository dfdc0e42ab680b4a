"""A record store on a real SQLite file whose clock stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backoffice.office_settings import DatabaseSettings, OfficeSettings
from backoffice.store import RecordStore
from tests.backoffice.facts import DAY, START


@pytest.fixture
def office(tmp_path: Path) -> OfficeSettings:
    return OfficeSettings(database=DatabaseSettings(directory=tmp_path))


@pytest.fixture
async def store(office: OfficeSettings) -> AsyncIterator[RecordStore]:
    opened = await RecordStore.open(office, now=lambda: START + DAY)
    yield opened
    await opened.close()
