"""How SAE J1979-DA writes physical values of service 01 into bytes: for each PID its items, their size and their step.

Pure tables and one function; where the values come from is the business of ``pids``.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One value of ``size`` bytes: raw = (value - ``low``) / ``step``. ``counts``: a part of a step does not count."""

    size: int
    step: float = 1.0
    low: float = 0.0
    signed: bool = False
    counts: bool = False

    def encode(self, value: float) -> bytes:
        """The bytes of a value, the nearest end of the range where it does not fit."""
        # A counted value has come through divisions: 31 km must not become 30 by a rounding error in the last bit.
        steps = (value - self.low) / self.step
        raw = int(steps + 1e-6) if self.counts else round(steps)
        half = 1 << (8 * self.size - 1)
        low, high = (-half, half - 1) if self.signed else (0, 2 * half - 1)
        held = low if raw < low else high if raw > high else raw
        return held.to_bytes(self.size, "big", signed=self.signed)


Layout = tuple[Item, ...]

# Also flags, numbers of a list and lists of flags, the first one in bit 0.
_BYTE = Item(1)
_PERCENT = Item(1, 100 / 255)
_CELSIUS = Item(1, low=-40)
_TRIM = Item(1, 100 / 128, low=-100)
_TORQUE = Item(1, low=-125)
_O2_VOLT = Item(1, 0.005)
_KPA = Item(1)
_TENS_OF_KPA = Item(2, 10)
_LAMBDA = Item(2, 2 / 65536)
_WIDE_VOLT = Item(2, 8 / 65536)
_PUMP_MA = Item(2, 1 / 256, low=-128)
_CATALYST_C = Item(2, 0.1, low=-40)
_BOOST_KPA = Item(2, 1 / 32)
_COUNT = Item(2, counts=True)
_SECONDS = Item(4, counts=True)


def _each(first: int, last: int, *items: Item) -> dict[int, Layout]:
    return dict.fromkeys(range(first, last + 1), items)


LAYOUTS: dict[int, Layout] = {
    0x03: (_BYTE, _BYTE),
    0x04: (_PERCENT,),
    0x05: (_CELSIUS,),
    **_each(0x06, 0x09, _TRIM),
    0x0A: (Item(1, 3),),
    0x0B: (_KPA,),
    0x0C: (Item(2, 0.25),),
    0x0D: (_BYTE,),
    0x0E: (Item(1, 0.5, low=-64),),
    0x0F: (_CELSIUS,),
    0x10: (Item(2, 0.01),),
    0x11: (_PERCENT,),
    0x12: (_BYTE,),
    0x13: (_BYTE,),
    **_each(0x14, 0x1B, _O2_VOLT, _TRIM),
    0x1C: (_BYTE,),
    0x1D: (_BYTE,),
    0x1E: (_BYTE,),
    0x1F: (_COUNT,),
    0x21: (_COUNT,),
    0x22: (Item(2, 0.079),),
    0x23: (_TENS_OF_KPA,),
    **_each(0x24, 0x2B, _LAMBDA, _WIDE_VOLT),
    0x2C: (_PERCENT,),
    0x2D: (_TRIM,),
    0x2E: (_PERCENT,),
    0x2F: (_PERCENT,),
    0x30: (Item(1, counts=True),),
    0x31: (_COUNT,),
    0x32: (Item(2, 0.00025, signed=True),),
    0x33: (_KPA,),
    **_each(0x34, 0x3B, _LAMBDA, _PUMP_MA),
    **_each(0x3C, 0x3F, _CATALYST_C),
    0x42: (Item(2, 0.001),),
    0x43: (Item(2, 100 / 255),),
    0x44: (_LAMBDA,),
    0x45: (_PERCENT,),
    0x46: (_CELSIUS,),
    **_each(0x47, 0x4C, _PERCENT),
    0x4D: (_COUNT,),
    0x4E: (_COUNT,),
    0x4F: (_BYTE, _BYTE, _BYTE, Item(1, 10)),
    0x50: (Item(1, 10), _BYTE, _BYTE, _BYTE),
    0x51: (_BYTE,),
    0x52: (_PERCENT,),
    0x53: (Item(2, 0.005),),
    0x54: (Item(2, 0.001, signed=True),),
    **_each(0x55, 0x58, _TRIM),
    0x59: (_TENS_OF_KPA,),
    0x5A: (_PERCENT,),
    0x5B: (_PERCENT,),
    0x5C: (_CELSIUS,),
    0x5D: (Item(2, 1 / 128, low=-210),),
    0x5E: (Item(2, 0.05),),
    0x61: (_TORQUE,),
    0x62: (_TORQUE,),
    0x63: (Item(2),),
    0x64: (_TORQUE,) * 5,
    0x65: (_BYTE, _BYTE),
    0x66: (_BYTE, Item(2, 1 / 32), Item(2, 1 / 32)),
    0x67: (_BYTE, _CELSIUS, _CELSIUS),
    0x68: (_BYTE, *(_CELSIUS,) * 6),
    0x69: (_BYTE, *(_PERCENT, _PERCENT, _TRIM) * 2),
    0x6B: (_BYTE, *(_CELSIUS,) * 4),
    0x6C: (_BYTE, *(_PERCENT,) * 4),
    0x6D: (_BYTE, *(_TENS_OF_KPA, _TENS_OF_KPA, _CELSIUS) * 2),
    0x70: (_BYTE, *(_BOOST_KPA,) * 4, _BYTE),
    0x72: (_BYTE, *(_PERCENT,) * 4),
    0x7F: (_BYTE, _SECONDS, _SECONDS, _SECONDS),
    0x84: (_CELSIUS,),
    0x8D: (_PERCENT,),
    0x8E: (_TORQUE,),
    0x9A: (_BYTE, _BYTE, Item(2, 1 / 64), Item(2, 0.1, signed=True)),
    0x9D: (Item(2, 0.02), Item(2, 0.02)),
    0x9E: (Item(2, 0.2),),
    0x9F: (_BYTE, *(_PERCENT,) * 8),
    0xA2: (Item(2, 1 / 32),),
    0xA6: (Item(4, 0.1, counts=True),),
    0xC7: (_COUNT,),
}


def encode(pid: int, values: Sequence[float]) -> bytes:
    """The data bytes of a PID; ValueError unless there is one value for each item."""
    return b"".join([item.encode(value) for item, value in zip(LAYOUTS[pid], values, strict=True)])
