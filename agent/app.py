"""The edge process put together: one TaskGroup owns bays, publisher and page until told to stop, then drains."""

import asyncio
import signal
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from agent.bays import Bays
from agent.board import Board
from agent.command_works import PATIENCE_S, FactsWork, HealthWork, IntakeWork, ResendWork, RulesWork
from agent.commands import Commands
from agent.desk import Desk
from agent.hotplug import BayPlan, configured_bays, watch_for_adapters
from agent.later import answering_page
from agent.moments import wall_time
from agent.page_parts import PageParts
from agent.server import PageServer
from agent.service_notice import Notice, keep_telling, tell
from agent.sheet_command import open_sheets
from agent.sheets import Sheets
from agent.stores import open_stores
from agent.terms import rules_of, terms_of
from agent.wishes import Wishes
from collector.events import BayEvent
from config.catalogue import Language
from config.settings import Settings
from config.zones import zone_of
from evidence.snapshot import ClockQuality
from sync.clock import Clock, SystemClock
from sync.errors import OutboxError, gravest
from sync.outbox import Outbox
from sync.publisher import Publisher

DRAIN_S = 5.0
CLOCK_LOOK_S = 10.0
OWED_RETRY_S = 5.0
FORGET_EVERY_S = 3600.0
BAY_RESTART_S = 3.0

log = structlog.get_logger()
Watch = Callable[[str], AsyncIterator[BayEvent]]


@dataclass(frozen=True, slots=True)
class Agent:
    """Everything that lives as long as the process. ``watch`` gives the events of one adapter address."""

    settings: Settings
    bays: Bays
    desk: Desk
    board: Board
    outbox: Outbox
    publisher: Publisher
    page: PageServer
    clock: Clock
    watch: Watch
    sheets: Sheets
    wishes: Wishes
    commands: Commands


async def run_agent(
    settings: Settings,
    watch: Watch,
    *,
    clock: Clock | None = None,
    stop: asyncio.Event | None = None,
    ready: Callable[[str], None] = lambda address: None,
    wishes: Wishes | None = None,
) -> None:
    """Run until ``stop`` is set or SIGTERM or SIGINT arrives, then drain and return.

    ``wishes`` are those that ``watch`` looks at: which car is to be read again.

    ``ready`` is told the page's address once it is open. Raises WorldError when the stores or the port are not usable.
    """
    stop = stop or asyncio.Event()
    async with AsyncExitStack() as stack:
        agent = await _put_together(settings, watch, wishes or Wishes(), clock or SystemClock(), stack)
        _stop_on_signals(stop, stack)
        ready(agent.page.address)
        try:
            await _live(agent, stop)
        except BaseExceptionGroup as errors:
            raise gravest(errors) from None  # an outbox that cannot be used ends in one line, not in a traceback


async def _put_together(settings: Settings, watch: Watch, wishes: Wishes, clock: Clock, stack: AsyncExitStack) -> Agent:
    configured_bays(settings)  # a mistake there is said before anything is opened
    rules = rules_of(settings)
    outbox, store = await stack.enter_async_context(open_stores(settings, clock))
    desk = Desk(store, outbox, clock, settings.device.purpose_notice, terms_of(settings, rules.rules))
    await desk.recover()
    board = Board()
    bays = Bays(desk, board, now=lambda: _now(clock), new_id=lambda: uuid.uuid4().hex)
    publisher = Publisher(outbox, settings.device.id, settings.mqtt, clock, lambda _: board.changed())
    sheets = open_sheets(settings, store, lambda: _now(clock))
    await sheets.mirror()
    parts = PageParts(
        bays,
        store,
        desk,
        board,
        sheets,
        publisher,
        lambda: replace(publisher.state, buffered=outbox.pending_count(), fullness=outbox.fullness),
        zone_of(settings.device.timezone),
        Language(settings.device.language),
    )
    page = PageServer(settings.page, partial(answering_page, parts))
    await page.open()
    stack.push_async_callback(page.close)
    commands = Commands(store.commands, clock, publisher.answer_command)
    commands.works = {
        "intake": IntakeWork(bays, wishes, settings.adapter.scan_timeout_s + PATIENCE_S),
        "resend": ResendWork(publisher),
        "rules": RulesWork(settings, rules, desk),
        "health": HealthWork(settings, outbox, bays, lambda: commands.counts.dropped),
        "facts": FactsWork(desk, board.changed),
    }
    publisher.on_command = commands.take
    return Agent(settings, bays, desk, board, outbox, publisher, page, clock, watch, sheets, wishes, commands)


