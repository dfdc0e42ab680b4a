"""The only door to python-OBD: a second opinion on scalar service 01 values, and English texts of trouble codes.

Our own table (signals.py) decodes every value the product keeps; python-OBD's scalar decoders are compared with it by
the tests, over recorded answers, and serve where a second decoder is wanted. Its VIN, calibration-id, trouble-code and
freeze-frame decoders return damaged values and are never called. Without the package everything works; texts are "".
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

SCALAR_PIDS: tuple[int, ...] = (
    *(0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x1F),
    *(0x21, 0x22, 0x23, 0x2C, 0x2D, 0x2E, 0x2F, 0x30, 0x31, 0x33, 0x3C, 0x3D, 0x3E, 0x3F),
    *(0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x52, 0x53),
    *(0x59, 0x5A, 0x5B, 0x5C, 0x5D, 0x5E),
)
"""PIDs of one number whose decoders agree with the standard within 0.1 %; 32, 54 and two-value sensors do not."""

_UNITS = {
    "percent": "%",
    "degree_Celsius": "degC",
    "kilopascal": "kPa",
    "revolutions_per_minute": "rpm",
    "kilometer_per_hour": "km/h",
    "degree": "deg",
    "gram / second": "g/s",
    "gps": "g/s",
    "second": "s",
    "kilometer": "km",
    "minute": "min",
    "volt": "V",
    "count": "",
    "ratio": "ratio",
    "liters_per_hour": "l/h",
    "liter / hour": "l/h",
    "lph": "l/h",
}


@dataclass(frozen=True, slots=True)
class _Message:
    """The one attribute its decoders read."""

    data: bytearray


@cache
def is_available() -> bool:
    """Whether python-OBD can be imported here."""
    return _package() is not None


def decode_scalar(pid: int, data: bytes) -> tuple[float, str] | None:
    """Its value and unit for the bytes behind ``41 pid``; None for a PID not on the list or without the package.

    The caller has already matched service and PID and knows that ``data`` is long enough.
    """
    package = _package()
    if package is None or pid not in SCALAR_PIDS:
        return None
    value = package.commands[1][pid].decode([_Message(bytearray((0x41, pid)) + data)])
    unit = str(value.units)
    return float(value.magnitude), _UNITS.get(unit, unit)


def code_text_en(code: str) -> str:
    """English text of a trouble code; "" if unknown, which B and C codes always are, and while it cannot be read."""
    try:
        return _texts().get(code, "")
    except (ImportError, OSError):  # a daemon that is out of descriptors, say, asks again for the next code
        return ""


@cache
def _texts() -> dict[str, str]:
    """Its table of codes alone: all of the package takes 6 MB and a fifth of a second. Raises ImportError, OSError."""
    package = find_spec("obd")
    if package is None or not package.submodule_search_locations:
        return {}
    spec = spec_from_file_location("obd_codes", Path(package.submodule_search_locations[0], "codes.py"))
    if spec is None or spec.loader is None:
        return {}
    codes = module_from_spec(spec)
    spec.loader.exec_module(codes)
    return dict(codes.DTC)


@cache
def _package() -> Any | None:
    try:
        import obd
    except ImportError:
        return None
    obd.logger.handlers.clear()  # it installs a handler of its own that writes to stderr
    obd.logger.propagate = False
    return obd
