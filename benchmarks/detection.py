"""Hold the checks of an intake against synthetic fleets: what is found, who is suspected wrongly, how sure it was said.

    python benchmarks/detection.py --histories 10000 --workers 2
    python benchmarks/detection.py --count --histories 20000 --seed 900 --workers 2

Each scenario of docs/detection.md is drawn by `forecourt-sim fleet` with its truth. The fleets are synthetic: the
shares say how the checks behave on such lives and nothing about real markets. Exit 1 when a goal is missed; the last
line is the summary. With `--count` it counts how often each sentence of each check was right on mixed fleets, which
is where the confidences in `evidence/checks/sureness.py` come from: fit by one seed, judge by another.
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from agent.histories import HistoryLine
from agent.judging import judgement_of
from evidence.history import History, Visit
from evidence.snapshot import CheckPart, Snapshot
from evidence.verdict import judge
from simulator.fleet.determinable import _dash_m, _witnesses
from simulator.fleet.tampering import METHODS
from simulator.fleet.writing import Order, fleet

TODAY = datetime(2026, 11, 22, tzinfo=UTC)
RED = ("suspicious", "impossible")
ODOMETER_CHECKS = ("K1", "K2", "K3", "K6", "K8")
CLEAR_CHECKS = ("K4", "K5")
# what brings another past into a car, and what changes the unit of its dashboard
OTHER_UNITS = frozenset({"cluster_replaced", "engine_unit_replaced", "gearbox_unit_replaced"})
UNTOLD = OTHER_UNITS | {"unit_changed"}
MARGIN_M, MARGIN_SHARE = 100_000, 0.01
CURVE_KM = (1_000, 5_000, 20_000, 70_000)
VISITS = 200
# a processor that changes its speed changes it within fewer verdicts than these
ROUNDS = 300
# so many fleets of honest and tampered cars as they come are drawn to hold the stated confidences against
MIXED_FLEETS = 2
ENOUGH = 50
# of cars worth looking at, so many are named
NAMED = 6
# 95 % of what a share may be by chance lies within so many standard deviations
DEVIATIONS = 1.96

Line = dict[str, Any]
Said = Counter[tuple[str, str, str, float, bool]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fleet with one story. ``honest`` cars count against the goals only where ``goal`` says so."""

    name: str
    honest: bool
    goal: bool = True
    method: str = ""
    without: frozenset[str] = frozenset()
    sure: str = ""
    told: bool = False

    def order(self, cars: int, seed: int) -> Order:
        return Order(
            cars,
            8.0,
            seed,
            tampered=0.0 if self.honest else 1.0,
            method=self.method,
            without=self.without,
            sure=self.sure,
            told=self.told,
        )


SCENARIOS = (
    Scenario("honest", honest=True, without=UNTOLD),
    Scenario("cluster-replaced-billed", honest=True, without=UNTOLD, sure="cluster_replaced", told=True),
    Scenario("unit-changed-told", honest=True, without=UNTOLD, sure="unit_changed", told=True),
    Scenario("unit-changed-untold", honest=True, goal=False, without=UNTOLD, sure="unit_changed"),
    Scenario("used-engine-unit", honest=True, goal=False, without=UNTOLD, sure="engine_unit_replaced"),
    Scenario("cluster-replaced-untold", honest=True, goal=False, without=UNTOLD, sure="cluster_replaced"),
    *(Scenario(method.replace("_", "-"), honest=False, method=method) for method in METHODS),
)


@dataclass(frozen=True)
class Car:
    """One history, the truth about it, and what was said of it."""

    history: Line
    truth: Line
    checks: tuple[CheckPart, ...]

    @cached_property
    def results(self) -> dict[str, str]:
        return {part.check: str(part.result) for part in self.checks}

    @property
    def tampered(self) -> bool:
        return bool(self.truth["tampering"]["kind"] != "none")

    @property
    def red(self) -> set[str]:
        return {check for check, result in self.results.items() if result in RED}

    @property
    def told_too_little(self) -> bool:
        true_m, shown_m = self.truth["true_odometer_m"][-1], self.truth["shown_m"][-1]
        return bool(true_m - shown_m > max(MARGIN_M, MARGIN_SHARE * true_m))

    @property
    def two_witnesses(self) -> bool:
        last = self.history["visits"][-1]
        return len(_witnesses(last)) + (_dash_m(last) is not None) > 1

    @property
    def undetermined(self) -> bool:
        return all(self.results[check] == "not_determinable" for check in ("K1", "K2", "K8"))


