"""Which unit a dashboard shows at a visit near a switch between km and miles: what else is known decides."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from evidence.dashboard import Dashboard, Spot
from evidence.entry import Entry, agree, fell, written_at
from evidence.followers import READ
from evidence.history import Visit
from evidence.travel import COUNTED_M, COUNTED_SHARE, travelled_m


@dataclass(frozen=True, slots=True)
class Units:
    """The dashboard as it is read in its old unit and in the new one."""

    old: Dashboard
    new: Dashboard

    def lives_m(self, entry: Entry) -> tuple[int, int]:
        """What an entry stands for in the old unit and in the new one."""
        return self.old.joined(entry).life_m, self.new.joined(entry).life_m


def shows_new_unit(units: Units, spot: Spot) -> bool | None:
    """Whether the visit shows the new unit; None where nothing tells.

    Told by what the car read, by the distance counted since the visit before or to the next, by the paper of the visit,
    then by ``last_m``, papers before and what follows, between which only one of the units leaves it.
    """
    shown = next((one for one in spot.of_visit if one.source == "dash" and one.usable), None)
    if shown is None:
        return None
    either, entries = units.lives_m(shown), spot.entries
    read = [one.odometer_m for one in spot.of_visit if one.trust in READ]
    told = _only_one(either, lambda value_m: any(agree(value_m, one_m) for one_m in read))
    if told is None:
        told = _by_counter(units, spot, shown)
    if told is None and (paper_m := _paper_m(spot.visits, shown)) is not None:
        told = _only_one(either, lambda value_m: written_at(paper_m, value_m))
    if told is None:
        low_m = max(spot.last_m, _papers_m(entries, shown))
        told = _only_one(either, _between(low_m, _next_m(units, entries, shown)))
    return told


def _only_one(either: tuple[int, int], fits: Callable[[int], bool]) -> bool | None:
    """Whether it is the new one of the two values that fits; None when both do, or none."""
    old, new = (fits(value_m) for value_m in either)
    return new if old != new else None


def _by_counter(units: Units, spot: Spot, shown: Entry) -> bool | None:
    """The counter ran with the dashboard since the visit before, which shows the old unit, or to the next."""
    others = [one for one in spot.entries if one.source == "dash" and one.usable and one.visit >= 0]
    earlier = next((one for one in reversed(others) if one.visit < shown.visit), None)
    later = next((one for one in others if one.visit > shown.visit), None)
    told: bool | None = None
    if earlier is not None:
        told = _ran(units.old.joined(earlier), shown, units, spot.visits)
    if told is None and later is not None:
        told = _ran(units.new.joined(later), shown, units, spot.visits)
    return told


def _ran(other: Entry, shown: Entry, units: Units, visits: Sequence[Visit]) -> bool | None:
    first, last = sorted((other.visit, shown.visit))
    driven_m = travelled_m(visits, first, last) if last < len(visits) else None
    if driven_m is None:
        return None
    near_m = max(COUNTED_M, COUNTED_SHARE * driven_m)
    return _only_one(units.lives_m(shown), lambda value_m: abs(abs(value_m - other.life_m) - driven_m) <= near_m)


def _paper_m(visits: Sequence[Visit], shown: Entry) -> int | None:
    return visits[shown.visit].papers_m if shown.visit < len(visits) else None


def _papers_m(entries: Iterable[Entry], shown: Entry) -> int:
    """The highest paper until this visit; papers lag behind the car, they do not run ahead of it."""
    told = (one for one in entries if one.source == "papers" and one.usable and 0 <= one.visit <= shown.visit)
    return max((one.odometer_m for one in told), default=0)


def _next_m(units: Units, entries: Iterable[Entry], shown: Entry) -> int | None:
    later = (one for one in entries if one.source == "dash" and one.visit > shown.visit)
    following = next(later, None)
    return None if following is None else units.new.joined(following).life_m


def _between(low_m: int, high_m: int | None) -> Callable[[int], bool]:
    return lambda value_m: not fell(value_m, low_m) and (high_m is None or not fell(high_m, value_m))
