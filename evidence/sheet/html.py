"""A sheet as one HTML file that stands by itself: no script, nothing loaded, prints on one page."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from config.catalogue import Language
from evidence.sheet.chart import draw
from evidence.sheet.content import Sheet
from evidence.sheet.page import SheetPage, page_of
from evidence.sheet.style import style
from evidence.sheet.words import Words

HERE = Path(__file__).parent
CHART = (460, 230)
_LANGUAGES = {Language.EN: "en", Language.ZH: "zh-CN"}


def html_of(sheet: Sheet, language: Language) -> str:
    """The sheet in ``language``; what people typed is escaped."""
    page, w = page_of(sheet, language), Words(language, sheet.timezone)
    template = _templates().get_template("sheet.html")
    return template.render(
        page=page,
        w=w,
        style=Markup(style()),  # noqa: S704 - our own file
        lang=_LANGUAGES[language],
        chart=_chart(page, w),
    )


def _chart(page: SheetPage, w: Words) -> Markup:
    return draw(
        page.points,
        name="sheet",
        width=CHART[0],
        height=CHART[1],
        title=page.headings["mileage"],
        description=page.chart_text,
        km=lambda metres: f"{round(metres / 1000):,}",
        day=w.day,
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