def judged(order: Order) -> Iterator[Car]:
    """Draw and judge, one car at a time, as ``forecourt judge`` does."""
    for history, truth in fleet(order):
        line = HistoryLine.model_validate(json.loads(json.dumps(history)))
        yield Car(history, truth, judgement_of(line, TODAY).checks)


@dataclass
class Tally:
    """What became of one scenario's cars."""

    cars: int = 0
    suspicious: Counter[str] = field(default_factory=Counter)
    odometer_red: int = 0
    clear_red: int = 0
    wrongly_impossible: int = 0
    two_witnesses: int = 0
    undetermined: int = 0
    determinable: Counter[int] = field(default_factory=Counter)
    found: Counter[int] = field(default_factory=Counter)
    found_of_all: Counter[int] = field(default_factory=Counter)
    of_all: Counter[int] = field(default_factory=Counter)
    noted: list[str] = field(default_factory=list)

    def add(self, car: Car) -> None:
        self.cars += 1
        self.suspicious.update(car.red)
        wrong = "impossible" in car.results.values() and not car.tampered and not car.told_too_little
        self.wrongly_impossible += wrong
        if car.tampered:
            self._add_tampered(car)
            return
        self.odometer_red += bool(car.red.intersection(ODOMETER_CHECKS))
        self.clear_red += bool(car.red.intersection(CLEAR_CHECKS))
        self.two_witnesses += car.two_witnesses
        self.undetermined += car.two_witnesses and car.undetermined
        if wrong or car.red.intersection(ODOMETER_CHECKS):
            self.noted.append(car.truth["id"])

    def _add_tampered(self, car: Car) -> None:
        step = step_km(car.truth["tampering"]["removed_m"])
        wanted = set(car.truth["determinable"])
        self.of_all[step] += 1
        self.found_of_all[step] += bool(car.red)
        if wanted:
            self.determinable[step] += 1
            self.found[step] += bool(car.red & wanted)
            if not car.red & wanted:
                self.noted.append(car.truth["id"])


def step_km(removed_m: int) -> int:
    """The point of the curve an amount belongs to; 0 where nothing was taken off."""
    if not removed_m:
        return 0
    return min(CURVE_KM, key=lambda step: abs(step - removed_m / 1000) / step)


@dataclass
class Goals:
    """Each goal with what was measured; ``missed`` names those that were not reached."""

    missed: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def hold(self, name: str, value: float, limit: float, *, at_least: bool = False) -> None:
        good = value >= limit if at_least else value <= limit
        sign = ">=" if at_least else "<="
        print(f"  {'ok    ' if good else 'MISSED'} {name}: {value:.4g} (goal {sign} {limit:g})")
        self.said.append(f"{name} {value:.4g}")
        if not good:
            self.missed.append(name)


def share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def show(scenario: Scenario, tally: Tally) -> None:
    """One line a scenario, with the first cars worth looking at."""
    red = ", ".join(f"{check} {count}" for check, count in sorted(tally.suspicious.items()))
    said = _honest_words(tally) if scenario.honest else _tampered_words(tally)
    print(f"{scenario.name:25} {tally.cars:6} cars  {said}  [{red}]")
    if tally.noted:
        print(f"{'':25} look at {', '.join(tally.noted[:NAMED])}")


def _honest_words(tally: Tally) -> str:
    odometer, clear = share(tally.odometer_red, tally.cars), share(tally.clear_red, tally.cars)
    return (
        f"odometer checks red {odometer:.3f} %  clear checks red {clear:.3f} %"
        f"  wrongly impossible {tally.wrongly_impossible}  undetermined {tally.undetermined}/{tally.two_witnesses}"
    )


