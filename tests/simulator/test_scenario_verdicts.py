"""Every scenario's expected verdict and findings at each visit are what our own judge says of a perfect reading."""

from datetime import UTC, datetime, timedelta

import pytest

from evidence.history import History, ServiceRecord, Visit
from evidence.snapshot import Snapshot
from evidence.verdict import Judgement, judge
from simulator.library import load, names
from simulator.reading import snapshot
from simulator.scenario import Scenario

FIRST = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
APART = timedelta(days=200)
# services 01 to 0A are answered by nobody here: what can be read depends on the reader
READ_OTHERWISE = {"ev-without-obd", "obd-on-uds", "silent"}
CASES = [(name, number) for name in names() for number in range(1, len(load(name).visits) + 1)]


def judged(scenario: Scenario, number: int) -> Judgement:
    """The last of the first ``number`` visits, with all those before it known."""
    visits = tuple(_visit(scenario, one) for one in range(1, number + 1))
    now = FIRST + APART * number
    last = scenario.visits[number - 1].last_service
    services = (
        ()
        if last is None
        else (ServiceRecord("s1", now - timedelta(days=last.done_days_ago), last.odometer_m, ("oil_and_filter",)),)
    )
    return judge(History("h", visits, services), now=now)


def _visit(scenario: Scenario, number: int) -> Visit:
    told = scenario.visits[number - 1]
    at = FIRST + APART * number
    read = snapshot(scenario.car(number), f"v{number}", at.isoformat())
    papers_m = None if told.papers_km is None else told.papers_km * 1000
    return Visit(at, Snapshot.model_validate(read), told.dash_km * 1000, papers_m)


@pytest.mark.parametrize(("name", "number"), [case for case in CASES if case[0] not in READ_OTHERWISE])
def test_the_judge_says_what_the_scenario_expects(name: str, number: int) -> None:
    scenario = load(name)
    expected = scenario.visits[number - 1]

    judgement = judged(scenario, number)

    said = (str(judgement.verdict), sorted({finding.rule for finding in judgement.findings}))
    assert said == (expected.verdict, sorted(expected.findings))


def test_each_check_that_can_be_red_is_red_in_some_scenario() -> None:
    red = {
        check.check
        for name, number in CASES
        if name not in READ_OTHERWISE
        for check in judged(load(name), number).checks
        if check.result in ("suspicious", "impossible")
    }

    assert red == {f"K{number}" for number in range(1, 9)}
