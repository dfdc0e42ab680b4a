"""One odometer value of the ledger, how far it is trusted, and when two of them say the same."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Final

from evidence.snapshot import ClockQuality
from protocols.readings import Trust

# lower is better; "agreement" stands between a confirmed row and what a person typed
RANK = {
    Trust.STANDARD: 0,
    Trust.CONFIRMED: 1,
    Trust.PHOTO: 3,
    Trust.TYPED: 4,
    Trust.UPSTREAM: 5,
    Trust.PAPER: 6,
    Trust.HINT: 7,
}
AGREEMENT_RANK = 2
WORST_STANDING_RANK = RANK[Trust.UPSTREAM]
METRES_PER_MILE = 1609.344
KM_PER_MILE = METRES_PER_MILE / 1000
# two copies in one car: a few km by scale and moment of storing (wican-fw threads 124, 463), 0.3 % of a long life
AGREE_M = 30_000
AGREE_SHARE = 0.003
# a dashboard and a reading of one car at one moment: honest ones differ by a few km (K1)
NEAR_M = 100_000
NEAR_SHARE = 0.01
# a service book lies behind the car by what was driven since its last entry
LAG_M = 5_000_000


# Final and not frozen: the type checker keeps it from being changed, and it is made in an eighth of the time
@dataclass(slots=True, unsafe_hash=True)
class Entry:
    """One odometer value. ``quarantined`` holds the reason (a catalogue key's end), ``voided`` a person's words.

    ``visit`` counts visits from 0; what belongs to none has -1. ``rank`` is how far the value is trusted, 0 the most.
    ``dated`` is False when the clock that stamped ``at`` had never been set. ``odometer_m`` is what the witness showed;
    ``offset_m`` is what a replaced cluster or another unit of the dashboard adds to it; the two together, ``life_m``,
    are what the car has covered by this witness. ``usable`` is what is neither quarantined nor voided.
    """

    id: Final[str]
    at: Final[datetime | None]
    source: Final[str]
    ecu: Final[str]
    odometer_m: Final[int]
    trust: Final[Trust]
    raw: Final[str] = ""
    snapshot_id: Final[str] = ""
    visit: Final[int] = -1
    rank: Final[int] = RANK[Trust.HINT]
    quarantined: Final[str] = ""
    voided: Final[str] = ""
    dated: Final[bool] = True
    clock: Final[ClockQuality] = ClockQuality.NTP
    unit: Final[str] = ""
    offset_m: Final[int] = 0
    person: Final[str] = ""

    life_m: Final[int] = field(init=False, repr=False, compare=False)
    usable: Final[bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.life_m = self.odometer_m + self.offset_m  # type: ignore[misc]
        self.usable = not self.quarantined and not self.voided  # type: ignore[misc]


# no mileage at all: nothing may be concluded from these, not even a drop
NO_MILEAGE = frozenset({"zero", "implausible", "slip", "miles", "ten_thousands", "stands_alone"})
# what a person gave and nobody can believe; the same of a reading is a matter for the checks
NOT_MEANT = frozenset({"too_fast", "deviates", "above_later", "future"})


def tells_mileage(entry: Entry) -> bool:
    """Whether a drop may be concluded from it, believed or not."""
    return not entry.voided and entry.quarantined not in NO_MILEAGE


by_rank = attrgetter("rank")


def most_trusted(entries: Iterable[Entry]) -> Entry | None:
    """The value to believe, of equal ones the first; None where there is none."""
    return min(entries, key=by_rank, default=None)


def agree(one_m: int, other_m: int) -> bool:
    """Whether two odometers of one car at one moment say the same."""
    return abs(one_m - other_m) <= max(AGREE_M, AGREE_SHARE * max(one_m, other_m))


def near_m(value_m: int) -> float:
    """How far a dashboard may be from a value of this size and still tell the same car's."""
    return max(NEAR_M, NEAR_SHARE * value_m)


def written_at(paper_m: int, life_m: int) -> bool:
    """Whether a paper is of a car at this mileage: it lags behind by what was driven since, and runs not ahead."""
    return not fell(life_m, paper_m) and life_m <= paper_m + LAG_M


def fell(value_m: int, below_m: int) -> bool:
    """Whether a value is below another by more than two that say the same."""
    return value_m < below_m and not agree(value_m, below_m)
