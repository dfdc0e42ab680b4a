"""What a check looks at, and how it says its result. Every check is a function of one `Case`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from config.catalogue import texts
from evidence.entry import Entry
from evidence.history import History, Visit, in_utc
from evidence.ledger import best_of_visit, visit_id
from evidence.snapshot import CheckPart, Result, Snapshot, Text

KM_PER_MILE = 1.609344
# where dashboards show miles: VINs of the USA (1, 4, 5, 7) and of the United Kingdom (S)
_MILES_VINS = frozenset("1457S")

Params = Mapping[str, str | int | float]

RULES = {
    "K1": "odometer.dash_differs",
    "K2": "odometer.witnesses_differ",
    "K3": "odometer.counter_exceeds",
    "K4": "codes.cleared_recently",
    "K5": "codes.permanent_without_stored",
    "K6": "engine_hours.implausible",
    "K7": "identity.vin_mismatch",
    "K8": "odometer.below_earlier",
    "K9": "road_test.not_done",
    "K10": "inspection.not_done",
}


@dataclass(frozen=True)
class Case:
    """One car's history and ledger; the visit judged is the last one."""

    history: History
    entries: tuple[Entry, ...]

    @property
    def index(self) -> int:
        """Number of the visit judged, from 0; -1 when there is none."""
        return len(self.history.visits) - 1

    @cached_property
    def visit(self) -> Visit:
        """The visit judged; an empty one for a car without visits."""
        return self.history.visits[-1] if self.history.visits else Visit(at=None, snapshot=Snapshot())

    @property
    def at(self) -> datetime | None:
        """When the visit was, as far as anybody knows."""
        stamp = self.visit.at or self.snapshot.taken_at
        return in_utc(stamp) if stamp else None

    @property
    def snapshot(self) -> Snapshot:
        """What the visit judged has read."""
        return self.visit.snapshot

    @property
    def name(self) -> str:
        """The id evidence of this visit starts with."""
        return visit_id(self.history, self.index) if self.history.visits else self.history.id

    @cached_property
    def dash(self) -> Entry | None:
        """The dashboard's value of this visit, as a person gave it."""
        given = (e for e in self.entries if e.visit == self.index >= 0 and e.source == "dash" and not e.voided)
        return next((entry for entry in given if entry.odometer_m > 0), None)

    @cached_property
    def read(self) -> Entry | None:
        """The most trusted odometer the car itself gave at this visit."""
        return best_of_visit(self.entries, self.index, read_only=True) if self.index >= 0 else None

    @cached_property
    def odometer(self) -> Entry | None:
        """The value this visit stands for: read if possible, else typed."""
        return best_of_visit(self.entries, self.index) if self.index >= 0 else None

    @property
    def shows_miles(self) -> bool:
        """Whether the VIN comes from a market whose dashboards show miles."""
        return self.snapshot.vehicle.vin[:1] in _MILES_VINS


def outcome(
    check: str,
    result: Result,
    params: Params,
    *,
    variant: str = "",
    confidence: float = 0.0,
    evidence: tuple[str, ...] = (),
    assumption: str = "",
) -> CheckPart:
    """A check's result with its sentence ``check.<check>.<variant or result>`` in both languages."""
    return CheckPart(
        check=check,
        rule=RULES[check],
        result=result,
        confidence=confidence,
        evidence=evidence,
        params=dict(params),
        assumption=assumption,
        text=Text(**texts(f"check.{check}.{variant or result}", **params)),
    )


def not_determinable(check: str, reason: str) -> CheckPart:
    """The check could not be made; ``reason`` is a key under ``reason`` in the catalogue."""
    return outcome(check, Result.NOT_DETERMINABLE, {"reason": f"@reason.{reason}"})


def differ_as_miles(fewer_m: int, more_m: int) -> bool:
    """Whether the smaller value, taken as miles, is the larger one (within 1 % or 100 km)."""
    return abs(fewer_m * KM_PER_MILE - more_m) <= max(100_000, 0.01 * more_m)
