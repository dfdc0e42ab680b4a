"""What is known about one car over time: its visits and its services. The input of every check."""

from dataclasses import dataclass
from datetime import UTC, datetime

from evidence.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Visit:
    """One plug-in. ``dash_m`` and ``papers_m`` are what a person typed, in metres; None when nobody did."""

    at: datetime | None
    snapshot: Snapshot
    dash_m: int | None = None
    papers_m: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """A service that was done, as somebody recorded it."""

    id: str
    done_at: datetime
    odometer_m: int | None
    items: tuple[str, ...] = ("oil_and_filter",)
    note: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """One car: visits oldest first, services oldest first. ``market`` selects the plan (``CN`` unless known)."""

    id: str
    visits: tuple[Visit, ...]
    services: tuple[ServiceRecord, ...] = ()
    market: str = "CN"


def in_utc(at: datetime) -> datetime:
    """The same moment in UTC; a time without a zone, as files from elsewhere hold, is taken for UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
