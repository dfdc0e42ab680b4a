"""What a process that keeps records tells Python once: how its threads take turns, and what is no garbage."""

import gc
import sys

TURN_S = 0.0005
LOOK_EVERY = 5_000  # objects more than before; Python's own 700 are a few pages of readings


def take_short_turns() -> None:
    """For a whole process, once, at its start.

    The threads need Python's lock for moments only, again and again; whoever asks for it while another one computes
    waits for the end of that one's turn, 5 ms unless told otherwise, which is the time of a whole commit.
    """
    sys.setswitchinterval(TURN_S)


def let_stay_what_is_here() -> None:
    """For a whole process, once, when its code is loaded: the garbage collector looks no more through what is there.

    What comes and goes with each batch is let go without it; walking through all the rest took a twentieth of a drain.
    """
    gc.freeze()
    gc.set_threshold(LOOK_EVERY, *gc.get_threshold()[1:])
