"""Whether a visit came before or after a replaced cluster or a switched unit: by what it says, else by its date."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from evidence.chronology import CLOCK_OFF
from evidence.dashboard import SHOWN, Dashboard, taken_off_m
from evidence.entry import Entry, fell, written_at
from evidence.followers import READ, Unit, breaks_by, unit_of
from evidence.history import EventKind, OdometerEvent, Visit, in_utc
from evidence.snapshot import ClockQuality
from evidence.switched import Units, shows_new_unit
from evidence.travel import COUNTED_M, COUNTED_SHARE, travelled_m

BILL_DAY = timedelta(days=1)


def past_a_later(
    entries: Sequence[Entry], place: int, later: Iterable[OdometerEvent], dashboard: Dashboard, last_m: int
) -> bool:
    """Whether a visit that nobody can date shows a cluster that came after this event."""
    if entries[place].dated or entries[place].visit < 0:
        return False
    replaced = (event for event in later if event.kind is EventKind.CLUSTER_REPLACED)
    return any(_must_be_after(entries, place, event, dashboard, last_m) for event in replaced)


def is_after(entry: Entry, event: OdometerEvent) -> bool:
    return entry.dated and entry.at is not None and entry.at >= in_utc(event.at)


def comes_after(
    entries: Sequence[Entry],
    place: int,
    event: OdometerEvent,
    dashboard: Dashboard,
    last_m: int,
    visits: Sequence[Visit],
) -> bool:
    """By the date; near it, or without one, by what the visit says, where that can only be so."""
    entry = entries[place]
    if not _near(entry, event) or entry.visit < 0:
        return is_after(entry, event)
    of_visit = [one for one in entries[place:] if one.visit == entry.visit]
    if event.kind is not EventKind.CLUSTER_REPLACED:
        return _switched(entries, place, event, dashboard, last_m, visits)
    if _must_be_before(of_visit, event, dashboard, last_m) or _breaks_later(entries, place, event):
        return False
    if _falls_later(of_visit, entries[place:], event, dashboard, last_m):
        return False
    if _must_be_after(entries, place, event, dashboard, last_m):
        return True
    same = _same_cluster(entries, place, event, dashboard, visits)
    return is_after(entry, event) if same is None else same


def _same_cluster(
    entries: Sequence[Entry], place: int, event: OdometerEvent, dashboard: Dashboard, visits: Sequence[Visit]
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
    on = later is not None and is_after(later, event) and _went_on(now, later, dashboard, visits)
    before = earlier is not None and _went_on(earlier, now, dashboard, visits)
    return on if on != before else None


def _went_on(first: Entry, last: Entry, dashboard: Dashboard, visits: Sequence[Visit]) -> bool:
    driven_m = travelled_m(visits, first.visit, last.visit) if last.visit < len(visits) else None
    if driven_m is None:
        return False
    return abs(dashboard.shown_m(last) - dashboard.shown_m(first) - driven_m) <= max(
        COUNTED_M, COUNTED_SHARE * driven_m
    )


def _near(entry: Entry, event: OdometerEvent) -> bool:
    """Whether the clock that dated the entry could be wrong by the time between them; a bill names a day."""
    if not entry.dated or entry.at is None:
        return True
    wrong_by = BILL_DAY if entry.clock is ClockQuality.NTP else CLOCK_OFF
    return abs(entry.at - in_utc(event.at)) <= wrong_by


def _must_be_before(of_visit: Sequence[Entry], event: OdometerEvent, dashboard: Dashboard, last_m: int) -> bool:
    """The dashboard shows less than the new cluster began with, and what the old one may have shown till its end."""
    units = (one for one in of_visit if one.trust in READ)
    if any(_past(one, event, dashboard, last_m) for one in units):
        return False
    shown = [one for one in of_visit if one.source == "dash"]
    return any(
        fell(dashboard.shown_m(one), event.after_m or 0)
        and not fell(event.before_m or 0, dashboard.shown_m(one))
        and not fell(dashboard.joined(one).life_m, last_m)
        for one in shown
    )


def _falls_later(
    of_visit: Sequence[Entry], after: Sequence[Entry], event: OdometerEvent, dashboard: Dashboard, last_m: int
) -> bool:
    """The dashboard goes on from before, shows no more than the old cluster did at its end, and less the next time."""
    shown = next((one for one in of_visit if one.source == "dash"), None)
    following = next((one for one in after if one.source == "dash" and shown and one.visit != shown.visit), None)
    if shown is None or following is None or fell(dashboard.joined(shown).life_m, last_m):
        return False
    shown_m = dashboard.shown_m(shown)
    return fell(dashboard.shown_m(following), shown_m) and not fell(event.before_m or 0, shown_m)


def _breaks_later(entries: Sequence[Entry], place: int, event: OdometerEvent) -> bool:
    """Whether a unit that had not yet gone with the new cluster at this visit has done so at its next."""
    by_m, visit = taken_off_m(event), entries[place].visit
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


def _must_be_after(
    entries: Sequence[Entry], place: int, event: OdometerEvent, dashboard: Dashboard, last_m: int
) -> bool:
    """What a visit says can only be so after the event."""
    entry = entries[place]
    if _followed_by_earlier(entries, place, event):
        return False
    of_visit = [one for one in entries[place:] if one.visit == entry.visit]
    told = [one for one in of_visit if not _alone_above(one, entries[place:], dashboard)]
    if any(_past(one, event, dashboard, last_m) for one in told) or _fell_since(entries[:place], of_visit, event):
        return True
    papers = [one.odometer_m for one in of_visit if one.source == "papers" and one.usable]
    # papers lag behind the car: one that says more than the old cluster ever counted was written later
    if any(fell((event.before_m or 0) + dashboard.shift_m, paper_m) for paper_m in papers):
        return True
    shown = (dashboard.joined(one).life_m for one in of_visit if one.source == "dash")
    by_m = taken_off_m(event)
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
    return following is not None and not is_after(following, event)


def _switched(
    entries: Sequence[Entry],
    place: int,
    event: OdometerEvent,
    dashboard: Dashboard,
    last_m: int,
    visits: Sequence[Visit],
) -> bool:
    """Whether a visit near a switch of the unit shows the new one already: by what else is known, else by the date."""
    if _followed_by_earlier(entries, place, event):
        return is_after(entries[place], event)
    units = Units(dashboard.joined, replace(dashboard, in_miles=event.kind is EventKind.SHOWS_MILES).joined)
    shows_new = shows_new_unit(units, entries, place, last_m, visits)
    return is_after(entries[place], event) if shows_new is None else shows_new


def _alone_above(shown: Entry, after: Iterable[Entry], dashboard: Dashboard) -> bool:
    """A dashboard that shows more than at the next visit tells of a slip, or of a cluster yet to come."""
    following = next((one for one in after if one.source == "dash" and one.visit != shown.visit), None)
    return (
        shown.source == "dash"
        and following is not None
        and fell(dashboard.shown_m(following), dashboard.shown_m(shown))
    )


def _past(entry: Entry, event: OdometerEvent, dashboard: Dashboard, last_m: int) -> bool:
    """More than the old cluster ever showed, or less than was shown before and no less than the new one began with."""
    before_m, after_m = event.before_m or 0, event.after_m or 0
    value_m = dashboard.shown_m(entry) if entry.source in SHOWN else entry.odometer_m
    if fell(value_m, after_m):
        return False
    return fell(before_m, value_m) or (entry.source in SHOWN and fell(dashboard.joined(entry).life_m, last_m))


def _fell_since(before: Sequence[Entry], of_visit: Sequence[Entry], event: OdometerEvent) -> bool:
    """A unit's own value fell since it spoke last, to no less than the new cluster began with."""
    if taken_off_m(event) <= 0:
        return False
    last = {unit_of(one): one.odometer_m for one in before if one.trust in READ}
    read = (one for one in of_visit if unit_of(one) in last and one.trust in READ)
    return any(
        fell(one.odometer_m, last[unit_of(one)]) and not fell(one.odometer_m, event.after_m or 0) for one in read
    )
