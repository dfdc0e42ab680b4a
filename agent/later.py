"""Parts of ours that the daemon loads only when somebody asks for them: every start and its memory are without them."""

from typing import TYPE_CHECKING

from config.catalogue import Language
from config.settings import Settings
from sync.command import HealthLine

if TYPE_CHECKING:
    from agent.answering import Answering
    from agent.page_parts import PageParts
    from evidence.sheet.content import Sheet


def answering_page(parts: "PageParts") -> "Answering":
    """The page, ready to answer. Starlette, Jinja and uvicorn are a sixth of all there is to load."""
    from agent.answering import answering

    return answering(parts)


def check_up(settings: Settings) -> tuple[HealthLine, ...]:
    """The check-up for the back office, as `agent.check_up`: no start needs what looks at a machine."""
    from agent import check_up as loaded

    return loaded.check_up(settings)


def sheet_html(sheet: "Sheet", language: Language) -> str:
    """A sheet as `evidence.sheet.html` draws it: Jinja, charts and layout, for one car in a day."""
    from evidence.sheet.html import html_of

    return html_of(sheet, language)