def _tampered_words(tally: Tally) -> str:
    found, shown = sum(tally.found.values()), sum(tally.determinable.values())
    of_all = share(sum(tally.found_of_all.values()), sum(tally.of_all.values()))
    return f"found {found} of {shown} determinable ({share(found, shown):.2f} %), {of_all:.1f} % of all"


def curve(tallies: Iterable[Tally], goals: Goals) -> None:
    """Found by the amount taken off, over all methods."""
    found: Counter[int] = Counter()
    shown: Counter[int] = Counter()
    whole: Counter[int] = Counter()
    for tally in tallies:
        found.update(tally.found)
        shown.update(tally.determinable)
        whole.update(tally.of_all)
    print("removed      cars   determinable   found")
    for step in CURVE_KM:
        print(f"{step:7} km {whole[step]:7} {shown[step]:14} {share(found[step], shown[step]):7.2f} %")
    large = [step for step in CURVE_KM if step >= 20_000]
    part, all_large = sum(found[step] for step in large), sum(shown[step] for step in large)
    goals.hold("found at 20,000 km and more, %", share(part, all_large), 99, at_least=True)
    goals.hold("found at 5,000 km, %", share(found[5_000], shown[5_000]), 95, at_least=True)
    goals.hold("cleared before the sale found, %", share(found[0], shown[0]), 95, at_least=True)


def honest(tallies: Iterable[Tally], goals: Goals) -> None:
    """The goals that honest cars set, each in the worst of its scenarios."""
    rows = list(tallies)
    goals.hold("honest odometer checks red, %", max(share(t.odometer_red, t.cars) for t in rows), 0.05)
    goals.hold("honest clear checks red, %", max(share(t.clear_red, t.cars) for t in rows), 1)
    undetermined = sum(t.undetermined for t in rows), sum(t.two_witnesses for t in rows)
    goals.hold("undetermined with two witnesses, %", share(*undetermined), 2)


def stated(order: Order) -> Said:
    """Of each check: what it said in which sentence, how sure it was, and whether that was right, by how often."""
    said: Said = Counter()
    for car in judged(order):
        for part in car.checks:
            if part.result != "not_determinable":
                kind = "red" if part.result in RED else str(part.result)
                said[part.check, kind, part.sentence, part.confidence, is_right(car, part.check, part.result)] += 1
    return said


def calibration(said: Said, goals: Goals) -> None:
    """How often each result of each check was right, against what it said of itself."""
    cases: Counter[tuple[str, str]] = Counter()
    confidence: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    for (check, kind, _, sure, good), count in said.items():
        cases[check, kind] += count
        confidence[check, kind] += round(1e6 * sure) * count
        right[check, kind] += good * count
    print("check  result        cases  stated  right")
    worst = 0.0
    for (check, kind), count in sorted(cases.items()):
        mean, hit = confidence[check, kind] / count / 1e4, share(right[check, kind], count)
        enough = count >= ENOUGH
        worst = max(worst, abs(mean - hit)) if enough else worst
        print(f"{check:6} {kind:12} {count:6} {mean:7.1f} {hit:6.1f}{'' if enough else '  (few)'}")
    goals.hold("stated confidence off by, points", worst, 5)


def counted(said: Said) -> None:
    """How often each sentence was right, with what chance leaves of that share: 95 % lie between least and most."""
    cases: Counter[tuple[str, float]] = Counter()
    right: Counter[tuple[str, float]] = Counter()
    for (_, _, sentence, sure, good), count in said.items():
        cases[sentence, sure] += count
        right[sentence, sure] += good * count
    print("sentence                         stated    cases   right   least    most")
    for (sentence, sure), count in sorted(cases.items()):
        hit = share(right[sentence, sure], count)
        least, most = by_chance(hit / 100, count)
        print(f"{sentence:32} {100 * sure:6.1f} {count:8} {hit:7.2f} {100 * least:7.2f} {100 * most:7.2f}")


