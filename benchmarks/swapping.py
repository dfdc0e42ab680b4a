"""Tests collected once, and tried on each change of a function without importing anything anew.

A process collects the tests, then forks for each request: the child gives the live functions their changed code, runs
the tests that could notice, and says by its exit code whether one failed.
"""

import gc
import json
import os
import types
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from forking import end_after, forked

NOTICED, MISSED, CANNOT = 1, 0, 98
OUTCOMES = {NOTICED: "noticed", MISSED: "missed", None: "endless"}
# inspect.CO_OPTIMIZED: the code of a function, not of a class
FUNCTION = 0x1


@dataclass(frozen=True)
class Trial:
    """One change of a file, the tests that could notice it in their order, and how long each may take."""

    file: str
    source: str
    limits_s: dict[str, float]


class Bench:
    """The process that has collected the tests, seen from outside."""

    def __init__(self, asked: TextIO, answers: TextIO) -> None:
        self._asked = asked
        self._answers = answers

    def tried(self, trial: Trial) -> str:
        """``noticed``, ``missed`` or ``endless``; anything else when it could not be tried."""
        try:
            print(json.dumps(asdict(trial)), file=self._asked, flush=True)
            return self._answers.readline().strip()
        except OSError:
            return ""


class Benching:
    """A pytest plugin that answers trials instead of running its tests: a line of JSON in, an outcome out."""

    def __init__(self, asked: TextIO, answers: TextIO) -> None:
        self._asked = asked
        self._answers = answers
        self._live: dict[str, list[types.FunctionType]] = {}

    def pytest_runtestloop(self, session: Any) -> bool:
        """Called by pytest with everything collected."""
        items = {item.nodeid: item for item in session.items}
        for one in gc.get_objects():
            if isinstance(one, types.FunctionType):
                self._live.setdefault(one.__code__.co_filename, []).append(one)
        for line in self._asked:
            trial = Trial(**json.loads(line))
            chosen = [items[test] for test in trial.limits_s]
            code = forked(self._work(trial, session, chosen), sum(trial.limits_s.values()))
            print(OUTCOMES.get(code, "cannot"), file=self._answers, flush=True)
        return True

    def _work(self, trial: Trial, session: Any, chosen: list[Any]) -> Callable[[], int]:
        def work() -> int:
            if not swapped(self._live.get(trial.file, []), Path(trial.file), trial.source):
                return CANNOT
            for item, following in zip(chosen, [*chosen[1:], None], strict=True):
                end_after(trial.limits_s[item.nodeid])
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.testsfailed:
                    return NOTICED
            return MISSED

        return work


@contextmanager
def opened(collect: Callable[[TextIO, TextIO], int]) -> Iterator[Bench]:
    """A bench in a child process, in which ``collect`` runs pytest with `Benching`; it ends with the context."""
    asked, ask = os.pipe()
    answers, answer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ask)
        os.close(answers)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        try:
            collect(os.fdopen(asked, "r"), os.fdopen(answer, "w"))
        finally:
            os._exit(0)
    os.close(asked)
    os.close(answer)
    with os.fdopen(ask, "w") as to_child, os.fdopen(answers, "r") as from_child:
        try:
            yield Bench(to_child, from_child)
        finally:
            to_child.close()
            os.waitpid(child, 0)


def swapped(live: list[types.FunctionType], file: Path, source: str) -> bool:
    """Give the functions of ``file`` their code of ``source``; False where one of those that changed does not live."""
    before = list(_codes(compile(file.read_text(encoding="utf-8"), str(file), "exec", dont_inherit=True)))
    after = list(_codes(compile(source, str(file), "exec", dont_inherit=True)))
    if len(before) != len(after):
        return False
    named = Counter(map(_name, before))
    if any(named[_name(old)] > 1 and old != new for old, new in zip(before, after, strict=True)):
        return False
    changed = {_name(old): new for old, new in zip(before, after, strict=True) if old != new}
    found = [(function, changed[name]) for function in live if (name := _name(function.__code__)) in changed]
    if {_name(function.__code__) for function, _ in found} != set(changed):
        return False
    try:
        for function, code in found:
            function.__code__ = code
    except ValueError:  # a variable of the function around it is used no more
        return False
    return True


def _codes(module: types.CodeType) -> Iterator[types.CodeType]:
    """The functions of a module and of its classes; what is within functions belongs to them."""
    for code in module.co_consts:
        if isinstance(code, types.CodeType):
            if code.co_flags & FUNCTION:
                yield code
            else:
                yield from _codes(code)


def _name(code: types.CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno
