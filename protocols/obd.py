"""Decoding of SAE J1979 answers: service 01 values, monitor status, supported PIDs, freeze frames.

Everything takes the bytes behind the positive echo and raises DecodeError when they are too few.
"""

from dataclasses import dataclass

from protocols.errors import DecodeError
from protocols.readings import Monitor, Reading
from protocols.signals import (
    COMPRESSION_PIDS,
    FUEL_TYPES,
    MONITORS_COMPRESSION,
    MONITORS_CONTINUOUS,
    MONITORS_SPARK,
    PIDS,
    WITH_SECOND_BYTE,
    Choice,
    Field,
    Flag,
    Number,
    Pid,
)

ODOMETER_PID = 0xA6
ODOMETER_STEP_M = 100
_STATUS_BYTES = 4
_LIFETIME_BYTES = 16
_PADDING = (0x00, 0x55, 0xAA)


@dataclass(frozen=True, slots=True)
class MonitorStatus:
    """PID 01: lamp, number of stored codes of this unit, and every monitor by name."""

    mil: bool
    dtc_count: int
    readiness: dict[str, Monitor]
    compression_ignition: bool


@dataclass(frozen=True, slots=True)
class CounterValue:
    """A counter of one unit in its product unit (m, s, times). ``saturated`` means "at least this much"."""

    name: str
    value: int | None
    saturated: bool


def supported_pids(base_pid: int, data: bytes) -> frozenset[int]:
    """PIDs ``base_pid + 1 .. base_pid + 32`` that the bit map (four bytes, highest bit first) says are answered."""
    bits = int.from_bytes(_enough(data, 4, f"support map {base_pid:02X}"), "big")
    return frozenset(base_pid + 1 + index for index in range(32) if bits >> (31 - index) & 1)


def decode_pid(pid: int, data: bytes, *, ecu: str, request: str = "", whole: bool = False) -> tuple[Reading, ...]:
    """Readings of one service 01 answer; () for a PID whose meaning is not in the table.

    Fields that the unit marks as not filled are left out, and so is a sensor's trim that it does not use (FF).
    ``whole`` shows an answer as it is, with those fields, and with the fields that a too short answer still holds.
    Raises DecodeError if the answer is shorter than the standard says; bytes behind are padding.
    """
    entry = _entry(pid, data)
    if entry is None or not entry.fields:
        return ()
    fields = [field for field in entry.fields if _present(field, pid, data)]
    if not whole or not fields:
        _enough(data, entry.length, f"PID {pid:02X}")
        fields = [field for field in fields if _filled(field, data)]
    name = request or f"01{pid:02X}"
    return tuple(Reading(name, field.name, _value_of(field, data), _unit_of(field), ecu, data) for field in fields)


def decode_monitor_status(data: bytes) -> MonitorStatus:
    """PID 01 (four bytes). Byte B bit 3 tells which names bytes C and D have."""
    _enough(data, _STATUS_BYTES, "PID 01")
    compression = bool(data[1] & 0x08)
    readiness = {name: _monitor(data[1] >> bit, data[1] >> bit + 4) for bit, name in enumerate(MONITORS_CONTINUOUS)}
    for bit, name in enumerate(MONITORS_COMPRESSION if compression else MONITORS_SPARK):
        if name:
            readiness[name] = _monitor(data[2] >> bit, data[3] >> bit)
    return MonitorStatus(bool(data[0] & 0x80), data[0] & 0x7F, readiness, compression)


def decode_odometer_pid(data: bytes) -> int | None:
    """PID A6 in metres; None for 0 and FFFFFFFF, which units send that list the PID but keep no value."""
    raw = int.from_bytes(_enough(data, 4, "PID A6"), "big")
    return None if raw in (0, 0xFFFFFFFF) else raw * ODOMETER_STEP_M


def decode_lifetime_distance(data: bytes) -> int | None:
    """Information type 17 in metres: what the fuel consumption monitor has counted since the car was built.

    Four items of four bytes, with or without their number in front: distance recent and lifetime (0.1 km), fuel recent
    and lifetime (0.01 l); Regulation (EU) 2017/1151, annex XXII, SAE J1979-DA. None for 0 and FFFFFFFF. Raises
    DecodeError for another length, and for a recent distance above the lifetime's: that answer is laid out otherwise.
    """
    items = data[1:] if len(data) == 1 + _LIFETIME_BYTES else data
    if len(items) != _LIFETIME_BYTES:
        raise DecodeError(f"lifetime distance: {len(data)} bytes, {_LIFETIME_BYTES} needed")
    recent, lifetime = int.from_bytes(items[:4], "big"), int.from_bytes(items[4:8], "big")
    if lifetime in (0, 0xFFFFFFFF):
        return None
    if recent > lifetime:
        raise DecodeError("the recent distance is above the lifetime distance")
    return lifetime * ODOMETER_STEP_M


