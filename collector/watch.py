"""Watches one bay for ever: opens its adapter, waits for a car, scans it, waits until it is gone.

Every link is used once; what failed is opened anew after a growing, jittered pause. No error of one bay leaves it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

from collector.adapter import Adapter
from collector.car import Car
from collector.depth import Depth
from collector.drive import DriveWatch
from collector.errors import AdapterLostError, CarSilentError
from collector.events import (
    AdapterMissing,
    AdapterReady,
    BayEvent,
    CarPlugged,
    CarUnplugged,
    ScanDone,
    ScanFailed,
)
from collector.links import open_transport
from collector.memory import Memory, ShortMemory
from collector.presence import Presence
from collector.scan import Reader, scan_car
from collector.setup import Abilities, identity_of
from collector.transport import LinkOpener
from config.profiles import Profiles
from config.settings import AdapterSettings
from protocols.readings import AdapterIdentity, CarReading

QUIET_AFTER_SCAN_S = 2.0  # the bus stays silent this long after the last item
SILENT_RETRY_S = 5.0  # how often a car that answered nothing is asked again: somebody may turn the key
SILENT_RETRY_MAX_S = 60.0  # a car that is left plugged in overnight keeps its battery
BELIEVED_RETRY_S = 300.0  # an adapter that once measured may have been changed for one of the same name that does not
RETRY_GROWTH = 1.25
STEADY_AFTER_S = 5.0  # an adapter that lived this long was no loose contact
END_S = 3.0
EVENTS_AHEAD = 64

Tell = Callable[[BayEvent], Awaitable[None]]


async def watch_bay(
    url: str,
    settings: AdapterSettings,
    profiles: Profiles,
    *,
    depth: Depth = Depth.FULL,
    memory: Memory | None = None,
    opener: LinkOpener = open_transport,
    wish: asyncio.Event | None = None,
) -> AsyncGenerator[BayEvent, None]:
    """Yield what happens at ``url`` until the iterator is closed; never raises for what an adapter or a car does.

    Whoever sets ``wish`` wants the car that is plugged in and was read before read once more; it is cleared then.
    """
    events: asyncio.Queue[BayEvent] = asyncio.Queue(EVENTS_AHEAD)
    reader = Reader(profiles, settings, depth, memory or ShortMemory(), opener)
    watch = asyncio.create_task(_Bay(url, reader, events.put, wish or asyncio.Event()).watch(), name=f"bay {url}")
    event: asyncio.Task[BayEvent] | None = None
    try:
        while True:
            event = asyncio.create_task(events.get())
            await asyncio.wait((watch, event), return_when=asyncio.FIRST_COMPLETED)
            if not event.done():
                event.cancel()
                watch.result()  # only a fault of our own ends the watch: let it be seen
            yield event.result()
    finally:
        if event is not None:
            event.cancel()
        while not watch.done():  # a library may swallow one cancellation
            watch.cancel()
            await asyncio.wait((watch,), timeout=END_S)
        if not watch.cancelled():
            watch.exception()  # already told above; taken here so that nobody is warned about it again


class _Bay:
    """One bay's loop; ``tell`` is awaited for every event, so a slow listener slows the bay, not the memory."""

    def __init__(self, url: str, reader: Reader, tell: Tell, wish: asyncio.Event) -> None:
        self._url = url
        self._reader = reader
        self._settings = reader.settings
        self._tell = tell
        self._wish = wish
        self._left_unseen = False  # the last car fell silent at an adapter that cannot measure: the next must speak

    async def watch(self) -> None:
        """Open, live with the adapter until it is lost, open again."""
        short_lives = 0
        while True:
            adapter, abilities = await self._open_patiently()
            opened_s = asyncio.get_running_loop().time()
            try:
                await self._live(adapter, abilities)
            except AdapterLostError as error:
                lived_s = asyncio.get_running_loop().time() - opened_s
                short_lives = short_lives + 1 if lived_s < STEADY_AFTER_S else 0
                pause_s = self._pause_after(short_lives)
                await self._tell(AdapterMissing(error.reason, error.detail, pause_s))
            finally:
                await adapter.close()
            await asyncio.sleep(pause_s)

    def _pause_after(self, short_lives: int) -> float:
        """An adapter that is lost as soon as it opened, again and again, is left alone for longer each time."""
        if short_lives < 2:
            return 0.0
        return float(min(self._settings.reopen_max_s, self._settings.reopen_first_s * 2.0 ** min(short_lives - 2, 16)))

    async def _open_patiently(self) -> tuple[Adapter, Abilities]:
        """Try until an adapter answers; every failure is told with the pause before the next attempt."""
        settings = self._settings
        pauses = wait_exponential_jitter(
            multiplier=settings.reopen_first_s, max=settings.reopen_max_s, jitter=settings.reopen_first_s / 2
        )
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(AdapterLostError), wait=pauses, before_sleep=self._tell_missing
        )
        return await attempts(self._open)

    async def _tell_missing(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, AdapterLostError):
            await self._tell(AdapterMissing(error.reason, error.detail, round(state.upcoming_sleep, 1)))

    async def _open(self) -> tuple[Adapter, Abilities]:
        transport = await self._reader.opener(self._url, connect_timeout_s=self._settings.connect_timeout_s)
        adapter = Adapter(transport, self._reader.allow, self._settings)
        try:
            return adapter, await self._reader.set_up(adapter)
        except BaseException:
            await adapter.close()
            raise

    async def _live(self, adapter: Adapter, abilities: Abilities) -> None:
        """One car after another at one open adapter; ends only by AdapterLostError."""
        identity = identity_of(self._url, abilities)
        await self._tell(AdapterReady(identity))
        while True:
            await self._one_car(self._reader.car(adapter, abilities), identity)
            # headers and filters of the last car would make the next one silent
            abilities = await self._reader.set_up(adapter)

    async def _one_car(self, car: Car, identity: AdapterIdentity) -> None:
        """From plug-in to unplugging of one car; a link that breaks after the plug-in is an unplugging too."""
        await self._until_there(car)
        await self._tell(CarPlugged(await car.supply_v()))
        try:
            read = await self._scan(car, identity)
            await asyncio.sleep(QUIET_AFTER_SCAN_S)
            if read is not None:
                await self._until_gone(car, identity, read)
        except AdapterLostError:
            await self._tell(CarUnplugged())
            raise
        await self._tell(CarUnplugged())

    async def _until_there(self, car: Car) -> None:
        """Wait for a supply; where nobody knows whether this adapter can measure one, ask for a car now and then."""
        loop = asyncio.get_running_loop()
        believed = car.measures_supply is True and not self._left_unseen
        pause_s, most_s = (BELIEVED_RETRY_S, BELIEVED_RETRY_S) if believed else (SILENT_RETRY_S, SILENT_RETRY_MAX_S)
        next_try = loop.time() + (pause_s if believed else 0.0)
        while not await car.present() or self._left_unseen:
            if loop.time() >= next_try:
                if await car.speaks():
                    # it may say so little with a car behind it
                    car.measures_supply = bool(car.measures_supply) and await car.present()
                    break
                pause_s = min(pause_s * RETRY_GROWTH, most_s)
                next_try = loop.time() + pause_s
            await asyncio.sleep(self._settings.presence_every_s)
        self._left_unseen = False

    async def _scan(self, car: Car, identity: AdapterIdentity) -> CarReading | None:
        """Scan once and tell how it went; return what was read, None of a car that was pulled meanwhile.

        A broken link is told and passed on.
        """
        try:
            async with asyncio.timeout(self._settings.scan_timeout_s):
                reading, silent = await scan_car(car, identity, self._reader, self._tell)
        except TimeoutError as error:
            await self._tell(ScanFailed("scan.too_slow", f"{self._settings.scan_timeout_s:g} s"))
            raise AdapterLostError("scan.too_slow", "a command was left unanswered") from error
        except CarSilentError as error:
            await self._tell(ScanFailed("scan.unplugged", str(error)))
        except AdapterLostError as error:
            await self._tell(ScanFailed(error.reason, error.detail))
            raise
        else:
            await self._tell(ScanDone(reading, silent))
            return reading
        return None

    async def _until_gone(self, car: Car, identity: AdapterIdentity, read: CarReading) -> None:
        """Ask only the adapter whether the car is there; a car that was silent is asked again now and then.

        A car that lost its supply while it was read counts as gone, so that it is read again if that was the plug's
        doing.
        """
        loop = asyncio.get_running_loop()
        drive = DriveWatch(car, read, self._tell, loop.time)
        try:
            await self._stay(car, identity, Presence(car, read, loop.time), drive)
        finally:
            await drive.finish()

    async def _stay(self, car: Car, identity: AdapterIdentity, presence: Presence, drive: DriveWatch) -> None:
        """Until the car is gone: read it again when somebody wishes, but never while it is driven."""
        loop = asyncio.get_running_loop()
        pause_s = SILENT_RETRY_S
        next_try = loop.time() + pause_s
        while await presence.lasts():
            await drive.look(presence.volts)
            wished = self._wish.is_set() and not drive.under_way
            if wished or (car.silent and loop.time() >= next_try):
                self._wish.clear()
                if wished or await car.speaks():
                    again = await self._scan(car, identity)
                    if again is None:
                        return
                    presence.was_read(again)
                    drive.was_read(again)
                pause_s = min(pause_s * RETRY_GROWTH, SILENT_RETRY_MAX_S)
                next_try = loop.time() + pause_s
            await asyncio.sleep(self._settings.presence_every_s)
        self._left_unseen = presence.fell_silent
