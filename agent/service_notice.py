"""What systemd is told: that we serve, that we stop, and, as long as the event loop turns, that we live.

The protocol is sd_notify(3), one datagram a notice. Without ``NOTIFY_SOCKET`` nobody wants to know: nothing is sent.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from enum import StrEnum

import structlog

SEND_TIMEOUT_S = 1.0  # the far end is systemd itself, which may have other things to do for a moment
SECOND_US = 1_000_000

log = structlog.get_logger()


class Notice(StrEnum):
    """The assignments of sd_notify(3) that a daemon of ours has use for."""

    SERVING = "READY=1"
    STOPPING = "STOPPING=1"
    ALIVE = "WATCHDOG=1"


def tell(notice: Notice, environment: Mapping[str, str] = os.environ) -> None:
    """Send one notice; what cannot be sent is logged, since systemd does something about a silent service itself."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # an abstract socket; systemd writes its first byte, NUL, like this
        address = f"\0{address[1:]}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as far:
            far.settimeout(SEND_TIMEOUT_S)
            far.sendto(notice.encode("ascii"), address)
    except OSError as error:
        log.warning("systemd was not told", notice=notice.value, reason=str(error))


def half_a_watch_s(environment: Mapping[str, str] = os.environ) -> float | None:
    """Half of the unit's WatchdogSec=, as sd_watchdog_enabled(3) advises; None where nobody watches this process."""
    watch_us, watched = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", str(os.getpid()))
    if watched != str(os.getpid()) or not (watch_us.isascii() and watch_us.isdigit()) or int(watch_us) == 0:
        return None
    return int(watch_us) / SECOND_US / 2


async def keep_telling(environment: Mapping[str, str] = os.environ) -> None:
    """Say that we serve and then, where systemd watches, for ever that the event loop turns.

    A loop that hangs falls silent, and systemd ends and restarts the service.
    """
    tell(Notice.SERVING, environment)
    pause_s = half_a_watch_s(environment)
    while pause_s is not None:
        tell(Notice.ALIVE, environment)
        await asyncio.sleep(pause_s)
