"""A replaced cluster or another unit of the dashboard: an event with an offset, never an edit of what was shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from evidence.chronology import CLOCK_OFF
from evidence.entry import KM_PER_MILE, Entry, fell, written_at
from evidence.followers import READ, Replaced, Unit, breaks_by, followers, unit_of
from evidence.history import EventKind, OdometerEvent, Visit, in_utc
from evidence.snapshot import ClockQuality
from evidence.switched import Units, shows_new_unit
from evidence.travel import COUNTED_M, COUNTED_SHARE, travelled_m

# what a person reads off the dashboard; papers and upstream records are in kilometres of their own
_SHOWN = frozenset({"dash", "photo", "manual", "service"})
BILL_DAY = timedelta(days=1)


def with_offsets(
    entries: Sequence[Entry], events: Iterable[OdometerEvent], visits: Sequence[Visit] = ()
) -> list[Entry]:
    """Give every value after an event its offset. ``entries`` in order; one without a time follows the one before.

    The counters of ``visits`` tell of a unit whether it went on counting.
    """
    told = sorted(events, key=lambda event: (in_utc(event.at), event.id))
    if not told:
        return list(entries)
    walk, done, shown = _Walk(), list[Entry](), _Shown()
    for place, entry in enumerate(entries):
        # all values of one visit are told together, by its first
        begins = place == 0 or entry.visit < 0 or entries[place - 1].visit != entry.visit
        while (
            begins
            and told
            and (
                _comes_after(entries, place, told[0], walk, shown.highest_m, visits)
                or _past_a_later(entries, place, told[1:], walk, shown.highest_m)
            )
        ):
            event = told.pop(0)
            walk.happens(event, entries[:place], _until(entries[place:], told), visits)
        done.append(walk.joined(entry))
        if entry.usable and entry.source in _SHOWN:
            shown.add(done[-1].life_m)
    return done


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


def _past_a_later(
    entries: Sequence[Entry], place: int, later: Iterable[OdometerEvent], walk: "_Walk", last_m: int
) -> bool:
    """Whether a visit that nobody can date shows a cluster that came after this event."""
    if entries[place].dated or entries[place].visit < 0:
        return False
    replaced = (event for event in later if event.kind is EventKind.CLUSTER_REPLACED)
    return any(_must_be_after(entries, place, event, walk, last_m) for event in replaced)


def _until(entries: Sequence[Entry], told: Sequence[OdometerEvent]) -> Sequence[Entry]:
    """What stands before the next event."""
    ends = (place for place, entry in enumerate(entries) if told and _is_after(entry, told[0]))
    return entries[: next(ends, len(entries))]


def _is_after(entry: Entry, event: OdometerEvent) -> bool:
    return entry.dated and entry.at is not None and entry.at >= in_utc(event.at)


def _comes_after(
    entries: Sequence[Entry], place: int, event: OdometerEvent, walk: "_Walk", last_m: int, visits: Sequence[Visit]
) -> bool:
    """By the date; near it, or without one, by what the visit says, where that can only be so."""
    entry = entries[place]
    if not _near(entry, event) or entry.visit < 0:
        return _is_after(entry, event)
    of_visit = [one for one in entries[place:] if one.visit == entry.visit]
    if event.kind is not EventKind.CLUSTER_REPLACED:
        return _switched(entries, place, event, walk, last_m, visits)
    if _must_be_before(of_visit, event, walk, last_m) or _breaks_later(entries, place, event):
        return False
    if _falls_later(of_visit, entries[place:], event, walk, last_m):
        return False
    if _must_be_after(entries, place, event, walk, last_m):
        return True
    same = _same_cluster(entries, place, event, walk, visits)
    return _is_after(entry, event) if same is None else same


def _same_cluster(
    entries: Sequence[Entry], place: int, event: OdometerEvent, walk: "_Walk", visits: Sequence[Visit]
) -> bool | None:
    """Whether the dashboard moved as the counter did on to the next visit after the event, or from the one before it.

    None when it did neither, or both.
    """
    visit = entries[place].visit
    shown = [one for one in entries if one.source == "dash" and one.usable]
    now = next((one for one in shown if one.visit == visit), None)
    later = next((one for one in shown if one.visit > visit), None)
    earlier = next((one for one in reversed(shown) if 0 <= one.visit < visit), None)
    if now is None:
        return None
    on = later is not None and _is_after(later, event) and _went_on(now, later, walk, visits)
    before = earlier is not None and _went_on(earlier, now, walk, visits)
    return on if on != before else None


def _went_on(first: Entry, last: Entry, walk: "_Walk", visits: Sequence[Visit]) -> bool:
    driven_m = travelled_m(visits, first.visit, last.visit) if last.visit < len(visits) else None
    if driven_m is None:
        return False
    return abs(walk.shown_m(last) - walk.shown_m(first) - driven_m) <= max(COUNTED_M, COUNTED_SHARE * driven_m)


def _near(entry: Entry, event: OdometerEvent) -> bool:
    """Whether the clock that dated the entry could be wrong by the time between them; a bill names a day."""
    if not entry.dated or entry.at is None:
        return True
    wrong_by = BILL_DAY if entry.clock is ClockQuality.NTP else CLOCK_OFF
    return abs(entry.at - in_utc(event.at)) <= wrong_by


def _must_be_before(of_visit: Sequence[Entry], event: OdometerEvent, walk: "_Walk", last_m: int) -> bool:
    """The dashboard shows less than the new cluster began with, and what the old one may have shown till its end."""
    units = (one for one in of_visit if one.trust in READ)
    if any(_past(one, event, walk, last_m) for one in units):
        return False
    shown = [one for one in of_visit if one.source == "dash"]
    return any(
        fell(walk.shown_m(one), event.after_m or 0)
        and not fell(event.before_m or 0, walk.shown_m(one))
        and not fell(walk.joined(one).life_m, last_m)
        for one in shown
    )


def _falls_later(
    of_visit: Sequence[Entry], after: Sequence[Entry], event: OdometerEvent, walk: "_Walk", last_m: int
) -> bool:
    """The dashboard goes on from before, shows no more than the old cluster did at its end, and less the next time."""
    shown = next((one for one in of_visit if one.source == "dash"), None)
    following = next((one for one in after if one.source == "dash" and shown and one.visit != shown.visit), None)
    if shown is None or following is None or fell(walk.joined(shown).life_m, last_m):
        return False
    shown_m = walk.shown_m(shown)
    return fell(walk.shown_m(following), shown_m) and not fell(event.before_m or 0, shown_m)


def _breaks_later(entries: Sequence[Entry], place: int, event: OdometerEvent) -> bool:
    """Whether a unit that had not yet gone with the new cluster at this visit has done so at its next."""
    by_m, visit = _taken_off_m(event), entries[place].visit
    last = {unit_of(one): one.odometer_m for one in entries[:place] if one.trust in READ}
    following: dict[Unit, int] = {}
    for one in entries[place:]:
        if one.trust in READ and one.visit != visit:
            following.setdefault(unit_of(one), one.odometer_m)
    now = {unit_of(one): one.odometer_m for one in entries[place:] if one.visit == visit and one.trust in READ}
    return any(
        breaks_by(by_m, following[unit], value_m) and not breaks_by(by_m, value_m, last[unit])
        for unit, value_m in now.items()
        if unit in last and unit in following
    )


def _taken_off_m(event: OdometerEvent) -> int:
    return (event.before_m or 0) - (event.after_m or 0)


def _must_be_after(entries: Sequence[Entry], place: int, event: OdometerEvent, walk: "_Walk", last_m: int) -> bool:
    """What a visit says can only be so after the event."""
    entry = entries[place]
    if _followed_by_earlier(entries, place, event):
        return False
    of_visit = [one for one in entries[place:] if one.visit == entry.visit]
    told = [one for one in of_visit if not _alone_above(one, entries[place:], walk)]
    if any(_past(one, event, walk, last_m) for one in told) or _fell_since(entries[:place], of_visit, event):
        return True
    papers = [one.odometer_m for one in of_visit if one.source == "papers" and one.usable]
    # papers lag behind the car: one that says more than the old cluster ever counted was written later
    if any(fell((event.before_m or 0) + walk.shift_m, paper_m) for paper_m in papers):
        return True
    shown = (walk.joined(one).life_m for one in of_visit if one.source == "dash")
    by_m = _taken_off_m(event)
    return any(
        written_at(paper_m, shown_m + by_m) and not written_at(paper_m, shown_m)
        for shown_m in shown
        for paper_m in papers
    )


def _followed_by_earlier(entries: Sequence[Entry], place: int, event: OdometerEvent) -> bool:
    """Whether the next visit that has a date was still before the event."""
    visit = entries[place].visit
    dated = (one for one in entries[place:] if one.dated and one.at is not None and one.visit != visit)
    following = next(dated, None)
    return following is not None and not _is_after(following, event)


def _switched(
    entries: Sequence[Entry], place: int, event: OdometerEvent, walk: "_Walk", last_m: int, visits: Sequence[Visit]
) -> bool:
    """Whether a visit near a switch of the unit shows the new one already: by what else is known, else by the date."""
    if _followed_by_earlier(entries, place, event):
        return _is_after(entries[place], event)
    units = Units(walk.joined, replace(walk, in_miles=event.kind is EventKind.SHOWS_MILES).joined)
    shows_new = shows_new_unit(units, entries, place, last_m, visits)
    return _is_after(entries[place], event) if shows_new is None else shows_new


def _alone_above(shown: Entry, after: Iterable[Entry], walk: "_Walk") -> bool:
    """A dashboard that shows more than at the next visit tells of a slip, or of a cluster yet to come."""
    following = next((one for one in after if one.source == "dash" and one.visit != shown.visit), None)
    return shown.source == "dash" and following is not None and fell(walk.shown_m(following), walk.shown_m(shown))


def _past(entry: Entry, event: OdometerEvent, walk: "_Walk", last_m: int) -> bool:
    """More than the old cluster ever showed, or less than was shown before and no less than the new one began with."""
    before_m, after_m = event.before_m or 0, event.after_m or 0
    value_m = walk.shown_m(entry) if entry.source in _SHOWN else entry.odometer_m
    if fell(value_m, after_m):
        return False
    return fell(before_m, value_m) or (entry.source in _SHOWN and fell(walk.joined(entry).life_m, last_m))


def _fell_since(before: Sequence[Entry], of_visit: Sequence[Entry], event: OdometerEvent) -> bool:
    """A unit's own value fell since it spoke last, to no less than the new cluster began with."""
    if _taken_off_m(event) <= 0:
        return False
    last = {unit_of(one): one.odometer_m for one in before if one.trust in READ}
    read = (one for one in of_visit if unit_of(one) in last and one.trust in READ)
    return any(
        fell(one.odometer_m, last[unit_of(one)]) and not fell(one.odometer_m, event.after_m or 0) for one in read
    )


