"""Writes a fleet car by car: ``forecourt.history/1`` lines and the truth about each. Same seed, same bytes."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TextIO

from simulator.errors import SimulatorError
from simulator.fleet.determinable import determinable
from simulator.fleet.drawing import draw
from simulator.fleet.life import Life
from simulator.fleet.tampering import Tampering, arrange, settle
from simulator.fleet.visits import Seen, see, visit_days
from simulator.reading import Json

# The last sale of a fleet; a fixed day, so that a seed gives the same bytes in any year.
LAST_SALE = datetime(2026, 6, 30, 9, 0, tzinfo=UTC)
SALES_SPAN_DAYS = 7 * 365
DAYS_A_YEAR = 365.25

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Order:
    """Which fleet: how many cars of how many years, and which share of them is tampered with.

    A scenario is a fleet with one story: ``method`` is how its cars are tampered with and ``removed_km`` by how much,
    ``without`` names honest events that do not happen in it, ``sure`` one that happens to every car, and ``told`` says
    that bills of replaced clusters and switched units are among the papers.
    """

    cars: int
    years: float
    seed: int
    tampered: float = 0.3
    method: str = ""
    removed_km: float = 0.0
    without: frozenset[str] = frozenset()
    sure: str = ""
    told: bool = False


def fleet(order: Order) -> Iterator[tuple[Json, Json]]:
    """History and truth of each car in turn; nothing is kept."""
    for index in range(order.cars):
        yield one_car(order, index)


def one_car(order: Order, index: int) -> tuple[Json, Json]:
    """One car of a fleet; any car can be drawn without those before it."""
    random = Random(f"{order.seed}/{index}")
    last_day = max(round(order.years * DAYS_A_YEAR), 1)
    sold = LAST_SALE - timedelta(days=random.randrange(SALES_SPAN_DAYS))
    built = sold - timedelta(days=last_day)
    life = Life(random, draw(random, index, built.year), last_day, without=order.without, sure=order.sure)
    done = _tampering(random, life, last_day, order)
    identity = f"car-{order.seed}-{index:06d}"
    life.make_sure(Random(f"{identity}/sure"), last_day)
    seen = []
    for number, day in enumerate(visit_days(random, last_day), 1):
        life.live_to(day)
        papers_m = _papers_m(random, life, done)
        seen.append(see(random, life, f"{identity}-{number}", built + timedelta(days=day), papers_m=papers_m))
    settle(done, life)
    lines = [visit.line for visit in seen]
    history: Json = {"id": identity, "market": "CN", "visits": lines}
    if order.told and life.told:
        history["events"] = [_bill(built, *told) for told in life.told]
    return history, _truth(identity, life, done, seen)


def _tampering(random: Random, life: Life, last_day: int, order: Order) -> Tampering:
    if random.random() >= order.tampered:
        return Tampering()
    return arrange(random, life, last_day, method=order.method, wanted_m=order.removed_km * 1000)


def _bill(built: datetime, day: int, kind: str, before_m: float, after_m: float) -> Json:
    """A paper about the instrument; both values in km, whatever the dashboard shows."""
    at = (built + timedelta(days=day)).isoformat().replace("+00:00", "Z")
    event: Json = {"at": at, "kind": kind, "person": "workshop"}
    if kind == "cluster_replaced":
        event |= {"before_km": round(before_m / 1000, 1), "after_km": round(after_m / 1000, 1)}
    return event


def _papers_m(random: Random, life: Life, done: Tampering) -> float | None:
    """What a service book says: a little less than the truth, or what the dashboard was made to show."""
    if done.method == "cluster_swap_with_papers" and life.day >= done.day:
        return life.shown_m
    return max(life.true_m - random.uniform(0.0, 3e6), 0.0) if random.random() < 0.25 else None


def _truth(identity: str, life: Life, done: Tampering, seen: list[Seen]) -> Json:
    tampering: Json = {"kind": done.kind, "method": done.method, "removed_m": done.removed_m}
    if done.method != "none":
        tampering["visits_before"] = sum(visit.day < done.day for visit in seen)
    return {
        "id": identity,
        "vin": life.car.vin,
        "fuel": life.car.fuel,
        "model_year": life.drawn.model_year,
        "true_odometer_m": [visit.true_odometer_m for visit in seen],
        "tampering": tampering,
        "determinable": determinable(done, [visit.unmistaken() for visit in seen]),
        "noise": sorted(life.noise),
        "shown_m": [visit.shown_m for visit in seen],
        "visit_noise": [visit.noise for visit in seen],
    }


def write_fleet(order: Order, out: TextIO, truth: TextIO | None) -> None:
    """Write one line a car to each stream."""
    for history, known in fleet(order):
        out.write(_encode(history) + "\n")
        if truth is not None:
            truth.write(_encode(known) + "\n")


def write_files(order: Order, out: str, truth: str, stdout: TextIO) -> None:
    """Write to the files named, the histories to ``stdout`` without a name; SimulatorError where that cannot be."""
    if out and out == truth:
        raise SimulatorError("--out and --truth are the same file")
    with ExitStack() as files:
        write_fleet(
            order,
            files.enter_context(_opened("--out", out)) if out else stdout,
            files.enter_context(_opened("--truth", truth)) if truth else None,
        )


def _opened(option: str, name: str) -> TextIO:
    try:
        return Path(name).open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise SimulatorError(f"{option} {name}: {error.strerror or error}") from None
