"""The record: one immutable fact the edge keeps until the back office says it is stored.

A record's identity is ``(device, stream, seq)``; ``seq`` is given by the outbox, never by a clock.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from evidence.snapshot import CheckPart, ClockQuality, Finding, Purpose, Result, RoadTestPart, Snapshot
from protocols.readings import DtcClass, Trust

MAX_STATEMENT = 500


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)


class VehicleRef(Body):
    """Which car a record speaks of. ``intake_id`` ties a car without a VIN to its visit."""

    vin: str = ""
    plate: str = ""
    stock_number: str = ""
    intake_id: str = ""


class SnapshotBody(Body):
    kind: Literal["snapshot"] = "snapshot"
    snapshot: Snapshot


class MileageBody(Body):
    """An entry of the mileage log, or the answers a person gave after the snapshot had gone.

    ``odometer_m`` is None only when the entry completes an identity (plate, stock number) and no distance.
    ``model`` is what a person picked, empty unless somebody did.
    """

    kind: Literal["mileage"] = "mileage"
    vehicle: VehicleRef
    snapshot_id: str = ""
    purpose: Purpose = Purpose.INTAKE
    operator: str = ""
    odometer_m: int | None = None
    source: str = ""
    ecu: str = ""
    raw: str = ""
    trust: Trust = Trust.HINT
    model: str = ""


class DtcChange(StrEnum):
    """How a code differs from the visit before."""

    APPEARED = "appeared"
    GONE = "gone"
    RETURNED = "returned"


class DtcBody(Body):
    kind: Literal["dtc"] = "dtc"
    vehicle: VehicleRef
    snapshot_id: str = ""
    change: DtcChange
    code: str
    dtc_class: DtcClass = Field(alias="class")
    ecu: str = ""


class FindingBody(Body):
    """Findings of a verdict recomputed after the snapshot had gone (a dash value typed later)."""

    kind: Literal["finding"] = "finding"
    vehicle: VehicleRef
    snapshot_id: str = ""
    verdict: Result
    checks: tuple[CheckPart, ...] = ()
    findings: tuple[Finding, ...] = ()


class ReadingBody(Body):
    """A signal read outside an intake; ``signal`` is a COVESA VSS 6.0 path."""

    kind: Literal["reading"] = "reading"
    vehicle: VehicleRef = VehicleRef()
    signal: str
    value: float | int | str | bool


class ClockBody(Body):
    """The first trustworthy wall time of a boot: lets upstream date earlier records of that boot."""

    kind: Literal["clock"] = "clock"
    wall_ms: int


class StatementBody(Body):
    """What the seller said to a finding, as ``operator`` wrote it down; ``rule`` is the finding's."""

    kind: Literal["statement"] = "statement"
    vehicle: VehicleRef
    snapshot_id: str
    rule: str
    text: str = Field(max_length=MAX_STATEMENT)
    operator: str = ""


class DriveBody(Body):
    """A monitored drive after a visit: both distances, and with them a mileage entry at its start and at its end."""

    kind: Literal["drive"] = "drive"
    vehicle: VehicleRef
    snapshot_id: str
    operator: str = ""
    road_test: RoadTestPart


class TombstoneBody(Body):
    """What was given up, and why: a loss is declared, never silent.

    Speaks of ``first_seq..last_seq`` of ``stream`` (empty: the stream it travels in) that are not upstream already.
    """

    kind: Literal["tombstone"] = "tombstone"
    first_seq: int
    last_seq: int
    reason: str
    stream: str = ""


AnyBody = Annotated[
    SnapshotBody
    | MileageBody
    | DtcBody
    | FindingBody
    | ReadingBody
    | StatementBody
    | DriveBody
    | ClockBody
    | TombstoneBody,
    Field(discriminator="kind"),
]


class Record(Body):
    """``t`` wall ms, ``tq`` how far to believe it, ``mono_ns`` and ``boot`` for later correction."""

    t: int
    tq: ClockQuality
    mono_ns: int
    boot: str
    body: AnyBody
