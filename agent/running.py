"""``forecourt run``: the daemon with the real adapters, logging to standard error."""

import asyncio
from collections.abc import AsyncIterator

from agent.app import run_agent
from agent.logs import log_to_stderr
from agent.memory_store import remembering
from agent.wishes import Wishes
from collector.depth import Depth
from collector.events import BayEvent
from collector.watch import watch_bay
from config.catalogue import Language, render
from config.profiles import load_profiles
from config.settings import Settings
from sync.turns import let_stay_what_is_here, take_short_turns


def run_daemon(settings: Settings, language: Language) -> None:
    """Run the agent until it is told to stop; the page's address is the first line on standard output."""
    log_to_stderr()
    take_short_turns()
    let_stay_what_is_here()
    asyncio.run(_run(settings, language))


async def _run(settings: Settings, language: Language) -> None:
    profiles = load_profiles()

    def ready(address: str) -> None:
        print(render("cli.page_open", language, address=address), flush=True)

    wishes = Wishes()
    async with remembering(settings.storage) as memory:

        def watch(url: str) -> AsyncIterator[BayEvent]:
            return watch_bay(url, settings.adapter, profiles, depth=Depth.FULL, memory=memory, wish=wishes.of(url))

        await run_agent(settings, watch, ready=ready, wishes=wishes)