@dataclass
class _Walk:
    """Where the dashboard stands in time: its unit, what replaced clusters add, and which units went with it."""

    in_miles: bool = False
    shift_m: int = 0
    followers: frozenset[Unit] = field(default=frozenset())

    def happens(
        self, event: OdometerEvent, before: Sequence[Entry], after: Sequence[Entry], visits: Sequence[Visit]
    ) -> None:
        if event.kind is EventKind.CLUSTER_REPLACED:
            by_m = _taken_off_m(event)
            self.shift_m += by_m
            replaced = Replaced(by_m, self.shift_m, event.before_m or 0, self.shown_m)
            self.followers = followers(replaced, before, after, visits)
        else:
            self.in_miles = event.kind is EventKind.SHOWS_MILES

    def joined(self, entry: Entry) -> Entry:
        if entry.source in _SHOWN:
            return self._shown(entry)
        return replace(entry, offset_m=self.shift_m) if (entry.source, entry.ecu) in self.followers else entry

    def shown_m(self, entry: Entry) -> int:
        """What the dashboard showed, in metres, whatever its unit was."""
        return round(entry.odometer_m * KM_PER_MILE) if self.in_miles else entry.odometer_m

    def _shown(self, entry: Entry) -> Entry:
        offset_m = self.shown_m(entry) - entry.odometer_m + self.shift_m
        return replace(entry, offset_m=offset_m, unit="mi" if self.in_miles else entry.unit) if offset_m else entry
