"""One odometer value of the ledger, how far it is trusted, and when two of them say the same."""

from dataclasses import dataclass, field
from datetime import datetime

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
# a service book lies behind the car by what was driven since its last entry
LAG_M = 5_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One odometer value. ``quarantined`` holds the reason (a catalogue key's end), ``voided`` a person's words.

    ``visit`` counts visits from 0; what belongs to none has -1. ``rank`` is how far the value is trusted, 0 the most.
    ``dated`` is False when the clock that stamped ``at`` had never been set. ``odometer_m`` is what the witness showed;
    ``offset_m`` is what a replaced cluster or another unit of the dashboard adds to it; the two together, ``life_m``,
    are what the car has covered by this witness. ``usable`` is what is neither quarantined nor voided.
    """

    id: str
    at: datetime | None
    source: str
    ecu: str
    odometer_m: int
    trust: Trust
    raw: str = ""
    snapshot_id: str = ""
    visit: int = -1
    rank: int = RANK[Trust.HINT]
    quarantined: str = ""
    voided: str = ""
    dated: bool = True
    clock: ClockQuality = ClockQuality.NTP
    unit: str = ""
    offset_m: int = 0
    person: str = ""

    life_m: int = field(init=False, repr=False, compare=False)
    usable: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "life_m", self.odometer_m + self.offset_m)
        object.__setattr__(self, "usable", not self.quarantined and not self.voided)


# no mileage at all: nothing may be concluded from these, not even a drop
NO_MILEAGE = frozenset({"zero", "implausible", "slip", "miles", "ten_thousands", "stands_alone"})
# what a person gave and nobody can believe; the same of a reading is a matter for the checks
NOT_MEANT = frozenset({"too_fast", "deviates", "above_later", "future"})


def agree(one_m: int, other_m: int) -> bool:
    """Whether two odometers of one car at one moment say the same."""
    return abs(one_m - other_m) <= max(AGREE_M, AGREE_SHARE * max(one_m, other_m))


def written_at(paper_m: int, life_m: int) -> bool:
    """Whether a paper is of a car at this mileage: it lags behind by what was driven since, and runs not ahead."""
    return not fell(life_m, paper_m) and life_m <= paper_m + LAG_M


def fell(value_m: int, below_m: int) -> bool:
    """Whether a value is below another by more than two that say the same."""
    return value_m < below_m and not agree(value_m, below_m)
