"""Cars that do not exist, as readings: generated VINs with a right check digit, odometers, codes; and a photo."""

from datetime import UTC, datetime

from evidence.vin import expected_check_digit
from protocols.readings import (
    AdapterIdentity,
    CarReading,
    DtcClass,
    Item,
    ItemStatus,
    OdometerWitness,
    TroubleCode,
    Trust,
)

NOW = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
ADAPTER = AdapterIdentity("tcp:127.0.0.1:35000", "ELM327 v1.5", "ELM327")
READ_ITEMS = tuple(
    Item(name, ItemStatus.READ) for name in ("vin", "odometer.01A6", "dtcs.stored", "dtcs.pending", "dtcs.permanent")
)
# A whole photo of a dashboard, as small as one can be.
JPEG = b"\xff\xd8\xff\xe0\x00\x04JF" + b"\xff\xda\x00\x04\x01\x02" + b"picture" + b"\xff\xd9"
SILENT_ITEMS = (Item("battery_v", ItemStatus.READ), Item("link", ItemStatus.TIMEOUT, "no answer"))


def vin_of(serial: int) -> str:
    """A generated VIN: FAW-Toyota's form, serial 000xxx."""
    raw = f"LFMAP22C0L0000{serial:03d}"
    return raw[:8] + expected_check_digit(raw) + raw[9:]


CAR_A = vin_of(101)
CAR_B = vin_of(202)


def reading_of(vin: str = CAR_A, odometer_m: int | None = 52_340_000, codes: tuple[str, ...] = ()) -> CarReading:
    """A car that answers: its VIN, the standard odometer and stored codes."""
    witnesses = () if odometer_m is None else (_witness(odometer_m),)
    return CarReading(
        adapter=ADAPTER,
        protocol="ISO 15765-4 (CAN 11/500)",
        vin=vin,
        vin_status=ItemStatus.READ if vin else ItemStatus.UNSUPPORTED,
        fuel="petrol",
        odometer=witnesses,
        dtcs=tuple(TroubleCode(code, DtcClass.STORED, "7E8") for code in codes),
        mil=bool(codes),
        battery_v=12.6,
        items=READ_ITEMS,
    )


def silent_reading() -> CarReading:
    """A car of which nothing but its battery is known."""
    return CarReading(adapter=ADAPTER, vin_status=ItemStatus.TIMEOUT, battery_v=12.4, items=SILENT_ITEMS)


def _witness(odometer_m: int) -> OdometerWitness:
    raw = (odometer_m // 100).to_bytes(4, "big").hex().upper()
    return OdometerWitness("01A6", "7E8", odometer_m, f"41A6{raw}", ItemStatus.READ, Trust.STANDARD)
