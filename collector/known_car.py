"""A car that was met before: what it taught saves questions, and every answer is held against it.

The first difference ends the attempt (StaleError), and the car is read again as one that nobody knows. So a memory
that is wrong - another car, a replaced or added unit, new software - costs time and never a value.
"""

from dataclasses import replace

from collector.asked import Asked
from collector.batches import frames_of_size
from collector.car import Car
from collector.memory import KnownCar, KnownUnit, Skills
from collector.notebook import Notebook
from protocols.obd import supported_pids
from protocols.readings import ItemStatus

FIRST_MAP = frozenset(range(0x01, 0x21))
TOLD_BY_ALL = ("vin", "calibration_ids", "odometer.01A6", "monitor_status")
ROW = "odometer."
VIN_INFO, SOFTWARE_INFO = 0x02, 0x04
SILENT = frozenset({ItemStatus.TIMEOUT, ItemStatus.REFUSED, ItemStatus.UNSUPPORTED})
MAPS_AGAIN_VISITS = 8  # so many quick visits believe the maps of PIDs: a bit that was read wrong does not stay for ever
FAILED = frozenset({ItemStatus.TIMEOUT, ItemStatus.CORRUPT})


class StaleError(Exception):
    """What was remembered does not fit what answers; ``vin`` is the one that was told, "" when none was."""

    def __init__(self, why: str, vin: str = "") -> None:
        self.vin = vin
        super().__init__(why)


def vin_lines(known: KnownCar) -> int:
    """How many CAN frames the car's answer to 09 02 took."""
    return sum(frames_of_size(unit.vin_bytes) for unit in known.units if unit.vin_bytes)


def calibration_lines(known: KnownCar) -> int:
    """How many CAN frames the car's answer to 09 04 took."""
    return sum(frames_of_size(unit.calibration_bytes) for unit in known.units if unit.calibration_bytes)


def require_same_units(known: KnownCar, first: Asked, car: Car) -> None:
    """Raise StaleError unless exactly the known units answered 01 00, each with the map it had."""
    maps = {a.ecu: supported_pids(0x00, a.data) for a in first.read() if len(a.data) >= 4}
    expected = {unit.address: unit.pids & FIRST_MAP for unit in known.units}
    answered = first.status is ItemStatus.READ and not car.on_uds
    if not answered or maps != expected or car.protocol_number != known.protocol_number:
        raise StaleError("other units answer 01 00")


def require_same_vin(known: KnownCar, book: Notebook, key: str) -> None:
    """Raise StaleError unless the VIN (``key`` is its key) is the known one, told by the units that told it before."""
    tell = {address for info_type, address in book.info_bytes if info_type == VIN_INFO}
    expected = {unit.address for unit in known.units if unit.vin_bytes}
    if key != known.key or tell != expected:
        raise StaleError("another VIN answers 09 02", book.vin)


def require_same_software(known: KnownCar, book: Notebook) -> None:
    """Raise StaleError unless every unit tells the calibration ids it told: the same software has the same PIDs."""
    told = {ecu.address: ecu.calibration_ids for ecu in book.ecus.values() if ecu.calibration_ids}
    if told != known.calibration_ids:
        raise StaleError("other software answers 09 04")


def require_no_strangers(known: KnownCar, book: Notebook) -> None:
    """Raise StaleError when a unit answered that nobody had met: requests without a count bring it to light."""
    if book.heard - {unit.address for unit in known.units}:
        raise StaleError("a unit that was not there before")


def require_whole(book: Notebook) -> None:
    """Raise StaleError when something that the units were known to have did not come."""
    if _owed(book):
        raise StaleError("a known unit owes an answer")


def _owed(book: Notebook) -> bool:
    told = (item for item in book.items.values() if item.item in TOLD_BY_ALL or item.item.startswith("01"))
    return any(item.status in FAILED for item in told)


def learnt(car: Car, book: Notebook, key: str) -> KnownCar | None:
    """What this visit taught of the car of ``key``; None unless it was read whole by units that name their software."""
    whole = book.connected and book.maps_whole and book.vin and car.abilities.headers and not car.on_uds
    if not whole or _owed(book):
        return None
    units = tuple(_unit(book, address, pids) for address, pids in sorted(book.support.items()))
    if not units or not all(unit.calibration_ids for unit in units) or book.heard - set(book.support):
        return None
    rows = {name.removeprefix(ROW): item.status for name, item in book.items.items() if name.startswith(ROW)}
    del rows["01A6"]
    told = tuple(row for row, status in rows.items() if status is ItemStatus.READ)
    silent = tuple(row for row, status in rows.items() if status in SILENT)
    return KnownCar(key, car.protocol_number, car.protocol, units, told, silent)


def still_believed(known: KnownCar | None) -> KnownCar | None:
    """``known``, or None where it is time to read the car as if nobody had met it."""
    return known if known is not None and known.brief_visits < MAPS_AGAIN_VISITS else None


def renewed(known: KnownCar, book: Notebook) -> KnownCar:
    """``known`` after a visit that believed it: a PID that was answered although no map had it belongs to its unit."""
    units = tuple(replace(unit, pids=book.support.get(unit.address, unit.pids)) for unit in known.units)
    return replace(known, units=units, brief_visits=known.brief_visits + 1)


def skills_now(car: Car, last_car: str) -> Skills:
    """What the adapter has shown by the end of a visit; ``last_car`` is the key of the car, "" if it is not known."""
    before = car.abilities.skills
    return Skills(
        chip=car.abilities.chip,
        counts_lines=car.counts_lines,
        pids_at_once=car.pids_at_once,
        measures_supply=car.measures_supply,
        last_car=last_car,
        visits=before.visits + 1,
        adaptive_timing=car.abilities.adaptive_timing,
        long_messages=car.abilities.long_messages,
        lacks_defaults=before.lacks_defaults,
        stpx=car.stpx if car.abilities.chip.startswith("STN") else before.stpx,
        supply_falls=car.supply_falls,
    )


def _unit(book: Notebook, address: str, pids: frozenset[int]) -> KnownUnit:
    lengths = (book.info_bytes.get((info_type, address), 0) for info_type in (VIN_INFO, SOFTWARE_INFO))
    return KnownUnit(address, pids, book.ecus[address].calibration_ids, *lengths)
