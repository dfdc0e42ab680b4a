"""What came of a fault run, judged from outside: numbers that a box was promised, and rows of the back office."""

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.system.fault_store import FaultStore

LEAST_RECORDS = 100
Place = tuple[str, int]
"""Stream and seq."""
Gaps = list[tuple[str, int, int]]
"""Stream, first and last seq of what was given up or refused, and said so."""


@dataclass(slots=True)
class Judged:
    """``visits`` were read by the agent, ``least_visits`` should have been; ``faults`` counts what really happened."""

    seed: int
    least_visits: int = 0
    promised: int = 0
    visits: int = 0
    declared: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    stuck: bool = False
    faults: Counter[str] = field(default_factory=Counter)
    tracebacks: int = 0

    @property
    def poor(self) -> bool:
        """Whether so little was read that it proves nothing."""
        return self.promised < LEAST_RECORDS or self.visits < self.least_visits

    @property
    def wrong(self) -> bool:
        return bool(self.lost or self.doubled or self.reordered or self.stuck or self.tracebacks)

    @property
    def sound(self) -> bool:
        return not (self.wrong or self.poor)

    def __str__(self) -> str:
        counts = f"{self.promised} records and {self.visits} visits read, {self.declared} declared as given up"
        wrong = f"lost {self.lost} doubled {self.doubled} reordered {self.reordered}"
        others = f"{' STUCK' if self.stuck else ''}{f' {self.tracebacks} TRACEBACKS' if self.tracebacks else ''}"
        faults = ", ".join(f"{times} {name}" for name, times in sorted(self.faults.items()))
        return f"seed {self.seed}: {counts}; {wrong}{others}{' TOO LITTLE READ' if self.poor else ''}; {faults}"


async def judge_numbers(judged: Judged, promised: dict[int, Place], store: FaultStore) -> None:
    """Each number that the busy box was promised is upstream exactly once and in order, or declared."""
    stored, gaps = await _upstream(store)
    times = Counter(number for _, number in stored)
    missing = [at for number, at in promised.items() if number not in times]
    lost = sum(not _is_declared(at, gaps) for at in missing)
    judged.promised = len(promised)
    judged.lost, judged.declared = judged.lost + lost, len(missing) - lost
    judged.doubled += sum(count - 1 for count in times.values())
    judged.reordered = sum(a[0] == b[0] and one >= other for (a, one), (b, other) in pairwise(stored))


def promises(path: Path) -> dict[int, Place]:
    """What the box noted, by number; a line that a kill tore is no promise."""
    lines = path.read_text(encoding="ascii").splitlines(keepends=True) if path.exists() else []
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {int(number): (stream, int(seq)) for number, stream, seq in whole}


async def _upstream(store: FaultStore) -> tuple[list[tuple[Place, int]], Gaps]:
    """Rows of the busy box in the order of their streams, and the ranges that were given up or refused."""
    rows = await store.query("SELECT stream, seq, record FROM records WHERE device = 'bay-1' ORDER BY stream, seq")
    numbers = [((str(stream), int(str(seq))), _number(str(text))) for stream, seq, text in rows]
    gaps = await store.query("SELECT stream, first_seq, last_seq FROM gaps WHERE cause != 'hole'")
    ranges = [(str(stream), int(str(first)), int(str(last))) for stream, first, last in gaps]
    return [(place, number) for place, number in numbers if number is not None], ranges


def _number(text: str) -> int | None:
    body = json.loads(text)["body"]
    match body["kind"]:
        case "reading":
            return int(body["value"])
        case "dtc":
            return int(body["ecu"])
    return None


def _is_declared(at: Place, gaps: Gaps) -> bool:
    return any(stream == at[0] and first <= at[1] <= last for stream, first, last in gaps)
