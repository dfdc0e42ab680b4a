"""What is said of some hundred cars at the edges of the rules stays what it was: a change is seen before it is made.

After a wanted change: ``python -m tests.evidence.test_golden`` writes the file anew. With the name of a car behind
it, it prints all that is said of that car, to be compared with what an earlier checkout says.
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from evidence.chronology import by_time
from evidence.differences import difference
from evidence.episodes import episodes_of
from evidence.forecast import forecast, pace_of
from evidence.history import History
from evidence.snapshot import Result
from evidence.usage import signs_of_severe_use
from evidence.verdict import Judgement, judge
from tests.evidence.edge_cars import NOW, edge_car
from tests.evidence.steady_cars import steady_car

CARS = [*(f"edge-{number}" for number in range(240)), *(f"steady-{number}" for number in range(240))]
DRAWN = {"edge": edge_car, "steady": steady_car}
GOLDEN = Path(__file__).parent / "golden" / "judged_cars.txt"
LETTERS = {Result.CONSISTENT: "c", Result.SUSPICIOUS: "s", Result.IMPOSSIBLE: "i", Result.NOT_DETERMINABLE: "-"}


def car_of(name: str) -> History:
    kind, _, number = name.partition("-")
    return DRAWN[kind](int(number))


def line_of(name: str) -> str:
    """The result of each check, the mileage believed, and a digest of all the rest."""
    history = car_of(name)
    judged = judge(history, now=NOW)
    results = "".join(LETTERS[one.result] for one in judged.checks)
    believed = f"{judged.current.id}:{judged.current_odometer_m}" if judged.current else "-"
    digest = hashlib.sha256(" ".join(said_of(history, judged)).encode()).hexdigest()[:12]
    return f"{name} {results} {believed} {digest}"


def said_of(history: History, judged: Judgement) -> Iterator[str]:
    """Each check with its sentence and numbers, the ledger, codes, services, and what else is derived."""
    pace = pace_of(judged.entries)
    yield from _checks(judged)
    yield from (
        f"{one.id}={one.odometer_m}/{one.life_m}/{one.rank}/{one.dated}/{one.unit}/{one.person}/{one.clock}"
        f"!{one.quarantined}!{one.voided}"
        for one in judged.entries
    )
    yield from (f"{one.rule}:{one.severity}:{'+'.join(one.evidence)}" for one in judged.findings)
    yield from (f"{one.change}:{one.code}@{one.ecu}" for one in judged.dtc_changes)
    yield from (f"{one.item}:{one.state}:{one.due_m}:{_days(forecast(one, pace, NOW.date()))}" for one in judged.due)
    yield from (
        f"{one.code}@{one.ecu}#{one.number}:{one.state}:{one.visits_seen}:{one.opened_at}:{one.changed_at}"
        f":{one.last_seen_at}:{one.repaired_at}:{'+'.join(one.evidence)}"
        for one in episodes_of(history)
    )
    yield from (
        f"{one.kind}:{one.trip_m}:{one.mean_kmh}:{one.warmups}" for one in signs_of_severe_use(history, judged.entries)
    )
    yield _differs(history)
    yield "order=" + ",".join(visit.snapshot.id for visit in by_time(history.visits[::-1], NOW))


def _checks(judged: Judgement) -> Iterator[str]:
    for one in judged.checks:
        numbers = ",".join(map(str, one.params.values()))
        yield f"{one.sentence} {one.confidence} {one.assumption} ({numbers}) {'+'.join(one.evidence)}"


def _days(days: Iterable[object] | None) -> str:
    return "-" if days is None else "~".join(map(str, days))


def _differs(history: History) -> str:
    found = difference(history.visits)
    codes = ",".join(f"{one.fate}:{one.code}" for one in found.codes or ())
    trend = "-" if found.battery_v_a_month is None else f"{found.battery_v_a_month:.4f}"
    return f"differs={codes}/{len(found.units)}/{trend}"


def test_what_is_said_of_cars_at_the_edges_stays_what_it_was() -> None:
    known = GOLDEN.read_text(encoding="utf-8").splitlines()

    assert [line.split()[0] for line in known] == CARS
    assert [line_of(name) for name in CARS] == known


if __name__ == "__main__" and len(sys.argv) > 1:
    car = car_of(sys.argv[1])
    print(*said_of(car, judge(car, now=NOW)), sep="\n")
elif __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text("".join(f"{line_of(name)}\n" for name in CARS), encoding="utf-8")
