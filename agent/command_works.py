"""What each kind of remote command does at the box. None of it writes to a car or hands out what is in a file.

A car is asked the same as when it is plugged in; rules are read from the folders that the owner's settings name.
"""

import asyncio
import re
from collections.abc import Callable

from pydantic import ValidationError

from agent.bay import Happening, Stage
from agent.bays import Bays
from agent.commands import Outcome
from agent.desk import Desk
from agent.errors import FactsFullError
from agent.later import check_up
from agent.terms import terms_of
from agent.upstream_facts import told_of
from agent.wishes import Wishes
from collector.events import ScanDone
from config.rules_in_force import RulesInForce
from config.settings import Settings
from sync.command import (
    FactsReport,
    FactsWanted,
    HealthReport,
    IntakeReport,
    IntakeWanted,
    Report,
    ResendWanted,
    RulesReport,
    Status,
    Wanted,
)
from sync.command_facts import FACT, FACT_ID, Fact, ServiceFact
from sync.outbox import Outbox
from sync.publisher import Publisher

PATIENCE_S = 30.0  # beyond the longest scan: a bay that is being opened, a desk that is busy
DETAIL_LIMIT = 200
FIRST_YEAR, LAST_YEAR = 1950, 2200


class IntakeWork:
    """Read the car at one bay now; a scan that is under way already is the answer too."""

    def __init__(self, bays: Bays, wishes: Wishes, timeout_s: float) -> None:
        self._bays = bays
        self._wishes = wishes
        self._timeout_s = timeout_s

    async def __call__(self, wanted: Wanted) -> Outcome:
        assert isinstance(wanted, IntakeWanted)  # noqa: S101 - the kind says so
        name = wanted.bay or self._wishes.bay_at(wanted.adapter)
        state = next((one for one in self._bays.states if one.name == name), None)
        if state is None:
            return Outcome(Status.REFUSED, "command.no_bay", {"bay": wanted.bay or wanted.adapter})
        if state.car is None:
            waiting = state.stage in (Stage.CONNECTING, Stage.ADAPTER_MISSING)
            return Outcome(Status.REFUSED, "command.no_adapter" if waiting else "command.no_car", {"bay": name})
        if state.car.driving:
            return Outcome(Status.REFUSED, "command.driven", {"bay": name})
        return await self._read(name, again=state.car.read)

    async def _read(self, name: str, *, again: bool) -> Outcome:
        wish = self._wishes.of(self._wishes.urls.get(name, ""))
        ended = self._bays.next_end(name)
        if again:
            wish.set()
        try:
            async with asyncio.timeout(self._timeout_s):
                return self._told(name, await ended)
        except TimeoutError:
            return Outcome(Status.FAILED, "command.no_end", {"bay": name})
        finally:
            wish.clear()

    def _told(self, name: str, end: Happening) -> Outcome:
        state = next((one for one in self._bays.states if one.name == name), None)
        if not isinstance(end, ScanDone) or state is None or state.car is None:
            return Outcome(Status.FAILED, "command.car_gone", {"bay": name})
        report = IntakeReport(intake_id=state.car.intake_id, sent=state.car.sent)
        return _done("command.intake_taken", report, bay=name)


