"""A small lot of cars as the edges would have sent them: what pages and the API are tested with."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from backoffice.office_settings import DatabaseSettings, OfficeSettings
from backoffice.store import RecordStore
from backoffice.views import WorkOrder
from config.catalogue import text_of
from evidence.snapshot import (
    CheckPart,
    ClockQuality,
    CounterPart,
    CountersPart,
    DtcPart,
    EcuPart,
    Finding,
    ItemPart,
    OdometerPart,
    Result,
    Severity,
    Snapshot,
    Text,
    VehiclePart,
    VinStatus,
)
from protocols.readings import DtcClass, ItemStatus, Monitor, Trust
from sync.records import MileageBody, SnapshotBody, VehicleRef
from tests.backoffice.facts import row
from tests.postgres import PostgresServer

NOW = datetime(2026, 5, 20, 2, 30, tzinfo=UTC)
LOT = "lot"
DAY = timedelta(days=1)
ITEMS = ("vin", "odometer.01A6", "dtcs.stored", "dtcs.pending", "dtcs.permanent", "monitor_status", "battery_v")
_LETTERS, _DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789", "123456781234579234567890123456789"
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin(front: str, serial: int) -> str:
    """A generated VIN: ``front`` are the first eight characters, the check digit is right, the serial 000xxx."""
    raw = f"{front}0G1{serial:06d}"
    values = raw.translate(str.maketrans(_LETTERS, _DIGITS))
    rest = sum(weight * int(value) for weight, value in zip(_WEIGHTS, values, strict=True)) % 11
    return raw[:8] + "0123456789X"[rest] + raw[9:]


CLEAN = vin("LFV2A21K", 101)
FAULTY = vin("LSVNV213", 102)
CLEARED = vin("LVGBE40K", 103)
ROLLED = vin("LHGCR265", 104)
OVERDUE = vin("LBEHDAEB", 105)


def witness(source: str, km: int, ecu: str = "7E8", trust: Trust = Trust.STANDARD) -> OdometerPart:
    return OdometerPart(source=source, ecu=ecu, odometer_m=km * 1000, raw="41A6", trust=trust)


def items(status: Mapping[str, ItemStatus] | None = None) -> tuple[ItemPart, ...]:
    """All lists read unless ``status`` says otherwise."""
    return tuple(ItemPart(item=name, status=(status or {}).get(name, ItemStatus.READ)) for name in ITEMS)


def snapshot(
    snapshot_id: str, vehicle: VehiclePart, at: datetime, odometer: Sequence[OdometerPart], **more: object
) -> Snapshot:
    """A visit in which an engine and a gearbox answered and nothing was wrong, but for ``more``."""
    known: dict[str, object] = {
        "ecus": (
            EcuPart(address="7E8", name="ECM-EngineControl", calibration_ids=("04E906027AB 3612",)),
            EcuPart(address="7E9", name="TCM-TransmisCtrl"),
        ),
        "mil": False,
        "battery_v": 12.6,
        "readiness": {
            "misfire": Monitor.COMPLETE,
            "catalyst": Monitor.COMPLETE,
            "evaporative_system": Monitor.COMPLETE,
        },
        "counters": counters(8000, 41),
        "items": items(),
        "bay": "1",
        "operator": "LW",
    }
    return Snapshot(
        id=snapshot_id,
        taken_at=at,
        clock=ClockQuality.NTP,
        vehicle=vehicle,
        odometer=tuple(odometer),
        **(known | more),
    )


def counters(since_clear_km: int, warmups: int) -> CountersPart:
    return CountersPart(
        distance_since_clear_m=(CounterPart(ecu="7E8", value=since_clear_km * 1000),),
        warmups_since_clear=(CounterPart(ecu="7E8", value=warmups),),
    )


def car(number: str, known_vin: str, plate: str, make: str, model: str, year: int | None = 2020) -> VehiclePart:
    status = VinStatus.READ if known_vin else VinStatus.MISSING
    return VehiclePart(
        vin=known_vin,
        vin_status=status,
        make=make,
        model=model,
        model_source="picked",
        model_year=year,
        fuel="petrol",
        plate=plate,
        stock_number=number,
    )


def code(name: str, dtc_class: DtcClass, ecu: str, en: str, zh: str) -> DtcPart:
    return DtcPart(code=name, dtc_class=dtc_class, ecu=ecu, text=Text(en=en, zh=zh))


def finding(rule: str, severity: Severity, **params: object) -> Finding:
    text = Text.model_validate(text_of(f"rule.{rule}.text", **params))
    return Finding(rule=rule, severity=severity, text=text)


def check(name: str, rule: str, result: Result, key: str, *, assumption: str = "", **params: object) -> CheckPart:
    text = Text.model_validate(text_of(f"check.{name}.{key}", **params))
    return CheckPart(check=name, rule=rule, result=result, assumption=assumption, text=text)


UNCHECKED = (
    check("K9", "road_test.not_done", Result.NOT_DETERMINABLE, "not_determinable", reason="@reason.no_road_test"),
    check("K10", "inspection.not_done", Result.NOT_DETERMINABLE, "not_determinable", reason="@reason.no_inspection"),
)


def faulty_visit(at: datetime = NOW - DAY) -> Snapshot:
    """Three codes in two control units and a lit warning light."""
    codes = (
        code("P0301", DtcClass.STORED, "7E8", "Cylinder 1 misfire detected", "1 缸失火"),
        code("P0420", DtcClass.PENDING, "7E8", "Catalyst efficiency below threshold, bank 1", "1 列催化器效率过低"),
        code("U0101", DtcClass.STORED, "7E9", "Lost communication with TCM", "与变速器控制单元失去通信"),
    )
    new = finding("codes.new", Severity.SOON, count=3, codes=[one.code for one in codes])
    odometer = [witness("01A6", 83_412), witness("dash", 83_412, "", Trust.TYPED)]
    vehicle = car("A-102", FAULTY, "沪B·D2468", "Volkswagen", "Lavida 1.5")
    return snapshot("visit-faulty", vehicle, at, odometer, dtcs=codes, mil=True, findings=(new,))


def rolled_visits() -> tuple[Snapshot, ...]:
    """An odometer that was 148,000 km and is 61,000 km, below its own counter."""
    vehicle = car("A-104", ROLLED, "苏E·12345", "Honda", "Accord", 2016)
    first = snapshot("visit-rolled-1", vehicle, NOW - 190 * DAY, [witness("01A6", 148_020)])
    middle = snapshot("visit-rolled-2", vehicle, NOW - 90 * DAY, [witness("01A6", 151_733)])
    numbers: dict[str, object] = {"odometer_m": 61_204_000, "counter_m": 65_535_000, "ecu": "7E8", "gap_m": 4_331_000}
    counter: dict[str, object] = {"counter": "@counter.distance_since_clear_m"}
    earlier: dict[str, object] = {
        "odometer_m": 61_204_000,
        "earlier_m": 151_733_000,
        "earlier_date": "2026-02-19",
        "gap_m": 90_529_000,
    }
    last = snapshot(
        "visit-rolled-3",
        vehicle,
        NOW - 2 * DAY,
        [witness("01A6", 61_204), witness("honda-hds-odo", 151_940, "7E9", Trust.HINT)],
        counters=counters(65_535, 255),
        verdict=Result.IMPOSSIBLE,
        checks=(
            check(
                "K3", "odometer.counter_exceeds", Result.IMPOSSIBLE, "impossible", assumption="", **numbers, **counter
            ),
            check(
                "K8", "odometer.below_earlier", Result.SUSPICIOUS, "suspicious", assumption="earlier_right", **earlier
            ),
            *UNCHECKED,
        ),
        findings=(
            finding("odometer.counter_exceeds", Severity.STOP, **numbers, **counter),
            finding("odometer.below_earlier", Severity.STOP, **earlier),
        ),
    )
    return first, middle, last


def visits() -> tuple[Snapshot, ...]:
    """Every visit of the lot, oldest first."""
    clean = car("A-101", CLEAN, "粤A·DF0018", "FAW-Volkswagen", "Sagitar 280TSI DSG Comfort Edition", 2021)
    cleared = car("A-103", CLEARED, "", "Toyota", "Corolla")
    overdue = car("A-105", OVERDUE, "京A·88888", "Hyundai", "Elantra")
    silent = car("A-106", "", "浙C·66D18", "", "", None)
    quiet: dict[str, object] = {
        "ecus": (),
        "mil": None,
        "battery_v": None,
        "readiness": {},
        "counters": CountersPart(),
        "items": items(dict.fromkeys(ITEMS, ItemStatus.TIMEOUT)),
    }
    return tuple(
        sorted(
            (
                snapshot("visit-clean-1", clean, NOW - 120 * DAY, [witness("01A6", 30_120)]),
                snapshot("visit-clean-2", clean, NOW - 3 * DAY, [witness("01A6", 34_567)], checks=UNCHECKED),
                faulty_visit(),
                snapshot(
                    "visit-cleared",
                    cleared,
                    NOW - DAY / 2,
                    [witness("01A6", 92_001)],
                    counters=counters(12, 2),
                    readiness={
                        "catalyst": Monitor.INCOMPLETE,
                        "evaporative_system": Monitor.INCOMPLETE,
                        "misfire": Monitor.COMPLETE,
                    },
                    items=items({"dtcs.pending": ItemStatus.TIMEOUT}),
                ),
                *rolled_visits(),
                snapshot("visit-overdue", overdue, NOW - 4 * DAY, [witness("01A6", 58_900)]),
                snapshot("visit-silent", silent, NOW - 5 * DAY, [], **quiet),
            ),
            key=lambda one: one.taken_at or NOW,
        )
    )


async def fill(store: RecordStore) -> None:
    """Put the lot into ``store`` through its ingest door."""
    bodies: list[SnapshotBody | MileageBody] = [SnapshotBody(snapshot=one) for one in visits()]
    bodies.append(
        MileageBody(
            vehicle=VehicleRef(intake_id="visit-silent"),
            snapshot_id="visit-silent",
            operator="LW",
            odometer_m=120_400_000,
            source="dash",
            trust=Trust.TYPED,
        )
    )
    rows = [(number, row(body, _at(body))) for number, body in enumerate(bodies, start=1)]
    await store.store_batch("bay-1", "s1", 1, rows, NOW)
    done = WorkOrder(vin=OVERDUE, done_at=NOW - 230 * DAY, odometer_m=51_000_000, operator="workshop")
    await store.add_workorder(done)


def _at(body: SnapshotBody | MileageBody) -> datetime:
    return (body.snapshot.taken_at or NOW) if isinstance(body, SnapshotBody) else NOW - 5 * DAY


@cache
def _filled() -> Mapping[str, bytes]:
    """The files of a store that holds the lot: filled once, copied for each test."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(1) as own_loop:
        own_loop.submit(lambda: asyncio.run(_fill_office(office_in(Path(name))))).result()
        return {path.name: path.read_bytes() for path in Path(name).iterdir()}


async def _fill_office(office: OfficeSettings) -> None:
    store = await RecordStore.open(office, now=lambda: NOW)
    await fill(store)
    await store.close()


def office_in(directory: Path) -> OfficeSettings:
    return OfficeSettings(database=DatabaseSettings(directory=directory))


async def lot_office(directory: Path, server: PostgresServer | None = None) -> OfficeSettings:
    """Settings of a store that holds the lot: files in ``directory``, or a database of its own on ``server``."""
    if server is None:
        for name, content in _filled().items():
            (directory / name).write_bytes(content)
        return office_in(directory)
    if (LOT,) not in await server.run("SELECT datname FROM pg_database"):
        office = OfficeSettings(database=DatabaseSettings(url=await server.new_database(name=LOT)))
        await _fill_office(office)
    return OfficeSettings(database=DatabaseSettings(url=await server.new_database(LOT)))


@asynccontextmanager
async def lot_store(directory: Path, server: PostgresServer | None = None) -> AsyncIterator[RecordStore]:
    """An open store that holds the lot."""
    store = await RecordStore.open(await lot_office(directory, server), now=lambda: NOW)
    try:
        yield store
    finally:
        await store.close()
