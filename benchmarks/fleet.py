"""Judge a synthetic fleet and say, check by check, which honest cars were suspected and which tampered ones were found.

    python benchmarks/fleet.py --cars 2000 --years 8 --seed 1

The cars are drawn by `forecourt-sim fleet`: its rates of faults, repairs and tampering are assumptions, so the shares
say how the checks behave on such lives and nothing about real markets. Exit 1 when an honest car is called impossible.
"""

import argparse
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from agent.judging import judge_histories
from config.catalogue import Language
from simulator.fleet.writing import Order, write_files

CHECKS = tuple(f"K{number}" for number in range(1, 11))
RED = ("suspicious", "impossible")
CAUSES_SHOWN = 3

Line = dict[str, Any]


@dataclass
class Row:
    """One check over a fleet. ``causes`` counts the honest noise that stood in the suspected honest cars."""

    honest_suspicious: int = 0
    honest_impossible: int = 0
    shown: int = 0
    found: int = 0
    causes: Counter[str] = field(default_factory=Counter)


@dataclass
class Table:
    """All checks over a fleet, and per method of tampering how many cars were determinable and found by anything."""

    honest: int = 0
    honest_red: int = 0
    tampered: int = 0
    determinable: int = 0
    found: int = 0
    rows: dict[str, Row] = field(default_factory=lambda: {check: Row() for check in CHECKS})
    methods: dict[str, Counter[str]] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    impossible: list[str] = field(default_factory=list)


def judged(order: Order) -> Iterator[tuple[Line, Line]]:
    """The truth about each car and what `forecourt judge` says of it."""
    with TemporaryDirectory() as folder:
        histories, truths = Path(folder) / "histories.jsonl", Path(folder) / "truths.jsonl"
        write_files(order, str(histories), str(truths), sys.stdout)
        said = io.StringIO()
        with redirect_stdout(said):
            judge_histories([histories], Language.EN, as_json=True)
        for known, verdict in zip(
            truths.read_text(encoding="utf-8").splitlines(), said.getvalue().splitlines(), strict=True
        ):
            yield json.loads(known), json.loads(verdict)


def tabulate(cars: Iterable[tuple[Line, Line]]) -> Table:
    """Count; a tampered car is found when a check that could show it is red."""
    table = Table()
    for known, said in cars:
        results = {check["check"]: check["result"] for check in said["checks"]}
        if known["tampering"]["kind"] == "none":
            _add_honest(table, known, results)
        else:
            _add_tampered(table, known, results)
    return table


def _add_honest(table: Table, known: Line, results: dict[str, str]) -> None:
    table.honest += 1
    table.honest_red += any(result in RED for result in results.values())
    noise = set(known["noise"]).union(*known["visit_noise"]) or {"none"}
    for check, result in results.items():
        row = table.rows[check]
        row.honest_suspicious += result == "suspicious"
        row.honest_impossible += result == "impossible"
        if result in RED:
            row.causes.update(noise & _LIKELY[check] or {"other"})
        if result == "impossible":
            table.impossible.append(f"{known['id']} {check}")


# the honest reasons each check may stumble over; what is in none of them counts as "other"
_PAST = {"cluster_replaced", "engine_unit_replaced", "unit_changed", "typing_error", "dash_in_miles"}
_LIKELY = dict.fromkeys(CHECKS, _PAST) | {
    "K3": _PAST | {"gearbox_unit_replaced"},
    "K4": {"battery_change", "workshop_clear"},
    "K5": {"battery_change", "workshop_clear"},
    "K7": {"engine_unit_replaced"},
}


def _add_tampered(table: Table, known: Line, results: dict[str, str]) -> None:
    table.tampered += 1
    method = table.methods.setdefault(known["tampering"]["method"], Counter())
    method["cars"] += 1
    wanted = known["determinable"]
    for check in wanted:
        table.rows[check].shown += 1
        table.rows[check].found += results[check] in RED
    if wanted:
        found = any(results[check] in RED for check in wanted)
        table.determinable += 1
        table.found += found
        method["determinable"] += 1
        method["found"] += found
    table.missed += [f"{known['id']} {check}" for check in wanted if results[check] not in RED]


def show(table: Table) -> None:
    """Print both tables."""
    print(f"honest cars {table.honest}, of which any check red: {table.honest_red}")
    print("check  honest suspicious  impossible  determinable  found  likely honest causes")
    for check, row in table.rows.items():
        causes = ", ".join(f"{name} {count}" for name, count in row.causes.most_common(CAUSES_SHOWN))
        honest = f"{row.honest_suspicious:17}  {row.honest_impossible:10}"
        print(f"{check:5}  {honest}  {row.shown:12}  {row.found:5}  {causes}")
    print(f"tampered cars {table.tampered}, determinable {table.determinable}, found {table.found}")
    for name, counts in sorted(table.methods.items()):
        print(f"  {name:26} {counts['cars']:5} cars {counts['determinable']:5} determinable {counts['found']:5} found")
    if table.missed:
        print(f"missed ({len(table.missed)}): {', '.join(table.missed[:10])}")
    if table.impossible:
        print(f"honest and called impossible: {', '.join(table.impossible[:10])}")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--cars", type=int, default=2000)
    arguments.add_argument("--years", type=float, default=8.0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--tampered", type=float, default=0.3)
    wanted = arguments.parse_args()
    order = Order(wanted.cars, wanted.years, wanted.seed, wanted.tampered)
    started_s = time.perf_counter()
    table = tabulate(judged(order))
    print(f"synthetic fleet: {order.cars} cars of {order.years:g} years, seed {order.seed}")
    show(table)
    print(f"{order.cars * order.years / (time.perf_counter() - started_s):.0f} car-years a second, judging included")
    return 1 if table.impossible else 0


if __name__ == "__main__":
    sys.exit(main())
