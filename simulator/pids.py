"""What a car answers to service 01: the physical values of each PID, and which PIDs cars of a kind and year have."""

from collections.abc import Callable, Collection, Iterable

from simulator.car import METRES_PER_KM, Car, Counters, Ecu
from simulator.layouts import encode

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


def _monitor_status(car: Car, ecu: Ecu) -> bytes:
    """PID 01: MIL and count of confirmed codes, then which monitors exist and which are not complete."""
    count = len(car.codes_of(ecu, "stored"))
    first = (0x80 if car.mil and count else 0x00) | min(count, 0x7F)
    return bytes([first]) + _own_monitors(car, ecu)


def _own_monitors(car: Car, ecu: Ecu) -> bytes:
    # Only the unit that calculates engine load watches emissions; the others watch their own components.
    own = car.monitors if _ENGINE_LOAD in ecu.pids else car.monitors & {"components"}
    return monitor_bits(own, own & car.incomplete, compression=car.fuel == "diesel")


def monitor_bits(own: Collection[str], open_: Collection[str], *, compression: bool) -> bytes:
    """Bytes B to D of PIDs 01 and 41: the monitors a unit has and those of them that are not complete."""
    second = sum(1 << bit for bit, name in enumerate(_CONTINUOUS) if name in own)
    second |= sum(0x10 << bit for bit, name in enumerate(_CONTINUOUS) if name in open_)
    names = _COMPRESSION if compression else _SPARK
    supported = sum(1 << bit for bit, name in enumerate(names) if name in own)
    missing = sum(1 << bit for bit, name in enumerate(names) if name in open_)
    return bytes([second | (0x08 if compression else 0x00), supported, missing])


def _kept(car: Car, ecu: Ecu) -> Counters:
    return car.counters if ecu.counters is None else ecu.counters


def _load(car: Car) -> float:
    return (21.0 + car.speed_kmh * 0.25) if car.rpm else 0.0


def _throttle(car: Car) -> float:
    return 14.5 + car.speed_kmh * 0.15


def _pedal(car: Car) -> float:
    return 15.3 + car.speed_kmh * 0.1


def _manifold_kpa(car: Car) -> float:
    return 33 + car.speed_kmh * 0.3 if car.rpm else car.barometer_kpa


def _air_gps(car: Car) -> float:
    """Intake air in grams a second; fuel follows at the stoichiometric 14.7 to 1."""
    return car.rpm * 0.0032


def _fuel_gps(car: Car) -> float:
    return _air_gps(car) / 14.7


def _catalyst_c(car: Car) -> float:
    return 480.0 if car.rpm else car.ambient_c


def _rail_kpa(car: Car) -> float:
    return 5000.0 + car.rpm * 3 if car.rpm else 0.0


def _torque_pct(car: Car) -> float:
    return _load(car) * 0.6


def _pack_a(car: Car) -> float:
    """Current out of the traction battery: a tenth of an ampere standing, one for each km/h."""
    return 0.1 + car.speed_kmh


_EMPTY_C = -40.0
_VOLT_PER_PACK = 350.0
_REFERENCE_NM = 320.0

