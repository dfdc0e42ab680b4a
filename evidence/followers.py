"""Which control units went with a replaced cluster: what they say decides, not their name."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from evidence.entry import AGREE_M, KM_PER_MILE, Entry, agree, written_at
from evidence.history import Visit
from evidence.slips import one_slip_from
from evidence.travel import travelled_m
from protocols.readings import Trust

READ = frozenset({Trust.STANDARD, Trust.CONFIRMED, Trust.HINT})
# two values are one when they lie as near as K1 wants, and far nearer than the clusters differ
NEAR_SHARE = 0.01
SHIFT_PART = 3

Unit = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Replaced:
    """One replaced cluster: ``by_m`` is what it took off, ``shift_m`` what all so far did; how the new one is read.

    ``before_m`` is what the old one showed at its end.
    """

    by_m: int
    shift_m: int
    before_m: int
    shown_m: Callable[[Entry], int]

    def one(self, value_m: float, other_m: float) -> bool:
        """Whether two values are the same one, and not the same but for this cluster."""
        most_m = max(AGREE_M, NEAR_SHARE * max(value_m, other_m))
        return abs(value_m - other_m) <= min(most_m, abs(self.by_m) / SHIFT_PART)


def followers(
    replaced: Replaced, before: Sequence[Entry], after: Sequence[Entry], visits: Sequence[Visit]
) -> frozenset[Unit]:
    """The units that went with it: by what was shown beside them, by what they drove, else by their own break."""
    last = {unit_of(entry): entry for entry in before if entry.trust in READ}
    votes: Counter[Unit] = Counter()
    breaks: dict[Unit, bool] = {}
    for entry in (one for one in after if one.trust in READ):
        unit = unit_of(entry)
        votes[unit] += _beside(replaced, entry, after)
        if unit in last:
            votes[unit] += _by_counter(replaced, entry, last[unit], visits)
            breaks.setdefault(unit, breaks_by(replaced.by_m, entry.odometer_m, _stood_m(replaced, last[unit], before)))
    return frozenset(unit for unit in votes if votes[unit] > 0 or (not votes[unit] and breaks.get(unit)))


def _stood_m(replaced: Replaced, last: Entry, before: Iterable[Entry]) -> int:
    """Where the unit stood at least when the cluster was replaced: one in step with the dashboard, where that did."""
    beside = (one for one in before if one.visit == last.visit >= 0 and one.source == "dash")
    in_step = any(agree(replaced.shown_m(one), last.odometer_m) for one in beside)
    return max(last.odometer_m, replaced.before_m) if in_step else last.odometer_m


def unit_of(entry: Entry) -> Unit:
    """Source and address, by which one witness is known again."""
    return entry.source, entry.ecu


def breaks_by(by_m: int, value_m: int, last_m: int) -> bool:
    """Whether a unit's value fell, or rose by all that the new cluster showed more."""
    if by_m > 0:
        return value_m < last_m and not agree(value_m, last_m)
    return value_m - last_m >= -by_m


def _beside(replaced: Replaced, entry: Entry, after: Iterable[Entry]) -> int:
    """For following: the dashboard's new number, or another unit that went on; against it: the other way round.

    The dashboard's own number says more than any distance does.
    """
    beside = [one for one in after if one.visit == entry.visit and one.id != entry.id]
    shown = [replaced.shown_m(one) for one in beside if one.source == "dash"]
    units = [one.odometer_m for one in beside if one.trust in READ]
    value_m, shift_m = entry.odometer_m, replaced.shift_m
    for_it = _any(replaced, value_m, (dash_m * one for dash_m in shown for one in (1.0, KM_PER_MILE)))
    against = _any(replaced, value_m - shift_m, shown)
    if shown and not for_it and not against:
        for_it, against = _slipped(value_m, shown), _slipped(value_m - shift_m, shown)
    with_others = _any(replaced, value_m + shift_m, units)
    without = _any(replaced, value_m - shift_m, units)
    papers = [one.odometer_m for one in beside if one.source == "papers"]
    by_paper = _written(value_m + shift_m, papers) - _written(value_m, papers)
    return 2 * (for_it - against) + with_others - without + by_paper


def _slipped(value_m: int, shown: Iterable[int]) -> bool:
    """Whether a number typed is one slip away from what the dashboard would show with this value."""
    low, high = (value_m - AGREE_M) // 1000, (value_m + AGREE_M) // 1000
    return any(one_slip_from(dash_m // 1000, low, high) for dash_m in shown if dash_m >= 0)


def _written(value_m: int, papers: Iterable[int]) -> bool:
    return any(written_at(paper_m, value_m) for paper_m in papers)


def _any(replaced: Replaced, value_m: float, others: Iterable[float]) -> bool:
    return any(replaced.one(value_m, other_m) for other_m in others)


def _by_counter(replaced: Replaced, entry: Entry, last: Entry, visits: Sequence[Visit]) -> int:
    """What the engine unit's counter says the car drove since the unit spoke last."""
    if entry.visit < 0 or last.visit < 0:
        return 0
    driven_m = travelled_m(visits, last.visit, entry.visit)
    if driven_m is None:
        return 0
    due_m = last.odometer_m + driven_m
    return replaced.one(entry.odometer_m + replaced.by_m, due_m) - replaced.one(entry.odometer_m, due_m)
