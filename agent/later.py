"""What the daemon loads only when somebody asks for it; imports inside functions stand here and nowhere else."""

from typing import TYPE_CHECKING

from agent.page_parts import PageParts
from config.settings import Settings
from sync.command import HealthLine

if TYPE_CHECKING:
    from agent.answering import Answering


def answering_page(parts: PageParts) -> "Answering":
    """The page, ready to answer. Starlette, Jinja and uvicorn are a sixth of all there is to load."""
    from agent.answering import answering

    return answering(parts)


def check_up(settings: Settings) -> tuple[HealthLine, ...]:
    """The check-up for the back office, as `agent.check_up`: no start needs what looks at a machine."""
    from agent import check_up as loaded

    return loaded.check_up(settings)
