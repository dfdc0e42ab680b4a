"""A replaced cluster or another unit of the dashboard: an event with an offset, never an edit of what was shown."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from evidence.entry import AGREEMENT_RANK, Entry
from evidence.history import EventKind, OdometerEvent, in_utc

METRES_PER_MILE = 1609.344
KM_PER_MILE = METRES_PER_MILE / 1000


def with_offsets(entries: Iterable[Entry], events: Iterable[OdometerEvent]) -> list[Entry]:
    """Give every value after an event its offset. ``entries`` in order; one without a time follows the one before."""
    told = sorted(events, key=lambda event: (in_utc(event.at), event.id))
    walk = _Walk()
    done: list[Entry] = []
    last_m = 0
    for entry in entries:
        while told and (_is_after(entry, told[0]) or _must_be_after(entry, told[0], walk, last_m)):
            walk.happens(told.pop(0))
        done.append(walk.joined(entry))
        last_m = max(last_m, done[-1].life_m) if entry.usable else last_m
    return done


def _is_after(entry: Entry, event: OdometerEvent) -> bool:
    return entry.dated and entry.at is not None and entry.at >= in_utc(event.at)


def _must_be_after(entry: Entry, event: OdometerEvent, walk: "_Walk", last_m: int) -> bool:
    """A value nobody dated comes after the event that is next, when only then it is no drop."""
    if entry.dated and entry.at is not None:
        return False
    then = replace(walk, followers=dict(walk.followers))
    then.happens(event)
    fell = replace(walk, followers=dict(walk.followers)).joined(entry).life_m < last_m
    return fell and then.joined(entry).life_m >= last_m


@dataclass
class _Walk:
    """Where the dashboard stands in time: its unit, what replaced clusters add, and which units followed it."""

    in_miles: bool = False
    shift_m: int = 0
    before_m: int = 0
    after_m: int = 0
    followers: dict[tuple[str, str], bool] = field(default_factory=dict)

    def happens(self, event: OdometerEvent) -> None:
        if event.kind is EventKind.CLUSTER_REPLACED:
            self.before_m, self.after_m = event.before_m or 0, event.after_m or 0
            self.shift_m += self.before_m - self.after_m
            self.followers = {}
        else:
            self.in_miles = event.kind is EventKind.SHOWS_MILES

    def joined(self, entry: Entry) -> Entry:
        if entry.rank > AGREEMENT_RANK:
            return self._shown(entry) if entry.source in ("dash", "photo", "manual", "service") else entry
        if self.shift_m and self._follows(entry):
            return replace(entry, offset_m=self.shift_m)
        return entry

    def _shown(self, entry: Entry) -> Entry:
        unit_m = round(entry.odometer_m * KM_PER_MILE) if self.in_miles else entry.odometer_m
        return replace(
            entry, offset_m=unit_m - entry.odometer_m + self.shift_m, unit="mi" if self.in_miles else entry.unit
        )

    def _follows(self, entry: Entry) -> bool:
        """Whether a unit's own value went with the cluster: it then stands nearer the new value than the old one."""
        near = abs(entry.odometer_m - self.after_m) < abs(entry.odometer_m - self.before_m)
        return self.followers.setdefault((entry.source, entry.ecu), near)
