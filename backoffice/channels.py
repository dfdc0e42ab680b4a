"""Alerts outside the pages: e-mail, webhooks and whatever else Apprise knows, each channel on its own.

At least once: a message counts as delivered only after the channel took it. A dead channel never delays another,
and its address (which holds its password) is never logged.
"""

import asyncio
import logging
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential, wait_random

from backoffice.errors import StoreFailedError
from backoffice.live import LiveFeed, TooManyListenersError
from backoffice.messages import Message, compose
from backoffice.office_settings import AlertSettings
from backoffice.store import RecordStore
from backoffice.views import Notification
from config.errors import SettingsError

POLL_S = 30.0
PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 60.0
BATCH = 50
STARTUP_BATCH = 1000
log = structlog.get_logger(__name__)


class ChannelFailedError(Exception):
    """The channel did not take the message: it is tried again after a pause."""


class Sender(Protocol):
    """Hands one message over; blocking, called in a thread of its own. False or an exception: not taken."""

    def __call__(self, message: Message) -> bool: ...


@dataclass(frozen=True, slots=True)
class Channel:
    """``name`` stands in logs and in the store; the address stays inside ``send``."""

    name: str
    send: Sender


def channels_of(settings: AlertSettings) -> tuple[Channel, ...]:
    """All channels of the settings; raise SettingsError for an address that Apprise does not know."""
    addresses = [(f"apprise-{number}", url) for number, url in enumerate(settings.apprise_urls, 1)]
    if settings.webhook_url:
        # Apprise's scheme for a JSON webhook: http becomes json, https becomes jsons
        addresses.insert(0, ("webhook", "json" + settings.webhook_url.removeprefix("http")))
    return tuple(Channel(name, _apprise_sender(name, url, settings.send_timeout_s)) for name, url in addresses)


async def run_channels(store: RecordStore, feed: LiveFeed, settings: AlertSettings) -> None:
    """Deliver every alert to every channel until cancelled; raise SettingsError before anything is sent."""
    channels = await asyncio.to_thread(channels_of, settings)
    courier = Courier(store, feed, [channel.name for channel in channels], settings)
    await courier.settle_complete()
    async with asyncio.TaskGroup() as group:
        for channel in channels:
            group.create_task(courier.serve(channel), name=f"channel {channel.name}")
        if not channels:
            group.create_task(courier.settle_all(), name="no channel")


