"""What people know of a car upstream and its boxes should too: services, voids, events, merges, stock. By ``/cmd``."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from evidence.history import EventKind
from sync.wire import Message

FACT_ID = r"^[0-9A-Za-z._:-]{1,64}$"
ITEM = r"^[a-z0-9_-]{1,40}$"
MAX_METRES = 9_999_999_000
MAX_SECONDS = 1_000_000_000

Metres = Annotated[int, Field(ge=0, le=MAX_METRES)]
IntakeId = Annotated[str, Field(min_length=1, max_length=200)]


class UpstreamFact(Message):
    """``id`` never changes its meaning: a fact that comes again is the same fact. ``vin`` says whose it is."""

    id: str = Field(pattern=FACT_ID)
    vin: str = Field(min_length=1, max_length=17)


class ServiceFact(UpstreamFact):
    """A service that was done, with the meters as they stood then."""

    kind: Literal["service"] = "service"
    done_at: datetime
    odometer_m: Metres | None = None
    items: tuple[Annotated[str, Field(pattern=ITEM)], ...] = Field(("oil_and_filter",), max_length=40)
    engine_run_s: Annotated[int, Field(ge=0, le=MAX_SECONDS)] | None = None
    hev_m: Metres | None = None


class VoidFact(UpstreamFact):
    """Somebody withdrew a value of the odometer ledger, and said why.

    It is found by what it said at the visit ``snapshot_id``; one of no visit by its ``entry_id`` (`evidence.ledger`).
    """

    kind: Literal["void"] = "void"
    entry_id: str = Field("", max_length=260)
    snapshot_id: str = Field("", max_length=200)
    source: str = Field("", max_length=64)
    ecu: str = Field("", max_length=16)
    odometer_m: Metres | None = None
    reason: str = Field(pattern=r"\S", max_length=200)
    person: str = Field(pattern=r"\S", max_length=80)
    at: datetime


class EventFact(UpstreamFact):
    """A replaced cluster (both values) or another unit of the dashboard, as in `evidence.history.OdometerEvent`."""

    kind: Literal["event"] = "event"
    event: EventKind
    at: datetime
    person: str = Field(pattern=r"\S", max_length=80)
    before_m: Metres | None = None
    after_m: Metres | None = None


class MergeFact(UpstreamFact):
    """The visits ``intake_ids``, and all of ``other_vin`` unless that is empty, are visits of the car ``vin``."""

    kind: Literal["merge"] = "merge"
    other_vin: str = Field("", max_length=17)
    intake_ids: tuple[IntakeId, ...] = Field((), max_length=200)


class StockState(StrEnum):
    """Where a car stands in the dealer's stock."""

    ARRIVED = "arrived"
    PREPARING = "preparing"
    ON_SALE = "on_sale"
    RESERVED = "reserved"
    SOLD = "sold"
    RETURNED = "returned"


class StockFact(UpstreamFact):
    """The car moved in the stock; of several the latest ``at`` holds, whichever came first."""

    kind: Literal["stock"] = "stock"
    state: StockState
    at: datetime


class WithdrawnFact(UpstreamFact):
    """The fact ``fact`` was taken back: from now on it counts as never told."""

    kind: Literal["withdrawn"] = "withdrawn"
    fact: str = Field(pattern=FACT_ID)


Fact = Annotated[
    ServiceFact | VoidFact | EventFact | MergeFact | StockFact | WithdrawnFact, Field(discriminator="kind")
]
FACT: TypeAdapter[Fact] = TypeAdapter(Fact, config=ConfigDict(defer_build=True))
