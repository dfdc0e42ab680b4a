"""A sheet as one PDF page with its font embedded: the same sheet gives the same bytes."""

from collections.abc import Callable
from datetime import datetime
from io import BytesIO

from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas

from config.catalogue import Language
from evidence.sheet import layout
from evidence.sheet.chart import Anchor, Mark, Plan, Point, one_a_day, plan
from evidence.sheet.content import Sheet
from evidence.sheet.layout import Box, ChartPlace, Ink, Letters, Rule, lay_out
from evidence.sheet.page import SheetPage, page_of
from evidence.sheet.paper import FONT, drawable, font, width_of
from evidence.sheet.words import Words

BOLD = 0.045  # the font has one weight: bold is drawn with an outline of this share of its size
CHART_PX = 460
CHART_TEXT_PX = 11
_INKS = {
    Ink.TEXT: Color(0.08, 0.09, 0.11),
    Ink.SOFT: Color(0.28, 0.33, 0.37),
    Ink.STOP: Color(0.58, 0.0, 0.04),
    Ink.SOON: Color(0.48, 0.29, 0.0),
    Ink.OK: Color(0.11, 0.37, 0.16),
    Ink.RULE: Color(0.67, 0.71, 0.75),
}
_LINE = Color(0.04, 0.39, 0.45)
_PAPER = Color(1, 1, 1)


def pdf_of(sheet: Sheet, language: Language) -> bytes:
    """The sheet in ``language`` as a PDF of one A4 page."""
    font()
    page, w = page_of(sheet, language), Words(language, sheet.timezone)
    target = BytesIO()
    canvas = Canvas(target, pagesize=(layout.PAGE_WIDTH, layout.PAGE_HEIGHT), invariant=1, pageCompression=1)
    canvas.setTitle(f"{page.title} {sheet.issue.number or ''}".strip())
    canvas.setAuthor(sheet.issue.device)
    for piece in lay_out(page, w).drawn:
        _draw(canvas, piece, page, w)
    canvas.save()
    return target.getvalue()


def _draw(canvas: Canvas, piece: Letters | Rule | Box | ChartPlace, page: SheetPage, w: Words) -> None:
    match piece:
        case Letters():
            _letters(canvas, piece)
        case Rule():
            canvas.setStrokeColor(_INKS[Ink.RULE])
            canvas.setLineWidth(0.5)
            canvas.line(piece.x, _up(piece.y), piece.x + piece.width, _up(piece.y))
        case Box():
            canvas.setStrokeColor(_INKS[piece.ink])
            canvas.setLineWidth(0.7)
            canvas.roundRect(piece.x, _up(piece.y + piece.height), piece.width, piece.height, 2)
        case ChartPlace():
            _chart(canvas, piece, page, w)


def _letters(canvas: Canvas, letters: Letters) -> None:
    canvas.saveState()  # how text is drawn outlasts the text
    text = canvas.beginText(letters.x, _up(letters.y))
    text.setFont(FONT, letters.size)
    text.setFillColor(_INKS[letters.ink])
    if letters.bold:
        canvas.setLineWidth(letters.size * BOLD)
        text.setStrokeColor(_INKS[letters.ink])
        text.setTextRenderMode(2)
    text.textOut(drawable(letters.text))
    canvas.drawText(text)
    canvas.restoreState()


def _chart(canvas: Canvas, place: ChartPlace, page: SheetPage, w: Words) -> None:
    """The chart of the page, in its own pixels, scaled to its place."""
    scale = place.width / CHART_PX
    planned = plan(page.points, CHART_PX, round(place.height / scale))
    if planned is None:
        return
    canvas.saveState()
    canvas.translate(place.x, _up(place.y))
    canvas.scale(scale, scale)
    _axes(canvas, planned, w.day)
    _path(canvas, planned)
    for point in planned.points:
        _mark(canvas, point, planned)
    for label in planned.labels:
        ink = Ink.STOP if label.point.mark is Mark.QUARANTINED else Ink.TEXT
        _word(canvas, label.x, label.y, label.point.label, ink, Anchor.MIDDLE)
    canvas.restoreState()


def _axes(canvas: Canvas, planned: Plan, day: Callable[[datetime], str]) -> None:
    frame = planned.frame
    canvas.setLineWidth(0.7)
    for tick in planned.ticks:
        y = frame.y(tick)
        canvas.setStrokeColor(_INKS[Ink.RULE])
        canvas.line(frame.left, -y, frame.right, -y)
        _word(canvas, frame.left - 6, y + 4, f"{round(tick / 1000):,}", Ink.SOFT, Anchor.END)
    for at, anchor in one_a_day(planned.dates, day):
        _word(canvas, frame.x(at), frame.height - 8, day(at), Ink.SOFT, anchor)


def _path(canvas: Canvas, planned: Plan) -> None:
    canvas.setStrokeColor(_LINE)
    canvas.setLineWidth(2)
    for (x1, y1), (x2, y2) in zip(planned.line, planned.line[1:], strict=False):
        canvas.line(x1, -y1, x2, -y2)


def _mark(canvas: Canvas, point: Point, planned: Plan) -> None:
    x, y = planned.frame.x(point.at), -planned.frame.y(point.odometer_m)
    canvas.setLineWidth(1.6)
    canvas.setFillColor(_PAPER)
    if point.mark is Mark.TRUSTED:
        canvas.setFillColor(_LINE)
        canvas.circle(x, y, 4, stroke=0, fill=1)
    elif point.mark is Mark.OTHER:
        canvas.setStrokeColor(_INKS[Ink.SOFT])
        canvas.rect(x - 4, y - 4, 8, 8, fill=1)
    else:
        canvas.setStrokeColor(_INKS[Ink.STOP])
        canvas.circle(x, y, 8, fill=1)
        canvas.line(x - 4, y - 4, x + 4, y + 4)
        canvas.line(x - 4, y + 4, x + 4, y - 4)


def _word(canvas: Canvas, x: float, y: float, text: str, ink: Ink, anchor: Anchor) -> None:
    width = width_of(text, CHART_TEXT_PX)
    left = x - {Anchor.START: 0, Anchor.MIDDLE: width / 2, Anchor.END: width}[anchor]
    canvas.setFont(FONT, CHART_TEXT_PX)
    canvas.setFillColor(_INKS[ink])
    canvas.drawString(left, -y, drawable(text))


def _up(y: float) -> float:
    """PDF counts from below."""
    return layout.PAGE_HEIGHT - y
