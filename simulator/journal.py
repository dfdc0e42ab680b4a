"""Counts what was asked of the car, and keeps what would have changed or endangered it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

KEPT = 200


@dataclass(slots=True)
class Journal:
    """``requests`` that reached the bus, ``writes`` that would have changed a car, and the first of them in words."""

    requests: int = 0
    writes: int = 0
    unsafe: list[str] = field(default_factory=list)

    def asked(self) -> None:
        """Note one request on the bus, whatever it is."""
        self.requests += 1

    def harmful(self, what: str) -> None:
        """Note something that no reader may ever send."""
        self.writes += 1
        if len(self.unsafe) < KEPT:
            self.unsafe.append(what[:80])

    def summary(self) -> dict[str, object]:
        """The last line of a simulator: counts, and the unsafe requests as they were sent."""
        return {"writes": self.writes, "requests": self.requests, "unsafe": self.unsafe}


def summed(journals: Iterable[Journal]) -> dict[str, object]:
    """The summary of several cars in one process."""
    total = Journal()
    for journal in journals:
        total.requests += journal.requests
        total.writes += journal.writes
        total.unsafe += journal.unsafe[: KEPT - len(total.unsafe)]
    return total.summary()
