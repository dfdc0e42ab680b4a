"""How much one visit asks."""

from enum import StrEnum


class Depth(StrEnum):
    """``quick`` is identity, odometer, codes, counters and the live 20; ``full`` asks everything allowed."""

    QUICK = "quick"
    FULL = "full"
