"""Carries a request to the ECUs that listen and their answers back, each frame at its time.

The clock is the one stated for the whole project: an ECU answers after its latency, the second one 5 ms later, a
flow control follows a first frame by 1 ms and each consecutive frame takes 1 ms.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from simulator.car import Car, Ecu
from simulator.clock import Clock
from simulator.journal import Journal
from simulator.links import FUNCTIONAL_11, FUNCTIONAL_29, TESTER, Kind, isotp_frames, legacy_frame
from simulator.services import CHANGING, MAKER, answer

SECOND_ECU_S = 0.005
FLOW_CONTROL_S = 0.001
NEXT_FRAME_S = 0.001
PENDING_S = 0.030
# Of the services that makers use, what SAE J1979-2 asks of every car: values, identity, codes of the emissions group.
OBD_ON_UDS = (b"\x22\xf4", b"\x22\xf5", b"\x22\xf8", b"\x19\x42\x33", b"\x19\x55\x33")
LONGEST_ST_MIN = 0x7F


class Frame(NamedTuple):
    """One frame seen on the bus. ``can_id`` is -1 where the header is part of ``data`` (K-line, J1850)."""

    at_s: float
    can_id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FlowControl:
    """How the adapter answers first frames: not at all, by rule, or as the host has set it (AT CFC, AT FC SM)."""

    sent: bool = True
    header: int | None = None
    data: bytes = b"\x30\x00\x00"

    def reaches(self, ecu: Ecu, kind: Kind, lead: bytes) -> bool:
        """Whether this flow control lets ``ecu`` go on: right address, and clear to send."""
        if not self.sent or self.data[: len(lead) + 1] != lead + b"\x30":
            return False
        return (self.header if self.header is not None else _own_reply_id(ecu, kind)) == ecu.request_id

    def block(self, lead: bytes) -> int:
        """How many consecutive frames it lets through; 0: all."""
        return self._parameter(len(lead) + 1)

    def gap_s(self, lead: bytes) -> float:
        """The seconds it wants between two frames: STmin in ms up to 7F, F1 to F9 in steps of 0.1 ms (ISO 15765-2)."""
        least = self._parameter(len(lead) + 2)
        if least <= LONGEST_ST_MIN:
            return least / 1000
        return (least - 0xF0) / 10_000 if 0xF1 <= least <= 0xF9 else LONGEST_ST_MIN / 1000

    def _parameter(self, place: int) -> int:
        return self.data[place] if place < len(self.data) else 0


def _own_reply_id(ecu: Ecu, kind: Kind) -> int:
    """Where an adapter sends a flow control by itself: 8 below an 11-bit id, source and target swapped on 29 bits."""
    if kind is Kind.CAN11:
        return ecu.answer_id - 8
    return (ecu.answer_id & 0xFFFF0000) | (ecu.answer_id & 0xFF) << 8 | (ecu.answer_id >> 8 & 0xFF)


AUTOMATIC = FlowControl()


@dataclass(slots=True)
class Bus:
    """One car's bus, shared by all adapters in its socket. ``ecu_s`` is the latency of an ECU that names none.

    ``clock`` is the time its adapters keep, wall time if there is none; ``asked`` is called after each request.
    """

    car: Car | None
    journal: Journal
    ecu_s: float = 0.015
    clock: Clock | None = None
    asked: Callable[[int], None] | None = None

    def ask(
        self, now_s: float, header: int, request: bytes, *, flow: FlowControl | None = None, lead: bytes = b""
    ) -> list[Frame]:
        """Send one message; return every frame of every answer, by time."""
        car = self.car
        if car is None:
            return []
        car.advance(now_s)
        self._note(car, header, request)
        frames: list[Frame] = []
        place = 0
        for ecu in car.ecus:
            reached, functional = _addressed(car, ecu, header)
            if not reached or lead != _extension(ecu):
                continue
            messages = answer(car, ecu, request, functional=functional)
            starts = now_s + (ecu.latency_s if ecu.latency_s is not None else self.ecu_s) + place * SECOND_ECU_S
            place += bool(messages)
            frames += _timed(car, ecu, messages, starts, flow or AUTOMATIC, lead)
        if self.asked is not None:
            self.asked(self.journal.requests)
        return sorted(frames, key=itemgetter(0)) if place > 1 else frames

    def probe(self, now_s: float, header: int) -> bool:
        """Whether anybody answers 01 00, as the adapter's own search asks it; not counted as the host's request."""
        car = self.car
        if car is None:
            return False
        car.advance(now_s)
        reached = (ecu for ecu in car.ecus if _addressed(car, ecu, header)[0])
        return any(answer(car, ecu, b"\x01\x00", functional=True) for ecu in reached)

    def _note(self, car: Car, header: int, request: bytes) -> None:
        self.journal.asked()
        if not request:
            return
        if request[0] in CHANGING:
            self.journal.harmful(f"{header:X} {request.hex().upper()}")
        elif car.moving and request[0] in MAKER and not request.startswith(OBD_ON_UDS):
            self.journal.harmful(f"{header:X} {request.hex().upper()} while moving")


def _extension(ecu: Ecu) -> bytes:
    return b"" if ecu.extended is None else bytes([ecu.extended])


def _addressed(car: Car, ecu: Ecu, header: int) -> tuple[bool, bool]:
    """Whether a request with this header reaches the ECU, and whether it does so functionally."""
    kind = car.link.kind
    if kind is Kind.CAN11:
        functional = header == FUNCTIONAL_11
    elif kind is Kind.CAN29:
        functional = header == FUNCTIONAL_29
    else:
        return _addressed_legacy(ecu, kind, header)
    return (ecu.functional if functional else header == ecu.request_id), functional


def _addressed_legacy(ecu: Ecu, kind: Kind, header: int) -> tuple[bool, bool]:
    first, target, source = header >> 16 & 0xFF, header >> 8 & 0xFF, header & 0xFF
    if source != TESTER:
        return False, False
    if kind is Kind.KWP:
        functional = first & 0xC0 == 0xC0
        return (ecu.functional if functional else target == ecu.request_id), functional
    return ecu.functional and (first, target) == ((0x61, 0x6A) if kind is Kind.PWM else (0x68, 0x6A)), True


def _timed(car: Car, ecu: Ecu, messages: list[bytes], starts: float, flow: FlowControl, lead: bytes) -> list[Frame]:
    frames: list[Frame] = []
    at_s = starts
    for message in messages:
        if not car.link.is_can:
            frames.append(Frame(at_s, -1, legacy_frame(car.link.kind, ecu.answer_id, message)))
            at_s += NEXT_FRAME_S
            continue
        parts = isotp_frames(message, padding=ecu.padding, lead=bytes([TESTER]) if lead else b"")
        if len(parts) > 1:
            parts = _let_through(ecu, car, parts, flow, lead)
            at_s = _spread(frames, at_s, ecu, parts, max(NEXT_FRAME_S, flow.gap_s(lead)))
        else:
            frames.append(Frame(at_s, ecu.answer_id, parts[0]))
            at_s += NEXT_FRAME_S
        at_s += PENDING_S if message[0] == 0x7F and message[-1] == 0x78 else 0
    return frames


def _let_through(ecu: Ecu, car: Car, parts: list[bytes], flow: FlowControl, lead: bytes) -> list[bytes]:
    """The frames that come: the adapter answers the first one only, so that after a block the unit waits in vain."""
    if not flow.reaches(ecu, car.link.kind, lead):
        return parts[:1]
    block = flow.block(lead)
    return parts[: 1 + block] if block else parts


def _spread(frames: list[Frame], at_s: float, ecu: Ecu, parts: list[bytes], gap_s: float) -> float:
    """Add the frames of a long message, the first one and, after its flow control, the rest; when the next may come."""
    frames.append(Frame(at_s, ecu.answer_id, parts[0]))
    at_s += gap_s + FLOW_CONTROL_S
    for part in parts[1:]:
        frames.append(Frame(at_s, ecu.answer_id, part))
        at_s += gap_s
    return at_s