class Courier:
    """Takes what the store owes to each channel. Its state is what this process has delivered and seen fail."""

    def __init__(
        self,
        store: RecordStore,
        feed: LiveFeed,
        names: Sequence[str],
        settings: AlertSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause_first_s: float = PAUSE_FIRST_S,
        pause_max_s: float = PAUSE_MAX_S,
    ) -> None:
        self._store = store
        self._feed = feed
        self._names = frozenset(names)
        self._settings = settings
        self._now = now
        self._wait = wait_exponential(multiplier=pause_first_s, max=pause_max_s) + wait_random(0, pause_first_s)
        self._taken: dict[str, set[str]] = {}
        self._failures: dict[str, Counter[str]] = {name: Counter() for name in names}

    async def serve(self, channel: Channel) -> None:
        """Deliver to one channel for ever: at once when an alert changes, else every half minute."""
        while True:
            try:
                with self._feed.listen() as listener:
                    while not listener.dropped:
                        await self._deliver_all(channel)
                        await listener.next(POLL_S)
            except TooManyListenersError:
                await self._deliver_all(channel)
            await asyncio.sleep(1)

    async def settle_complete(self) -> None:
        """Close what every channel of today has taken: the process ended in between, or a channel was removed."""
        for one in await self._store.waiting_notifications(self._now(), STARTUP_BATCH):
            if self._names and self._names <= set(one.delivered):
                await self._store.notification_sent(one.id, self._now())

    async def settle_all(self) -> None:
        """Without channels nothing is owed: a channel added later must not send what is long past."""
        while True:
            try:
                for one in await self._store.waiting_notifications(self._now(), BATCH):
                    await self._store.notification_sent(one.id, self._now())
            except StoreFailedError as error:
                log.warning("store_failed", reason=str(error))
            await asyncio.sleep(POLL_S)

    async def _deliver_all(self, channel: Channel) -> None:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((ChannelFailedError, StoreFailedError)),
            wait=self._wait,
            before_sleep=lambda state: _log_pause(channel.name, state),
        )
        async for attempt in retrying:
            with attempt:
                await self._pass(channel)

    async def _pass(self, channel: Channel) -> None:
        """One message after the other; raise ChannelFailedError at the first that is not taken."""
        while owed := await self._owed(channel.name):
            for notification in owed:
                await self._deliver(channel, notification)

    async def _owed(self, name: str) -> list[Notification]:
        """What ``name`` has not taken yet, oldest first, but what failed before comes after what did not."""
        waiting = await self._store.waiting_notifications(self._now(), BATCH, channel=name)
        failures = self._failures[name]
        missing = [one for one in waiting if name not in self._known_taken(one)]
        return sorted(missing, key=lambda one: failures[one.id])

    def _known_taken(self, notification: Notification) -> set[str]:
        known = self._taken.setdefault(notification.id, set())
        known.update(notification.delivered)
        return known

    async def _deliver(self, channel: Channel, notification: Notification) -> None:
        message = compose(notification.alert, self._settings.language, self._settings.public_url)
        try:
            await _in_thread(channel, message, self._settings.send_timeout_s)
        except ChannelFailedError as error:
            self._failures[channel.name][notification.id] += 1
            # Due at once: the pause is the channel's own, another channel must not wait for it.
            await self._store.notification_failed(notification.id, f"{channel.name}: {error}", self._now())
            raise
        await self._store.notification_delivered(notification.id, channel.name, self._now())
        await self._settle(channel.name, notification)
        log.info("alert_delivered", channel=channel.name, alert=notification.alert.id)

    async def _settle(self, name: str, notification: Notification) -> None:
        taken = self._known_taken(notification)
        taken.add(name)
        self._failures[name].pop(notification.id, None)
        if taken >= self._names:
            await self._store.notification_sent(notification.id, self._now())
            self._taken.pop(notification.id, None)


async def _in_thread(channel: Channel, message: Message, timeout_s: float) -> None:
    """Send in a daemon thread, so that neither the loop nor the end of the process waits for a stuck server."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()

    def report(outcome: str) -> None:
        if not done.done():
            done.set_result(outcome)

    def work() -> None:
        try:
            outcome = "" if channel.send(message) else "the channel refused the message"
        except Exception as error:  # noqa: BLE001 - whatever a foreign sender raises, the message was not taken
            outcome = f"{type(error).__name__} while sending"
        try:
            loop.call_soon_threadsafe(report, outcome)
        except RuntimeError:
            return  # the loop has ended meanwhile

    threading.Thread(target=work, name=f"channel-{channel.name}", daemon=True).start()
    try:
        async with asyncio.timeout(timeout_s):
            outcome = await done
    except TimeoutError as error:
        raise ChannelFailedError(f"no answer within {timeout_s:g} s") from error
    if outcome:
        raise ChannelFailedError(outcome)


def _apprise_sender(name: str, url: str, timeout_s: float) -> Sender:
    target = _apprise_target(url)
    if target is None:
        raise SettingsError(
            f"setting 'alerts': channel {name} has an address that is not understood; see Apprise's list"
        )
    target.socket_connect_timeout = target.socket_read_timeout = timeout_s / 2

    def send(message: Message) -> bool:
        return bool(target.notify(title=message.title, body=message.body, notify_type=message.kind))

    return send


def _apprise_target(url: str) -> Any:
    """Apprise's plugin for ``url``, or None when it knows none."""
    # Their log lines repeat addresses, passwords included.
    for name in ("apprise", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        # Its plugins load modules that newer Pythons have given up; nothing of it is ours to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise  # a second of imports that only an office with channels should pay

        asset = apprise.AppriseAsset(app_id="Forecourt", async_mode=False)
        return apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)


def _log_pause(name: str, state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause_s = round(state.next_action.sleep, 1) if state.next_action else 0.0
    log.warning("channel_failed", channel=name, reason=str(error), next_try_in_s=pause_s)
