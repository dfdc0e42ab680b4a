"""What is known about one car over time: visits, services, other mileages, events, voids. The checks' input."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from evidence.snapshot import ClockQuality, Snapshot
from protocols.readings import Trust


@dataclass(frozen=True, slots=True)
class Visit:
    """One plug-in. ``dash_m`` and ``papers_m`` are what a person typed, in metres; None when nobody did."""

    at: datetime | None
    snapshot: Snapshot
    dash_m: int | None = None
    papers_m: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """A service that was done, as somebody recorded it; the meters as they stood then."""

    id: str
    done_at: datetime
    odometer_m: int | None
    items: tuple[str, ...] = ("oil_and_filter",)
    note: str = ""
    engine_run_s: int | None = None
    hev_m: int | None = None


@dataclass(frozen=True, slots=True)
class MileageRecord:
    """A mileage that belongs to no visit: upstream history, photo, paper, entry by hand, a drive's start or end.

    ``unit`` is the one the witness used; ``odometer_m`` is in metres whatever it is.
    """

    id: str
    at: datetime | None
    odometer_m: int
    source: str
    trust: Trust
    clock: ClockQuality = ClockQuality.NTP
    unit: str = "km"
    raw: str = ""
    person: str = ""
    ecu: str = ""


class EventKind(StrEnum):
    """What happened to the instrument, as somebody with a bill or a hand in it says."""

    CLUSTER_REPLACED = "cluster_replaced"
    SHOWS_MILES = "shows_miles"
    SHOWS_KM = "shows_km"


@dataclass(frozen=True, slots=True)
class OdometerEvent:
    """The dashboard's number changed its meaning at ``at``: values stay as they were given, an offset joins them.

    ``before_m`` and ``after_m`` are what the old and the new cluster showed, for a replaced one; else both None.
    """

    id: str
    at: datetime
    kind: EventKind
    person: str
    before_m: int | None = None
    after_m: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an event nobody signs, or a replaced cluster without both of its values."""
        if not self.person.strip():
            raise ValueError("an event needs a person")
        if self.kind is EventKind.CLUSTER_REPLACED and (self.before_m is None or self.after_m is None):
            raise ValueError("a replaced cluster needs the old and the new value")


@dataclass(frozen=True, slots=True)
class Void:
    """Somebody withdrew one value of the ledger, and said why. The value stays and is shown with it."""

    entry_id: str
    reason: str
    person: str
    at: datetime

    def __post_init__(self) -> None:
        """Raise ValueError without a reason and a person."""
        if not self.reason.strip() or not self.person.strip():
            raise ValueError("a void needs a reason and a person")


@dataclass(frozen=True, slots=True)
class History:
    """One car: visits in the order they happened, the rest in any. ``market`` selects the plan."""

    id: str
    visits: tuple[Visit, ...]
    services: tuple[ServiceRecord, ...] = ()
    market: str = "CN"
    mileages: tuple[MileageRecord, ...] = ()
    events: tuple[OdometerEvent, ...] = ()
    voids: tuple[Void, ...] = ()


def in_utc(at: datetime) -> datetime:
    """The same moment in UTC; a time without a zone, as files from elsewhere hold, is taken for UTC."""
    if at.tzinfo is UTC:
        return at
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
