"""Change code in small ways and count how many of the changes its tests notice.

    python benchmarks/mutation.py simulator/pids.py simulator/services.py --tests tests/simulator/test_services.py
    python benchmarks/mutation.py evidence --tests tests/evidence --most 300 --least 80

It works in a temporary copy of the checkout, so the tree at hand is only read. The tests run once with a tracer, so
that each mutant meets only the tests that reach its line, the quickest first; a mutant ends with the first test that
fails, and one that no test reaches counts as unnoticed. Same files, same ``--seed``: same mutants. A line that cannot
matter is left alone when it says ``no mutate`` and why. Exit 0 when the share noticed is at least ``--least``, 1 when
it is below, 2 when the tests fail before anything is changed.
"""

import argparse
import importlib
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from mutants import Mutant, mutants  # noqa: E402 - it stands beside this file

# A mutant may turn a loop endless: it gets so many times what its tests took before, and a little.
PATIENCE = 6.0
PATIENCE_S = 30.0
POLL_S = 0.005
SHOWN = 25
# Stands for all tests: a line that ran before the first of them.
IMPORT = ""
# Plugins are imported before pytest could rewrite them: a warning about that would count as a test that noticed.
REWRITTEN = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
QUIET = ("-q", "-x", "--no-header", "-p", "no:cacheprovider", "-p", "no:randomly", *REWRITTEN)


@dataclass
class Reach:
    """Which tests reach which line of which file, how long each takes, and which foreign modules they import."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)

    def tests_of(self, file: str, mutant: Mutant) -> list[str]:
        """The tests that could notice, the quickest first: of a line that runs at import, all of them."""
        found = self.lines.get(f"{file}:{mutant.line}", []) if mutant.in_function else [IMPORT]
        return sorted(self.seconds if IMPORT in found else found, key=lambda test: self.seconds.get(test, 0.0))


class Sober:
    """A pytest plugin under which generated examples are the same each time and a failure is not shrunk."""

    def pytest_sessionstart(self) -> None:
        """Called by pytest when the suite's own settings are loaded."""
        with suppress(ImportError):
            from hypothesis import Phase, settings

            phases = [Phase.explicit, Phase.generate]
            settings.register_profile("mutation", deadline=None, derandomize=True, database=None, phases=phases)
            settings.load_profile("mutation")


class Tracer(Sober):
    """Notes the lines of ``files`` that each test runs."""

    def __init__(self, files: Iterable[str]) -> None:
        self._files = frozenset(files)
        self._now = IMPORT
        self._seen: dict[str, set[str]] = {}
        self.reach = Reach()

    def pytest_collection(self) -> None:
        """Called by pytest before it imports the tests."""
        threading.settrace(self._called)  # SQLite works on threads of its own
        sys.settrace(self._called)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins, its fixtures included."""
        self._now = nodeid
        self.reach.seconds[nodeid] = time.perf_counter()
        sys.settrace(self._called)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test has ended."""
        sys.settrace(None)
        self.reach.seconds[nodeid] = time.perf_counter() - self.reach.seconds[nodeid]

    def finished(self) -> Reach:
        """What was seen."""
        self.reach.lines = {place: sorted(tests) for place, tests in self._seen.items()}
        return self.reach

    def _called(self, frame: FrameType, event: str, argument: object) -> "Callable[..., Any] | None":
        if frame.f_code.co_filename not in self._files:
            return None
        self._note(frame)
        return self._moved

    def _moved(self, frame: FrameType, event: str, argument: object) -> "Callable[..., Any]":
        if event == "line":
            self._note(frame)
        return self._moved

    def _note(self, frame: FrameType) -> None:
        self._seen.setdefault(f"{frame.f_code.co_filename}:{frame.f_lineno}", set()).add(self._now)


class Chosen(Sober):
    """Keeps only some of the collected tests, in the order given."""

    def __init__(self, tests: list[str]) -> None:
        self._order = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Called by pytest with everything collected."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self._order), key=lambda item: self._order[item.nodeid]
        )


