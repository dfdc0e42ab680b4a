"""A process that keeps records says how often its threads take turns, and what is no garbage."""

import gc
import sys
from collections.abc import Iterator

import pytest

from sync.turns import TURN_S, let_stay_what_is_here, take_short_turns


@pytest.fixture(autouse=True)
def python_as_it_was() -> Iterator[None]:
    turn_s, thresholds = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(turn_s)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_no_thread_computes_for_longer_than_a_commit_may_wait() -> None:
    take_short_turns()

    assert abs(sys.getswitchinterval() - TURN_S) < 1e-6
    assert sys.getswitchinterval() < 0.001


def test_what_a_process_was_ready_with_is_never_looked_through_again_and_garbage_still_is() -> None:
    stays: list[object] = []
    stays.append(stays)
    let_stay_what_is_here()

    assert not any(one is stays for one in gc.get_objects())
    garbage: list[object] = []
    garbage.append(garbage)
    del garbage
    assert gc.isenabled()
    assert gc.collect() >= 1
    assert gc.get_threshold()[0] > 700
