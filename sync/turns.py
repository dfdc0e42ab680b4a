"""How Python's threads take turns in a process that keeps records: the event loop, the file's thread, the broker's."""

import sys

TURN_S = 0.0005


def take_short_turns() -> None:
    """For a whole process, once, at its start.

    The threads need Python's lock for moments only, again and again; whoever asks for it while another one computes
    waits for the end of that one's turn, 5 ms unless told otherwise, which is the time of a whole commit.
    """
    sys.setswitchinterval(TURN_S)
