"""Groups service 01 PIDs into few requests, and works out how many lines the answers will take."""

from collections.abc import Iterable, Mapping, Sequence

from protocols.signals import PID_LENGTHS

MAX_PIDS = 6  # SAE J1979: at most six PIDs in one request, on CAN only
Support = Mapping[str, frozenset[int]]
"""Which PIDs each ECU says it has."""


def supported_by_any(support: Support, pids: Iterable[int]) -> tuple[int, ...]:
    """The PIDs of ``pids`` that at least one ECU has, in their order, without repeats."""
    return tuple(dict.fromkeys(pid for pid in pids if any(pid in have for have in support.values())))


def batches(pids: Sequence[int], *, several: bool) -> tuple[tuple[int, ...], ...]:
    """Part ``pids`` into requests: up to six together where ``several`` and every length is known, else one each."""
    known = [pid for pid in pids if several and pid in PID_LENGTHS]
    groups = [tuple(known[at : at + MAX_PIDS]) for at in range(0, len(known), MAX_PIDS)]
    return (*groups, *((pid,) for pid in pids if pid not in known))


def expected_lines(support: Support, pids: Sequence[int]) -> int | None:
    """How many CAN frames answer a request for ``pids``; None when a length is unknown."""
    if any(pid not in PID_LENGTHS for pid in pids):
        return None
    return sum(_frames(have, pids) for have in support.values())


def _frames(have: frozenset[int], pids: Sequence[int]) -> int:
    """Frames of one ECU: one up to 7 bytes, else a first frame of 6 and consecutive ones of 7 (ISO 15765-2)."""
    size = 1 + sum(1 + PID_LENGTHS[pid] for pid in pids if pid in have)
    if size == 1:
        return 0
    return 1 if size <= 7 else 1 + -(-(size - 6) // 7)
