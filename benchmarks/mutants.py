"""Small wrong versions of a Python file, one change each: what a test suite should notice.

Each mutant replaces one piece of the text, so that everything else keeps its place. Docstrings, annotations,
decorators, messages of raised errors, f-strings and lines marked ``no mutate`` stay as they are, and strings unless
asked for. False, 0 and "" are not returned as None, which means the same wherever types are checked.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

MARK = "no mutate"

_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
_COMPUTED: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "//",
    ast.LShift: ">>", ast.RShift: "<<", ast.BitAnd: "|", ast.BitOr: "&", ast.BitXor: "&", ast.Pow: "*",
}  # fmt: skip
_SPELT: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.Pow: "**",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the text from ``start`` to ``end`` becomes ``new``. ``in_function`` tells when its line runs."""

    line: int
    start: int
    end: int
    old: str
    new: str
    in_function: bool

    def applied(self, source: bytes) -> bytes:
        """The file with this change; positions count bytes."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def mutants(source: str, *, texts: bool = False) -> list[Mutant]:
    """Every mutant of one file, from top to bottom; SyntaxError when it is no Python."""
    finder = _Finder(source, texts=texts)
    finder.visit(ast.parse(source))
    return sorted(finder.found, key=lambda mutant: (mutant.start, mutant.new))


class _Finder(ast.NodeVisitor):
    def __init__(self, source: str, *, texts: bool) -> None:
        self._texts = texts
        self._source = source.encode()
        self._lines = [0]
        for line in self._source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._depth = 0
        self.found: list[Mutant] = []

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        defaults = [*node.args.defaults, *node.args.kw_defaults]
        for default in defaults:
            if default is not None:
                self.visit(default)
        self._inside(node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name is ast's

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in node.body:
            self.visit(part)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._inside([node.body])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        """What an error says is for people; that it is raised is tested by the condition in front of it."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Python 3.11 does not know where the parts of an f-string stand."""

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        if isinstance(node.value, ast.Call) and self._depth:
            self._add(node, "pass")
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not _is_none(node.value):
            if not (isinstance(node.value, ast.Constant) and not node.value.value):
                self._add(node.value, "None")
            self.visit(node.value)

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            self._between(left, right, _COMPARED[type(operator)])
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        formats = isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant)
        if type(node.op) in _COMPUTED and not formats and not _is_type(node):
            self._between(node.left, node.right, _COMPUTED[type(node.op)])
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if type(node.op) in _COMPUTED:
            self._between(node.target, node.value, "=", spelt=_SPELT[type(node.op)] + "=")
            self._between(node.target, node.value, _COMPUTED[type(node.op)] + "=", spelt=_SPELT[type(node.op)] + "=")
        self.visit(node.value)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between(left, right, "or" if isinstance(node.op, ast.And) else "and")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub | ast.Invert):
            self._add(node, f"({ast.unparse(node.operand)})")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._add(node.test, f"(not ({ast.unparse(node.test)}))")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and not self._texts:
            return
        for new in _other(node.value):
            self._add(node, new)

    def _inside(self, body: list[ast.stmt] | list[ast.expr]) -> None:
        self._depth += 1
        for part in body:
            self.visit(part)
        self._depth -= 1

    def _at(self, line: int, column: int) -> int:
        return self._lines[line - 1] + column

    def _add(self, node: ast.expr | ast.stmt, new: str) -> None:
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = self._at(node.lineno, node.col_offset)
        self._keep(node.lineno, start, self._at(node.end_lineno, node.end_col_offset), new)

    def _between(self, left: ast.expr, right: ast.expr, new: str, spelt: str = "") -> None:
        """Replace the operator that stands between two operands, and leave parentheses and spaces alone."""
        assert left.end_lineno is not None and left.end_col_offset is not None
        start, end = self._at(left.end_lineno, left.end_col_offset), self._at(right.lineno, right.col_offset)
        gap = self._source[start:end].decode()
        operator = spelt or gap.replace("(", " ").replace(")", " ").split("#")[0].strip()
        place = gap.find(operator)
        if operator and place >= 0:
            start += len(gap[:place].encode())
            self._keep(left.end_lineno + gap[:place].count("\n"), start, start + len(operator.encode()), new)

    def _keep(self, line: int, start: int, end: int, new: str) -> None:
        text = self._source[self._lines[line - 1] : self._lines[line]].decode()
        old = self._source[start:end].decode()
        if MARK not in text and old != new:
            self.found.append(Mutant(line, start, end, old, new, in_function=self._depth > 0))


def _other(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(not value)
    elif isinstance(value, int):
        yield str(value + 1)
    elif isinstance(value, float):
        yield repr(value + 1.0)
    elif isinstance(value, str):
        yield repr("" if value else "x")
    elif isinstance(value, bytes):
        yield repr(value[1:] if value else b"x")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_type(node: ast.BinOp) -> bool:
    """Whether this is ``A | B`` between types, as in an alias or an isinstance."""
    names = (node.left, node.right)
    return isinstance(node.op, ast.BitOr) and any(
        (isinstance(name, ast.Name) and name.id[:1].isupper() and not name.id.isupper() and not name.id.startswith("_"))
        or name_is_builtin(name)
        for name in names
    )


def name_is_builtin(node: ast.expr) -> bool:
    """Whether an operand is a built-in type or None, which only a type alias joins with ``|``."""
    if isinstance(node, ast.Constant):
        return node.value is None
    return isinstance(node, ast.Name) and node.id in {"str", "bytes", "int", "float", "bool", "list", "dict", "set"}
