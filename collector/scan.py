"""One visit to one car, step by step: the order of questions, progress, and when to stop."""

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from time import monotonic

from collector.adapter import Adapter, Traffic
from collector.asked import Asked
from collector.batches import room_for
from collector.car import PRESENT_V, Car, Trial
from collector.codes import read_codes, read_freeze_frame
from collector.depth import Depth
from collector.errors import AdapterLostError, CarSilentError
from collector.events import ScanProgress, VinSeen
from collector.known_car import (
    StaleError,
    calibration_lines,
    learnt,
    renewed,
    require_no_strangers,
    require_same_software,
    require_same_units,
    require_same_vin,
    require_whole,
    skills_now,
    still_believed,
    vin_lines,
)
from collector.links import open_transport
from collector.makers import allowed_reads, read_maker_odometers, read_uds_vin
from collector.memory import KnownCar, Memory, ShortMemory
from collector.notebook import Notebook
from collector.obd_on_uds import read_uds_codes, read_vin_did
from collector.setup import Abilities, identity_of, set_up
from collector.standard import (
    EXTRA_PIDS,
    FIRST_PIDS,
    MORE_PIDS,
    item_of,
    read_calibration_ids,
    read_identity,
    read_lifetime_distance,
    read_support,
    read_values,
    read_vin,
    read_vins,
)
from collector.transport import LinkOpener
from collector.without_obd import identify
from config.profiles import Profiles
from config.settings import AdapterSettings
from protocols.allowed import AllowList
from protocols.obd import ODOMETER_PID
from protocols.readings import AdapterIdentity, CarReading, ItemStatus, Timing

Tell = Callable[[ScanProgress | VinSeen], Awaitable[None]]
MUST_HAVE = ("vin", "odometer.01A6", "monitor_status", "dtcs.stored", "dtcs.pending", "dtcs.permanent")
FREEZES_MAX = 5
SWAPS_MAX = 2  # cars changed more often than this during one scan are a loose contact, not a technician
STEPS = ("step.connect", "step.identity", "step.codes", "step.odometer", "step.values", "step.freeze_frame")


@dataclass(frozen=True, slots=True)
class Reader:
    """What a scan needs besides the car: profiles, settings, depth. One serves all scans of a bay."""

    profiles: Profiles
    settings: AdapterSettings
    depth: Depth = Depth.FULL
    memory: Memory = field(default_factory=ShortMemory)
    opener: LinkOpener = open_transport
    freezes: Counter[tuple[str, bytes]] = field(default_factory=Counter)

    @property
    def allow(self) -> AllowList:
        """A fresh allow-list, for one connection."""
        return AllowList(allowed_reads(self.profiles))

    @property
    def brief(self) -> bool:
        """Whether what is remembered may stand for a question; a full visit asks everything again."""
        return self.depth is Depth.QUICK

    async def set_up(self, adapter: Adapter, *, afresh: bool = False) -> Abilities:
        """``setup.set_up`` with what is remembered of the adapter; ``afresh`` after what was remembered was wrong."""
        return await set_up(adapter, self.memory, brief=self.brief and not afresh)

    async def learn(self, car: Car, book: Notebook, known: KnownCar | None) -> None:
        """Keep what a finished visit taught of its car and its adapter."""
        key = self.memory.key_of(book.vin) if book.vin else ""
        taught = renewed(known, book) if known is not None else learnt(car, book, key)
        if taught is not None:
            await self.memory.keep_car(taught)
        if book.connected:
            last_car = taught.key if taught else ""
            await self.memory.keep_skills(car.abilities.key, skills_now(car, last_car))

    def car(self, adapter: Adapter, abilities: Abilities) -> Car:
        """A car behind ``adapter``, to be asked nothing that this adapter fell silent over before."""
        car = Car(adapter, abilities, self.settings)
        self.spare(car)
        return car

    def spare(self, car: Car) -> None:
        """Let ``car`` not be asked what its adapter fell silent over since the process began."""
        mine = {request: times for (key, request), times in self.freezes.items() if key == car.abilities.key}
        car.spared = frozenset(request for request, times in mine.items() if times >= _freezes_allowed(request))

    async def note_frozen(self, car: Car) -> None:
        """An adapter was lost over a request: one that some do not survive is not tried on it again, others once more.

        Clones freeze on long replies. What was no trial may have been an accident, so that it is not kept for long.
        """
        if car.on_trial is None:
            self.freezes[car.abilities.key, car.asking] += 1
            return
        skills = replace(car.abilities.skills, chip=car.abilities.chip)
        spared = replace(skills, stpx=False) if car.on_trial is Trial.STPX else replace(skills, pids_at_once=1)
        await self.memory.keep_skills(car.abilities.key, spared)


