"""Values that stand alone far from what the same witness said before and after: misread frames, a zero too many.

Nobody sets a mileage up and back again. Yet a car that was turned back also has a high value between two low ones: so a
value goes only when nothing of its visit repeats it, and when no car drives so far in that time, or what else was seen
speaks for the line that its neighbours make.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from evidence.entry import AGREEMENT_RANK, KM_PER_MILE, WORST_STANDING_RANK, Entry, agree
from evidence.history import Visit
from evidence.pace import days_between
from evidence.travel import COUNTED_M, COUNTED_SHARE, travelled_m
from evidence.windows import STANDS_ALONE

# a digit too many makes a value about ten times too high
MANY_TIMES = 8
# no car is driven so far day after day, nor so far in its life
MOST_PER_DAY_M = 500_000
MOST_IN_A_LIFE_M = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Three:
    """One witness at three moments; ``before`` is None for its first value."""

    before: Entry | None
    entry: Entry
    after: Entry

    @property
    def above(self) -> bool:
        return self.entry.life_m > self.after.life_m and not agree(self.entry.life_m, self.after.life_m)

    @property
    def below(self) -> bool:
        low, before = self.entry.life_m, self.before
        return before is not None and low < before.life_m and not agree(low, before.life_m)

    def holds(self, value_m: int) -> bool:
        """Whether another witness's value lies in the line that the neighbours make."""
        return self.before is not None and _rises(self.before.life_m, value_m) and _rises(value_m, self.after.life_m)


def without_lone(entries: Sequence[Entry], visits: Sequence[Visit]) -> list[Entry]:
    """``entries``, in order, with the reason ``stands_alone`` at each reading, and each typed value, that does."""
    lone = {
        three.entry.id
        for series in _by_witness(entries).values()
        for three in _threes(series)
        if _is_out(three, _others(three.entry, entries), series, visits)
    }
    return [replace(entry, quarantined=STANDS_ALONE) if entry.id in lone else entry for entry in entries]


def _others(entry: Entry, entries: Iterable[Entry]) -> list[Entry]:
    """What else was given at the entry's visit."""
    of_visit = (one for one in entries if one.visit == entry.visit and one.id != entry.id)
    return [one for one in of_visit if one.usable and one.odometer_m > 0]


def _by_witness(entries: Iterable[Entry]) -> dict[tuple[str, str], list[Entry]]:
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        standing = entry.usable and entry.odometer_m > 0 and entry.rank <= WORST_STANDING_RANK
        if standing and entry.visit >= 0:
            found.setdefault((entry.source, entry.ecu), []).append(entry)
    return found


def _threes(series: Sequence[Entry]) -> Iterator[_Three]:
    """Each value that leaves the line of its neighbours, which agree with each other about the way up."""
    for before, entry, after in zip((None, *series), series, series[1:], strict=False):
        if entry.life_m <= after.life_m and (before is None or before.life_m <= entry.life_m):  # no mutate: a short cut
            continue
        three = _Three(before, entry, after)
        lined = three.before is None or _rises(three.before.life_m, three.after.life_m)
        if lined and (three.above or three.below):
            yield three


def _is_out(three: _Three, others: Sequence[Entry], series: Sequence[Entry], visits: Sequence[Visit]) -> bool:
    entry = three.entry
    if any(_near(one, entry) for one in others):
        return False
    if three.above and entry.life_m >= MANY_TIMES * three.after.life_m and _out_of_reach(three, series):
        return True
    read = entry.rank <= AGREEMENT_RANK
    contradicted = any(three.holds(one.life_m) for one in others if one.rank <= WORST_STANDING_RANK)
    return read and (contradicted or (three.above and _counted(three, visits)))


def _near(one: Entry, other: Entry) -> bool:
    """Whether another witness of the visit says about the same, a dashboard perhaps in miles."""
    in_miles = one.source == "dash" and agree(round(one.odometer_m * KM_PER_MILE), other.life_m)
    return in_miles or agree(one.life_m, other.life_m) or agree(one.odometer_m, other.odometer_m)


def _out_of_reach(three: _Three, series: Sequence[Entry]) -> bool:
    """Whether no car drives up to the value in the time there was; of a first value, whether any car ever does."""
    before, after = three.before, three.after
    if before is None:
        return three.entry.life_m > MOST_IN_A_LIFE_M and _goes_on(series)
    if before.at is None or after.at is None or not (before.dated and after.dated):
        return False
    return three.entry.life_m - before.life_m > max(days_between(before, after), 1.0) * MOST_PER_DAY_M


def _goes_on(series: Sequence[Entry]) -> bool:
    """Whether the two values after a first one are in line: two against one."""
    return len(series) > 2 and _rises(series[1].life_m, series[2].life_m)


def _counted(three: _Three, visits: Sequence[Visit]) -> bool:
    """Whether the engine unit's counter, never cleared on the way, ran from neighbour to neighbour as they say."""
    if three.before is None:
        return False
    driven_m = travelled_m(visits, three.before.visit, three.after.visit)
    moved_m = three.after.life_m - three.before.life_m
    return driven_m is not None and abs(moved_m - driven_m) <= max(COUNTED_M, COUNTED_SHARE * driven_m)


def _rises(low_m: int, high_m: int) -> bool:
    return high_m >= low_m or agree(low_m, high_m)
