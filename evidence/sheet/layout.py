"""Lays a sheet out on one A4 page: what is drawn where, in points from the upper left corner. Nothing is drawn here."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from evidence.sheet.page import CheckRow, Fact, SheetPage
from evidence.sheet.paper import lines_of, width_of
from evidence.sheet.words import Words

PAGE_WIDTH, PAGE_HEIGHT = 595.28, 841.89
MARGIN = 30.0
WIDTH = PAGE_WIDTH - 2 * MARGIN
ROOM = PAGE_HEIGHT - 2 * MARGIN
SIZES = (8.6, 8.2, 7.8, 7.4, 7.0, 6.6, 6.2, 5.8)
"""Sizes tried in turn until all of a sheet fits on its page; the last is still readable on paper."""
SMALL = 0.86
LEADING = 1.32
GUTTER = 14.0
LEFT_SHARE = 0.54
FACT_COLUMNS = 3
CHART_SHARE = 0.5  # the chart's height by its width


class Ink(StrEnum):
    """Colours, by what they mean."""

    TEXT = "text"
    SOFT = "soft"
    STOP = "stop"
    SOON = "soon"
    OK = "ok"
    RULE = "rule"


INK_OF = {
    "impossible": Ink.STOP,
    "stop": Ink.STOP,
    "suspicious": Ink.SOON,
    "soon": Ink.SOON,
    "consistent": Ink.OK,
}


@dataclass(frozen=True, slots=True)
class Letters:
    """One line of text; ``y`` is its foot."""

    x: float
    y: float
    text: str
    size: float
    ink: Ink = Ink.TEXT
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line."""

    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Box:
    """An outline; ``y`` is its upper edge."""

    x: float
    y: float
    width: float
    height: float
    ink: Ink


@dataclass(frozen=True, slots=True)
class ChartPlace:
    """Where the mileage chart goes."""

    x: float
    y: float
    width: float
    height: float


@dataclass(slots=True)
class Column:
    """A column being filled from above; ``y`` is where the next line begins."""

    x: float
    y: float
    width: float
    size: float
    drawn: list[Letters | Rule | Box | ChartPlace] = field(default_factory=list)

    def text(
        self, text: str, *, small: bool = False, ink: Ink = Ink.TEXT, bold: bool = False, indent: float = 0
    ) -> None:
        """A paragraph."""
        size = self.size * (SMALL if small else 1)
        for line in lines_of(text, self.width - indent, size):
            self.y += size * LEADING
            self.drawn.append(Letters(self.x + indent, self.y - size * 0.32, line, size, ink, bold))

    def heading(self, text: str) -> None:
        self.y += self.size * 0.55
        self.drawn.append(Rule(self.x, self.y, self.width))
        self.text(text, bold=True)

    def row(self, cells: Sequence[tuple[str, float, Ink, bool]]) -> None:
        """Cells side by side, each with its share of the width; the row is as high as its highest cell."""
        start, lowest, x = self.y, self.y, self.x
        for text, share, ink, bold in cells:
            cell = Column(x, start, self.width * share - 4, self.size)
            cell.text(text, ink=ink, bold=bold)
            self.drawn += cell.drawn
            lowest = max(lowest, cell.y)
            x += self.width * share
        self.y = lowest + self.size * 0.16

    def tag(self, text: str, x: float, y: float) -> None:
        """The mark of a value a person gave: a word in a frame."""
        size = self.size * 0.78
        self.drawn.append(Letters(x + 2, y, text, size, Ink.SOON))
        self.drawn.append(Box(x, y - size * 0.95, width_of(text, size) + 4, size * 1.3, Ink.SOON))


@dataclass(frozen=True, slots=True)
class Layout:
    """A laid out page; ``bottom`` is where it ends."""

    drawn: tuple[Letters | Rule | Box | ChartPlace, ...]
    bottom: float
    size: float


def lay_out(page: SheetPage, w: Words) -> Layout:
    """The largest layout that fits on one page; the smallest one when none does."""
    for size in SIZES:
        layout = _at_size(page, w, size)
        if layout.bottom <= PAGE_HEIGHT - MARGIN:
            break
    return layout


def _at_size(page: SheetPage, w: Words, size: float) -> Layout:
    whole = Column(MARGIN, MARGIN, WIDTH, size)
    _head(whole, page)
    _facts(whole, page.facts)
    _side_by_side(whole, [lambda c: _mileage(c, page, w), lambda c: _witnesses(c, page, w)])
    _side_by_side(whole, [lambda c: _codes(c, page), lambda c: _unread(c, page, w)])
    whole.heading(page.headings["verdict"])
    whole.text(page.verdict_text)
    _rows(whole, page.checks)
    if page.remarks:
        whole.heading(page.headings["remarks"])
        _rows(whole, page.remarks)
    if page.photos:
        whole.heading(page.headings["photos"])
        whole.text("   ".join(page.photos), small=True)
    whole.y += size * 0.6
    whole.drawn.append(Rule(whole.x, whole.y, whole.width))
    for line in page.foot:
        whole.text(line, small=True, ink=Ink.SOFT)
    return Layout(tuple(whole.drawn), whole.y, size)


