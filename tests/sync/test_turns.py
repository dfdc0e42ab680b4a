"""A process that keeps records says how often its threads take turns."""

import sys

from sync.turns import TURN_S, take_short_turns


def test_no_thread_computes_for_longer_than_a_commit_may_wait() -> None:
    before_s = sys.getswitchinterval()
    try:
        take_short_turns()
        assert abs(sys.getswitchinterval() - TURN_S) < 1e-6
        assert sys.getswitchinterval() < 0.001
    finally:
        sys.setswitchinterval(before_s)
