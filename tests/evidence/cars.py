"""Cars for the tests of evidence: an honest one, and words to change it. VINs are generated, serial 000xxx."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from evidence.history import History, ServiceRecord, Visit
from evidence.snapshot import (
    CheckPart,
    CounterPart,
    CountersPart,
    DtcPart,
    EcuPart,
    ItemPart,
    OdometerPart,
    Snapshot,
    VehiclePart,
    VinStatus,
)
from evidence.verdict import Judgement, judge
from evidence.vin import expected_check_digit
from protocols.readings import DtcClass, ItemStatus, Monitor, Trust

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
KM = 1_000
HOUR_S = 3_600


def made_vin(wmi: str = "LFV", serial: int = 1, *, year: str = "K", descriptor: str = "3A23C") -> str:
    """A VIN nobody's car carries, with a right check digit."""
    raw = f"{wmi}{descriptor}0{year}0{serial:06d}"
    return raw[:8] + expected_check_digit(raw) + raw[9:]


VIN = made_vin()
MILES_VIN = made_vin("1VW")


def witness(
    odometer_m: int | None,
    *,
    source: str = "01A6",
    ecu: str = "7E8",
    trust: Trust = Trust.STANDARD,
    status: ItemStatus = ItemStatus.READ,
) -> OdometerPart:
    return OdometerPart(source=source, ecu=ecu, odometer_m=odometer_m, trust=trust, status=status)


def code(name: str, dtc_class: DtcClass = DtcClass.STORED, ecu: str = "7E8") -> DtcPart:
    return DtcPart(code=name, dtc_class=dtc_class, ecu=ecu)


def counters(ecu: str = "7E8", /, **values: int | None) -> CountersPart:
    """One control unit's counters by name; None leaves one unanswered."""
    parts = {
        name: (CounterPart(ecu=ecu, value=value, status=ItemStatus.READ if value is not None else ItemStatus.TIMEOUT),)
        for name, value in values.items()
    }
    return CountersPart.model_validate(parts)


READY = {"catalyst": Monitor.COMPLETE, "oxygen_sensor": Monitor.COMPLETE, "secondary_air": Monitor.UNSUPPORTED}
NOT_READY = {**READY, "catalyst": Monitor.INCOMPLETE, "oxygen_sensor": Monitor.INCOMPLETE}
ASKED = tuple(ItemPart(item=f"dtcs.{name}", status=ItemStatus.READ) for name in ("stored", "pending", "permanent"))


def snapshot(
    odometer_m: int | None = 68_000 * KM,
    *,
    id: str = "s1",  # noqa: A002
    odometer: tuple[OdometerPart, ...] | None = None,
    dtcs: tuple[DtcPart, ...] = (),
    values: CountersPart | None = None,
    readiness: Mapping[str, Monitor] | None = None,
    vin: str = VIN,
    fuel: str = "petrol",
    ecus: tuple[EcuPart, ...] | None = None,
    battery_v: float | None = 12.6,
    items: tuple[ItemPart, ...] = ASKED,
) -> Snapshot:
    """One reading of an honest petrol car, unless told otherwise."""
    usual = counters(distance_since_clear_m=9_000 * KM, warmups_since_clear=255)
    return Snapshot(
        id=id,
        odometer=(witness(odometer_m),) if odometer is None and odometer_m is not None else odometer or (),
        dtcs=dtcs,
        counters=usual if values is None else values,
        readiness=dict(READY if readiness is None else readiness),
        vehicle=VehiclePart(vin=vin, vin_status=VinStatus.READ, fuel=fuel),
        ecus=(EcuPart(address="7E8", vin=vin),) if ecus is None else ecus,
        battery_v=battery_v,
        items=items,
        mil=False,
    )


def visit(reading: Snapshot, *, days_ago: float = 0, dash_m: int | None = None, papers_m: int | None = None) -> Visit:
    return Visit(at=NOW - timedelta(days=days_ago), snapshot=reading, dash_m=dash_m, papers_m=papers_m)


def service(*, days_ago: float = 10, odometer_m: int | None = 67_000 * KM, id: str = "w1") -> ServiceRecord:  # noqa: A002
    return ServiceRecord(id=id, done_at=NOW - timedelta(days=days_ago), odometer_m=odometer_m)


def history(*visits: Visit, services: tuple[ServiceRecord, ...] = ()) -> History:
    return History(id="car", visits=visits, services=services)


def judged(*visits: Visit, services: tuple[ServiceRecord, ...] = ()) -> Judgement:
    return judge(history(*visits, services=services), now=NOW)


def check(judgement: Judgement, name: str) -> CheckPart:
    (found,) = (part for part in judgement.checks if part.check == name)
    return found


def reason(part: CheckPart) -> str:
    """Why a check could not be made."""
    return str(part.params.get("reason", "")).removeprefix("@reason.")


def rules(judgement: Judgement) -> list[str]:
    return sorted(finding.rule for finding in judgement.findings)