_MINUTE_S = 60
_KM_M = 1000
# name, first byte, bytes, product units a step, support bit; 30 is a count, the others saturate at their highest value
_COUNTERS: dict[int, tuple[tuple[str, int, int, int, int | None], ...]] = {
    0x21: (("distance_with_mil_m", 0, 2, _KM_M, None),),
    0x30: (("warmups_since_clear", 0, 1, 1, None),),
    0x31: (("distance_since_clear_m", 0, 2, _KM_M, None),),
    0x4D: (("time_with_mil_s", 0, 2, _MINUTE_S, None),),
    0x4E: (("time_since_clear_s", 0, 2, _MINUTE_S, None),),
    0x7F: (("engine_run_time_s", 1, 4, 1, 0),),
    0xC7: (("distance_since_reflash_m", 0, 2, _KM_M, None),),
}
COUNTER_PIDS = frozenset(_COUNTERS)


def decode_counters(pid: int, data: bytes) -> tuple[CounterValue, ...]:
    """Counters 21, 30, 31, 4D, 4E, 7F, C7 in m, s and times; the highest value stands for "this or more".

    The value is None where the unit says that it does not keep the counter (support bit of 7F, or FFFFFFFF there).
    """
    found = []
    for name, at, size, step, support in _COUNTERS.get(pid, ()):
        raw = int.from_bytes(_enough(data, at + size, f"PID {pid:02X}")[at : at + size], "big")
        full = raw == (1 << 8 * size) - 1
        empty = support is not None and (full or not data[0] >> support & 1)
        found.append(CounterValue(name, None if empty else raw * step, full and not empty))
    return tuple(found)


_FUEL_WORDS = {
    "GAS": "petrol",
    "METH": "methanol",
    "ETH": "ethanol",
    "DSL": "diesel",
    "LPG": "lpg",
    "CNG": "cng",
    "PROP": "propane",
    "ELEC": "electric",
    "HYB_DSL": "diesel hybrid",
    "NG": "natural gas",
    "DSL_CNG": "bi-fuel",
    "DSL_LNG": "bi-fuel",
    "FC_H2": "hydrogen",
    "HICE_HHO": "hydrogen",
}


def fuel_of(data: bytes) -> str:
    """PID 51 as a word: ``petrol``, ``diesel``, ``electric``, ``hybrid``, ``bi-fuel`` ...; "" if unknown."""
    short = FUEL_TYPES.get(_enough(data, 1, "PID 51")[0], "")
    if short in _FUEL_WORDS:
        return _FUEL_WORDS[short]
    if short.startswith("HYB"):
        return "hybrid"
    return "bi-fuel" if short.startswith("BI") else ""


def freeze_frame_request(pid: int, frame: int = 0) -> bytes:
    """Service 02: PID and frame number, both always sent."""
    return bytes((0x02, pid, frame))


def decode_freeze_code(data: bytes) -> bytes | None:
    """PID 02 of service 02: the two bytes of the code that froze the frame; None when no frame is stored."""
    code = _enough(data, 2, "freeze frame code")[:2]
    return None if code == b"\x00\x00" else code


def _entry(pid: int, data: bytes) -> Pid | None:
    if pid in COMPRESSION_PIDS and len(data) > 1 and data[1] & 0x08:
        return COMPRESSION_PIDS[pid]
    return PIDS.get(pid)


def _enough(data: bytes, length: int, what: str) -> bytes:
    if len(data) < length:
        raise DecodeError(f"{what}: {len(data)} bytes, {length} needed")
    return data


def _present(field: Field, pid: int, data: bytes) -> bool:
    """Whether the answer is long enough. The second trim byte exists only on engines with four banks."""
    if field.at + (field.size if isinstance(field, Number) else 1) > len(data):
        return False
    return not (pid in WITH_SECOND_BYTE and field.at and data[1] in _PADDING)


def _filled(field: Field, data: bytes) -> bool:
    if isinstance(field, Number) and field.unused is not None and data[field.at] == field.unused:
        return False
    return field.support is None or bool(data[0] >> field.support & 1)


def _value_of(field: Field, data: bytes) -> float | int | str | bool:
    if isinstance(field, Flag):
        return data[field.at] >> field.bit & 1
    if isinstance(field, Choice):
        code = (data[field.at] & field.mask) >> field.shift
        return field.texts.get(code, code)
    raw = int.from_bytes(data[field.at : field.at + field.size], "big", signed=field.signed)
    value = raw * field.multiplier / field.divisor + field.add
    return int(value) if value == int(value) else round(value, 6)


def _unit_of(field: Field) -> str:
    return field.unit if isinstance(field, Number) else ""


def _monitor(supported: int, incomplete: int) -> Monitor:
    if not supported & 1:
        return Monitor.UNSUPPORTED
    return Monitor.INCOMPLETE if incomplete & 1 else Monitor.COMPLETE
