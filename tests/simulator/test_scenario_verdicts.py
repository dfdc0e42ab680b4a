"""Every scenario's expected verdict and findings at each visit are what our own judge says of a perfect reading."""

from datetime import UTC, datetime, timedelta

import pytest

from evidence.history import History, ServiceRecord, Visit
from evidence.snapshot import Snapshot
from evidence.verdict import Judgement, judge
from simulator.library import load, names
from simulator.reading import snapshot
from simulator.scenario import Scenario
from simulator.truth import truth

FIRST = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
APART = timedelta(days=200)
OIL = ("oil_and_filter",)
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
        else (ServiceRecord("s1", now - timedelta(days=last.done_days_ago), last.odometer_m, last.items or OIL),)
    )
    return judge(History("h", visits, services), now=now)


def _visit(scenario: Scenario, number: int) -> Visit:
    told = scenario.visits[number - 1]
    at = FIRST + APART * number
    by_people = {name: part for name, part in truth(scenario, number).items() if name in ("road_test", "inspection")}
    read = snapshot(scenario.car(number), f"v{number}", at.isoformat()) | by_people
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

    assert red == {f"K{number}" for number in range(1, 11)}


CHECKED = [name for name in names() if load(name).checks and name not in READ_OTHERWISE]
# The unit's counter is longer than the car's life: worth a question, and the question is asked.
ASKED_ABOUT = {("used-engine-unit", "K3")}


@pytest.mark.parametrize("name", CHECKED)
def test_a_falsified_car_shows_it_by_every_check_it_is_made_for(name: str) -> None:
    scenario = load(name)
    if not any(visit.tampering for visit in scenario.visits):
        return
    red = {
        check.check
        for number in range(1, len(scenario.visits) + 1)
        for check in judged(scenario, number).checks
        if check.result in ("suspicious", "impossible")
    }

    assert set(scenario.checks) <= red


@pytest.mark.parametrize("name", [name for name in names() if load(name).twin_of and name not in READ_OTHERWISE])
def test_an_honest_twin_is_not_suspected_by_the_check_it_is_made_for(name: str) -> None:
    scenario = load(name)
    # the last visit of battery-changed is the one that nobody can tell from a clear before the sale
    numbers = range(1, 3 if name == "battery-changed" else len(scenario.visits) + 1)
    red = {
        (name, check.check)
        for number in numbers
        for check in judged(scenario, number).checks
        if check.result in ("suspicious", "impossible")
    }

    assert {pair for pair in red if pair[1] in scenario.checks} <= ASKED_ABOUT
    assert not any(visit.tampering for visit in scenario.visits)
    assert set(scenario.checks) <= {*load(scenario.twin_of).checks, "K3"}


def test_each_check_has_a_falsified_car_and_an_honest_twin() -> None:
    scenarios = [load(name) for name in names()]
    falsified = {check for one in scenarios if any(visit.tampering for visit in one.visits) for check in one.checks}
    honest = {check for one in scenarios if one.twin_of for check in one.checks}

    assert falsified == {f"K{number}" for number in range(1, 11)}
    assert honest == falsified
