"""A reading and a person's answers become one snapshot; nothing is lost and nothing is made up."""

import pytest

from evidence.assemble import snapshot_of, with_dash, with_judgement
from evidence.snapshot import CheckDigit, ClockQuality, Purpose, Snapshot, VinStatus
from evidence.verdict import judge
from protocols.readings import (
    AdapterIdentity,
    CarReading,
    Counter,
    DtcClass,
    EcuIdentity,
    FreezeFrame,
    Item,
    ItemStatus,
    Monitor,
    OdometerWitness,
    Reading,
    Timing,
    TroubleCode,
    Trust,
)
from tests.evidence.cars import KM, NOW, VIN, check, history, made_vin, visit

READING = CarReading(
    adapter=AdapterIdentity("tcp:127.0.0.1:35000", "ELM327 v1.5", "ELM327", ("can",)),
    protocol="CAN 11-bit 500k",
    vin=VIN,
    vin_status=ItemStatus.READ,
    fuel="petrol",
    ecus=(EcuIdentity("7E8", "ECM", VIN, ("CAL1",), ("0A0B0C0D",)),),
    odometer=(
        OdometerWitness("01A6", "7E8", 68_000 * KM, "41A6000A6040", ItemStatus.READ, Trust.STANDARD),
        OdometerWitness("row", "714", None, "7F2231", ItemStatus.REFUSED, Trust.CONFIRMED),
    ),
    dtcs=(TroubleCode("P0301", DtcClass.STORED, "7E8"),),
    announced_dtc_count=1,
    mil=True,
    readiness={"catalyst": Monitor.COMPLETE},
    freeze_frames=(FreezeFrame("7E8", 0, "P0301", (Reading("020C00", "rpm", 800.0, "rpm", "7E8"),)),),
    counters=(
        Counter("distance_since_clear_m", "7E8", 9_000 * KM, ItemStatus.READ),
        Counter("distance_since_clear_m", "7E9", None, ItemStatus.TIMEOUT),
        Counter("of_a_newer_version", "7E8", 1, ItemStatus.READ),
    ),
    live=(Reading("010C", "rpm", 800.0, "rpm", "7E8"),),
    battery_v=12.4,
    items=(Item("dtcs.stored", ItemStatus.READ), Item("odometer.row", ItemStatus.REFUSED, "NRC 31")),
    timing=Timing(1.5, 40, 200, 900),
)


def _snapshot(reading: CarReading = READING, **answers: object) -> Snapshot:
    return snapshot_of(reading, id="s1", taken_at=NOW, **answers)  # type: ignore[arg-type]


def test_everything_read_is_in_the_snapshot() -> None:
    taken = _snapshot(clock=ClockQuality.NTP, bay="1", operator="Li", purpose=Purpose.RE_READ)

    assert (taken.id, taken.taken_at, taken.clock, taken.bay, taken.operator) == ("s1", NOW, "ntp", "1", "Li")
    assert (taken.purpose, taken.link.protocol, taken.adapter.chip) == ("re_read", "CAN 11-bit 500k", "ELM327")
    assert taken.ecus[0].calibration_ids == ("CAL1",)
    assert [(part.odometer_m, part.status) for part in taken.odometer] == [(68_000 * KM, "read"), (None, "refused")]
    assert taken.odometer[0].raw == "41A6000A6040"
    assert [part.value for part in taken.counters.distance_since_clear_m] == [9_000 * KM, None]
    assert taken.freeze_frames[0].values[0].value == 800.0
    assert (taken.mil, taken.announced_dtc_count, taken.battery_v) == (True, 1, 12.4)
    assert taken.items[1].detail == "NRC 31"
    assert (taken.timing.requests, taken.live[0].signal) == (40, "rpm")


def test_codes_carry_their_texts() -> None:
    (part,) = _snapshot(english=lambda code: f"about {code}").dtcs

    assert (part.text.en, part.text.zh) == ("about P0301", "检测到第 1 缸失火")


def test_the_vin_tells_make_year_and_check_digit() -> None:
    vehicle = _snapshot(plate="苏E·12345", stock_number=" A-7 ", model="Magotan", model_source="learned").vehicle

    assert (vehicle.vin, vehicle.vin_status, vehicle.vin_check_digit) == (VIN, VinStatus.READ, CheckDigit.VALID)
    assert (vehicle.make, vehicle.model_year, vehicle.fuel) == ("Volkswagen", 2019, "petrol")
    assert (vehicle.plate, vehicle.stock_number, vehicle.model) == ("苏E12345", "A-7", "Magotan")


UNREAD = CarReading(adapter=READING.adapter, vin="", vin_status=ItemStatus.TIMEOUT)


@pytest.mark.parametrize(
    ("reading", "typed", "vin", "status"),
    [
        (READING, "", VIN, VinStatus.READ),
        (READING, VIN.lower(), VIN, VinStatus.READ),
        (READING, made_vin(serial=2), VIN, VinStatus.CONFLICTING),
        (UNREAD, VIN, VIN, VinStatus.TYPED),
        (UNREAD, "", "", VinStatus.MISSING),
        (UNREAD, "nonsense", "", VinStatus.MISSING),
    ],
)
def test_where_the_vin_comes_from_is_said(reading: CarReading, typed: str, vin: str, status: VinStatus) -> None:
    vehicle = _snapshot(reading, vin_typed=typed).vehicle

    assert (vehicle.vin, vehicle.vin_status) == (vin, status)


def test_the_dashboards_value_is_one_more_witness_marked_typed() -> None:
    (_, _, dash) = _snapshot(dash_m=67_990 * KM).odometer

    assert (dash.source, dash.odometer_m, dash.trust, dash.status) == ("dash", 67_990 * KM, "typed", "read")


def test_a_dash_value_typed_later_replaces_the_first() -> None:
    taken = with_dash(_snapshot(dash_m=1), 2)

    assert [part.odometer_m for part in taken.odometer if part.source == "dash"] == [2]
    assert len(with_dash(taken, None).odometer) == 2


def test_the_judgement_goes_into_the_snapshot_and_survives_json() -> None:
    taken = _snapshot(dash_m=68_000 * KM)
    judgement = judge(history(visit(taken)), now=NOW)

    whole = with_judgement(taken, judgement)

    assert (whole.verdict, whole.checks, whole.findings) == (judgement.verdict, judgement.checks, judgement.findings)
    assert Snapshot.model_validate_json(whole.model_dump_json(by_alias=True)) == whole
    assert check(judgement, "K1").evidence == ("s1/odometer/2", "s1/odometer/0")
