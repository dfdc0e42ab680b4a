"""The shortest plan of lines that reads an intake, with the answers a simulated car gives to each: what a floor is."""

from benchmarks.wire import Line
from collector.standard import LIVE_PIDS
from simulator.adapter import Adapter
from simulator.bus import Bus
from simulator.journal import Journal
from simulator.library import load
from simulator.profiles import PROFILES

SETUP = ("ATD", "ATE0", "ATS0", "ATH1", "ATL0", "ATM0", "ATAL", "ATAT1", "ATRV")
SUPPORT = "0100"
VIN = "0902"
UNCOUNTED = ("03", "07", "0A", "0904")
STATUS, FREEZE_CODE, ODOMETER = 0x01, 0x02, 0xA6
PATIENCE_S = 60.0


class Probe:
    """One simulated chip with a clock of its own, asked line by line."""

    def __init__(self, scenario: str, profile: str) -> None:
        found = load(scenario)
        self.profile = PROFILES[profile]
        self._chip = Adapter(self.profile, Bus(found.car(len(found.visits)), Journal()))
        self._now_s = 0.0

    def ask(self, command: str) -> bytes:
        """Everything until the prompt."""
        self._chip.receive(self._now_s, command.encode() + b"\r")
        received = b""
        while not received.endswith(b">") and (moment := self._chip.next_s) is not None:
            self._now_s = max(self._now_s, moment)
            received += self._chip.due(self._now_s)
        return received


def floor_lines(scenario: str, profile: str) -> list[Line]:
    """Set-up, 01 00, VIN, the live 20 with status and odometer in the fewest requests, codes, calibration ids.

    A count digit stands where the number of lines is known from the car's kind: VIN and values.
    """
    probe = Probe(scenario, profile)
    lines = [_line(command, probe.ask(command)) for command in SETUP]
    lines.append(_line(SUPPORT, probe.ask(SUPPORT)))
    counts = probe.profile.count_digit == "lines"
    for command in (VIN, *_value_requests(probe)):
        said = probe.ask(command)
        lines.append(_line(command + (f"{_frames(said):X}" if counts else ""), said, counted=counts))
    return lines + [_line(command, probe.ask(command)) for command in UNCOUNTED]


def _value_requests(probe: Probe) -> list[str]:
    """Only PIDs that the car has, as many at once as the adapter carries."""
    have = [pid for pid in (STATUS, ODOMETER, FREEZE_CODE, *LIVE_PIDS) if b"NO DATA" not in probe.ask(f"01{pid:02X}")]
    size = probe.profile.max_pids
    groups = [have[at : at + size] for at in range(0, len(have), size)]
    return ["01" + "".join(f"{pid:02X}" for pid in group) for group in groups]


def _frames(said: bytes) -> int:
    return len([line for line in said.rstrip(b">").split(b"\r") if line])


def _line(command: str, said: bytes, *, counted: bool = False) -> Line:
    return Line(command.encode() + b"\r", said, counted=counted)