def _head(whole: Column, page: SheetPage) -> None:
    size, top = whole.size * 1.9, whole.y
    badge = width_of(page.verdict, whole.size * 1.3) + 16
    whole.drawn.append(Letters(whole.x, top + size, page.title, size, Ink.TEXT, bold=True))
    ink = INK_OF.get(page.verdict_kind, Ink.SOFT)
    right = whole.x + whole.width - badge
    whole.drawn.append(Box(right, top + 1, badge, whole.size * 2.2, ink))
    whole.drawn.append(Letters(right + 8, top + 1 + whole.size * 1.55, page.verdict, whole.size * 1.3, ink, bold=True))
    whole.y = top + size * 1.15
    whole.text(page.subtitle, small=True, ink=Ink.SOFT)
    whole.y += 3


def _facts(whole: Column, facts: Sequence[Fact]) -> None:
    whole.drawn.append(Rule(whole.x, whole.y, whole.width))
    width = whole.width / FACT_COLUMNS
    for start in range(0, len(facts), FACT_COLUMNS):
        top, lowest = whole.y, whole.y
        for place, fact in enumerate(facts[start : start + FACT_COLUMNS]):
            cell = Column(whole.x + place * width, top, width - 8, whole.size)
            _fact(cell, fact)
            whole.drawn += cell.drawn
            lowest = max(lowest, cell.y)
        whole.y = lowest + 1


def _fact(cell: Column, fact: Fact) -> None:
    cell.text(fact.label, small=True, ink=Ink.SOFT)
    cell.text(fact.value, bold=True)
    if fact.tag:
        _tag_after(cell, fact.tag)


def _tag_after(cell: Column, tag: str) -> None:
    """Behind the last line where there is room, below it otherwise."""
    last = cell.drawn[-1]
    assert isinstance(last, Letters)  # noqa: S101 - a text was written just before
    x = last.x + width_of(last.text, last.size) + 4
    if x + width_of(tag, cell.size) > cell.x + cell.width:
        cell.y += cell.size * LEADING
        cell.tag(tag, cell.x, cell.y - cell.size * 0.32)
    else:
        cell.tag(tag, x, last.y)


def _side_by_side(whole: Column, fill: Sequence[Callable[[Column], None]]) -> None:
    widths = (whole.width * LEFT_SHARE - GUTTER / 2, whole.width * (1 - LEFT_SHARE) - GUTTER / 2)
    starts = (whole.x, whole.x + widths[0] + GUTTER)
    lowest = whole.y
    for start, width, write in zip(starts, widths, fill, strict=True):
        column = Column(start, whole.y, width, whole.size)
        write(column)
        whole.drawn += column.drawn
        lowest = max(lowest, column.y)
    whole.y = lowest


def _mileage(column: Column, page: SheetPage, w: Words) -> None:
    column.heading(page.headings["mileage"])
    if not page.points:
        column.text(w("no_mileage"))
        return
    height = column.width * CHART_SHARE * column.size / SIZES[0]
    column.drawn.append(ChartPlace(column.x, column.y + 2, column.width, height))
    column.y += height + 2
    column.text(page.chart_text, small=True, ink=Ink.SOFT)


def _witnesses(column: Column, page: SheetPage, w: Words) -> None:
    column.heading(page.headings["witnesses"])
    if not page.witnesses:
        column.text(w("no_witnesses"))
        return
    column.row(
        [(w("source"), 0.44, Ink.SOFT, False), (w("value"), 0.31, Ink.SOFT, False), (w("gap"), 0.25, Ink.SOFT, False)]
    )
    for row in page.witnesses:
        source = " · ".join(part for part in (row.source, row.trust) if part)
        at = len(column.drawn)
        column.row(
            [(source, 0.44, Ink.TEXT, False), (row.value, 0.31, Ink.TEXT, True), (row.gap, 0.25, Ink.TEXT, False)]
        )
        if row.tag:
            _tag_value(column, row.value, row.tag, at)


def _tag_value(column: Column, value: str, tag: str, since: int) -> None:
    first = next(
        one for one in column.drawn[since:] if isinstance(one, Letters) and one.bold and value.startswith(one.text)
    )
    column.tag(tag, first.x + width_of(first.text, first.size) + 3, first.y)


def _codes(column: Column, page: SheetPage) -> None:
    column.heading(page.headings["codes"])
    for ecu, rows in page.codes:
        column.text(ecu, small=True, ink=Ink.SOFT, bold=True)
        for row in rows:
            column.row(
                [(row.code, 0.14, Ink.TEXT, True), (row.words, 0.66, Ink.TEXT, False), (row.kind, 0.2, Ink.SOFT, False)]
            )
    if page.codes_note:
        column.text(page.codes_note, small=True, ink=Ink.SOFT)


def _unread(column: Column, page: SheetPage, w: Words) -> None:
    column.heading(page.headings["unread"])
    if not page.unread:
        column.text(w("nothing_unread"))
    for item, status in page.unread:
        column.row([(item, 0.52, Ink.TEXT, False), (status, 0.48, Ink.SOFT, False)])


def _rows(whole: Column, rows: Iterable[CheckRow]) -> None:
    for row in rows:
        ink = INK_OF.get(row.kind, Ink.SOFT)
        sentence = " ".join((row.sentence, *row.answers))
        whole.row([(row.title, 0.21, Ink.TEXT, True), (row.result, 0.14, ink, True), (sentence, 0.65, Ink.TEXT, False)])
