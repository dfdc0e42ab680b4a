"""Rules of the whole suite: a missing tool is named, what was skipped and how long each part took stands at the end."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests.needs import missing_for, unmet
from tests.postgres import PostgresServer

ROOT = Path(__file__).parent.parent
BUDGET = ROOT / "docs" / "budget.md"
BUDGET_ROW = re.compile(r"(?m)^\| `(tests/[a-z_]*)` \| (\d+) \|")
TOOL_MARKERS = ("broker", "browser", "postgres")
SECONDS = pytest.StashKey[dict[str, float]]()

missing_once = cache(missing_for)

# a shared machine may be slow at any moment; the time of a part is what the budget watches
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SECONDS] = defaultdict(float)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in TOOL_MARKERS:
        if item.get_closest_marker(marker) and (missing := missing_once(marker)):
            unmet(" and ".join(missing))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests; each makes a database of its own in it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _logs_go_where_this_test_looks() -> Iterator[None]:
    """A program started in one test points the log at that test's captured stderr, which is closed afterwards."""
    yield
    structlog.reset_defaults()


def part_of(node_id: str) -> str:
    """The folder of the suite that a test belongs to: `tests/collector`, or `tests/` for files at the top."""
    head, _, rest = node_id.partition("::")[0].partition("/")
    folder, slash, _ = rest.partition("/")
    return f"{head}/{folder}" if slash else f"{head}/"


def budgets() -> dict[str, int]:
    """Part of the suite -> the seconds it may take, from the table in docs/budget.md."""
    return {part: int(seconds) for part, seconds in BUDGET_ROW.findall(BUDGET.read_text(encoding="utf-8"))}


class Seconds:
    """Adds up what each part of the suite took, fixtures included."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[part_of(report.nodeid)] += report.duration


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(Seconds(session.config.stash[SECONDS]), "seconds-per-part")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skipped = skips_by_reason(terminalreporter.stats.get("skipped", []))
    if skipped:
        terminalreporter.section("skipped, and why")
    for reason, tests in skipped.items():
        terminalreporter.write_line(f"{reason}: {len(tests)}")
        for test in tests:
            terminalreporter.write_line(f"  {test}")
    took = config.stash[SECONDS]
    terminalreporter.section("seconds per part, and the budget")
    allowed = budgets()
    for part in sorted(took):
        over = "  OVER" if took[part] > allowed.get(part, 0) else ""
        terminalreporter.write_line(f"{part:<20}{took[part]:>8.1f}{allowed.get(part, 0):>6}{over}")


def skips_by_reason(reports: list[pytest.TestReport]) -> dict[str, list[str]]:
    skipped: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        skipped[reason.removeprefix("Skipped: ")].append(report.nodeid)
    return skipped
