"""One record of each kind, with every field that matters filled in; and quick ways to make many."""

from datetime import UTC, datetime

from evidence.snapshot import (
    CheckPart,
    ClockQuality,
    DtcPart,
    Finding,
    OdometerPart,
    Purpose,
    Result,
    RoadTestPart,
    Severity,
    Snapshot,
    Text,
    VehiclePart,
    VinStatus,
)
from protocols.readings import DtcClass, Trust
from sync.clock import Stamp
from sync.records import (
    AnyBody,
    ClockBody,
    DriveBody,
    DtcBody,
    DtcChange,
    FindingBody,
    MileageBody,
    ReadingBody,
    Record,
    SnapshotBody,
    StatementBody,
    TombstoneBody,
    VehicleRef,
)

VIN = "WVWZZZ1KZAW000123"
VEHICLE = VehicleRef(vin=VIN, plate="沪A12345", stock_number="S-17", intake_id="i-1")
STAMP = Stamp(1_700_000_000_123, ClockQuality.NTP, 42_000_000_000, "6f1c1c5e-0000-4000-8000-000000000001")

BODIES: dict[str, AnyBody] = {
    "snapshot": SnapshotBody(
        snapshot=Snapshot(
            schema="forecourt.snapshot/1",
            id="s-1",
            taken_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
            bay="1",
            vehicle=VehiclePart(vin=VIN, vin_status=VinStatus.READ),
            odometer=(OdometerPart(source="01A6", ecu="7E8", odometer_m=123_456_700, raw="0012D687"),),
            dtcs=(DtcPart(code="P0301", dtc_class=DtcClass.STORED, ecu="7E8"),),
            verdict=Result.CONSISTENT,
        )
    ),
    "mileage": MileageBody(
        vehicle=VEHICLE,
        snapshot_id="s-1",
        purpose=Purpose.DELIVERY,
        operator="李",
        odometer_m=123_456_700,
        source="dash",
        trust=Trust.TYPED,
    ),
    "dtc": DtcBody(vehicle=VEHICLE, change=DtcChange.APPEARED, code="P0301", dtc_class=DtcClass.PENDING, ecu="7E8"),
    "finding": FindingBody(
        vehicle=VEHICLE,
        snapshot_id="s-1",
        verdict=Result.IMPOSSIBLE,
        checks=(CheckPart(check="K3", rule="odometer.counter_exceeds", result=Result.IMPOSSIBLE, confidence=0.95),),
        findings=(
            Finding(
                rule="odometer.counter_exceeds",
                severity=Severity.STOP,
                evidence=("01A6@7E8",),
                params={"counter_km": 65_535, "odometer_km": 41_000.5},
                text=Text(en="Counter above the odometer", zh="计数器高于里程表"),
            ),
        ),
    ),
    "reading": ReadingBody(vehicle=VEHICLE, signal="Vehicle.Speed", value=0.0),
    "statement": StatementBody(
        vehicle=VEHICLE, snapshot_id="s-1", rule="odometer.counter_exceeds", text="车主说换过仪表", operator="李"
    ),
    "drive": DriveBody(
        vehicle=VEHICLE,
        snapshot_id="s-1",
        operator="李",
        road_test=RoadTestPart(
            began_at=datetime(2026, 3, 4, 5, 30, 0, tzinfo=UTC),
            ended_at=datetime(2026, 3, 4, 5, 42, 0, tzinfo=UTC),
            odometer_start_m=123_456_700,
            odometer_end_m=123_464_900,
            speed_distance_m=8_250,
        ),
    ),
    "clock": ClockBody(wall_ms=1_700_000_000_000),
    "tombstone": TombstoneBody(first_seq=3, last_seq=9, reason="outbox full", stream="0123abcd"),
}


def record_of(body: AnyBody) -> Record:
    return Record(t=STAMP.t, tq=STAMP.tq, mono_ns=STAMP.mono_ns, boot=STAMP.boot, body=body)


def speed(value: int) -> ReadingBody:
    return ReadingBody(signal="Vehicle.Speed", value=value)


def mileage(odometer_m: int) -> MileageBody:
    return MileageBody(vehicle=VEHICLE, odometer_m=odometer_m, source="dash")


def record_json(body: AnyBody) -> str:
    return record_of(body).model_dump_json(by_alias=True)
