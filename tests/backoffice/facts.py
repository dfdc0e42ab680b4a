"""Records as an edge would send them, with only what a test cares about spelled out."""

from datetime import UTC, datetime, timedelta

from evidence.snapshot import ClockQuality, OdometerPart, Snapshot, VehiclePart, VinStatus
from protocols.readings import Trust
from sync.records import (
    AnyBody,
    ClockBody,
    MileageBody,
    Record,
    SnapshotBody,
    TombstoneBody,
    VehicleRef,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
VIN_A = "LFV2A21K0G4000013"
VIN_B = "LSVAA4184E2000024"


def row(
    body: AnyBody, at: datetime = START, *, tq: str = "ntp", mono_ns: int = 0, boot: str = "boot-1"
) -> dict[str, object]:
    """A record's JSON."""
    wall_ms = round(at.timestamp() * 1000)
    record = Record(t=wall_ms, tq=ClockQuality(tq), mono_ns=mono_ns, boot=boot, body=body)
    return record.model_dump(mode="json", by_alias=True)


def visit(
    snapshot_id: str,
    *,
    vin: str = "",
    plate: str = "",
    stock: str = "",
    a6_m: int | None = None,
    at: datetime = START,
    **more: object,
) -> SnapshotBody:
    """A snapshot with one odometer witness."""
    status = VinStatus.READ if vin else VinStatus.MISSING
    vehicle = VehiclePart(vin=vin, vin_status=status, plate=plate, stock_number=stock)
    witnesses = (
        ()
        if a6_m is None
        else (OdometerPart(source="01A6", ecu="7E8", odometer_m=a6_m, raw="41A6", trust=Trust.STANDARD),)
    )
    facts: dict[str, object] = {"id": snapshot_id, "taken_at": at, "clock": ClockQuality.NTP, "vehicle": vehicle}
    return SnapshotBody(snapshot=Snapshot.model_validate(facts | {"odometer": witnesses} | more))


def dash(snapshot_id: str, km: int | None, *, vin: str = "", plate: str = "", stock: str = "") -> MileageBody:
    """What a person typed after the snapshot had gone."""
    return MileageBody(
        vehicle=VehicleRef(vin=vin, plate=plate, stock_number=stock, intake_id=snapshot_id),
        snapshot_id=snapshot_id,
        operator="Li",
        odometer_m=None if km is None else km * 1000,
        source="dash",
        trust=Trust.TYPED,
    )


def clock(at: datetime) -> ClockBody:
    return ClockBody(wall_ms=round(at.timestamp() * 1000))


def tombstone(first: int, last: int) -> TombstoneBody:
    return TombstoneBody(first_seq=first, last_seq=last, reason="quota")
