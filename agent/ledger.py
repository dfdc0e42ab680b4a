"""What the edge ledger holds: intakes, vehicles and the sets of records they owe. Plain values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent.answers import NOTHING_SAID, Answers
from agent.upstream_facts import NOTHING_TOLD, Told
from evidence.history import Visit
from evidence.snapshot import Purpose, Snapshot
from sync.records import AnyBody

VIN_HEAD = 8  # maker, line and body: cars that share it are the same model


class Status(StrEnum):
    """Where an intake stands. ``open``: answers came before the reading was complete."""

    OPEN = "open"
    AWAITING_IDENTITY = "awaiting_identity"
    AWAITING_DASH = "awaiting_dash"
    COMPLETE = "complete"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"


class StockState(StrEnum):
    """All the edge must know of stock: plugging in a stock car is a re-read, a sold one a delivery check."""

    IN_STOCK = "in_stock"
    SOLD = "sold"


@dataclass(frozen=True, slots=True)
class Intake:
    """One plug-in. ``snapshot`` is None while nothing complete was read; ``vin`` is empty while nobody knows it.

    ``revision`` counts the times that answers changed it.
    """

    id: str
    bay: str
    begun_at: datetime
    vin: str = ""
    status: Status = Status.OPEN
    purpose: Purpose = Purpose.INTAKE
    answers: Answers = NOTHING_SAID
    revision: int = 0
    snapshot: Snapshot | None = None

    @property
    def sent(self) -> bool:
        """Its snapshot has become a record: what follows are records of their own."""
        return self.status in (Status.AWAITING_DASH, Status.COMPLETE)


@dataclass(frozen=True, slots=True)
class Listed:
    """An intake as a list needs it, without what was read; ``version`` grows with every change of it."""

    id: str
    vin: str
    version: int


@dataclass(frozen=True, slots=True)
class Vehicle:
    id: str
    vin: str
    plate: str = ""
    stock_number: str = ""
    stock_state: StockState = StockState.IN_STOCK


@dataclass(frozen=True, slots=True)
class RecordSet:
    """Bodies that one change owes to the outbox; ``key`` names the change and never repeats."""

    key: str
    bodies: tuple[AnyBody, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One step of an intake: as it now stands, its car, the records this causes, and the id it takes over."""

    intake: Intake
    vehicle: Vehicle | None = None
    owed: RecordSet | None = None
    takes_over: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knew of the car before this visit; ``told`` is what the back office knows of it."""

    visits: tuple[Visit, ...] = ()
    vehicle: Vehicle | None = None
    learned_model: str = ""
    told: Told = NOTHING_TOLD


def purpose_for(vehicle: Vehicle | None) -> Purpose:
    """First plug of an unknown car is an intake, of a stock car a re-read, of a sold car a delivery check."""
    if vehicle is None:
        return Purpose.INTAKE
    return Purpose.DELIVERY if vehicle.stock_state is StockState.SOLD else Purpose.RE_READ
