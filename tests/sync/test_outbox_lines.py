"""What the outbox writes for a record: its JSON as it travels, its turn, and what is not missed without room."""

import pytest

from evidence.snapshot import Finding, OdometerPart, Severity, Snapshot, Text, VehiclePart
from protocols.readings import ItemStatus
from sync.codec import MAX_RECORD_BYTES
from sync.errors import OutboxError
from sync.outbox_file import FINDINGS, PEOPLE, READINGS
from sync.outbox_lines import lines_of
from sync.records import AnyBody, MileageBody, SnapshotBody, TombstoneBody, VehicleRef
from tests.sync.samples import BODIES, STAMP, mileage, record_json, speed

FINDING = Finding(rule="odometer.behind", severity=Severity.STOP, text=Text(en="?", zh="?"))
READ, REFUSED = ItemStatus.READ, ItemStatus.REFUSED


def snapshot(vehicle: VehiclePart, *odometers: tuple[int, ItemStatus], findings: tuple[Finding, ...] = ()) -> AnyBody:
    parts = tuple(OdometerPart(source="01A6", odometer_m=metres, status=status) for metres, status in odometers)
    empty = {"schema": "forecourt.snapshot/1", "id": "s", "taken_at": "2026-03-04T05:06:07Z", "bay": "1"}
    changed = {"vehicle": vehicle, "odometer": parts, "findings": findings}
    return SnapshotBody(snapshot=Snapshot.model_validate(empty).model_copy(update=changed))


def logged(odometer_m: int) -> AnyBody:
    return MileageBody(vehicle=VehicleRef(), odometer_m=odometer_m)


@pytest.mark.parametrize("kind", BODIES)
def test_each_kind_is_written_as_it_travels(kind: str) -> None:
    (line,) = lines_of([BODIES[kind]], STAMP)

    assert line.payload == record_json(BODIES[kind])


@pytest.mark.parametrize(
    ("kind", "turn"),
    [
        ("finding", FINDINGS), ("dtc", FINDINGS), ("snapshot", PEOPLE), ("mileage", PEOPLE), ("statement", PEOPLE),
        ("drive", PEOPLE), ("clock", PEOPLE), ("tombstone", PEOPLE), ("reading", READINGS),
    ],
)  # fmt: skip
def test_what_people_must_act_on_goes_first_and_raw_readings_last(kind: str, turn: int) -> None:
    assert [line.turn for line in lines_of([BODIES[kind]], STAMP)] == [turn]


def test_a_visit_with_findings_travels_whole_in_their_turn() -> None:
    found = snapshot(VehiclePart(vin="A"), findings=(FINDING,))

    assert [line.turn for line in lines_of([found, mileage(1), speed(1)], STAMP)] == [FINDINGS, FINDINGS, READINGS]
    assert [line.turn for line in lines_of([mileage(1), BODIES["dtc"]], STAMP)] == [FINDINGS, FINDINGS]


def test_a_tombstone_answers_for_its_stream_from_its_first_seq_on() -> None:
    (line,) = lines_of([TombstoneBody(first_seq=3, last_seq=9, reason="r", stream="old")], STAMP)

    assert line.accounts == ("old", 3)


@pytest.mark.parametrize(
    ("vehicle", "car"),
    [
        (VehiclePart(vin="V", plate="P", stock_number="S"), "V"),
        (VehiclePart(plate="P", stock_number="S"), "P"),
        (VehiclePart(stock_number="S"), "S"),
        (VehiclePart(), ""),
    ],
)
def test_a_car_is_known_by_its_vin_its_plate_or_its_stock_number(vehicle: VehiclePart, car: str) -> None:
    (line,) = lines_of([snapshot(vehicle)], STAMP)

    assert (line.car, line.spare) == (car, bool(car))


@pytest.mark.parametrize(
    ("bodies", "spare"),
    [
        ([snapshot(VehiclePart(vin="A"), (1, READ)), logged(1)], True),
        ([snapshot(VehiclePart(vin="A"), (1, READ)), logged(1), logged(2)], True),
        ([snapshot(VehiclePart(vin="A"), (1, READ))], False),
        ([snapshot(VehiclePart(vin="A"), (1, READ), (2, READ)), logged(1)], False),
        ([snapshot(VehiclePart(vin="A"), (1, REFUSED))], True),
        ([snapshot(VehiclePart(vin="A"), findings=(FINDING,))], False),
    ],
)
def test_a_snapshot_is_spare_when_nothing_but_a_repetition_is_lost_with_it(bodies: list[AnyBody], spare: bool) -> None:
    assert lines_of(bodies, STAMP)[0].spare is spare


@pytest.mark.parametrize("letter", ["F", "沪"])
def test_a_record_may_be_as_long_as_the_wire_carries_and_no_longer(letter: str) -> None:
    room = MAX_RECORD_BYTES - len(record_json(mileage(1)).encode())
    width = len(letter.encode())
    longest = letter * (room // width) + "F" * (room % width)

    def line_of(raw: str) -> str:
        return lines_of([mileage(1).model_copy(update={"raw": raw})], STAMP)[0].payload

    assert len(line_of(longest).encode()) == MAX_RECORD_BYTES
    with pytest.raises(OutboxError, match="more than the wire carries"):
        line_of(longest + "F")
