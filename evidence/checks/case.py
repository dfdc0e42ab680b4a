"""What a check looks at, and how it says its result. Every check is a function of one `Case`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property

from config.catalogue import dates_in, texts
from evidence.checks.sureness import SURE
from evidence.entry import Entry, agree, tells_mileage
from evidence.history import History, Visit, in_utc
from evidence.ledger import best_of_visit, visit_id
from evidence.snapshot import CheckPart, Result, Snapshot, Text
from evidence.travel import identity_of, other_unit, tells_another
from evidence.typed import MILES, SLIP, TEN_THOUSANDS
from evidence.vin import market_shows_miles

Params = Mapping[str, str | int | float]

# what a doubted value asks a person to do, as a key under ``reason`` in the catalogue
DOUBTS = {SLIP: "typing_slip", MILES: "unit_unclear", TEN_THOUSANDS: "ten_thousands"}

RULES = {
    "K1": "odometer.dash_differs",
    "K2": "odometer.witnesses_differ",
    "K3": "odometer.counter_exceeds",
    "K4": "codes.cleared_recently",
    "K5": "codes.permanent_without_stored",
    "K6": "engine_hours.implausible",
    "K7": "identity.vin_mismatch",
    "K8": "odometer.below_earlier",
    "K9": "road_test.differs",
    "K10": "inspection.differs",
}


@dataclass(frozen=True)
class Case:
    """One car's history and ledger; the visit judged is the last one."""

    history: History
    entries: tuple[Entry, ...]

    @cached_property
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
    def _by_visit(self) -> Mapping[int, Sequence[Entry]]:
        found: dict[int, list[Entry]] = {}
        for entry in self.entries:
            if entry.visit >= 0:
                found.setdefault(entry.visit, []).append(entry)
        return found

    def at_visit(self, visit: int) -> Sequence[Entry]:
        """What the ledger holds of one visit, in its order; nothing of -1, which is no visit."""
        return self._by_visit.get(visit, ())

    @cached_property
    def dash(self) -> Entry | None:
        """The dashboard's value of this visit, as a person gave it."""
        given = (e for e in self.at_visit(self.index) if e.source == "dash" and not e.voided)
        return next((entry for entry in given if entry.odometer_m > 0), None)

    @property
    def doubt(self) -> str:
        """Why the dashboard's value cannot have been meant as it was typed: a key of `DOUBTS`, or nothing."""
        reason = self.dash.quarantined if self.dash else ""
        return reason if reason in DOUBTS else ""

    @property
    def without_odometer(self) -> str:
        """Why nothing can be held against this visit's mileage: what was typed is doubted, or there is none."""
        return DOUBTS.get(self.doubt, "no_odometer")

    @cached_property
    def miles_supported(self) -> bool:
        """Whether more than the numbers says that this dashboard shows miles: the VIN's market, or an earlier visit."""
        earlier = (e for e in self.entries if e.source == "dash" and e.quarantined == MILES and e.visit != self.index)
        return self.shows_miles or next(earlier, None) is not None

    @cached_property
    def read(self) -> Entry | None:
        """The most trusted odometer the car itself gave at this visit."""
        return best_of_visit(self.at_visit(self.index), self.index, read_only=True)

    @cached_property
    def odometer(self) -> Entry | None:
        """The value this visit stands for: read if possible, else typed."""
        return best_of_visit(self.at_visit(self.index), self.index)

    def unit_changed(self, ecu: str, since_visit: int) -> bool:
        """Whether the control unit at ``ecu`` tells another VIN, calibration or checksum than it did at that visit."""
        if since_visit < 0 or not ecu:
            return False
        return other_unit(self.history.visits[since_visit].snapshot, self.snapshot, ecu)

    def unit_ever_changed(self, ecu: str) -> bool:
        """The same against any earlier visit."""
        now = identity_of(self.snapshot, ecu)
        if not ecu or not any(now):
            return False
        return any(tells_another(identity_of(visit.snapshot, ecu), now) for visit in self.history.visits[:-1])

    def unit_since(self, ecu: str) -> int:
        """The first visit from which on the control unit at ``ecu`` told nothing else than it does now."""
        visits = self.history.visits
        others = (
            place for place in range(self.index, -1, -1) if other_unit(visits[place].snapshot, self.snapshot, ecu)
        )
        return next(others, -1) + 1

    def carries_on(self, ecu: str, since_visit: int) -> bool:
        """Whether a witness outside the unit at ``ecu`` spoke at both visits, and none of them fell since."""
        then, now = self._elsewhere(ecu, since_visit), self._elsewhere(ecu, self.index)
        both = then.keys() & now.keys()
        return bool(both) and all(now[name] >= then[name] or agree(now[name], then[name]) for name in both)

    def _elsewhere(self, ecu: str, visit: int) -> dict[tuple[str, str], int]:
        return {
            (e.source, e.ecu): e.life_m
            for e in self.at_visit(visit)
            if e.ecu != ecu and e.source != "papers" and tells_mileage(e)
        }

    @cached_property
    def shows_miles(self) -> bool:
        """Whether the VIN comes from a market whose dashboards show miles."""
        return market_shows_miles(self.snapshot.vehicle.vin)


def outcome(
    check: str,
    result: Result,
    params: Params,
    *,
    variant: str = "",
    grade: str = "",
    evidence: tuple[str, ...] = (),
    assumption: str = "",
) -> CheckPart:
    """A check's result with its sentence ``check.<check>.<variant or result>`` in both languages.

    ``grade`` tells apart how sure one sentence may be; it is a key of `sureness.SURE`.
    """
    said = f"{check}.{variant or result}"
    sentence = f"check.{said}"
    return CheckPart(
        check=check,
        rule=RULES[check],
        result=result,
        confidence=0.0 if result is Result.NOT_DETERMINABLE else SURE[f"{check}.{grade}" if grade else said],
        evidence=evidence,
        params=dict(params),
        assumption=assumption,
        sentence=sentence,
        text=Text(**texts(sentence, **params)),
    )


def spoken_in(part: CheckPart, zone: tzinfo) -> CheckPart:
    """The same result with the dates in its sentence as they were in ``zone``."""
    if zone is UTC or not any(name.endswith("_date") for name in part.params):
        return part
    return part.model_copy(update={"text": Text(**texts(part.sentence, **dates_in(zone, part.params)))})


def moment(at: datetime | None) -> str:
    """A parameter ``..._date``: the instant itself, so that each reader sees the date of his own zone."""
    return in_utc(at).isoformat() if at else "@value.unknown"


def not_determinable(check: str, reason: str) -> CheckPart:
    """The check could not be made; ``reason`` is a key under ``reason`` in the catalogue."""
    return outcome(check, Result.NOT_DETERMINABLE, {"reason": f"@reason.{reason}"})
