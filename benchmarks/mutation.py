"""Change code in small ways and count how many of the changes its tests notice.

    python benchmarks/mutation.py simulator/pids.py simulator/services.py --tests tests/simulator/test_services.py
    python benchmarks/mutation.py evidence --tests tests/evidence --most 300 --least 80

It works in a temporary copy of the checkout, so the tree at hand is only read. The tests run once noting what they
reach, so that each mutant meets only the tests that reach its statement, the quickest first; a mutant ends with the
first test that fails, and one that no test reaches counts as unnoticed. What the tests reach is found out once for
several runs on the same files that name the same file to ``--reach``. One within a function is swapped into a process
that has collected the tests; any other is imported with them anew. Same files, same ``--seed``: same mutants. A line
that cannot matter is left alone when it says ``no mutate`` and why. Exit 0 when the share noticed is at least
``--least``, 1 when it is below, 2 when the tests fail before anything is changed.
"""

import argparse
import hashlib
import importlib
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from forking import end_after, forked  # noqa: E402 - these stand beside this file
from mutants import Mutant, mutants  # noqa: E402
from reach import Reach, Tracer, noting, outermost, statements  # noqa: E402
from swapping import Bench, Benching, Trial, opened  # noqa: E402

# A mutant may turn a loop endless: each test gets so many times what it took before, and a little for a busy machine.
PATIENCE = 6.0
PATIENCE_S = 20.0
COLLECTING_S = 60.0
SHOWN = 25
# Plugins are imported before pytest could rewrite them: a warning about that would count as a test that noticed.
REWRITTEN = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
QUIET = ("-q", "-x", "--no-header", "-p", "no:cacheprovider", "-p", "no:randomly", *REWRITTEN)


class Sober:
    """A pytest plugin under which generated examples are the same each time and a failure is not shrunk."""

    def pytest_sessionstart(self) -> None:
        """Called by pytest when the suite's own settings are loaded."""
        with suppress(ImportError):
            from hypothesis import Phase, settings

            phases = [Phase.explicit, Phase.generate]
            settings.register_profile("mutation", deadline=None, derandomize=True, database=None, phases=phases)
            settings.load_profile("mutation")


