"""How good a clock is, and what a boot is, told beside every time."""

import ctypes
import sys
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest

from evidence.snapshot import ClockQuality
from sync import clock
from sync.clock import SystemClock, boot_id, clock_quality, kernel_synchronised, since_boot_ns


def test_a_stamp_carries_wall_time_in_ms_and_what_it_is_worth() -> None:
    source = SystemClock(
        boot="b", wall_ns=lambda: 1_700_000_000_123_999_999, mono_ns=lambda: 7, quality=lambda: ClockQuality.RTC
    )

    stamp = source.stamp()

    assert (stamp.t, stamp.tq, stamp.mono_ns, stamp.boot) == (1_700_000_000_123, ClockQuality.RTC, 7, "b")


def test_one_clock_keeps_its_boot_id_and_never_counts_back() -> None:
    source = SystemClock()

    first, second = source.stamp(), source.stamp()

    assert first.boot == second.boot
    assert uuid.UUID(first.boot)
    assert second.mono_ns >= first.mono_ns


def test_where_the_kernel_names_no_boot_each_process_is_one(tmp_path: Path) -> None:
    (tmp_path / "torn").write_text("not-a-uuid\n")

    assert boot_id(tmp_path / "absent") != boot_id(tmp_path / "absent")
    assert uuid.UUID(boot_id(tmp_path / "torn"))


@pytest.mark.parametrize(
    ("synchronised", "battery", "expected"),
    [(True, False, ClockQuality.NTP), (False, True, ClockQuality.RTC), (False, False, ClockQuality.NONE)],
)
def test_quality_says_who_vouches_for_the_time(
    synchronised: bool, battery: bool, expected: ClockQuality, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(clock, "kernel_synchronised", lambda: synchronised)
    rtc = tmp_path / "rtc0"
    if battery:
        rtc.mkdir()

    assert clock_quality(rtc) is expected


@pytest.mark.parametrize(
    ("state", "synchronised"), [(0, True), (4, True), (5, False), (-1, False), (None, False)]
)  # TIME_OK, TIME_WAIT, TIME_ERROR, a failure, no such call
def test_the_kernel_says_whether_its_clock_is_synchronised(
    state: int | None, synchronised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = SimpleNamespace() if state is None else SimpleNamespace(adjtimex=lambda _timex: state)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: library)
    monkeypatch.setattr(clock, "_adjtimex", clock._adjtimex.__wrapped__)

    assert kernel_synchronised() is synchronised


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts while it sleeps")
def test_time_since_boot_counts_sleep_too() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before <= since_boot_ns() <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def test_elsewhere_a_clock_is_as_good_as_its_battery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert clock_quality(Path("gone")) is ClockQuality.RTC
    assert since_boot_ns() <= time.monotonic_ns()
