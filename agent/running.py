"""``forecourt run``: the daemon with the real adapters, logging to standard error."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator

import structlog

from agent.app import run_agent
from collector.depth import Depth
from collector.events import BayEvent
from collector.watch import watch_bay
from config.catalogue import Language, render
from config.profiles import load_profiles
from config.settings import Settings


def run_daemon(settings: Settings, language: Language) -> None:
    """Run the agent until it is told to stop; the page's address is the first line on standard output."""
    _log_to_stderr()
    profiles = load_profiles()

    def watch(url: str) -> AsyncIterator[BayEvent]:
        return watch_bay(url, settings.adapter, profiles, depth=Depth.FULL)

    def ready(address: str) -> None:
        print(render("cli.page_open", language, address=address), flush=True)

    asyncio.run(run_agent(settings, watch, ready=ready))


def _log_to_stderr() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # whatever stderr is when something is said
    )
