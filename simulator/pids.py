"""Service 01 values from physical units to bytes, by the scaling tables of SAE J1979-DA."""

from collections.abc import Callable, Iterable

from simulator.car import METRES_PER_KM, Car, Counters, Ecu

Encoder = Callable[[Car, Ecu], bytes]

FUEL_TYPES = {
    "petrol": 0x01,
    "diesel": 0x04,
    "electric": 0x08,
    "hybrid": 0x11,
    "plug-in": 0x11,
    "lpg": 0x05,
    "cng": 0x06,
}

_ENGINE_LOAD = 0x04

_CONTINUOUS = ("misfire", "fuel_system", "components")
_SPARK = ("catalyst", "heated_catalyst", "evap", "secondary_air", "ac", "oxygen_sensor", "oxygen_heater", "egr")
_COMPRESSION = ("nmhc_catalyst", "nox", "", "boost", "", "exhaust_sensor", "pm_filter", "egr")
MONITORS_BY_IGNITION = {
    "spark": frozenset(_CONTINUOUS + _SPARK),
    "compression": frozenset(_CONTINUOUS + tuple(name for name in _COMPRESSION if name)),
}


def _one(raw: float) -> bytes:
    return bytes([min(max(round(raw), 0), 0xFF)])


def _two(raw: float) -> bytes:
    return min(max(round(raw), 0), 0xFFFF).to_bytes(2, "big")


def _four(raw: float) -> bytes:
    return min(max(round(raw), 0), 0xFFFFFFFF).to_bytes(4, "big")


def _counted(raw: float) -> bytes:
    """Counters never round up: a kilometre counts when it is complete."""
    return min(int(raw), 0xFFFF).to_bytes(2, "big")


def _percent(value: float) -> bytes:
    return _one(value * 255 / 100)


def _celsius(value: float) -> bytes:
    return _one(value + 40)


def _monitor_status(car: Car, ecu: Ecu) -> bytes:
    """PID 01: MIL and count of confirmed codes, then which monitors exist and which are not complete."""
    count = len(car.codes_of(ecu, "stored"))
    first = (0x80 if car.mil and count else 0x00) | min(count, 0x7F)
    return bytes([first]) + _monitor_bits(car, ecu)


def _monitor_bits(car: Car, ecu: Ecu) -> bytes:
    diesel = car.fuel == "diesel"
    # Only the unit that calculates engine load watches emissions; the others watch their own components.
    own = car.monitors if _ENGINE_LOAD in ecu.pids else car.monitors & {"components"}
    open_ = own & car.incomplete
    second = sum(1 << bit for bit, name in enumerate(_CONTINUOUS) if name in own)
    second |= sum(0x10 << bit for bit, name in enumerate(_CONTINUOUS) if name in open_)
    names = _COMPRESSION if diesel else _SPARK
    supported = sum(1 << bit for bit, name in enumerate(names) if name in own)
    missing = sum(1 << bit for bit, name in enumerate(names) if name in open_)
    return bytes([second | (0x08 if diesel else 0x00), supported, missing])


def _kept(car: Car, ecu: Ecu) -> Counters:
    return car.counters if ecu.counters is None else ecu.counters


def _run_time(car: Car, ecu: Ecu) -> bytes:
    """PID 7F: which of the three are kept, then total run, idle and PTO seconds, four bytes each."""
    counters = _kept(car, ecu)
    return b"\x03" + _four(int(counters.engine_run_s)) + _four(int(counters.idle_run_s)) + bytes(4)


def _odometer(car: Car, ecu: Ecu) -> bytes:
    return _four(int(ecu.own_odometer_m(car.odometer_m) / 100))


def _load(car: Car) -> float:
    return (21.0 + car.speed_kmh * 0.25) if car.rpm else 0.0


def _throttle(car: Car) -> float:
    return 14.5 + car.speed_kmh * 0.15