def copied(to: Path) -> None:
    """Every file of the checkout that git knows or would take, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, to / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def sources(names: list[str]) -> list[str]:
    """The Python files meant by files and folders, relative to the checkout."""
    found: list[str] = []
    for name in names:
        path = (ROOT / name).resolve()
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        found += [str(file.relative_to(ROOT)) for file in files]
    return found


def run_tests(arguments: list[str], plugin: object) -> int:
    """Run pytest in this process, quietly and the same way each time."""
    import pytest

    return int(pytest.main([*QUIET, *arguments], plugins=[plugin]))


def forked(work: Callable[[], int], limit_s: float, log: str = os.devnull) -> int | None:
    """The exit code of ``work`` in a child process of its own group; None when it took too long and was ended."""
    child = os.fork()
    if child == 0:
        _become_quiet(log)
        code = 99
        with suppress(BaseException):
            code = work()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    ends_s = time.monotonic() + limit_s
    while time.monotonic() < ends_s:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(POLL_S)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _become_quiet(log: str) -> None:
    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    elsewhere = os.open(log, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(elsewhere, stream)


def traced(files: list[str], tests: list[str], folder: Path) -> Reach | None:
    """Run the tests on the unchanged copy; None when one fails, after showing what pytest said."""
    report, log = folder / ".reach.json", folder / ".reach.log"

    def work() -> int:
        tracer = Tracer(str(folder / file) for file in files)
        code = run_tests(tests, tracer)
        reach = tracer.finished()
        report.write_text(json.dumps([reach.lines, reach.seconds, foreign(folder)]), encoding="utf-8")
        return code

    if forked(work, limit_s=1800.0, log=str(log)) != 0:
        print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN:]), file=sys.stderr)
        return None
    lines, seconds, modules = json.loads(report.read_text(encoding="utf-8"))
    prefix = f"{folder}/"
    return Reach({place.removeprefix(prefix): found for place, found in lines.items()}, seconds, modules)


def foreign(folder: Path) -> list[str]:
    """The imported modules that are installed, not part of the copy: they never change, so one import serves all."""
    return [
        name
        for name, module in list(sys.modules.items())
        if "site-packages" in (getattr(module, "__file__", None) or "") and not name.startswith("_pytest.")
    ]


def preload(modules: list[str]) -> None:
    """Import them here, so that no forked child has to."""
    for name in modules:
        with suppress(Exception):
            importlib.import_module(name)


def judged(file: Path, mutant: Mutant, tests: list[str], paths: list[str], seconds: float) -> str:
    """What the tests make of one mutant: noticed, noticed late (it never ended) or missed."""
    if not tests:
        return "not reached"
    source = file.read_bytes()
    file.write_bytes(mutant.applied(source))
    try:
        code = forked(lambda: run_tests(paths, Chosen(tests)), PATIENCE * seconds + PATIENCE_S)
    finally:
        file.write_bytes(source)
    return "endless" if code is None else "missed" if code == 0 else "noticed"


def drawn(files: list[str], most: int, seed: int, *, texts: bool) -> list[tuple[str, Mutant]]:
    """All mutants of the files in order, or ``most`` of them drawn by ``seed``, in the order drawn."""
    every = [
        (file, mutant) for file in files for mutant in mutants((ROOT / file).read_text(encoding="utf-8"), texts=texts)
    ]
    if not most or most >= len(every):
        return every
    return random.Random(seed).sample(every, most)


def results(
    every: list[tuple[str, Mutant]], reach: Reach, folder: Path, until_s: float
) -> Iterator[tuple[str, Mutant, str]]:
    """Try each mutant in turn; none after ``until_s`` of the monotonic clock."""
    for file, mutant in every:
        if time.monotonic() > until_s:
            return
        tests = reach.tests_of(file, mutant)
        paths = sorted({test.partition("::")[0] for test in tests})
        seconds = sum(reach.seconds[test] for test in tests)
        yield file, mutant, judged(folder / file, mutant, tests, paths, seconds)


def show(outcomes: Iterable[tuple[str, Mutant, str]], total: int) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """Print what was missed as it comes, progress to standard error; the counts in all and by file."""
    by_file: dict[str, Counter[str]] = {}
    counts: Counter[str] = Counter()
    for file, mutant, outcome in outcomes:
        by_file.setdefault(file, Counter())[outcome] += 1
        counts[outcome] += 1
        if outcome in ("missed", "not reached"):
            print(f"{file}:{mutant.line}: {_short(mutant.old)} -> {_short(mutant.new)}: {outcome}", flush=True)
        if sys.stderr.isatty():
            print(f"\r{counts.total()}/{total}", end="", file=sys.stderr, flush=True)
    return counts, by_file


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 48 else line[:45] + "..."


def score(counts: Counter[str]) -> float:
    """The share noticed, in per cent."""
    return 100.0 * (counts["noticed"] + counts["endless"]) / max(counts.total(), 1)


def measure(wanted: argparse.Namespace, folder: Path) -> int:
    """Copy, trace, try and tell; the exit code."""
    copied(folder)
    captures = ROOT.parent / "shared" / "captures"
    os.environ.setdefault("FORECOURT_CAPTURES", str(captures))
    os.environ.update(PYTHONPATH=str(folder), PYTHONDONTWRITEBYTECODE="1")
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    started_s = time.monotonic()
    files = sources(wanted.code)
    reach = traced(files, wanted.tests, folder)
    if reach is None:
        print("the tests fail, or cannot be found, before anything is changed", file=sys.stderr)
        return 2
    preload(reach.modules)
    every = drawn(files, wanted.most, wanted.seed, texts=wanted.texts)
    print(f"{len(every)} mutants in {len(files)} files against {len(reach.seconds)} tests", flush=True)
    until_s = started_s + 60 * wanted.minutes if wanted.minutes else math.inf
    counts, by_file = show(results(every, reach, folder, until_s), len(every))
    for file, found in sorted(by_file.items()):
        print(f"{score(found):5.1f} %  {found.total():5}  {file}")
    print(f"{score(counts):5.1f} %  {counts.total():5}  in {time.monotonic() - started_s:.0f} s: {dict(counts)}")
    return 0 if score(counts) >= wanted.least else 1


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("code", nargs="+", help="files or folders to change, relative to the checkout")
    arguments.add_argument("--tests", nargs="+", required=True, help="what pytest is to run")
    arguments.add_argument("--least", type=float, default=0.0, metavar="PERCENT", help="exit 1 below this share")
    arguments.add_argument("--most", type=int, default=0, metavar="N", help="draw so many mutants instead of all")
    arguments.add_argument("--minutes", type=float, default=0.0, metavar="M", help="judge none after so long")
    arguments.add_argument("--seed", type=int, default=1, help="draws the same mutants again")
    arguments.add_argument(
        "--texts", action="store_true", help="change strings too, most of which are words for people"
    )
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        here = Path.cwd()
        try:
            return measure(wanted, Path(name).resolve())
        finally:
            os.chdir(here)


if __name__ == "__main__":
    sys.exit(main())
