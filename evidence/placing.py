"""Whether a visit came before or after a replaced cluster or a switched unit: by what it says, else by its date."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from evidence.chronology import CLOCK_OFF
from evidence.dashboard import SHOWN, Spot, taken_off_m
from evidence.entry import Entry, fell, written_at
from evidence.followers import READ, Unit, breaks_by, unit_of
from evidence.history import EventKind, OdometerEvent, in_utc
from evidence.snapshot import ClockQuality
from evidence.switched import Units, shows_new_unit
from evidence.travel import COUNTED_M, COUNTED_SHARE, travelled_m

BILL_DAY = timedelta(days=1)


def past_a_later(spot: Spot, later: Iterable[OdometerEvent]) -> bool:
    """Whether a visit that nobody can date shows a cluster that came after this event."""
    if spot.entry.dated or spot.entry.visit < 0:
        return False
    return any(_must_be_after(spot, event) for event in later if event.kind is EventKind.CLUSTER_REPLACED)


def is_after(entry: Entry, event: OdometerEvent) -> bool:
    return entry.dated and entry.at is not None and entry.at >= in_utc(event.at)


def comes_after(spot: Spot, event: OdometerEvent) -> bool:
    """By the date; near it, or without one, by what the visit says, where that can only be so."""
    entry = spot.entry
    if not _near(entry, event) or entry.visit < 0:
        return is_after(entry, event)
    if event.kind is not EventKind.CLUSTER_REPLACED:
        return _switched(spot, event)
    if _must_be_before(spot, event) or _breaks_later(spot, event) or _falls_later(spot, event):
        return False
    if _must_be_after(spot, event):
        return True
    same = _same_cluster(spot, event)
    return is_after(entry, event) if same is None else same


def _same_cluster(spot: Spot, event: OdometerEvent) -> bool | None:
    """Whether the dashboard moved as the counter did on to the next visit after the event, or from the one before it.

    None when it did neither, or both.
    """
    visit = spot.entry.visit
    shown = [one for one in spot.entries if one.source == "dash" and one.usable]
    now = next((one for one in shown if one.visit == visit), None)
    later = next((one for one in shown if one.visit > visit), None)
    earlier = next((one for one in reversed(shown) if 0 <= one.visit < visit), None)
    if now is None:
        return None
    on = later is not None and is_after(later, event) and _went_on(spot, now, later)
    before = earlier is not None and _went_on(spot, earlier, now)
    return on if on != before else None


def _went_on(spot: Spot, first: Entry, last: Entry) -> bool:
    driven_m = travelled_m(spot.visits, first.visit, last.visit) if last.visit < len(spot.visits) else None
    if driven_m is None:
        return False
    moved_m = spot.dashboard.shown_m(last) - spot.dashboard.shown_m(first)
    return abs(moved_m - driven_m) <= max(COUNTED_M, COUNTED_SHARE * driven_m)


def _near(entry: Entry, event: OdometerEvent) -> bool:
    """Whether the clock that dated the entry could be wrong by the time between them; a bill names a day."""
    if not entry.dated or entry.at is None:
        return True
    wrong_by = BILL_DAY if entry.clock is ClockQuality.NTP else CLOCK_OFF
    return abs(entry.at - in_utc(event.at)) <= wrong_by


def _must_be_before(spot: Spot, event: OdometerEvent) -> bool:
    """The dashboard shows less than the new cluster began with, and what the old one may have shown till its end."""
    dashboard, units = spot.dashboard, (one for one in spot.of_visit if one.trust in READ)
    if any(_past(spot, one, event) for one in units):
        return False
    return any(
        fell(dashboard.shown_m(one), event.after_m or 0)
        and not fell(event.before_m or 0, dashboard.shown_m(one))
        and not fell(dashboard.joined(one).life_m, spot.last_m)
        for one in spot.of_visit
        if one.source == "dash"
    )


def _falls_later(spot: Spot, event: OdometerEvent) -> bool:
    """The dashboard goes on from before, shows no more than the old cluster did at its end, and less the next time."""
    dashboard, shown = spot.dashboard, next((one for one in spot.of_visit if one.source == "dash"), None)
    following = _next_shown(spot, shown) if shown else None
    if shown is None or following is None or fell(dashboard.joined(shown).life_m, spot.last_m):
        return False
    shown_m = dashboard.shown_m(shown)
    return fell(dashboard.shown_m(following), shown_m) and not fell(event.before_m or 0, shown_m)


def _next_shown(spot: Spot, shown: Entry) -> Entry | None:
    """What the dashboard showed at another visit, next in the ledger."""
    return next((one for one in spot.onward if one.source == "dash" and one.visit != shown.visit), None)


def _breaks_later(spot: Spot, event: OdometerEvent) -> bool:
    """Whether a unit that had not yet gone with the new cluster at this visit has done so at its next."""
    by_m, last = taken_off_m(event), _last_read(spot)
    following: dict[Unit, int] = {}
    for one in spot.onward:
        if one.trust in READ and one.visit != spot.entry.visit:
            following.setdefault(unit_of(one), one.odometer_m)
    now = {unit_of(one): one.odometer_m for one in spot.of_visit if one.trust in READ}
    return any(
        breaks_by(by_m, following[unit], value_m) and not breaks_by(by_m, value_m, last[unit])
        for unit, value_m in now.items()
        if unit in last and unit in following
    )


def _last_read(spot: Spot) -> dict[Unit, int]:
    """What each unit said last before this visit."""
    return {unit_of(one): one.odometer_m for one in spot.before if one.trust in READ}


def _must_be_after(spot: Spot, event: OdometerEvent) -> bool:
    """What a visit says can only be so after the event."""
    if _followed_by_earlier(spot, event):
        return False
    told = [one for one in spot.of_visit if not _alone_above(spot, one)]
    if any(_past(spot, one, event) for one in told) or _fell_since(spot, event):
        return True
    papers = [one.odometer_m for one in spot.of_visit if one.source == "papers" and one.usable]
    # papers lag behind the car: one that says more than the old cluster ever counted was written later
    if any(fell((event.before_m or 0) + spot.dashboard.shift_m, paper_m) for paper_m in papers):
        return True
    shown = (spot.dashboard.joined(one).life_m for one in spot.of_visit if one.source == "dash")
    by_m = taken_off_m(event)
    return any(
        written_at(paper_m, shown_m + by_m) and not written_at(paper_m, shown_m)
        for shown_m in shown
        for paper_m in papers
    )


def _followed_by_earlier(spot: Spot, event: OdometerEvent) -> bool:
    """Whether the next visit that has a date was still before the event."""
    dated = (one for one in spot.onward if one.dated and one.at is not None and one.visit != spot.entry.visit)
    following = next(dated, None)
    return following is not None and not is_after(following, event)


def _switched(spot: Spot, event: OdometerEvent) -> bool:
    """Whether a visit near a switch of the unit shows the new one already: by what else is known, else by the date."""
    if _followed_by_earlier(spot, event):
        return is_after(spot.entry, event)
    units = Units(spot.dashboard, replace(spot.dashboard, in_miles=event.kind is EventKind.SHOWS_MILES))
    shows_new = shows_new_unit(units, spot)
    return is_after(spot.entry, event) if shows_new is None else shows_new


def _alone_above(spot: Spot, shown: Entry) -> bool:
    """A dashboard that shows more than at the next visit tells of a slip, or of a cluster yet to come."""
    following = _next_shown(spot, shown) if shown.source == "dash" else None
    return following is not None and fell(spot.dashboard.shown_m(following), spot.dashboard.shown_m(shown))


def _past(spot: Spot, entry: Entry, event: OdometerEvent) -> bool:
    """More than the old cluster ever showed, or less than was shown before and no less than the new one began with."""
    before_m, after_m, dashboard = event.before_m or 0, event.after_m or 0, spot.dashboard
    value_m = dashboard.shown_m(entry) if entry.source in SHOWN else entry.odometer_m
    if fell(value_m, after_m):
        return False
    return fell(before_m, value_m) or (entry.source in SHOWN and fell(dashboard.joined(entry).life_m, spot.last_m))


def _fell_since(spot: Spot, event: OdometerEvent) -> bool:
    """A unit's own value fell since it spoke last, to no less than the new cluster began with."""
    if taken_off_m(event) <= 0:
        return False
    last = _last_read(spot)
    read = (one for one in spot.of_visit if unit_of(one) in last and one.trust in READ)
    return any(
        fell(one.odometer_m, last[unit_of(one)]) and not fell(one.odometer_m, event.after_m or 0) for one in read
    )
