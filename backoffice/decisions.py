"""What people decided about one car's records, and what of it stands. Pure.

A decision is only ever added to the others: taking one back is a decision of its own, so that who said what is never
lost. What a decision is about stays in the records as it came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from backoffice.joining import end_of
from evidence.history import EventKind, MileageRecord, OdometerEvent, Visit, Void
from protocols.readings import Trust

EnteredSource = Literal["manual", "papers", "upstream"]
_ENTERED: dict[str, Trust] = {"manual": Trust.TYPED, "papers": Trust.PAPER, "upstream": Trust.UPSTREAM}
MAX_WORDS = 200
MAX_PERSON = 80


class DecisionKind(StrEnum):
    """What a person decided.

    ``moved_out`` and ``moved_in`` are the two ends of one visit's move between cars; ``merged`` stands at the car that
    stays. ``taken_back`` names the decision that no longer holds.
    """

    VOID = "void"
    MILEAGE = "mileage"
    EVENT = "event"
    JOINED = "joined"
    MOVED_IN = "moved_in"
    MOVED_OUT = "moved_out"
    MERGED = "merged"
    TAKEN_BACK = "taken_back"


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class VoidBody(Body):
    """The value that was withdrawn, as it stood: a later answer in its place is another value and stands."""

    snapshot_id: str = ""
    source: str
    ecu: str = ""
    odometer_m: int


class MileageEntryBody(Body):
    """A mileage that a person enters: ``source`` is ``manual``, ``papers`` or ``upstream`` (a record from elsewhere).

    ``amends`` is the decision that withdrew the value in whose place this one stands, "" for a value of its own.
    """

    source: EnteredSource = "manual"
    seen_at: datetime
    odometer_m: int
    amends: str = ""


class EventBody(Body):
    """A replaced cluster (both values) or another unit of the dashboard; ``papers`` names the bill or the photo."""

    event: EventKind
    happened_at: datetime
    before_m: int | None = None
    after_m: int | None = None
    papers: str = ""


class JoinedBody(Body):
    """The decision's subject is one visit with ``kept``."""

    kept: str


class MovedInBody(Body):
    """A visit came from the car ``other``; ``wrong_vin`` is a VIN that was typed for it by mistake."""

    other: str
    wrong_vin: str = ""


class MovedOutBody(Body):
    """A visit went to the car ``other``; ``pair`` is the decision that stands there."""

    other: str
    pair: str


class MergedBody(Body):
    """All that came from the car that was merged in, so that it can go back: keys, records by place, other rows by id.

    ``wrong_vin`` is the VIN that turned out to be a mistake; empty when that car had none.
    """

    wrong_vin: str = ""
    absorbed_vin: str = ""
    stock_state: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    records: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
    rows: dict[str, tuple[str, ...]] = {}
    open_alerts: tuple[str, ...] = ()


class TakenBackBody(Body):
    pass


BODIES: dict[DecisionKind, type[Body]] = {
    DecisionKind.VOID: VoidBody,
    DecisionKind.MILEAGE: MileageEntryBody,
    DecisionKind.EVENT: EventBody,
    DecisionKind.JOINED: JoinedBody,
    DecisionKind.MOVED_IN: MovedInBody,
    DecisionKind.MOVED_OUT: MovedOutBody,
    DecisionKind.MERGED: MergedBody,
    DecisionKind.TAKEN_BACK: TakenBackBody,
}
KIND_OF: dict[type[Body], DecisionKind] = {body: kind for kind, body in BODIES.items()}


@dataclass(frozen=True, slots=True)
class Decision:
    """``subject`` is what it is about: a ledger entry, a visit, a car, or the decision that it takes back."""

    id: str
    kind: DecisionKind
    subject: str
    body: Body
    reason: str
    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a car's decisions holds.

    ``joined`` maps a visit to the one that it is part of; ``wrong_vins`` are VINs that were typed for this car by
    mistake.
    """

    voids: tuple[Decision, ...] = ()
    events: tuple[OdometerEvent, ...] = ()
    mileages: tuple[MileageRecord, ...] = ()
    joined: Mapping[str, str] = field(default_factory=dict)
    wrong_vins: frozenset[str] = frozenset()


NOTHING_DECIDED = Standing()


def in_force(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Those that nobody took back, oldest first; what takes back says nothing by itself."""
    gone = {one.subject for one in decisions if one.kind is DecisionKind.TAKEN_BACK}
    kept = (one for one in decisions if one.id not in gone and one.kind is not DecisionKind.TAKEN_BACK)
    return tuple(sorted(kept, key=lambda one: (one.at, one.id)))


def standing_of(decisions: Sequence[Decision]) -> Standing:
    """What the checks take from the decisions about a car."""
    voids, events, mileages, joined, wrong = [], [], [], dict[str, str](), set[str]()
    for one in in_force(decisions):
        match one.body:
            case VoidBody():
                voids.append(one)
            case EventBody():
                events.append(_event(one, one.body))
            case MileageEntryBody():
                mileages.append(_mileage(one, one.body))
            case JoinedBody(kept=kept):
                joined[one.subject] = kept
            case MergedBody(wrong_vin=vin) if vin:
                wrong.add(vin)
            case MovedInBody(wrong_vin=vin) if vin:
                wrong.add(vin)
    return Standing(tuple(voids), tuple(events), tuple(mileages), joined, frozenset(wrong))


def voids_of(standing: Standing, visits: Iterable[Visit]) -> tuple[Void, ...]:
    """The voids as the ledger knows its entries now.

    An entry is named by its place in its visit, and an answer that came later, or another visit that was joined to it,
    gives another place: what was withdrawn is found again by what it said.
    """
    of_visit = {visit.snapshot.id: visit for visit in visits}
    found = []
    for one in standing.voids:
        assert isinstance(one.body, VoidBody)  # noqa: S101 - standing_of put nothing else there
        visit = of_visit.get(end_of(one.body.snapshot_id, standing.joined)) if one.body.snapshot_id else None
        names = _entries_of(visit, one.body) if visit else [one.subject]
        found += [Void(name, one.reason, one.person, one.at) for name in names]
    return tuple(found)


def _entries_of(visit: Visit, said: VoidBody) -> list[str]:
    name = visit.snapshot.id
    names = [
        f"{name}/odometer/{place}"
        for place, part in enumerate(visit.snapshot.odometer)
        if (part.source, part.ecu, part.odometer_m) == (said.source, said.ecu, said.odometer_m)
    ]
    typed = {"dash": visit.dash_m, "papers": visit.papers_m}
    if said.source in typed and typed[said.source] == said.odometer_m:
        names.append(f"{name}/{said.source}")
    return names


def _mileage(decision: Decision, said: MileageEntryBody) -> MileageRecord:
    return MileageRecord(
        id=decision.id,
        at=said.seen_at,
        odometer_m=said.odometer_m,
        source=said.source,
        trust=_ENTERED[said.source],
        person=decision.person,
    )


def _event(decision: Decision, said: EventBody) -> OdometerEvent:
    return OdometerEvent(
        id=decision.id,
        at=said.happened_at,
        kind=said.event,
        person=decision.person,
        before_m=said.before_m,
        after_m=said.after_m,
        note=said.papers,
    )
