"""A tester with a clock of its own: asks a simulated adapter line by line and jumps to each moment something leaves."""

from functools import cache

from simulator.adapter import Adapter
from simulator.bus import Bus
from simulator.faults import FaultPlan, parse_fault
from simulator.journal import Journal
from simulator.library import load
from simulator.profiles import PROFILES

PATIENCE_S = 60.0

loaded = cache(load)


class Bench:
    """One car, one adapter, no wall time."""

    def __init__(
        self,
        scenario: str = "clean",
        *,
        profile: str = "elm-2.2",
        faults: tuple[str, ...] = (),
        seed: int = 1,
        visit: int = 0,
        link_s: float = 0.0,
    ) -> None:
        self.scenario = loaded(scenario)
        self.car = self.scenario.car(visit or len(self.scenario.visits))
        self.journal = Journal()
        self.bus = Bus(self.car, self.journal)
        self.lost: list[str] = []
        self.adapter = Adapter(
            PROFILES[profile],
            self.bus,
            faults=FaultPlan([parse_fault(text) for text in faults], seed),
            link_s=link_s,
            lost=lambda effect: self.lost.append(effect.value),
        )
        self.now_s = 100.0
        self.took_s = 0.0

    def ask(self, command: str, patience_s: float = PATIENCE_S) -> str:
        """Send one line; everything received until the prompt, or until patience ends."""
        return self.send(command.encode("latin-1") + b"\r", patience_s).decode("latin-1")

    def send(self, data: bytes, patience_s: float = PATIENCE_S) -> bytes:
        """Send bytes; everything received until the prompt, or until patience ends."""
        started_s = self.now_s
        self.adapter.receive(self.now_s, data)
        received = self.collect(patience_s)
        self.took_s = self.now_s - started_s
        return received

    def collect(self, patience_s: float = PATIENCE_S) -> bytes:
        """What comes without asking."""
        received = b""
        ends_s = self.now_s + patience_s
        while not received.endswith(b">"):
            moment = self.adapter.next_s
            if moment is None or moment > ends_s:
                self.now_s = ends_s
                break
            self.now_s = max(self.now_s, moment)
            received += self.adapter.due(self.now_s)
        return received

    def ready(self) -> "Bench":
        """Echo and spaces off, headers on, protocol found."""
        for command in ("ATE0", "ATS0", "ATH1", "0100"):
            self.ask(command)
        return self

    def lines(self, command: str) -> list[str]:
        """The lines of one answer, without the prompt."""
        return [line for line in self.ask(command).removesuffix(">").split("\r") if line]
