"""Where the dashboard stands in time: its unit, what replaced clusters add, and which control units went with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from evidence.entry import KM_PER_MILE, Entry
from evidence.followers import Replaced, Unit, followers
from evidence.history import EventKind, OdometerEvent, Visit

# what a person reads off the dashboard; papers and upstream records are in kilometres of their own
SHOWN = frozenset({"dash", "photo", "manual", "service"})


def taken_off_m(event: OdometerEvent) -> int:
    """By how much the new cluster shows less than the old one did."""
    return (event.before_m or 0) - (event.after_m or 0)


@dataclass
class Dashboard:
    """As it is read now; ``happens`` changes it."""

    in_miles: bool = False
    shift_m: int = 0
    followers: frozenset[Unit] = field(default=frozenset())

    def happens(
        self, event: OdometerEvent, before: Sequence[Entry], after: Sequence[Entry], visits: Sequence[Visit]
    ) -> None:
        if event.kind is EventKind.CLUSTER_REPLACED:
            by_m = taken_off_m(event)
            self.shift_m += by_m
            replaced = Replaced(by_m, self.shift_m, event.before_m or 0, self.shown_m)
            self.followers = followers(replaced, before, after, visits)
        else:
            self.in_miles = event.kind is EventKind.SHOWS_MILES

    def joined(self, entry: Entry) -> Entry:
        if entry.source in SHOWN:
            return self._shown(entry)
        return replace(entry, offset_m=self.shift_m) if (entry.source, entry.ecu) in self.followers else entry

    def shown_m(self, entry: Entry) -> int:
        """What the dashboard showed, in metres, whatever its unit was."""
        return round(entry.odometer_m * KM_PER_MILE) if self.in_miles else entry.odometer_m

    def _shown(self, entry: Entry) -> Entry:
        offset_m = self.shown_m(entry) - entry.odometer_m + self.shift_m
        return replace(entry, offset_m=offset_m, unit="mi" if self.in_miles else entry.unit) if offset_m else entry


@dataclass(frozen=True)
class Spot:
    """Where a visit begins in the ledger: ``entries[place]`` is its first value.

    ``dashboard`` is as it was read until then, ``last_m`` the most that it showed; ``visits`` hold the counters.
    """

    entries: Sequence[Entry]
    place: int
    dashboard: Dashboard
    last_m: int
    visits: Sequence[Visit]

    @property
    def entry(self) -> Entry:
        return self.entries[self.place]

    @cached_property
    def before(self) -> Sequence[Entry]:
        return self.entries[: self.place]

    @cached_property
    def onward(self) -> Sequence[Entry]:
        """The visit's values and all that follow."""
        return self.entries[self.place :]

    @cached_property
    def of_visit(self) -> Sequence[Entry]:
        return [one for one in self.onward if one.visit == self.entry.visit]