def by_chance(share_right: float, cases: int) -> tuple[float, float]:
    """Between which true shares this one may have come about (Wilson's interval)."""
    z = DEVIATIONS**2 / cases
    centre, spread = share_right + z / 2, math.sqrt(z * (share_right * (1 - share_right) + z / 4))
    return (centre - spread) / (1 + z), (centre + spread) / (1 + z)


def is_right(car: Car, check: str, result: str) -> bool:
    """Red is right when the witnesses really told two stories, consistent when no tampering could be seen by it."""
    if result not in RED:
        return check not in car.truth["determinable"]
    return car.tampered or (check not in CLEAR_CHECKS and bool(OTHER_UNITS.intersection(car.truth["noise"])))


def speed(goals: Goals) -> None:
    """A verdict over a long history, of the processor's time."""
    order = Order(1, 8.0, 3)
    drawn: Line = next(fleet(order))[0]
    last = drawn["visits"][-1]["snapshot"]
    start = datetime(2010, 1, 1, tzinfo=UTC)
    visits = []
    for number in range(VISITS):
        odometer = {"source": "01A6", "ecu": "7E8", "odometer_m": (1_000 + 400 * number) * 1000, "trust": "standard"}
        snapshot = Snapshot.model_validate({**last, "id": f"v{number}", "odometer": [odometer]})
        visits.append(Visit(start + timedelta(days=20 * number), snapshot, dash_m=(1_000 + 400 * number) * 1000))
    long = History("long", tuple(visits))
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        judge(long, now=TODAY)
        spent.append((time.process_time() - began) * 1000)
    print(f"  a verdict over {VISITS} visits took {min(spent):.1f} ms at least, {max(spent):.1f} ms at most")
    goals.hold(f"verdict over {VISITS} visits, ms", statistics.median(spent), 10)


def tallied(scenario: Scenario, cars: int, seed: int) -> Tally:
    """One scenario's fleet, drawn, judged and counted."""
    tally = Tally()
    for car in judged(scenario.order(cars, seed)):
        tally.add(car)
    return tally


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--histories", type=int, default=10_000, help="cars a scenario")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", default="", help="one scenario, without goals")
    arguments.add_argument("--workers", type=int, default=1, help="processes that draw and judge")
    arguments.add_argument("--speed", action="store_true", help="time a verdict over a long history, and no more")
    arguments.add_argument("--count", action="store_true", help="count how often each sentence was right, and no more")
    wanted = arguments.parse_args()
    if wanted.speed:
        speed(goals := Goals())
        return bool(goals.missed)
    print("synthetic fleets; see docs/detection.md for what must decide what")
    scenarios = [one for one in SCENARIOS if wanted.only in ("", one.name) and not wanted.count]
    seeds = () if wanted.only else range(wanted.seed + 1, wanted.seed + 1 + MIXED_FLEETS)
    said: Said = Counter()
    with ProcessPoolExecutor(wanted.workers) as pool:
        counting = [pool.submit(tallied, one, wanted.histories, wanted.seed) for one in scenarios]
        mixed = [pool.submit(stated, Order(wanted.histories, 8.0, seed)) for seed in seeds]
        tallies = {}
        for scenario, future in zip(scenarios, counting, strict=True):
            tallies[scenario] = future.result()
            show(scenario, tallies[scenario])
        for fleet_said in mixed:
            said.update(fleet_said.result())
    if wanted.count:
        counted(said)
    return 0 if wanted.count or wanted.only else judged_by_goals(tallies, said)


def judged_by_goals(tallies: Mapping[Scenario, Tally], said: Said) -> int:
    """Hold all that was counted against the goals: 1 when one is missed, else 0."""
    goals = Goals()
    honest((tally for one, tally in tallies.items() if one.honest and one.goal), goals)
    goals.hold("wrongly impossible, cars", sum(tally.wrongly_impossible for tally in tallies.values()), 0)
    curve((tally for one, tally in tallies.items() if not one.honest), goals)
    calibration(said, goals)
    speed(goals)
    result = f"missed {'; '.join(goals.missed)}" if goals.missed else "all goals met"
    print(f"detection: {result} | {'; '.join(goals.said)}")
    return 1 if goals.missed else 0


if __name__ == "__main__":
    sys.exit(main())