class ResendWork:
    """Owe a range again."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def __call__(self, wanted: Wanted) -> Outcome:
        assert isinstance(wanted, ResendWanted)  # noqa: S101 - the kind says so
        outcome = await self._publisher.resend(wanted.stream, wanted.ranges)
        if outcome is None:
            return Outcome(Status.REFUSED, "command.no_stream", {"stream": wanted.stream})
        report, count = outcome
        gone = sum(b - a + 1 for a, b in report.gone)
        return _done("command.resent", report, count=count, gone=gone)


class RulesWork:
    """Take over the owner's rule files whole, or say which line is wrong and keep the old ones."""

    def __init__(self, settings: Settings, rules: RulesInForce, desk: Desk) -> None:
        self._settings = settings
        self._rules = rules
        self._desk = desk

    async def __call__(self, _wanted: Wanted) -> Outcome:
        await asyncio.to_thread(self._rules.reload)
        if self._rules.refused:
            return Outcome(Status.REFUSED, "command.bad_rules", {"detail": self._named(self._rules.refused)})
        self._desk.judge_by(terms_of(self._settings, self._rules.rules))
        plans, severities = len(self._rules.rules.plans), len(self._rules.rules.severities)
        report = RulesReport(plans=plans, severities=severities)
        return _done("command.rules_reloaded", report, plans=plans, severities=severities)

    def _named(self, refusal: str) -> str:
        """File, line and key without the folders above: where this box keeps its files is nobody's business."""
        for folder in (self._settings.rules.plans, self._settings.rules.severities):
            if folder is not None:
                refusal = refusal.replace(str(folder), folder.name)
        return refusal[:DETAIL_LIMIT]


class HealthWork:
    """Say what ``forecourt doctor`` finds, how much is owed, and how many messages were no commands."""

    def __init__(self, settings: Settings, outbox: Outbox, bays: Bays, dropped: Callable[[], int]) -> None:
        self._settings = settings
        self._outbox = outbox
        self._bays = bays
        self._dropped = dropped

    async def __call__(self, _wanted: Wanted) -> Outcome:
        lines = await asyncio.to_thread(check_up, self._settings)
        report = HealthReport(
            lines=lines,
            owed=self._outbox.pending_count(),
            fullness_pct=round(self._outbox.fullness * 100),
            bays=len(self._bays.states),
            dropped=self._dropped(),
        )
        problems = sum(line.level == "problem" for line in lines)
        return _done("command.health_told", report, count=problems)


class FactsWork:
    """Take over what people know upstream of the cars, each fact by itself; ``changed`` says so to whoever watches."""

    def __init__(self, desk: Desk, changed: Callable[[], None]) -> None:
        self._desk = desk
        self._changed = changed

    async def __call__(self, wanted: Wanted) -> Outcome:
        assert isinstance(wanted, FactsWanted)  # noqa: S101 - the kind says so
        facts, refused = sorted_facts(wanted.facts)
        try:
            new = await self._desk.told(facts)
        except FactsFullError:
            return Outcome(Status.FAILED, "command.facts_full")
        if new:
            self._changed()
        report = FactsReport(new=new, known=len(facts) - new, refused=refused)
        return _done("command.facts_taken", report, count=len(facts), refused=len(refused))


def sorted_facts(told: tuple[dict[str, object], ...]) -> tuple[tuple[Fact, ...], dict[str, str]]:
    """Facts that this version understands, and why not each other, by its id (by its place where it has none)."""
    good: list[Fact] = []
    bad: dict[str, str] = {}
    for place, one in enumerate(told):
        try:
            fact = FACT.validate_python(one)
            _refuse_wild_time(fact)
            told_of([fact])
        except (ValidationError, ValueError, RecursionError) as error:
            bad[_id_of(one, place)] = _short(error)
        else:
            good.append(fact)
    return tuple(good), bad


def _refuse_wild_time(fact: Fact) -> None:
    """A date at the ends of the calendar would break whoever adds a month to it."""
    moment = fact.done_at if isinstance(fact, ServiceFact) else getattr(fact, "at", None)
    if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"its time is not within {FIRST_YEAR} to {LAST_YEAR}")


def _id_of(fact: dict[str, object], place: int) -> str:
    name = fact.get("id")
    return name if isinstance(name, str) and re.fullmatch(FACT_ID, name) else str(place)


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}".lstrip(": ")[:DETAIL_LIMIT]
    return str(error)[:DETAIL_LIMIT]


def _done(reason: str, report: Report, **params: str | int) -> Outcome:
    return Outcome(Status.DONE, reason, dict(params), report.model_dump(mode="json"))