# The values of each PID, in the order of its layout.
VALUES: dict[int, Callable[[Car, Ecu], tuple[float, ...]]] = {
    0x03: lambda car, ecu: (2 if car.rpm else 0, 0),
    0x04: lambda car, ecu: (_load(car),),
    0x05: lambda car, ecu: (car.coolant_c,),
    0x06: lambda car, ecu: (1.6,),
    0x07: lambda car, ecu: (-2.3,),
    0x08: lambda car, ecu: (0.8,),
    0x09: lambda car, ecu: (-1.6,),
    0x0A: lambda car, ecu: (390 if car.rpm else 0,),
    0x0B: lambda car, ecu: (_manifold_kpa(car),),
    0x0C: lambda car, ecu: (car.rpm,),
    0x0D: lambda car, ecu: (car.speed_kmh,),
    0x0E: lambda car, ecu: (8.5,),
    0x0F: lambda car, ecu: (car.intake_c,),
    0x10: lambda car, ecu: (_air_gps(car),),
    0x11: lambda car, ecu: (_throttle(car),),
    0x12: lambda car, ecu: (0x04,),
    0x13: lambda car, ecu: (0x03,),
    0x14: lambda car, ecu: (0.45, 1.6),
    0x15: lambda car, ecu: (0.72, 99.2),
    0x18: lambda car, ecu: (0.45, 0.8),
    0x19: lambda car, ecu: (0.70, 99.2),
    0x1C: lambda car, ecu: (6 if car.has_engine else 5,),
    0x1D: lambda car, ecu: (0x03,),
    0x1F: lambda car, ecu: (car.run_s if car.engine_on else 0,),
    0x21: lambda car, ecu: (_kept(car, ecu).distance_with_mil_km,),
    0x23: lambda car, ecu: (_rail_kpa(car),),
    0x24: lambda car, ecu: (1.0, 2.7),
    0x2C: lambda car, ecu: (5.1 if car.moving else 0.0,),
    0x2D: lambda car, ecu: (0.0,),
    0x2E: lambda car, ecu: (12.0 if car.rpm else 0.0,),
    0x2F: lambda car, ecu: (car.fuel_level_pct,),
    0x30: lambda car, ecu: (_kept(car, ecu).warmups_since_clear,),
    0x31: lambda car, ecu: (_kept(car, ecu).distance_since_clear_km,),
    0x32: lambda car, ecu: (-0.12,),
    0x33: lambda car, ecu: (car.barometer_kpa,),
    0x34: lambda car, ecu: (1.0, 0.0),
    0x3C: lambda car, ecu: (_catalyst_c(car),),
    0x3D: lambda car, ecu: (_catalyst_c(car),),
    0x3E: lambda car, ecu: (_catalyst_c(car) * 0.8,),
    0x42: lambda car, ecu: (car.supply_v,),
    0x43: lambda car, ecu: (_load(car) * 0.8,),
    0x44: lambda car, ecu: (1.0,),
    0x45: lambda car, ecu: (2.4,),
    0x46: lambda car, ecu: (car.ambient_c,),
    0x47: lambda car, ecu: (_throttle(car) + 0.4,),
    0x48: lambda car, ecu: (0.0,),
    0x49: lambda car, ecu: (_pedal(car),),
    0x4A: lambda car, ecu: (_pedal(car) / 2,),
    0x4C: lambda car, ecu: (6.3,),
    0x4D: lambda car, ecu: (_kept(car, ecu).minutes_with_mil,),
    0x4E: lambda car, ecu: (_kept(car, ecu).minutes_since_clear,),
    0x4F: lambda car, ecu: (2, 5, 16, 250),
    0x51: lambda car, ecu: (FUEL_TYPES[car.fuel],),
    0x52: lambda car, ecu: (5.0,),
    0x53: lambda car, ecu: (car.barometer_kpa - 0.12,),
    0x54: lambda car, ecu: (-0.12,),
    0x55: lambda car, ecu: (0.0,),
    0x56: lambda car, ecu: (0.8,),
    0x58: lambda car, ecu: (0.8,),
    0x59: lambda car, ecu: (_rail_kpa(car),),
    0x5A: lambda car, ecu: (car.speed_kmh * 0.1,),
    0x5B: lambda car, ecu: (car.charge_pct,),
    0x5C: lambda car, ecu: (car.coolant_c + 4,),
    0x5D: lambda car, ecu: (2.0,),
    0x5E: lambda car, ecu: (_fuel_gps(car) * 3600 / 745,),
    0x61: lambda car, ecu: (_torque_pct(car),),
    0x62: lambda car, ecu: (_torque_pct(car),),
    0x63: lambda car, ecu: (_REFERENCE_NM,),
    0x64: lambda car, ecu: (8, 40, 60, 80, 95),
    0x65: lambda car, ecu: (0x10, 0x00),
    0x66: lambda car, ecu: (0x01, _air_gps(car), 0),
    0x67: lambda car, ecu: (0x01, car.coolant_c, _EMPTY_C),
    0x68: lambda car, ecu: (0x01, car.intake_c, *(_EMPTY_C,) * 5),
    0x69: lambda car, ecu: (0x03, 5.1 if car.moving else 0.0, 5.1 if car.moving else 0.0, -100, 0, 0, -100),
    0x6B: lambda car, ecu: (0x01, car.coolant_c, *(_EMPTY_C,) * 3),
    0x6C: lambda car, ecu: (0x03, 6.3, 2.4, 0, 0),
    0x6D: lambda car, ecu: (0x07, _rail_kpa(car), _rail_kpa(car), car.intake_c, 0, 0, _EMPTY_C),
    0x70: lambda car, ecu: (0x02, 0, _manifold_kpa(car), 0, 0, 0),
    0x72: lambda car, ecu: (0x01, 100 - car.speed_kmh * 0.2, 0, 0, 0),
    0x7F: lambda car, ecu: (0x03, _kept(car, ecu).engine_run_s, _kept(car, ecu).idle_run_s, 0),
    0x84: lambda car, ecu: (car.intake_c,),
    0x8D: lambda car, ecu: (_throttle(car),),
    0x8E: lambda car, ecu: (8 if car.rpm else 0,),
    0x9A: lambda car, ecu: (0x06, 0, _VOLT_PER_PACK, _pack_a(car)),
    0x9D: lambda car, ecu: (_fuel_gps(car), _fuel_gps(car)),
    0x9E: lambda car, ecu: ((_air_gps(car) + _fuel_gps(car)) * 3.6,),
    0x9F: lambda car, ecu: (0x01, 100 if car.rpm else 0, *(0,) * 7),
    0xA2: lambda car, ecu: (_load(car) / 2,),
    0xA6: lambda car, ecu: (ecu.own_odometer_m(car.odometer_m) / METRES_PER_KM,),
    0xC7: lambda car, ecu: (_kept(car, ecu).distance_since_reflash_km,),
}  # fmt: skip


