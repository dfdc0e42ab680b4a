"""Which tests run which statement: the functions of some files note their statements while the tests run once.

The files are rewritten for that one run, so it takes little longer than any other, and threads are seen as well.
"""

import ast
import builtins
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile

NOTE = "__reached__"
# Stands for all tests: a statement that ran before the first of them.
IMPORT = ""

Place = tuple[str, int]


@dataclass
class Reach:
    """Which tests reach which statement (``file:line``), how long each takes, which foreign modules they import."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)

    def tests_of(self, file: str, line: int) -> list[str]:
        """The tests that could notice a change at a statement, the quickest first; of one that ran before, all."""
        found = frozenset(self.lines.get(f"{file}:{line}", ()))
        return [test for test in self.quickest() if test in found or IMPORT in found]

    def quickest(self) -> list[str]:
        """All tests, the quickest first."""
        return sorted(self.seconds, key=lambda test: self.seconds[test])

    def nearest(self, file: str) -> list[str]:
        """All tests, those first that reach any function of ``file``, the quickest of them first."""
        near = {test for place, tests in self.lines.items() if place.startswith(f"{file}:") for test in tests}
        return sorted(self.seconds, key=lambda test: (test not in near, self.seconds[test]))

    def ran_before(self, file: str, lines: Iterable[int]) -> bool:
        """Whether any of these statements ran before the first test."""
        return any(IMPORT in self.lines.get(f"{file}:{line}", ()) for line in lines)


class Tracer:
    """A pytest plugin that notes the statements which each test runs in files that were rewritten by `noting`."""

    def __init__(self) -> None:
        self._now = IMPORT
        self._reached: set[Place] = set()
        self._seen: dict[Place, set[str]] = {}
        self.reach = Reach()
        setattr(builtins, NOTE, self._reached.add)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins, its fixtures included."""
        self._settle()
        self._now = nodeid
        self.reach.seconds[nodeid] = time.perf_counter()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test has ended."""
        self.reach.seconds[nodeid] = time.perf_counter() - self.reach.seconds[nodeid]
        self._settle()

    def finished(self) -> Reach:
        """What was seen."""
        self._settle()
        self.reach.lines = {f"{file}:{line}": sorted(tests) for (file, line), tests in self._seen.items()}
        return self.reach

    def _settle(self) -> None:
        for place in self._reached:
            self._seen.setdefault(place, set()).add(self._now)
        self._reached.clear()


def noting(source: str, file: str) -> str:
    """The same program, in which every statement of a function first notes that ``file`` got there."""
    tree = ast.parse(source)
    for function in _functions(tree):
        _Noting(file).visit_body(function)
    place = len(list(takewhile(_comes_first, tree.body)))
    # a process that a test starts has nobody to tell
    tree.body[place:place] = ast.parse(f"{NOTE} = getattr(__import__('builtins'), '{NOTE}', id)").body
    return ast.unparse(ast.fix_missing_locations(tree))


def statements(source: str) -> dict[int, int]:
    """For each line within a function: where the innermost statement begins that it is part of."""
    begins: dict[int, int] = {}
    for function in _functions(ast.parse(source)):
        for statement in _statements(function):
            begins |= dict.fromkeys(range(statement.lineno, (statement.end_lineno or 0) + 1), statement.lineno)
    return begins


def outermost(source: str) -> dict[int, range]:
    """For each line within a function: the lines of the outermost one that it is part of."""
    found: dict[int, range] = {}
    for function in _functions(ast.parse(source)):
        lines = range(function.lineno, (function.end_lineno or 0) + 1)
        found |= dict.fromkeys(lines, lines)
    return found


class _Noting:
    def __init__(self, file: str) -> None:
        self._file = file

    def visit_body(self, node: ast.AST) -> None:
        for block in _blocks(node):
            for statement in block:
                self.visit_body(statement)
            noted = [[self._note(statement), statement] for statement in block if not _is_text(statement)]
            block[:] = [*(one for one in block if _is_text(one)), *(one for pair in noted for one in pair)]

    def _note(self, statement: ast.stmt) -> ast.stmt:
        return ast.parse(f"{NOTE}(({self._file!r}, {statement.lineno}))").body[0]


def _functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions of a module and of its classes, not those within functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
        else:
            yield from _functions(child)


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements within, an outer one before its inner ones."""
    for block in _blocks(node):
        for statement in block:
            yield statement
            yield from _statements(statement)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements that ``node`` holds, those of its handlers and cases included."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block:
            yield block
    for inner in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield from _blocks(inner)


def _comes_first(statement: ast.stmt) -> bool:
    return _is_text(statement) or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