class AdapterFrozeError(AdapterLostError):
    """An adapter was lost over one request: open it again, sooner or later that is skipped."""


def _freezes_allowed(request: bytes) -> int:
    """How often an adapter may freeze over ``request`` before it is spared: what nobody waits for, once."""
    return 1 if request[:1] == b"\x09" and request != b"\x09\x02" else 2


class _LowSupplyError(Exception):
    """The car's battery is at the floor: nothing more is asked of this car."""


class _SwappedError(Exception):
    """The car that answers at the end of a scan is not the one that answered at its beginning."""


@dataclass(slots=True)
class _Told:
    """Counts steps and passes them on."""

    tell: Tell
    done: int = 0

    async def step(self, name: str, book: Notebook | None = None) -> None:
        """Tell that a step begins, with what ``book`` holds that somebody waits for."""
        first = (first_odometer_m(book), first_codes(book)) if book else (None, None)
        await self.tell(ScanProgress(name, self.done, len(STEPS), *first))
        self.done += 1

    async def vin(self, vin: str) -> None:
        if vin:
            await self.tell(VinSeen(vin))


async def scan_car(
    car: Car, identity: AdapterIdentity, reader: Reader, tell: Tell, *, opened_s: float | None = None
) -> tuple[CarReading, bool]:
    """Read everything the depth asks for; the second value says whether the car answered nothing at all.

    The cost told is this scan's, and the whole life of the adapter's where ``opened_s`` (monotonic) says when it began.

    A car swapped for another in the middle, at an adapter with a supply of its own, is read from the beginning and
    told by its own VinSeen; nothing of the first is kept. Raises AdapterLostError when the link breaks or cars keep
    changing, and CarSilentError when the car is pulled from it meanwhile.
    """
    started_s, before = monotonic(), _copy(car.adapter.traffic)
    if opened_s is not None:
        started_s, before = opened_s, Traffic()
    attempts, doubted = SWAPS_MAX + 1, False
    known = still_believed(await reader.memory.car(car.abilities.skills.last_car)) if reader.brief else None
    while attempts:
        try:
            book = await _read_car(car, reader, tell, known)
        except StaleError as error:
            known, doubted = None if doubted else await _other_known(reader, known, error.vin), True
        except _SwappedError:
            attempts, known = attempts - 1, None
        except AdapterLostError as error:
            if car.on_trial is None and not (car.asking and error.reason == "adapter.no_prompt"):
                raise
            await reader.note_frozen(car)
            raise AdapterFrozeError(error.reason, error.detail) from error
        else:
            timing = _timing(before, car.adapter.traffic, monotonic() - started_s)
            await reader.learn(car, book, known)
            return book.close(identity, timing), not book.connected
        car = reader.car(car.adapter, await reader.set_up(car.adapter, afresh=True))
    raise AdapterLostError("scan.vin_changed")


async def _other_known(reader: Reader, stale: KnownCar | None, vin: str) -> KnownCar | None:
    """What is remembered of the car that told ``vin`` in place of the expected one."""
    key = reader.memory.key_of(vin) if vin else ""
    return still_believed(await reader.memory.car(key)) if key and stale is not None and key != stale.key else None


