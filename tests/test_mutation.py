"""The tool that changes code to see whether its tests notice, on a checkout as small as can be."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

CODE = """def is_high(value: int) -> bool:
    return value > 7


def forgotten(value: int) -> int:
    return value + 1
"""
TESTS = """from counting import is_high


def test_what_is_high() -> None:
    assert [is_high(value) for value in (6, 9)] == [False, True]
"""


@pytest.fixture
def mutants_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import mutants  # type: ignore[import-not-found]

    yield mutants.mutants
    sys.modules.pop("mutants")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "benchmarks").mkdir()
    for name in ("mutation.py", "mutants.py", "reach.py", "swapping.py", "forking.py"):
        shutil.copy(BENCHMARKS / name, tmp_path / "benchmarks")
    (tmp_path / "counting.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "test_counting.py").write_text(TESTS, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def tried(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "benchmarks" / "mutation.py"), "counting.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=115)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("x = a < b <= c", {"x = a <= b <= c", "x = a < b < c"}),
        ("x = (a + 1) * b", {"x = (a - 1) * b", "x = (a + 2) * b", "x = (a + 1) // b"}),
        ("x = a * (  # a * b\n  b)", {"x = a // (  # a * b\n  b)"}),
        ("x += 2", {"x -= 2", "x = 2", "x += 3"}),
        ("x = not a and b", {"x = (a) and b", "x = not a or b"}),
        ("x = 'ä' if a else b''", {"x = 'ä' if (not (a)) else b''", "x = 'ä' if a else b'x'"}),
        ("def f(a=1): return a", {"def f(a=2): return a", "def f(a=1): return None"}),
        ("def f(): return False", {"def f(): return True"}),
        ("raise E('a', 1)", set()),
        ("x: int | None = g(f'{a + 1}')", set()),
        ("x = 1  # no mutate: any will do", set()),
    ],
)  # fmt: skip
def test_each_change_is_small(mutants_of: object, source: str, wanted: set[str]) -> None:
    assert callable(mutants_of)
    made = {mutant.applied(source.encode()).decode() for mutant in mutants_of(source)}

    assert made == wanted
    assert all(ast.parse(text) for text in made)


def test_what_is_unnoticed_is_named_and_lowers_the_score(checkout: Path) -> None:
    done = tried(checkout, "--tests", "test_counting.py", "--least", "70")

    assert done.returncode == 1, done.stderr
    assert "counting.py:2: > -> >=: missed" in done.stdout
    assert "counting.py:6: + -> -: not reached" in done.stdout
    assert "16.7 %" in done.stdout.splitlines()[-1]
    assert (checkout / "counting.py").read_text(encoding="utf-8") == CODE


def test_what_tests_reach_is_found_out_anew_when_anything_has_changed(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import mutation  # type: ignore[import-not-found]

    def state(*asked: str) -> str:
        return str(mutation.fingerprint(checkout, list(asked)))

    before = state("counting.py")
    assert (state("counting.py") == before) and state("other.py") != before
    (checkout / "test_counting.py").write_text(TESTS + "\n", encoding="utf-8")
    assert state("counting.py") != before


def test_tests_that_fail_already_measure_nothing(checkout: Path) -> None:
    (checkout / "test_counting.py").write_text("def test_it() -> None:\n    assert False\n", encoding="utf-8")

    done = tried(checkout, "--tests", "test_counting.py")

    assert done.returncode == 2
    assert "assert False" in done.stderr
