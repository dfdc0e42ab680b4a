"""K8: the mileage of this visit against every earlier one, each witness against itself where it spoke before."""

from collections.abc import Iterable

from evidence.checks.case import Case, moment, not_determinable, outcome
from evidence.checks.papers import paper_above
from evidence.entry import AGREEMENT_RANK, KM_PER_MILE, WORST_STANDING_RANK, Entry, fell, tells_mileage
from evidence.snapshot import CheckPart, Result
from evidence.typed import MILES

_Pair = tuple[Entry, Entry]


def below_earlier(case: Case) -> CheckPart:
    """K8: lower than an earlier value somebody stands for. A cluster swap and an earlier slip look the same.

    A drop that was read once stands until a person voids it: a mileage put back afterwards does not undo it. A paper
    that says more than the car now is asked about too.
    """
    if case.odometer is None:
        return _doubted(case) if case.doubt else not_determinable("K8", "no_odometer")
    by_values = _by_values(case, case.odometer)
    paper = paper_above(case, case.odometer)
    if paper is None or by_values.result is Result.SUSPICIOUS:
        return by_values
    pair = case.odometer, paper
    return _told(pair, Result.SUSPICIOUS, variant="suspicious_paper", assumption="paper_right")


def _by_values(case: Case, best: Entry) -> CheckPart:
    pairs = [
        (now, before)
        for now in _now(case, best)
        for before in _before(case, now, case.index)
        if not (case.shows_miles and _may_be_miles(now, before))
    ]
    if not pairs:
        return not_determinable("K8", "first_visit")
    drops = [pair for pair in pairs if pair[1].life_m > pair[0].life_m and _drops(pair)]
    own = [pair for pair in drops if not _of_another_unit(case, pair)]
    rises = [pair for pair in pairs if not _drops(pair)] if drops else pairs
    if not own and not rises:
        return _told(max(drops, key=_weight), Result.CONSISTENT, variant="consistent_unit", assumption="replaced_unit")
    dropped = max(own, key=_weight) if own else _standing_drop(case)
    return _told(max(rises, key=_earlier_m), Result.CONSISTENT) if dropped is None else _dropped(dropped)


def _may_be_miles(now: Entry, before: Entry) -> bool:
    """A dashboard of a market that shows miles, against somebody else's kilometres, above which it stands as miles."""
    typed = now.source == "dash" and before.source != "dash" and not now.offset_m
    return typed and _drops((now, before)) and now.life_m * KM_PER_MILE >= before.life_m


def _doubted(case: Case) -> CheckPart:
    """Nothing was read, and what was typed was not meant as it stands."""
    if case.doubt != MILES or case.dash is None:
        return not_determinable("K8", case.without_odometer)
    pairs = [(case.dash, before) for before in _before(case, case.dash, case.index)]
    if not case.miles_supported or not pairs:
        return not_determinable("K8", "unit_unclear")
    worst = max(pairs, key=_weight)
    return _told(worst, Result.CONSISTENT, variant="consistent_miles", assumption="earlier_in_miles")


def _of_another_unit(case: Case, pair: _Pair) -> bool:
    """A drop within a unit that was another one before, while every other witness went on, is that unit's own past."""
    now, before = pair
    return case.unit_changed(now.ecu, before.visit) and case.carries_on(now.ecu, before.visit)


def _standing_drop(case: Case) -> _Pair | None:
    """The latest earlier visit at which the car itself read less than before, and the value it fell below."""
    fell = [
        (low, before)
        for low in case.entries
        if low.quarantined == "below_earlier"
        and not low.voided
        and 0 <= low.visit < case.index
        and low.rank <= AGREEMENT_RANK
        for before in _before(case, low, low.visit)
        if _drops((low, before))
        and _both_read((low, before))
        and not _of_another_unit(_as_of(case, low.visit), (low, before))
    ]
    return max(fell, key=lambda pair: (pair[0].visit, pair[1].life_m), default=None)


def _as_of(case: Case, visit: int) -> Case:
    """The case as it stood at an earlier visit."""
    history = case.history
    seen = type(history)(history.id, history.visits[: visit + 1], history.services, history.market)
    return Case(seen, case.entries)


def _now(case: Case, best: Entry) -> list[Entry]:
    """Every witness the car itself gave, and the dashboard, which then speaks for itself alone."""
    read = [entry for entry in case.at_visit(case.index) if entry.rank <= AGREEMENT_RANK and tells_mileage(entry)]
    shown = [case.dash] if case.dash and tells_mileage(case.dash) else []
    return [*read, *shown] if read else [best]


def _before(case: Case, now: Entry, visit: int) -> Iterable[Entry]:
    """One value of each visit before ``visit``: the same witness if it spoke, else the best of that visit.

    A dashboard beside which the car was read is held against dashboards only: K1 holds it against the car.
    """
    alone = now.rank > AGREEMENT_RANK and case.read is not None
    best: dict[int, Entry] = {}
    for entry in case.entries:
        if entry.rank > WORST_STANDING_RANK or entry.visit >= visit or (alone and entry.source != now.source):
            continue
        if not (entry.usable or _stands(entry, now)):
            continue
        if entry.visit < 0:
            if _recorded_before(entry, case):
                yield entry
            continue
        known = best.get(entry.visit)
        if known is None or _nearness(entry, now) < _nearness(known, now):
            best[entry.visit] = entry
    yield from best.values()


def _stands(entry: Entry, now: Entry) -> bool:
    """A value below another witness's still stands against its own later ones: a unit may have come with more."""
    own = (entry.source, entry.ecu) == (now.source, now.ecu)
    return own and entry.quarantined == "below_earlier" and not entry.voided


def _nearness(entry: Entry, now: Entry) -> tuple[bool, int]:
    return (entry.source, entry.ecu) != (now.source, now.ecu), entry.rank


def _recorded_before(entry: Entry, case: Case) -> bool:
    return case.at is not None and entry.at is not None and entry.at <= case.at


def _weight(pair: _Pair) -> tuple[bool, bool, int]:
    """The pair to tell: a drop first, between readings before typed values, then the largest."""
    now, before = pair
    drops = _drops(pair)
    return drops, drops and _both_read(pair), before.life_m - now.life_m


def _earlier_m(pair: _Pair) -> int:
    return pair[1].life_m


def _drops(pair: _Pair) -> bool:
    now, before = pair
    return fell(now.life_m, before.life_m)


def _both_read(pair: _Pair) -> bool:
    return pair[0].rank <= AGREEMENT_RANK and pair[1].rank <= AGREEMENT_RANK


def _dropped(pair: _Pair) -> CheckPart:
    grade = "suspicious_read" if _both_read(pair) else ""
    return _told(pair, Result.SUSPICIOUS, grade=grade, assumption="earlier_right")


def _told(pair: _Pair, result: Result, *, variant: str = "", grade: str = "", assumption: str = "") -> CheckPart:
    now, before = pair
    params: dict[str, str | int | float] = {
        "odometer_m": now.life_m,
        "earlier_m": before.life_m,
        "earlier_date": moment(before.at),
        "gap_m": max(0, before.life_m - now.life_m),
    }
    return outcome(
        "K8",
        result,
        params,
        variant=variant,
        grade=grade,
        evidence=(now.id, before.id),
        assumption=assumption,
    )
