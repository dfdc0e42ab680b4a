"""What the wire alone costs: the timing formula of an ELM327 line, and the shortest intake that it allows.

    T = t_cmd + 2 t_link + 10 B_tx/baud + T_ecu + max(10 B_rx/baud, (F - 1) t_cf) + T_tail

B counts bytes at the port, F frames; T_ecu is when the last unit begins that answers in one frame (each unit 5 ms after
the one before), or the first one where answers are longer and the port is the brake. A line for the adapter alone has
no T_ecu and no T_tail; T_tail is 0 where a count digit ended the answer, else what adaptive timing (AT1) waits: twice
the control unit's latency and 20 ms.
"""

from collections.abc import Iterable
from dataclasses import dataclass

COMMAND_S = 0.001
FRAME_S = 0.001
START_TAIL_S = 0.200  # ST 32: what an ELM327 waits before adaptive timing has seen an answer
NEXT_UNIT_S = 0.005


@dataclass(frozen=True, slots=True)
class Wire:
    """One adapter and its car: baud rate, link delay one way, latency of the first control unit."""

    baud: int = 38_400
    link_s: float = 0.0
    ecu_s: float = 0.015

    @property
    def tail_s(self) -> float:
        """What AT1 waits for one more answer."""
        return min(START_TAIL_S, 2 * self.ecu_s + 0.020)


@dataclass(frozen=True, slots=True)
class Line:
    """One line and its answer as they passed the port; ``counted`` when a digit ended the answer."""

    sent: bytes
    received: bytes
    counted: bool = False
    first: bool = False

    @property
    def on_bus(self) -> bool:
        """Whether it is a request to the car."""
        return not self.sent.upper().startswith((b"AT", b"ST", b"?", b" "))


def cost_s(line: Line, wire: Wire) -> float:
    """The formula for one line, in seconds."""
    byte_s = 10 / wire.baud
    fixed_s = COMMAND_S + 2 * wire.link_s + byte_s * len(line.sent)
    if not line.on_bus:
        return fixed_s + byte_s * len(line.received)
    frames = line.received.count(b"\r") - 1
    tail_s = 0.0 if line.counted else START_TAIL_S if line.first else wire.tail_s
    return fixed_s + _answer_s(line, wire) + max(byte_s * len(line.received), (frames - 1) * FRAME_S) + tail_s


def _answer_s(line: Line, wire: Wire) -> float:
    shown = [text for text in line.received.rstrip(b">").split(b"\r") if text]
    if not shown or b"NO DATA" in line.received:
        return 0.0
    single = all(text[3:4] == b"0" for text in shown)
    return wire.ecu_s + (NEXT_UNIT_S * (len(shown) - 1) if single else 0.0)


def intake_s(lines: Iterable[Line], wire: Wire) -> float:
    """The formula for all lines of an intake."""
    return sum(cost_s(line, wire) for line in lines)
