"""One visit to one car, step by step: the order of questions, progress, and when to stop."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from time import monotonic

from collector.adapter import Adapter, Traffic
from collector.car import Car
from collector.depth import Depth
from collector.errors import AdapterLostError, CarSilentError
from collector.events import ScanProgress, VinSeen
from collector.links import open_transport
from collector.makers import allowed_reads, read_maker_odometers, read_uds_vin
from collector.notebook import Notebook
from collector.setup import identity_of, set_up
from collector.standard import (
    read_codes,
    read_freeze_frame,
    read_identity,
    read_support,
    read_values,
    read_vins,
)
from config.profiles import Profiles
from config.settings import AdapterSettings
from protocols.allowed import AllowList
from protocols.readings import AdapterIdentity, CarReading, ItemStatus, Timing

Tell = Callable[[ScanProgress | VinSeen], Awaitable[None]]
MUST_HAVE = ("vin", "odometer.01A6", "monitor_status", "dtcs.stored", "dtcs.pending", "dtcs.permanent")
SWAPS_MAX = 2  # cars changed more often than this during one scan are a loose contact, not a technician
STEPS = ("step.connect", "step.identity", "step.values", "step.codes", "step.freeze_frame", "step.odometer")


@dataclass(frozen=True, slots=True)
class Reader:
    """What a scan needs besides the car: profiles, settings, depth. One serves all scans of a bay."""

    profiles: Profiles
    settings: AdapterSettings
    depth: Depth = Depth.FULL

    @property
    def allow(self) -> AllowList:
        """A fresh allow-list, for one connection."""
        return AllowList(allowed_reads(self.profiles))


class _LowSupplyError(Exception):
    """The car's battery is at the floor: nothing more is asked of this car."""


class _SwappedError(Exception):
    """The car that answers at the end of a scan is not the one that answered at its beginning."""


@dataclass(slots=True)
class _Told:
    """Counts steps and passes them on."""

    tell: Tell
    done: int = 0

    async def step(self, name: str) -> None:
        await self.tell(ScanProgress(name, self.done, len(STEPS)))
        self.done += 1

    async def vin(self, vin: str) -> None:
        if vin:
            await self.tell(VinSeen(vin))


async def scan_car(car: Car, identity: AdapterIdentity, reader: Reader, tell: Tell) -> tuple[CarReading, bool]:
    """Read everything the depth asks for; the second value says whether the car answered nothing at all.

    A car swapped for another in the middle, at an adapter with a supply of its own, is read from the beginning and
    told by its own VinSeen; nothing of the first is kept. Raises AdapterLostError when the link breaks or cars keep
    changing, and CarSilentError when the car is pulled from it meanwhile.
    """
    started_s, before = monotonic(), _copy(car.adapter.traffic)
    for _ in range(SWAPS_MAX + 1):
        try:
            book = await _read_car(car, reader, tell)
        except _SwappedError:
            car = Car(car.adapter, await set_up(car.adapter), reader.settings)
            continue
        timing = _timing(before, car.adapter.traffic, monotonic() - started_s)
        return book.close(identity, timing), not book.connected
    raise AdapterLostError("scan.vin_changed")


async def _read_car(car: Car, reader: Reader, tell: Tell) -> Notebook:
    """All that one car tells, with a status for what it does not; raise _SwappedError when it was two cars."""
    book = Notebook()
    left = ItemStatus.TIMEOUT
    try:
        await _read_all(car, reader, book, _Told(tell))
        if await _swapped(car, book):
            raise _SwappedError
    except CarSilentError as error:
        if not car.silent:
            raise
        book.note("link", ItemStatus.TIMEOUT, str(error))
    except _LowSupplyError as error:
        left = ItemStatus.NOT_ASKED
        book.note("link", left, str(error))
    book.note_all(MUST_HAVE, left)
    return book


async def _swapped(car: Car, book: Notebook) -> bool:
    """Whether another car answers by now: none of its VINs was told before, and it tells the same one twice.

    Twice, because an adapter that garbles answers or makes VINs up gives another one at each request.
    """
    known = {ecu.vin for ecu in book.ecus.values() if ecu.vin}
    now = await read_vins(car) if known else frozenset()
    return bool(now) and not now & known and now == await read_vins(car)


async def _read_all(car: Car, reader: Reader, book: Notebook, told: _Told) -> None:
    await told.step(STEPS[0])
    book.battery_v = await car.supply_v()
    book.note("battery_v", ItemStatus.READ if book.battery_v is not None else ItemStatus.UNSUPPORTED)
    _stop_at_floor(book.battery_v, reader)
    first = await car.connect()
    book.connected, book.protocol = True, car.protocol
    support = await read_support(car, first)
    for ecu in support:
        book.ecu(ecu)
    await told.step(STEPS[1])
    await read_identity(car, book, (0x02, 0x04) if reader.depth is Depth.QUICK else (0x02, 0x04, 0x06, 0x0A))
    await told.vin(book.vin)
    await told.step(STEPS[2])
    await read_values(car, support, book)
    await told.step(STEPS[3])
    await read_codes(car, book)
    if reader.depth is Depth.FULL:
        if not book.engine_rpm():
            _stop_at_floor(await car.supply_v(), reader)
        await _read_deeper(car, reader, book, told)


def _stop_at_floor(supply_v: float | None, reader: Reader) -> None:
    """Leave a weak battery alone: below the floor the next start is at stake (rest voltage, engine off)."""
    floor_v = reader.settings.rest_voltage_floor_v
    if supply_v is not None and supply_v <= floor_v:
        raise _LowSupplyError(f"battery {supply_v:g} V, floor {floor_v:g} V")


async def _read_deeper(car: Car, reader: Reader, book: Notebook, told: _Told) -> None:
    await told.step(STEPS[4])
    await read_freeze_frame(car, book)
    await told.step(STEPS[5])
    if not book.vin:
        await read_uds_vin(car, book)
        await told.vin(book.vin)
    await read_maker_odometers(car, book, reader.profiles)


async def scan_once(
    url: str, settings: AdapterSettings, profiles: Profiles, *, depth: Depth, tell: Tell
) -> tuple[CarReading, bool]:
    """Open ``url``, scan the car behind it once and close; raise AdapterLostError or CarSilentError (unplugged)."""
    reader = Reader(profiles, settings, depth)
    transport = await open_transport(url, connect_timeout_s=settings.connect_timeout_s)
    adapter = Adapter(transport, reader.allow, settings)
    started_s = monotonic()
    try:
        abilities = await set_up(adapter)
        car = Car(adapter, abilities, settings)
        reading, silent = await scan_car(car, identity_of(url, abilities), reader, tell)
    finally:
        await adapter.close()
    return _with_timing(reading, adapter.traffic, monotonic() - started_s), silent


def _copy(traffic: Traffic) -> Traffic:
    return Traffic(traffic.requests, traffic.bytes_sent, traffic.bytes_received, traffic.resyncs)


def _timing(before: Traffic, after: Traffic, total_s: float) -> Timing:
    return Timing(
        round(total_s, 3),
        after.requests - before.requests,
        after.bytes_sent - before.bytes_sent,
        after.bytes_received - before.bytes_received,
    )


def _with_timing(reading: CarReading, traffic: Traffic, total_s: float) -> CarReading:
    """The whole cost of ``scan``: opening and setting up included."""
    return replace(reading, timing=_timing(Traffic(), traffic, total_s))
