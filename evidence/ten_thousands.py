"""Mileages typed in ten thousands of kilometres (万公里), as they are said in China: 6.1 for 61,000 km."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evidence.entry import AGREEMENT_RANK, NEAR_SHARE, Entry, most_trusted
from evidence.history import Visit
from evidence.snapshot import Snapshot
from protocols.readings import ItemStatus, Trust

TIMES = 10_000
# 99 ten thousands are more than nearly any car drives; one of which so much is known is not new
BELOW_M = 100_000
KNOWN_LEAST_M = 1_000_000


def in_ten_thousands(entries: Sequence[Entry], visits: Sequence[Visit]) -> frozenset[str]:
    """Ids of the values typed below 100 km whose ten thousandfold is where the car is known to stand."""
    return frozenset(
        typed.id
        for place, typed in enumerate(entries)
        if typed.odometer_m < BELOW_M and _may_be(typed) and _meant(typed).fits(_known(typed, place, entries, visits))
    )


def _may_be(entry: Entry) -> bool:
    """A told cluster may well show a few km: its value has an offset."""
    typed = entry.trust is Trust.TYPED and entry.visit >= 0 and entry.usable
    return typed and entry.odometer_m > 0 and not entry.offset_m


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the car at one visit: read then, and not less than ``least_m``."""

    least_m: int
    read_m: int | None


@dataclass(frozen=True, slots=True)
class _Meant:
    """A mileage in whole steps of its last digit; ``decimal`` when it was typed with any."""

    low_m: int
    high_m: int
    decimal: bool

    def fits(self, known: _Known) -> bool:
        """Without a reading a whole number may as well be what a new cluster shows."""
        known_m = known.least_m if known.read_m is None else known.read_m
        if not KNOWN_LEAST_M <= known_m <= self.high_m * (1 + NEAR_SHARE):
            return False
        return self.decimal if known.read_m is None else self.low_m * (1 - NEAR_SHARE) <= known_m


def _meant(typed: Entry) -> _Meant:
    step_m = next(step for step in (1000, 100, 10, 1) if typed.odometer_m % step == 0)
    low_m, high_m = typed.odometer_m - step_m, typed.odometer_m + step_m
    return _Meant(low_m * TIMES, high_m * TIMES, decimal=step_m < 1000)


def _known(typed: Entry, place: int, entries: Sequence[Entry], visits: Sequence[Visit]) -> _Known:
    of_visit = [one for one in entries if one.visit == typed.visit and one.usable and one.id != typed.id]
    read = most_trusted(one for one in of_visit if one.rank <= AGREEMENT_RANK)
    before = (one.life_m for one in entries[:place] if one.usable)
    least_m = max((*before, *_counted_m(visits[typed.visit].snapshot)), default=0)
    return _Known(least_m, read.life_m if read else None)


def _counted_m(snapshot: Snapshot) -> Iterator[int]:
    counters = snapshot.counters
    for part in (*counters.distance_since_clear_m, *counters.distance_since_reflash_m):
        if part.status is ItemStatus.READ and part.value is not None:
            yield part.value