def _laid_out(pid: int) -> Encoder:
    return lambda car, ecu: encode(pid, VALUES[pid](car, ecu))


ENCODERS: dict[int, Encoder] = {
    0x01: _monitor_status,
    0x02: lambda car, ecu: bytes(2),
    0x41: lambda car, ecu: b"\x00" + _own_monitors(car, ecu),
    **{pid: _laid_out(pid) for pid in VALUES},
}

_ENGINE_COMMON = frozenset((0x01, 0x04, 0x05, 0x0B, 0x0C, 0x0D, 0x0F, 0x10, 0x11, 0x1C, 0x1F, 0x21, 0x2F, 0x30, 0x31,
                            0x33, 0x3C, 0x41, 0x42, 0x46, 0x49, 0x4C, 0x4D, 0x4E, 0x51))  # fmt: skip
_DIRECT_INJECTION = frozenset((0x23, 0x43, 0x47, 0x4A, 0x5E, 0x62, 0x63, 0x67, 0x68, 0x6D, 0x70, 0x8E, 0x9D, 0x9E,
                               0x9F))  # fmt: skip
PID_SETS: dict[str, frozenset[int]] = {
    "engine": _ENGINE_COMMON | {0x03, 0x06, 0x07, 0x0E, 0x13, 0x45, 0x5C, 0x7F, 0xA6},
    "engine-no-odometer": _ENGINE_COMMON | {0x03, 0x06, 0x07, 0x0E, 0x13, 0x45},
    "engine-diesel": _ENGINE_COMMON | {0x5C, 0x7F, 0xA6},
    "engine-2005": frozenset((0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x13, 0x1C,
                              0x1F, 0x21, 0x2F, 0x30, 0x31, 0x33)),
    "engine-2020": _ENGINE_COMMON | _DIRECT_INJECTION | {
        0x03, 0x06, 0x07, 0x0E, 0x13, 0x15, 0x2E, 0x34, 0x44, 0x45, 0x53, 0x56, 0x5C, 0x7F, 0xA6,
    },
    "engine-diesel-2020": _ENGINE_COMMON | _DIRECT_INJECTION | {
        0x2C, 0x2D, 0x5C, 0x5D, 0x61, 0x64, 0x65, 0x66, 0x69, 0x6B, 0x7F, 0x84, 0xA6,
    },
    "hybrid": _ENGINE_COMMON | _DIRECT_INJECTION | {
        0x03, 0x06, 0x07, 0x0E, 0x13, 0x15, 0x2E, 0x34, 0x44, 0x45, 0x5B, 0x5C, 0x7F, 0x9A, 0xA6,
    },
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
    told = ecu.answers.get(bytes((0x01, pid)))
    if told is not None:
        return told[0][2:] if told and told[0][0] == 0x41 else None
    if is_mask(pid):
        known = pid == 0 or any(other > pid for other in ecu.pids)
        return bitmap(pid, ecu.pids) if known and ecu.pids else None
    if pid not in ecu.pids:
        return None
    return ENCODERS[pid](car, ecu)


def whole_km(metres: float) -> int:
    """Kilometres as a dashboard shows them: the last one counts when it is complete."""
    return int(metres // METRES_PER_KM)
