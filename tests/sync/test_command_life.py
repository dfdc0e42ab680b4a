"""Whether a command is still alive, by clocks that are right, wrong, or jump."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.snapshot import ClockQuality
from sync.clock import Stamp
from sync.command import Command
from sync.command_life import certainly_past_ms, outlived

SENT_MS = 1_760_000_000_000
LIFE_MS = 60_000
COMMAND = Command(id="c-1", kind="health", sent_at=SENT_MS, expires_at=SENT_MS + LIFE_MS)
YEAR_MS = 365 * 86_400_000


def stamp(t: int, tq: ClockQuality = ClockQuality.NTP, mono_ms: int = 0, boot: str = "b1") -> Stamp:
    return Stamp(t, tq, mono_ms * 1_000_000, boot)


@pytest.mark.parametrize(("late_ms", "dead"), [(0, False), (LIFE_MS - 1, False), (LIFE_MS, True), (YEAR_MS, True)])
def test_a_synchronised_clock_says_what_time_it_is(late_ms: int, dead: bool) -> None:
    now = stamp(SENT_MS + late_ms)

    assert outlived(COMMAND, now, now, not_before_ms=0) is dead


@pytest.mark.parametrize("wrong_ms", [-30 * YEAR_MS, -LIFE_MS, 0, LIFE_MS, 10 * YEAR_MS])
@pytest.mark.parametrize("quality", [ClockQuality.NONE, ClockQuality.RTC])
def test_a_clock_that_nobody_believes_changes_nothing(wrong_ms: int, quality: ClockQuality) -> None:
    arrived = stamp(SENT_MS + wrong_ms, quality, mono_ms=5000)
    in_time = stamp(SENT_MS - wrong_ms, quality, mono_ms=5000 + LIFE_MS - 1)
    too_late = stamp(SENT_MS, quality, mono_ms=5000 + LIFE_MS)

    assert not outlived(COMMAND, arrived, in_time, not_before_ms=0)
    assert outlived(COMMAND, arrived, too_late, not_before_ms=0)


def test_a_time_that_has_certainly_passed_ends_it_on_a_box_without_a_clock() -> None:
    now = stamp(0, ClockQuality.NONE)

    assert outlived(COMMAND, now, now, not_before_ms=COMMAND.expires_at)
    assert not outlived(COMMAND, now, now, not_before_ms=COMMAND.expires_at - 1)


def test_what_is_certainly_past_grows_while_this_boot_lasts() -> None:
    believed = stamp(SENT_MS, mono_ms=1000)

    assert certainly_past_ms(None, stamp(SENT_MS)) == 0
    assert certainly_past_ms(believed, stamp(0, ClockQuality.NONE, mono_ms=4000)) == SENT_MS + 3000
    assert certainly_past_ms(believed, stamp(0, ClockQuality.NONE, mono_ms=4000, boot="b2")) == SENT_MS


@given(st.integers(0, 2 * LIFE_MS), st.integers(-YEAR_MS, YEAR_MS), st.sampled_from(ClockQuality))
def test_once_outlived_it_stays_so(waited_ms: int, wrong_ms: int, quality: ClockQuality) -> None:
    def dead(after_ms: int) -> bool:
        arrived = stamp(SENT_MS + wrong_ms, quality)
        now = stamp(SENT_MS + wrong_ms + after_ms, quality, mono_ms=after_ms)
        return outlived(COMMAND, arrived, now, not_before_ms=0)

    assert not dead(waited_ms) or dead(waited_ms + 1)
