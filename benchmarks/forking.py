"""Work done in a child process of its own group, quietly, for a limited time."""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

POLL_S = 0.005


def forked(work: Callable[[], int], limit_s: float, log: str = os.devnull) -> int | None:
    """The exit code of ``work`` in a child process of its own group; None when it took too long and was ended."""
    child = os.fork()
    if child == 0:
        _become_quiet(log)
        code = 99
        with suppress(BaseException):
            code = work()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    ends_s = time.monotonic() + limit_s
    while time.monotonic() < ends_s:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _end_group(child)  # whatever its tests started and did not end
            code = os.waitstatus_to_exitcode(status)
            return None if code == -signal.SIGALRM else code
        time.sleep(POLL_S)
    _end_group(child)
    os.waitpid(child, 0)
    return None


def end_after(limit_s: float) -> None:
    """Within ``work``: what comes next, until this is called again, must not take longer."""
    signal.setitimer(signal.ITIMER_REAL, limit_s)


def _end_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _become_quiet(log: str) -> None:
    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    elsewhere = os.open(log, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(elsewhere, stream)
