"""Fixtures for the sync tests: a broker, an outbox on a real file, a clock that stands still."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from evidence.snapshot import ClockQuality
from sync.clock import Stamp
from sync.outbox import Outbox
from tests.sync.broker import Broker
from tests.sync.office import Office


class FixedClock:
    """A clock that counts one millisecond for each look at it."""

    def __init__(self) -> None:
        self.looks = 0

    def stamp(self) -> Stamp:
        self.looks += 1
        return Stamp(1_700_000_000_000 + self.looks, ClockQuality.NTP, self.looks * 1_000_000, "boot-1")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def outbox(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Outbox]:
    box = await Outbox.open(tmp_path / "outbox.db", clock=clock, max_bytes=64 << 20)
    yield box
    await box.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "office.db")
    yield office
    office.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A running broker that admits everybody."""
    with Broker(tmp_path) as broker:
        yield broker
