"""A replaced cluster or another unit of the dashboard: an event with an offset, never an edit of what was shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from evidence.dashboard import SHOWN, Dashboard, Spot
from evidence.entry import Entry, fell
from evidence.history import OdometerEvent, Visit, in_utc
from evidence.placing import comes_after, is_after, past_a_later


def with_offsets(
    entries: Sequence[Entry], events: Iterable[OdometerEvent], visits: Sequence[Visit] = ()
) -> list[Entry]:
    """Give every value after an event its offset. ``entries`` in order; one without a time follows the one before.

    The counters of ``visits`` tell of a unit whether it went on counting.
    """
    told = sorted(events, key=lambda event: (in_utc(event.at), event.id))
    if not told:
        return list(entries)
    dashboard, done, shown = Dashboard(), list[Entry](), _Shown()
    for place, entry in enumerate(entries):
        # all values of one visit are told together, by its first
        begins = place == 0 or entry.visit < 0 or entries[place - 1].visit != entry.visit
        while begins and told and _has_happened(told, Spot(entries, place, dashboard, shown.highest_m, visits)):
            event = told.pop(0)
            dashboard.happens(event, entries[:place], _until(entries[place:], told), visits)
        done.append(dashboard.joined(entry))
        if entry.usable and entry.source in SHOWN:
            shown.add(done[-1].life_m)
    return done


def _has_happened(told: Sequence[OdometerEvent], spot: Spot) -> bool:
    return comes_after(spot, told[0]) or past_a_later(spot, told[1:])


@dataclass
class _Shown:
    """What the dashboard showed so far, without what two later values stand below: a slip of the keys."""

    standing: list[tuple[int, int]] = field(default_factory=list)

    @property
    def highest_m(self) -> int:
        return max((value_m for value_m, _ in self.standing), default=0)

    def add(self, value_m: int) -> None:
        against = [(one_m, below + fell(value_m, one_m)) for one_m, below in self.standing]
        self.standing = [*(one for one in against if one[1] < 2), (value_m, 0)]


def _until(entries: Sequence[Entry], told: Sequence[OdometerEvent]) -> Sequence[Entry]:
    """What stands before the next event."""
    ends = (place for place, entry in enumerate(entries) if told and is_after(entry, told[0]))
    return entries[: next(ends, len(entries))]