class Chosen(Sober):
    """Keeps only some of the collected tests, in the order given, and ends the process when one takes too long."""

    def __init__(self, limits_s: dict[str, float]) -> None:
        self._limits_s = limits_s
        self._order = {test: place for place, test in enumerate(limits_s)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Called by pytest with everything collected."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self._order), key=lambda item: self._order[item.nodeid]
        )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Called by pytest before a test and its fixtures."""
        end_after(self._limits_s[nodeid])


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


def run_tests(arguments: list[str], *plugins: object) -> int:
    """Run pytest in this process, quietly and the same way each time."""
    import pytest

    return int(pytest.main([*QUIET, *arguments], plugins=list(plugins)))


def traced(files: list[str], tests: list[str], folder: Path) -> Reach | None:
    """Run the tests on the unchanged copy; None when one fails, after showing what pytest said."""
    report, log = folder / ".reach.json", folder / ".reach.log"
    plain = {file: (folder / file).read_bytes() for file in files}
    for file, source in plain.items():
        (folder / file).write_text(noting(source.decode(), file), encoding="utf-8")

    def work() -> int:
        tracer = Tracer()
        code = run_tests(tests, Sober(), tracer)
        reach = tracer.finished()
        report.write_text(json.dumps([reach.lines, reach.seconds, foreign(folder)]), encoding="utf-8")
        return code

    code = forked(work, limit_s=1800.0, log=str(log))
    for file, source in plain.items():
        (folder / file).write_bytes(source)
    if code != 0:
        print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN:]), file=sys.stderr)
        return None
    return Reach(*json.loads(report.read_text(encoding="utf-8")))


def reached(wanted: argparse.Namespace, files: list[str], folder: Path) -> Reach | None:
    """What ``traced`` finds, or found before on the same files."""
    if wanted.reach is None:
        return traced(files, wanted.tests, folder)
    state = fingerprint(folder, [*files, "--", *wanted.tests])
    with suppress(OSError, ValueError):
        before, *known = json.loads(wanted.reach.read_text(encoding="utf-8"))
        if before == state:
            return Reach(*known)
    reach = traced(files, wanted.tests, folder)
    if reach is not None:
        wanted.reach.write_text(json.dumps([state, reach.lines, reach.seconds, reach.modules]), encoding="utf-8")
    return reach


def fingerprint(folder: Path, asked: list[str]) -> str:
    """The same for the same question about the same files."""
    whole = hashlib.sha256(json.dumps(asked).encode())
    for file in sorted(file for file in folder.rglob("*.*") if file.is_file()):
        whole.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return whole.hexdigest()


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


@dataclass
class Judge:
    """Tries mutants: within functions at tests that are collected once, else by importing everything anew."""

    folder: Path
    reach: Reach
    bench: "Bench | None" = None

    def outcome(self, file: str, mutant: Mutant) -> str:
        """What the tests make of one mutant: noticed, noticed late (it never ended), missed, or not reached."""
        source = (self.folder / file).read_text(encoding="utf-8")
        line = statements(source).get(mutant.line)
        everything = line is None or not mutant.in_function
        tests = self.reach.nearest(file) if everything or line is None else self.reach.tests_of(file, line)
        if not tests:
            return "not reached"
        limits_s = {test: PATIENCE * self.reach.seconds[test] + PATIENCE_S for test in tests}
        changed = mutant.applied(source.encode()).decode()
        if self.bench and not everything and not self.reach.ran_before(file, outermost(source)[mutant.line]):
            said = self.bench.tried(Trial(str(self.folder / file), changed, limits_s))
            if said in ("noticed", "missed", "endless"):
                return said
        return self._anew(file, changed, limits_s)

    def _anew(self, file: str, changed: str, limits_s: dict[str, float]) -> str:
        path = self.folder / file
        source = path.read_bytes()
        paths = sorted({test.partition("::")[0] for test in limits_s})
        path.write_text(changed, encoding="utf-8")
        try:
            code = forked(lambda: run_tests(paths, Chosen(limits_s)), COLLECTING_S + sum(limits_s.values()))
        finally:
            path.write_bytes(source)
        return "endless" if code is None else "missed" if code == 0 else "noticed"


def drawn(files: list[str], most: int, seed: int, *, texts: bool) -> list[tuple[str, Mutant]]:
    """All mutants of the files in order, or ``most`` of them drawn by ``seed``, in the order drawn."""
    every = [
        (file, mutant) for file in files for mutant in mutants((ROOT / file).read_text(encoding="utf-8"), texts=texts)
    ]
    if not most or most >= len(every):
        return every
    return random.Random(seed).sample(every, most)


def results(every: list[tuple[str, Mutant]], judge: Judge, until_s: float) -> Iterator[tuple[str, Mutant, str]]:
    """Try each mutant in turn; none after ``until_s`` of the monotonic clock."""
    for file, mutant in every:
        if time.monotonic() > until_s:
            return
        yield file, mutant, judge.outcome(file, mutant)


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
    reach = reached(wanted, files, folder)
    if reach is None:
        print("the tests fail, or cannot be found, before anything is changed", file=sys.stderr)
        return 2
    preload(reach.modules)
    every = drawn(files, wanted.most, wanted.seed, texts=wanted.texts)
    print(f"{len(every)} mutants in {len(files)} files against {len(reach.seconds)} tests", flush=True)
    until_s = started_s + 60 * wanted.minutes if wanted.minutes else math.inf
    with opened(lambda asked, answers: run_tests(wanted.tests, Sober(), Benching(asked, answers))) as bench:
        counts, by_file = show(results(every, Judge(folder, reach, bench), until_s), len(every))
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
    arguments.add_argument(
        "--reach", type=lambda name: Path(name).resolve(), metavar="FILE", help="keep it between runs"
    )
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
