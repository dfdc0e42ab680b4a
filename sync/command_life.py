"""Whether a command has outlived its time, by a clock that may be wrong. Pure.

Only a synchronised clock is asked what time it is. Any other box counts: the command had so much life left when the
back office sent it, and it has waited here for so long.
"""

from evidence.snapshot import ClockQuality
from sync.clock import Stamp
from sync.command import Command

NS_PER_MS = 1_000_000


def outlived(command: Command, arrived: Stamp, now: Stamp, *, not_before_ms: int) -> bool:
    """Whether ``command``, which came at ``arrived``, must not be carried out ``now``; both of one boot.

    ``not_before_ms`` is a wall time that has certainly passed (the latest that a synchronised clock has told this box).
    """
    if now.tq is ClockQuality.NTP:
        return now.t >= command.expires_at
    waited_ms = (now.mono_ns - arrived.mono_ns) // NS_PER_MS
    return waited_ms >= command.expires_at - command.sent_at or not_before_ms >= command.expires_at


def certainly_past_ms(believed: Stamp | None, now: Stamp) -> int:
    """A wall time that has certainly passed: ``believed``, which a synchronised clock told, and what has run since.

    0 when nothing is known. A boot of its own has a monotonic clock of its own.
    """
    if believed is None:
        return 0
    ran_ms = (now.mono_ns - believed.mono_ns) // NS_PER_MS if believed.boot == now.boot else 0
    return believed.t + max(0, ran_ms)