async def _read_car(car: Car, reader: Reader, tell: Tell, known: KnownCar | None) -> Notebook:
    """All that one car tells, with a status for what it does not; raise _SwappedError when it was two cars."""
    book = Notebook()
    left = ItemStatus.TIMEOUT
    try:
        await _read_all(car, reader, book, _Told(tell), known)
        await _require_one_car(car, book, known)
    except CarSilentError as error:
        if not car.silent:
            raise
        book.note("link", ItemStatus.TIMEOUT, str(error))
    except _LowSupplyError as error:
        left = ItemStatus.NOT_ASKED
        book.note("link", left, str(error))
    book.note_all(MUST_HAVE, left)
    return book


async def _require_one_car(car: Car, book: Notebook, known: KnownCar | None) -> None:
    """Raise _SwappedError if another car answers by now: it tells no VIN that was told before, and the same one twice.

    Twice, because an adapter that garbles answers or makes VINs up gives another one at each request. Raises
    StaleError when a ``known`` car's VINs changed in any way.
    """
    told = {ecu.address: ecu.vin for ecu in book.ecus.values() if ecu.vin}
    now = await read_vins(car) if told else {}
    if now and not set(now.values()) & set(told.values()) and now == await read_vins(car):
        raise _SwappedError
    if known is not None and now and now != told:
        raise StaleError("the VINs changed")


async def _read_all(car: Car, reader: Reader, book: Notebook, told: _Told, known: KnownCar | None) -> None:
    await told.step(STEPS[0])
    _take_supply(book, await car.supply_v())
    _stop_at_floor(book.battery_v, reader)
    try:
        first = await car.connect(known)
    except CarSilentError:
        if not await identify(car, book, reader.profiles):
            raise
        await _read_without_obd(car, reader, book, told)
        return
    book.connected, book.protocol = True, car.protocol
    _take_supply(book, car.doubt_supply(book.battery_v))
    if known is not None:
        require_same_units(known, first, car)
    await told.step(STEPS[1])
    await _read_who(car, reader, book, first, known)
    await told.vin(book.vin)
    await read_values(car, book, FIRST_PIDS, beside=(ODOMETER_PID,) if known is not None else ())
    await told.step(STEPS[2])
    await (read_uds_codes if car.on_uds else read_codes)(car, book)
    book.heard = frozenset(car.heard)
    if known is not None:
        require_no_strangers(known, book)
    await told.step(STEPS[3], book)
    if reader.depth is Depth.FULL:
        await _read_deeper(car, reader, book, told)
    else:
        await _read_rest_briefly(car, book, known)
    if known is not None:
        require_whole(book)


def _take_supply(book: Notebook, volts: float | None) -> None:
    book.battery_v = volts
    book.note("battery_v", ItemStatus.READ if volts is not None else ItemStatus.UNSUPPORTED)


async def _read_without_obd(car: Car, reader: Reader, book: Notebook, told: _Told) -> None:
    """What is left of a car that told its VIN and answers no OBD request: its make's own odometers."""
    book.connected, book.protocol = True, car.protocol
    await told.vin(book.vin)
    if reader.depth is Depth.FULL:
        await told.step(STEPS[-1])
        await read_maker_odometers(car, book, reader.profiles)


async def _read_who(car: Car, reader: Reader, book: Notebook, first: Asked, known: KnownCar | None) -> None:
    """The VIN, and which unit has which PIDs."""
    await read_vin(car, book, vin_lines(known) if known else None)
    if car.on_uds and not book.vin:
        await read_vin_did(car, book)
    if known is not None:
        require_same_vin(known, book, reader.memory.key_of(book.vin))
    if known is not None:
        book.support, book.maps_whole = dict(known.support), True
    else:
        await read_support(car, first, book)
    for ecu in book.support:
        book.ecu(ecu)


