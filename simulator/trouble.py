"""The life of a trouble code by driving cycles (13 CCR 1968.2): pending, confirmed with the lamp, permanent, healed."""

from collections.abc import Collection
from dataclasses import dataclass, field

from simulator.codes import Code

# The lamp goes out after three driving cycles without the fault, the stored code after forty warm-ups.
LAMP_CYCLES = 3
FORGOTTEN_WARMUPS = 40


@dataclass(slots=True)
class Troubles:
    """The codes of a car and, for each, how many cycles in a row went without its fault."""

    codes: list[Code] = field(default_factory=list)
    sound: dict[tuple[str, str], int] = field(default_factory=dict)

    def fail(self, code: str, ecu: str) -> bool:
        """A driving cycle that saw the fault: pending, next time confirmed and permanent. True when the lamp is lit."""
        self.sound[code, ecu] = 0
        if self._has(code, "stored", ecu):
            return True
        if not self._has(code, "pending", ecu):
            self.codes.append(Code(code, "pending", ecu))
            return False
        self.codes.append(Code(code, "stored", ecu))
        if not self._has(code, "permanent", ecu):
            self.codes.append(Code(code, "permanent", ecu))
        return True

    def pass_cycles(
        self, cycles: int, *, monitors_ran: bool, present: Collection[tuple[str, str]] = frozenset()
    ) -> bool:
        """Driving cycles, each with a warm-up, that saw no fault but those ``present``. True while the lamp stays lit.

        A pending code goes after one such cycle; a permanent one after three, once the monitors have run.
        """
        kept: list[Code] = []
        lit = False
        for code in self.codes:
            key = (code.code, code.ecu)
            sound = 0 if key in present else self.sound.get(key, 0) + cycles
            if sound < self._lives(code.kind, monitors_ran=monitors_ran):
                kept.append(code)
                lit = lit or (code.kind == "stored" and sound < LAMP_CYCLES)
        for key in self.sound:
            self.sound[key] += 0 if key in present else cycles
        self.codes[:] = kept
        return lit

    def clear(self) -> None:
        """What service 04 does: all but the permanent codes go."""
        self.codes[:] = [code for code in self.codes if code.kind == "permanent"]
        self.sound = {(code.code, code.ecu): 0 for code in self.codes}

    def _lives(self, kind: str, *, monitors_ran: bool) -> float:
        if kind == "permanent":
            return LAMP_CYCLES if monitors_ran else float("inf")
        return 1 if kind == "pending" else LAMP_CYCLES + FORGOTTEN_WARMUPS

    def _has(self, code: str, kind: str, ecu: str) -> bool:
        return Code(code, kind, ecu) in self.codes
