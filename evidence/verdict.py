"""The judgement of a car: every check, every finding, the verdict, and what is due. One function, used at both ends."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from config.plans import PlanItem, default_plans
from config.severity_rules import SeverityRule
from evidence.checks import Case, results, spoken_in
from evidence.codes import CodeChange, code_changes
from evidence.due import ORDINARY_USE, CarUse, DueItem, due_of
from evidence.findings import findings_of
from evidence.history import History
from evidence.ledger import Entry, build_ledger, current
from evidence.snapshot import CheckPart, Finding, Result

# one of these must have been made before "no contradiction" means anything
_CARRYING = frozenset({"K1", "K3", "K8"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """Findings are sorted worst first; ``current`` is the ledger's best trusted entry, never the largest."""

    checks: tuple[CheckPart, ...]
    findings: tuple[Finding, ...]
    verdict: Result
    current_odometer_m: int | None
    current: Entry | None
    due: tuple[DueItem, ...]
    dtc_changes: tuple[CodeChange, ...]
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What an owner decided: ``off`` names checks left out (K2, K7), ``zone`` is where sentences are read.

    ``plans`` and ``severities`` take the place of those that come with us.
    """

    off: frozenset[str] = frozenset()
    zone: tzinfo = UTC
    plans: tuple[PlanItem, ...] | None = None
    severities: tuple[SeverityRule, ...] | None = None


USUAL = Terms()


def judge(
    history: History,
    *,
    now: datetime,
    plan: tuple[PlanItem, ...] | None = None,
    terms: Terms = USUAL,
    use: CarUse = ORDINARY_USE,
) -> Judgement:
    """Judge the last visit of ``history`` by everything known.

    ``plan`` defaults to that of the terms, then to the plans that come with us; ``use`` selects among them.
    """
    case = Case(history, build_ledger(history, now))
    checks = tuple(spoken_in(part, terms.zone) for part in results(case, terms.off))
    standing = current(case.entries)
    odometer_m = standing.life_m if standing else None
    plans = terms.plans if plan is None else plan
    due = due_of(history, odometer_m, now, default_plans() if plans is None else plans, use)
    return Judgement(
        checks=checks,
        findings=findings_of(case, checks, due, terms.severities),
        verdict=verdict_of(checks),
        current_odometer_m=odometer_m,
        current=standing,
        due=due,
        dtc_changes=code_changes(history.visits),
        entries=case.entries,
    )


def verdict_of(checks: tuple[CheckPart, ...]) -> Result:
    """The worst result; "consistent" only when a mileage check could be made at all."""
    results = {check.result for check in checks}
    for worst in (Result.IMPOSSIBLE, Result.SUSPICIOUS):
        if worst in results:
            return worst
    carried = any(check.check in _CARRYING and check.result is Result.CONSISTENT for check in checks)
    return Result.CONSISTENT if carried else Result.NOT_DETERMINABLE