ENCODERS: dict[int, Encoder] = {
    0x01: _monitor_status,
    0x02: lambda car, ecu: bytes(2),
    0x03: lambda car, ecu: b"\x02\x00" if car.rpm else b"\x00\x00",
    0x04: lambda car, ecu: _percent(_load(car)),
    0x05: lambda car, ecu: _celsius(car.coolant_c),
    0x06: lambda car, ecu: _one((1.6 + 100) * 1.28),
    0x07: lambda car, ecu: _one((-2.3 + 100) * 1.28),
    0x0B: lambda car, ecu: _one(car.barometer_kpa if not car.rpm else 33 + car.speed_kmh * 0.3),
    0x0C: lambda car, ecu: _two(car.rpm * 4),
    0x0D: lambda car, ecu: _one(car.speed_kmh),
    0x0E: lambda car, ecu: _one((8.5 + 64) * 2),
    0x0F: lambda car, ecu: _celsius(car.intake_c),
    0x10: lambda car, ecu: _two(car.rpm * 0.32),
    0x11: lambda car, ecu: _percent(_throttle(car)),
    0x13: lambda car, ecu: b"\x03",
    0x1C: lambda car, ecu: b"\x06" if car.has_engine else b"\x05",
    0x1F: lambda car, ecu: _counted(car.run_s if car.rpm else 0),
    0x21: lambda car, ecu: _counted(_kept(car, ecu).distance_with_mil_km),
    0x2F: lambda car, ecu: _percent(car.fuel_level_pct),
    0x30: lambda car, ecu: bytes([min(_kept(car, ecu).warmups_since_clear, 0xFF)]),
    0x31: lambda car, ecu: _counted(_kept(car, ecu).distance_since_clear_km),
    0x33: lambda car, ecu: _one(car.barometer_kpa),
    0x3C: lambda car, ecu: _two(((480.0 if car.rpm else car.ambient_c) + 40) * 10),
    0x41: lambda car, ecu: b"\x00" + _monitor_bits(car, ecu),
    0x42: lambda car, ecu: _two(car.supply_v * 1000),
    0x45: lambda car, ecu: _percent(2.4),
    0x46: lambda car, ecu: _celsius(car.ambient_c),
    0x49: lambda car, ecu: _percent(15.3 + car.speed_kmh * 0.1),
    0x4C: lambda car, ecu: _percent(6.3),
    0x4D: lambda car, ecu: _counted(_kept(car, ecu).minutes_with_mil),
    0x4E: lambda car, ecu: _counted(_kept(car, ecu).minutes_since_clear),
    0x51: lambda car, ecu: bytes([FUEL_TYPES[car.fuel]]),
    0x5B: lambda car, ecu: _percent(car.charge_pct),
    0x5C: lambda car, ecu: _celsius(car.coolant_c + 4),
    0x7F: _run_time,
    0xA6: _odometer,
    0xC7: lambda car, ecu: _counted(_kept(car, ecu).distance_since_reflash_km),
}  # fmt: skip

_ENGINE_COMMON = frozenset((0x01, 0x04, 0x05, 0x0B, 0x0C, 0x0D, 0x0F, 0x10, 0x11, 0x1C, 0x1F, 0x21, 0x2F, 0x30, 0x31,
                            0x33, 0x3C, 0x41, 0x42, 0x46, 0x49, 0x4C, 0x4D, 0x4E, 0x51))  # fmt: skip
PID_SETS: dict[str, frozenset[int]] = {
    "engine": _ENGINE_COMMON | {0x03, 0x06, 0x07, 0x0E, 0x13, 0x45, 0x5C, 0x7F, 0xA6},
    "engine-no-odometer": _ENGINE_COMMON | {0x03, 0x06, 0x07, 0x0E, 0x13, 0x45},
    "engine-diesel": _ENGINE_COMMON | {0x5C, 0x7F, 0xA6},
    "engine-2005": frozenset((0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x13, 0x1C,
                              0x1F, 0x21, 0x2F, 0x30, 0x31, 0x33)),
    "gearbox": frozenset((0x01, 0x0C, 0x0D, 0x1C, 0x1F, 0x21, 0x30, 0x31, 0x42, 0x4D, 0x4E)),
    "electric": frozenset((0x01, 0x0D, 0x1C, 0x21, 0x30, 0x31, 0x42, 0x46, 0x4D, 0x4E, 0x51, 0x5B, 0xA6)),
    "none": frozenset(),
}  # fmt: skip


def bitmap(first: int, supported: Iterable[int]) -> bytes:
    """The four-byte support mask that answers PID ``first`` (00, 20, 40 ...); the last bit says that more follow."""
    known = set(supported)
    mask = sum(1 << (0x20 - offset) for offset in range(1, 0x21) if first + offset in known)
    if any(pid > first + 0x20 for pid in known):
        mask |= 1
    return mask.to_bytes(4, "big")


def is_mask(pid: int) -> bool:
    """Whether a PID asks for a support mask."""
    return pid % 0x20 == 0


def pid_data(car: Car, ecu: Ecu, pid: int) -> bytes | None:
    """The data bytes of one PID as this ECU would answer it, or None if it would not."""
    if is_mask(pid):
        known = pid == 0 or any(other > pid for other in ecu.pids)
        return bitmap(pid, ecu.pids) if known and ecu.pids else None
    if pid not in ecu.pids:
        return None
    return ENCODERS[pid](car, ecu)


def whole_km(metres: float) -> int:
    """Kilometres as a dashboard shows them: the last one counts when it is complete."""
    return int(metres // METRES_PER_KM)
