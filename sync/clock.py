"""The time of a record: wall time as far as it can be believed, and monotonic time of one boot to correct it later."""

import ctypes
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from evidence.snapshot import ClockQuality

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
RTC_DEVICE = Path("/sys/class/rtc/rtc0")
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # no mutate: struct timex is 208 bytes on 64-bit Linux; room for any other layout


@dataclass(frozen=True, slots=True)
class Stamp:
    """``t`` wall clock in ms since 1970, ``tq`` how far to believe it, ``mono_ns`` since the boot named by ``boot``."""

    t: int
    tq: ClockQuality
    mono_ns: int
    boot: str


class Clock(Protocol):
    """Whoever needs the time is given one of these; tests give a clock of their own."""

    def stamp(self) -> Stamp:
        """Return the present moment."""


class SystemClock:
    """The machine's own clocks. Each source can be replaced, so that jumps and lost batteries can be acted out."""

    def __init__(
        self,
        *,
        boot: str | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
        mono_ns: Callable[[], int] | None = None,
        quality: Callable[[], ClockQuality] | None = None,
    ) -> None:
        self._boot = boot or boot_id()
        self._wall_ns = wall_ns
        self._mono_ns = mono_ns or since_boot_ns
        self._quality = quality or clock_quality

    def stamp(self) -> Stamp:
        return Stamp(t=self._wall_ns() // 1_000_000, tq=self._quality(), mono_ns=self._mono_ns(), boot=self._boot)


def boot_id(path: Path = BOOT_ID_FILE) -> str:
    """Return the kernel's id of this boot, or a random one for this process where the system has none."""
    try:
        return str(uuid.UUID(path.read_text(encoding="ascii").strip()))
    except (OSError, ValueError):
        return str(uuid.uuid4())


def since_boot_ns() -> int:
    """Nanoseconds that also run while the machine sleeps, where the system can count them."""
    if sys.platform == "linux":
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


def clock_quality(rtc: Path = RTC_DEVICE) -> ClockQuality:
    """Say ``ntp`` when the kernel's clock is synchronised, ``rtc`` when a battery keeps it, else ``none``."""
    if sys.platform != "linux":
        return ClockQuality.RTC
    if kernel_synchronised():
        return ClockQuality.NTP
    return ClockQuality.RTC if rtc.exists() else ClockQuality.NONE


def kernel_synchronised() -> bool:
    """Ask adjtimex(2), read-only; any failure counts as not synchronised."""
    if (adjtimex := _adjtimex()) is None:
        return False
    state: int = adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return 0 <= state < _TIME_ERROR


@cache
def _adjtimex() -> Callable[[object], int] | None:
    """Looked for once: finding it takes ten times as long as asking it, and each batch asks."""
    try:
        return cast("Callable[[object], int]", ctypes.CDLL(None).adjtimex)
    except (OSError, AttributeError):
        return None
