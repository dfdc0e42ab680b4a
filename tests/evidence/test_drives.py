"""A monitored drive gives the ledger an entry at its start and one at its end, as far as both are known."""

from datetime import timedelta

from evidence.drives import drive_entries
from evidence.history import MileageRecord
from evidence.snapshot import ClockQuality, OdometerPart, RoadTestPart, Snapshot
from protocols.readings import Trust
from tests.evidence.cars import KM, NOW, witness

LATER = NOW + timedelta(minutes=20)
DRIVE = RoadTestPart(began_at=NOW, ended_at=LATER, odometer_start_m=68_000 * KM, odometer_end_m=68_012 * KM)


def _entries(drive: RoadTestPart | None, *odometer: OdometerPart) -> tuple[MileageRecord, ...]:
    snapshot = Snapshot(id="v1", road_test=drive, odometer=odometer, operator="LW", clock=ClockQuality.RTC)
    return drive_entries(snapshot)


def test_a_visit_without_a_drive_gives_none() -> None:
    assert _entries(None) == ()


def test_both_ends_are_as_good_as_the_odometer_that_was_watched() -> None:
    silent = witness(None, ecu="7E0")

    start, end = _entries(DRIVE, silent, witness(68_000 * KM), witness(1, source="row", ecu="720"))

    assert (start.id, start.at, start.odometer_m) == ("v1/road_test/start", NOW, 68_000 * KM)
    assert (end.id, end.at, end.odometer_m) == ("v1/road_test/end", LATER, 68_012 * KM)
    for entry in (start, end):
        assert (entry.source, entry.ecu, entry.trust, entry.person) == ("01A6", "7E8", Trust.STANDARD, "")
        assert entry.clock is ClockQuality.RTC


def test_a_unit_that_nobody_names_is_none() -> None:
    assert [entry.ecu for entry in _entries(DRIVE)] == ["", ""]


def test_what_a_person_read_off_the_dashboard_is_an_entry_by_hand() -> None:
    dash = witness(68_000 * KM, source="dash", ecu="x", trust=Trust.TYPED)
    start, _ = _entries(DRIVE.model_copy(update={"source": "dash"}), dash)

    assert (start.source, start.ecu, start.trust, start.person) == ("manual", "", Trust.TYPED, "LW")


def test_an_end_without_its_time_or_its_value_is_left_out() -> None:
    assert [one.id for one in _entries(DRIVE.model_copy(update={"ended_at": None}))] == ["v1/road_test/start"]
    assert [one.id for one in _entries(DRIVE.model_copy(update={"odometer_start_m": None}))] == ["v1/road_test/end"]
    assert [one.odometer_m for one in _entries(DRIVE.model_copy(update={"odometer_start_m": 0}))] == [0, 68_012 * KM]
