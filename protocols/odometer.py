"""An odometer's bytes to metres, by a coding that a vehicle profile gives. Zero and "no value" are no reading."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol

from protocols.errors import DecodeError

METRES = {"km": Fraction(1000), "mi": Fraction(1609344, 1000), "m": Fraction(1)}
HIGHEST_PLAUSIBLE_M = 2_000_000_000
"""Two million kilometres: more is a wrong byte order or a wrong row, never a car."""


class OdometerCoding(Protocol):
    """Where the value stands in the bytes behind the positive echo, and what one step means.

    value = raw x multiplier / divisor + add, in ``unit``. ``not_available`` holds raw values (hex) that mean "none";
    with ``response_data_length`` only answers of exactly that length hold the value.
    """

    @property
    def offset(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def byte_order(self) -> Literal["big", "little"]: ...
    @property
    def multiplier(self) -> float: ...
    @property
    def divisor(self) -> float: ...
    @property
    def add(self) -> float: ...
    @property
    def unit(self) -> Literal["km", "mi", "m"]: ...
    @property
    def response_data_length(self) -> int | None: ...
    @property
    def not_available(self) -> tuple[str, ...]: ...
    @property
    def saturates_at(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class OdometerValue:
    """``odometer_m`` in metres; ``step_m`` is how fine it is; ``saturated`` means "at least this much"."""

    odometer_m: int
    step_m: int
    saturated: bool
    raw: bytes


def fits_coding(coding: OdometerCoding, data: bytes) -> bool:
    """Whether an answer of this length can hold the value at all."""
    exact = coding.response_data_length
    return len(data) >= coding.offset + coding.length and exact in (None, len(data))


def decode_odometer(coding: OdometerCoding, data: bytes) -> OdometerValue | None:
    """The value in ``data`` (bytes behind the positive echo); None when the unit says that it has none.

    Raises DecodeError if the answer's length does not fit the coding.
    """
    if not fits_coding(coding, data):
        raise DecodeError(f"odometer: {len(data)} bytes do not fit offset {coding.offset}, length {coding.length}")
    raw = data[coding.offset : coding.offset + coding.length]
    number = int.from_bytes(raw, coding.byte_order)
    if number == 0 or number == (1 << 8 * coding.length) - 1 or raw.hex().upper() in coding.not_available:
        return None
    step = Fraction(str(coding.multiplier)) / Fraction(str(coding.divisor)) * METRES[coding.unit]
    odometer_m = round(number * step + Fraction(str(coding.add)) * METRES[coding.unit])
    if not 0 < odometer_m <= HIGHEST_PLAUSIBLE_M:
        return None
    return OdometerValue(odometer_m, max(1, round(step)), _is_saturated(coding, odometer_m), raw)


def _is_saturated(coding: OdometerCoding, odometer_m: int) -> bool:
    return coding.saturates_at is not None and odometer_m >= coding.saturates_at * METRES[coding.unit]