async def _read_rest_briefly(car: Car, book: Notebook, known: KnownCar | None) -> None:
    """The live values, the calibration ids, and the further counters where they come along with others."""
    if known is not None:
        await read_calibration_ids(car, book, calibration_lines(known))
        require_same_software(known, book)
    else:
        await read_identity(car, book, (0x04,))
    along = room_for(EXTRA_PIDS, beside=MORE_PIDS, support=book.support, at_once=car.values_at_once)
    await read_values(car, book, (*MORE_PIDS, *along))
    book.note_all(map(item_of, EXTRA_PIDS), ItemStatus.NOT_ASKED, "quick: would take a request more")


def first_odometer_m(book: Notebook) -> int | None:
    """The first odometer that was read, in metres."""
    read = (witness.odometer_m for witness in book.odometer if witness.status is ItemStatus.READ)
    return next(read, None)


def first_codes(book: Notebook) -> tuple[str, ...] | None:
    """Every code that was read, once; None while no list of stored ones is complete."""
    stored = book.items.get("dtcs.stored")
    if stored is None or stored.status is not ItemStatus.READ:
        return None
    return tuple(dict.fromkeys(code.code for code in book.dtcs))


def _stop_at_floor(supply_v: float | None, reader: Reader) -> None:
    """Leave a weak battery alone: below the floor the next start is at stake (rest voltage, engine off).

    So little that no control unit would run is no battery's voltage: the adapter measures nothing, or hangs in no car.
    """
    floor_v = reader.settings.rest_voltage_floor_v
    if supply_v is not None and PRESENT_V <= supply_v <= floor_v:
        raise _LowSupplyError(f"battery {supply_v:g} V, floor {floor_v:g} V")


async def _read_deeper(car: Car, reader: Reader, book: Notebook, told: _Told) -> None:
    """The odometers that only the make's own reads tell, then everything that can wait."""
    if not book.engine_rpm():
        _stop_at_floor(await car.supply_v(), reader)
    if not book.vin:
        await read_uds_vin(car, book)
        await told.vin(book.vin)
    taught = await reader.memory.car(reader.memory.key_of(book.vin)) if book.vin else None
    await read_lifetime_distance(car, book)
    await read_maker_odometers(car, book, reader.profiles, taught)
    await told.step(STEPS[4], book)
    await read_identity(car, book)
    await read_values(car, book, (*MORE_PIDS, *EXTRA_PIDS))
    await told.step(STEPS[5], book)
    if not car.on_uds:
        await read_freeze_frame(car, book)


async def scan_once(
    url: str,
    settings: AdapterSettings,
    profiles: Profiles,
    *,
    depth: Depth,
    tell: Tell,
    memory: Memory | None = None,
    opener: LinkOpener = open_transport,
) -> tuple[CarReading, bool]:
    """Open ``url``, scan the car behind it once and close; raise AdapterLostError or CarSilentError (unplugged).

    An adapter that freezes over a request is opened anew, a few times at most, and spared from that request.
    """
    reader = Reader(profiles, settings, depth, memory or ShortMemory(), opener)
    for _ in range(FREEZES_MAX):
        with contextlib.suppress(AdapterFrozeError):
            return await _scan_link(url, reader, tell)
    return await _scan_link(url, reader, tell)


async def _scan_link(url: str, reader: Reader, tell: Tell) -> tuple[CarReading, bool]:
    opened_s = monotonic()
    transport = await reader.opener(url, connect_timeout_s=reader.settings.connect_timeout_s)
    adapter = Adapter(transport, reader.allow, reader.settings)
    try:
        abilities = await reader.set_up(adapter)
        car = reader.car(adapter, abilities)
        return await scan_car(car, identity_of(url, abilities), reader, tell, opened_s=opened_s)
    finally:
        await adapter.close()


def _copy(traffic: Traffic) -> Traffic:
    return Traffic(traffic.requests, traffic.bytes_sent, traffic.bytes_received, traffic.resyncs)


def _timing(before: Traffic, after: Traffic, total_s: float) -> Timing:
    return Timing(
        round(total_s, 3),
        after.requests - before.requests,
        after.bytes_sent - before.bytes_sent,
        after.bytes_received - before.bytes_received,
    )
