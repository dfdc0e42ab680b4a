"""From what a visit read and what a person said to one snapshot."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from evidence.code_text import code_text
from evidence.plate import normalise_plate
from evidence.snapshot import (
    AdapterPart,
    ClockQuality,
    CounterPart,
    CountersPart,
    DtcPart,
    EcuPart,
    FreezeFramePart,
    FrozenValue,
    ItemPart,
    LinkPart,
    LivePart,
    OdometerPart,
    Purpose,
    Snapshot,
    TimingPart,
    VehiclePart,
    VinStatus,
)
from evidence.verdict import Judgement
from evidence.vin import VinError, describe_vin, is_vin, normalise_vin
from protocols.python_obd import code_text_en
from protocols.readings import CarReading, Counter, FreezeFrame, ItemStatus, OdometerWitness, TroubleCode, Trust

EnglishText = Callable[[str], str]


def snapshot_of(
    reading: CarReading,
    *,
    id: str,  # noqa: A002 - the contract's own word
    taken_at: datetime,
    clock: ClockQuality = ClockQuality.NONE,
    bay: str = "",
    operator: str = "",
    purpose: Purpose = Purpose.INTAKE,
    vin_typed: str = "",
    plate: str = "",
    stock_number: str = "",
    dash_m: int | None = None,
    model: str = "",
    model_source: Literal["", "learned", "picked"] = "",
    english: EnglishText = code_text_en,
) -> Snapshot:
    """The contract's snapshot of one visit, not yet judged. ``english`` knows more exact English texts."""
    return Snapshot(
        id=id,
        taken_at=taken_at,
        clock=clock,
        bay=bay,
        operator=operator,
        purpose=purpose,
        adapter=_adapter(reading),
        link=LinkPart(protocol=reading.protocol),
        vehicle=_vehicle(reading, vin_typed, taken_at.year).model_copy(
            update={
                "plate": normalise_plate(plate),
                "stock_number": stock_number.strip(),
                "model": model,
                "model_source": model_source,
            }
        ),
        ecus=tuple(EcuPart(**_fields(ecu)) for ecu in reading.ecus),
        odometer=(*(_witness(one) for one in reading.odometer), *_dash(dash_m)),
        dtcs=tuple(_dtc(code, english) for code in reading.dtcs),
        announced_dtc_count=reading.announced_dtc_count,
        mil=reading.mil,
        readiness=dict(reading.readiness),
        freeze_frames=tuple(_freeze_frame(frame) for frame in reading.freeze_frames),
        counters=_counters(reading.counters),
        live=tuple(LivePart(signal=one.signal, value=one.value, unit=one.unit, ecu=one.ecu) for one in reading.live),
        battery_v=reading.battery_v,
        items=tuple(ItemPart(item=one.item, status=one.status, detail=one.detail) for one in reading.items),
        timing=TimingPart(**_fields(reading.timing)),
    )


def with_dash(snapshot: Snapshot, dash_m: int | None) -> Snapshot:
    """The same visit with the dashboard's value a person typed later; None takes it away."""
    read = tuple(part for part in snapshot.odometer if part.source != "dash")
    return snapshot.model_copy(update={"odometer": (*read, *_dash(dash_m))})


def with_judgement(snapshot: Snapshot, judgement: Judgement) -> Snapshot:
    """The same visit with its checks, findings and verdict."""
    return snapshot.model_copy(
        update={"checks": judgement.checks, "findings": judgement.findings, "verdict": judgement.verdict}
    )


def _fields(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}  # type: ignore[attr-defined]


def _adapter(reading: CarReading) -> AdapterPart:
    identity = reading.adapter
    return AdapterPart(
        url=identity.url, reported=identity.reported, chip=identity.chip, capabilities=identity.capabilities
    )


def _vehicle(reading: CarReading, vin_typed: str, this_year: int) -> VehiclePart:
    typed = _typed_vin(vin_typed)
    read = reading.vin if reading.vin_status is ItemStatus.READ else ""
    vin = read or typed
    status = _vin_status(read, typed)
    if not is_vin(vin):
        return VehiclePart(vin=vin, vin_status=status, fuel=reading.fuel)
    facts = describe_vin(vin, this_year=this_year)
    return VehiclePart(
        vin=vin,
        vin_status=status,
        vin_check_digit=facts.check_digit,
        make=facts.make,
        model_year=facts.model_year,
        fuel=reading.fuel,
    )


def _typed_vin(text: str) -> str:
    """A typed VIN in its one form; what is not a VIN was refused at the page and is not guessed at here."""
    try:
        return normalise_vin(text)
    except VinError:
        return ""


def _vin_status(read: str, typed: str) -> VinStatus:
    if read and typed and read != typed:
        return VinStatus.CONFLICTING
    if read:
        return VinStatus.READ
    return VinStatus.TYPED if typed else VinStatus.MISSING


def _witness(one: OdometerWitness) -> OdometerPart:
    return OdometerPart(
        source=one.source, ecu=one.ecu, odometer_m=one.odometer_m, raw=one.raw, status=one.status, trust=one.trust
    )


def _dash(dash_m: int | None) -> Iterable[OdometerPart]:
    if dash_m is not None:
        yield OdometerPart(source="dash", odometer_m=dash_m, status=ItemStatus.READ, trust=Trust.TYPED)


def _dtc(code: TroubleCode, english: EnglishText) -> DtcPart:
    return DtcPart(code=code.code, dtc_class=code.dtc_class, ecu=code.ecu, text=code_text(code.code, english))


def _freeze_frame(frame: FreezeFrame) -> FreezeFramePart:
    values = tuple(FrozenValue(signal=one.signal, value=one.value, unit=one.unit) for one in frame.readings)
    return FreezeFramePart(ecu=frame.ecu, frame=frame.frame, code=frame.code, values=values)


def _counters(counters: Iterable[Counter]) -> CountersPart:
    """Counters by name; one the contract does not know is left out."""
    named: dict[str, list[CounterPart]] = {}
    for one in counters:
        if one.name in CountersPart.model_fields:
            part = CounterPart(ecu=one.ecu, value=one.value, status=one.status, saturated=one.saturated)
            named.setdefault(one.name, []).append(part)
    return CountersPart.model_validate({name: tuple(parts) for name, parts in named.items()})