async def _live(agent: Agent, stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        publishing = group.create_task(agent.publisher.run(), name="publisher")
        serving = group.create_task(agent.page.serve(), name="page")
        working = [
            group.create_task(_watch_bays(agent), name="bays"),
            group.create_task(_note_clock(agent.desk), name="clock"),
            group.create_task(_hand_over_again(agent.desk), name="owed"),
            group.create_task(_forget_old_visits(agent), name="forget"),
            group.create_task(agent.commands.run(), name="commands"),
            group.create_task(keep_telling(), name="notices"),
        ]
        await stop.wait()
        tell(Notice.STOPPING)
        log.info("stopping: no further readings are taken", owed=agent.outbox.pending_count())
        agent.board.close()
        for task in working:
            task.cancel()
        await agent.page.stop()
        await serving
        await _drain(agent.publisher)
        publishing.cancel()


async def _watch_bays(agent: Agent) -> None:
    """One task a bay: those that are configured for ever, those that hotplug finds while their adapter is there."""
    async with asyncio.TaskGroup() as group:
        running = {plan.url: group.create_task(_bay(agent, plan)) for plan in configured_bays(agent.settings)}
        async for arrived, left in watch_for_adapters(agent.settings):
            for plan in arrived:
                log.info("adapter found", bay=plan.name, adapter=plan.url)
                running[plan.url] = group.create_task(_bay(agent, plan))
            for plan in left:
                log.info("adapter gone", bay=plan.name)
                running.pop(plan.url).cancel()
                agent.bays.remove(plan.name)
                agent.wishes.urls.pop(plan.name, None)


async def _bay(agent: Agent, plan: BayPlan) -> None:
    """Follow one bay for ever; a full disk, or a fault of ours in it, is logged and must not stop its neighbours."""
    agent.bays.add(plan.name)
    agent.wishes.urls[plan.name] = plan.url
    while True:
        try:
            await agent.bays.follow(plan.name, agent.watch(plan.url))
        except (OutboxError, sqlite3.Error, OSError) as error:
            log.error("bay stopped, begins again", bay=plan.name, reason=str(error))
        except Exception:
            log.exception("bay stopped, begins again", bay=plan.name)
        await asyncio.sleep(BAY_RESTART_S)


async def _note_clock(desk: Desk) -> None:
    """Once the time can be believed, tell upstream, so that earlier records of this boot can be dated."""
    while True:
        if await desk.note_clock():
            return
        await asyncio.sleep(CLOCK_LOOK_S)


async def _forget_old_visits(agent: Agent) -> None:
    """Erase what is safe upstream and older than the owner wants it here; never while anything is still owed."""
    age = timedelta(days=agent.settings.storage.forget_acknowledged_after_days)
    while True:
        await _forget_confirmed(agent, age)
        if agent.outbox.pending_count() == 0:
            with suppress(OutboxError, sqlite3.Error):
                if erased := await agent.desk.forget_older_than(age):
                    await agent.sheets.forget_orphans()
                    log.info("old visits erased here; the back office has them", visits=erased)
        await asyncio.sleep(FORGET_EVERY_S)


async def _forget_confirmed(agent: Agent, age: timedelta) -> None:
    """Let go of confirmed records that the outbox keeps for refilling, once a clock can say how old they are."""
    stamp = agent.clock.stamp()
    if stamp.tq is ClockQuality.NTP:
        with suppress(OutboxError):
            await agent.outbox.forget_kept_before(stamp.t - int(age.total_seconds() * 1000))


async def _hand_over_again(desk: Desk) -> None:
    """Records that the outbox could not take (disk full) are offered again."""
    while True:
        await asyncio.sleep(OWED_RETRY_S)
        with suppress(OutboxError, sqlite3.Error):
            await desk.hand_over()


async def _drain(publisher: Publisher) -> None:
    """Give a connected publisher a moment; what is left stays on disk and is sent after the next start."""
    if publisher.state.connected and await publisher.drained(DRAIN_S):
        return
    log.info("stopped; what is not delivered yet is kept", owed=publisher.state.buffered)


def _stop_on_signals(stop: asyncio.Event, stack: AsyncExitStack) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError, ValueError, RuntimeError):  # not on Windows, not outside the main thread
            loop.add_signal_handler(number, stop.set)
            stack.callback(loop.remove_signal_handler, number)


def _now(clock: Clock) -> datetime:
    return wall_time(clock.stamp())
