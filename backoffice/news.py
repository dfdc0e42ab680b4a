"""News between the processes of one PostgreSQL database: what one changed reaches the open pages of another.

News may be lost while a connection is down; a page then shows the change with the next one.
"""

import asyncio
from typing import Any, cast

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from backoffice.live import LiveEvent, LiveFeed
from backoffice.on_postgresql import BROKEN

log = structlog.get_logger(__name__)
CHANNEL = "forecourt_news"
KINDS = ("alert", "vehicle")
PAUSE_S = 5.0
LOOK_EVERY_S = 15.0


class _FromElsewhere(dict[str, str]):
    """News that another process told: it is not told there again."""


async def share_news(engine: AsyncEngine, feed: LiveFeed) -> None:
    """Carry news both ways for ever; ends by being cancelled, or with the feed."""
    while True:
        try:
            async with engine.connect() as opened:
                connection = await opened.execution_options(isolation_level="AUTOCOMMIT")
                line = (await connection.get_raw_connection()).driver_connection
                if await _carry(line, feed):
                    return
        except BROKEN as error:
            log.warning("no news from other processes for now", reason=type(error).__name__)
        await asyncio.sleep(PAUSE_S)


async def _carry(line: Any, feed: LiveFeed) -> bool:
    """Carry until the connection breaks; True when the feed ended instead."""

    def heard(_line: object, sender: int, _channel: str, news: str) -> None:
        kind, _, about = news.partition(" ")
        if sender != line.get_server_pid() and kind in KINDS:
            feed.publish(cast("LiveEvent", _FromElsewhere(type=kind, id=about)))

    with feed.listen() as listener:
        await line.add_listener(CHANNEL, heard)
        try:
            while not listener.dropped:
                event = await listener.next(LOOK_EVERY_S)
                if event is None:
                    await line.execute("SELECT 1")  # a line that went dead in silence is noticed
                elif not isinstance(event, _FromElsewhere):
                    await line.execute("SELECT pg_notify($1, $2)", CHANNEL, f"{event['type']} {event['id']}")
        finally:
            if not line.is_closed():
                await line.remove_listener(CHANNEL, heard)
    return feed.closed
