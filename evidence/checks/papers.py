"""Part of K8: a paper that says more than the mileage now. Papers lag behind the car, they do not run ahead of it."""

from evidence.checks.case import Case
from evidence.entry import KM_PER_MILE, LAG_M, NEAR_SHARE, Entry, near_m
from evidence.slips import has_digit_too_many
from evidence.travel import moves_as_miles
from protocols.readings import Trust


def paper_above(case: Case, now: Entry) -> Entry | None:
    """The paper of this visit or before that stands highest above ``now``; None when none does."""
    told = (entry for entry in case.entries if entry.trust is Trust.PAPER and _speaks(entry, case))
    above = [paper for paper in told if _above(paper, now) and not _may_be_miles(paper, now, case)]
    return max(above, key=lambda paper: paper.life_m, default=None)


def _speaks(paper: Entry, case: Case) -> bool:
    """One that lags behind an earlier visit may still be above this one."""
    if paper.voided or paper.quarantined not in ("", "below_earlier"):
        return False
    if paper.visit >= 0:
        return paper.visit <= case.index
    return case.at is not None and paper.at is not None and paper.at <= case.at


def _above(paper: Entry, now: Entry) -> bool:
    gap_m = paper.life_m - now.life_m
    return gap_m > near_m(paper.life_m) and not has_digit_too_many(paper.life_m, now.life_m)


def _may_be_miles(paper: Entry, now: Entry, case: Case) -> bool:
    """A dashboard that nobody vouched for and that holds the paper, or lies just above it, when taken for miles."""
    ahead_m = now.life_m * KM_PER_MILE - paper.life_m
    holds = now.source == "dash" and not now.offset_m and ahead_m >= -NEAR_SHARE * paper.life_m
    return holds and (case.shows_miles or ahead_m <= LAG_M or moves_as_miles(case.entries, case.history.visits))
