"""Groups service 01 PIDs into few requests, and works out how many lines the answers will take."""

from collections.abc import Iterable, Mapping, Sequence

from protocols.signals import PID_LENGTHS

MAX_PIDS = 6  # SAE J1979: at most six PIDs in one request, on CAN only
Support = Mapping[str, frozenset[int]]
"""Which PIDs each ECU says it has."""


def supported_by_any(support: Support, pids: Iterable[int]) -> tuple[int, ...]:
    """The PIDs of ``pids`` that at least one ECU has, in their order, without repeats."""
    return tuple(dict.fromkeys(pid for pid in pids if any(pid in have for have in support.values())))


def fewest_units_first(support: Support, pids: Iterable[int]) -> tuple[int, ...]:
    """``pids`` so that those which several units answer share requests: each answer pads its last frame."""
    return tuple(sorted(pids, key=lambda pid: sum(pid in have for have in support.values())))


def batches(pids: Sequence[int], *, at_once: int) -> tuple[tuple[int, ...], ...]:
    """Part ``pids`` into requests of up to ``at_once``; a PID of unknown length always goes alone."""
    known = [pid for pid in pids if at_once > 1 and pid in PID_LENGTHS]
    groups = [tuple(known[at : at + at_once]) for at in range(0, len(known), max(at_once, 1))]
    return (*groups, *((pid,) for pid in pids if pid not in known))


def with_guests(groups: Sequence[tuple[int, ...]], pids: Iterable[int], *, at_once: int) -> tuple[tuple[int, ...], ...]:
    """``groups`` with those first ``pids`` that find a place in them without one more request being sent."""
    waiting = list(pids)
    filled = []
    for group in groups:
        room = at_once - len(group) if all(pid in PID_LENGTHS for pid in group) else 0
        guests, waiting = waiting[: max(room, 0)], waiting[max(room, 0) :]
        filled.append((*group, *guests))
    return tuple(filled)


def room_for(pids: Iterable[int], *, beside: Iterable[int], support: Support, at_once: int) -> tuple[int, ...]:
    """Those first ``pids`` that find a place in the requests for ``beside`` without one more being sent."""
    free = -len([pid for pid in supported_by_any(support, beside) if pid in PID_LENGTHS]) % max(at_once, 1)
    return supported_by_any(support, pids)[:free]


def expected_lines(support: Support, pids: Sequence[int], *, name_bytes: int = 1) -> int | None:
    """How many CAN frames answer a request for ``pids``, each named by so many bytes; None when a length is unknown."""
    if any(pid not in PID_LENGTHS for pid in pids):
        return None
    return sum(_frames(have, pids, name_bytes) for have in support.values())


def _frames(have: frozenset[int], pids: Sequence[int], name_bytes: int) -> int:
    """Frames of one ECU's answer; none where it has none of the PIDs."""
    size = 1 + sum(name_bytes + PID_LENGTHS[pid] for pid in pids if pid in have)
    return frames_of_size(size) if size > 1 else 0


def frames_of_size(message_bytes: int) -> int:
    """CAN frames of a message: one up to 7 bytes, else a first frame of 6 and consecutive ones of 7 (ISO 15765-2)."""
    return 1 if message_bytes <= 7 else 1 + -(-(message_bytes - 6) // 7)
