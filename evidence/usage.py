"""How a car is used, inferred from its own counters: short trips and long idling ask for earlier service.

An inference is shown as one: it changes no plan until a person confirms it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from evidence.history import History
from evidence.ledger import Entry, current
from evidence.monitors import SATURATED_WARMUPS, distance_of, warmups_of
from evidence.snapshot import CounterPart, Snapshot
from protocols.readings import ItemStatus

# Kia's, Hyundai's and Jeep's severe-use lists agree on trips below 8 km; a warm-up is a trip that began cold
SHORT_TRIP_M = 8_000
# fewer cold starts than this tell more of one week than of a car's life
WARMUPS_ENOUGH = 15
# long idling or low speed: a mean below this over the engine's life
SLOW_MEAN_KMH = 20
HOURS_ENOUGH = 100
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class UseSign:
    """One reason to think of severe use: ``kind`` is a catalogue key's end, the numbers are what it rests on."""

    kind: str
    trip_m: int = 0
    mean_kmh: int = 0
    warmups: int = 0


def signs_of_severe_use(history: History, entries: Iterable[Entry] = ()) -> tuple[UseSign, ...]:
    """What in the latest readings speaks for severe use; empty when nothing does or too little is known."""
    latest = next((visit.snapshot for visit in reversed(history.visits)), Snapshot())
    standing = current(entries)
    found = (_short_trips(latest), _slow(latest, standing.odometer_m if standing else None))
    return tuple(sign for sign in found if sign is not None)


def _short_trips(snapshot: Snapshot) -> UseSign | None:
    warmups, distance_m = warmups_of(snapshot), distance_of(snapshot)
    if warmups is None or distance_m is None or not WARMUPS_ENOUGH <= warmups < SATURATED_WARMUPS:
        return None
    trip_m = distance_m // warmups
    return UseSign("short_trips", trip_m=trip_m, warmups=warmups) if trip_m < SHORT_TRIP_M else None


def _slow(snapshot: Snapshot, odometer_m: int | None) -> UseSign | None:
    run_s = _run_time(snapshot.counters.engine_run_time_s)
    if run_s is None or odometer_m is None or run_s < HOURS_ENOUGH * _HOUR_S:
        return None
    if snapshot.vehicle.fuel not in ("", "petrol", "diesel"):
        return None  # a hybrid's engine rests while the car moves: its hours say nothing about idling
    mean_kmh = round(odometer_m / 1000 / (run_s / _HOUR_S))
    return UseSign("low_speed", mean_kmh=mean_kmh) if mean_kmh < SLOW_MEAN_KMH else None


def _run_time(parts: tuple[CounterPart, ...]) -> int | None:
    read = [part for part in parts if part.status is ItemStatus.READ and part.value is not None]
    return min(read, key=lambda part: part.ecu).value if read else None
