"""Asking a make's own reads: only a car that stands still, and the header is always put back."""

import pytest

from collector.asked import Asked
from collector.makers import Stationary, allowed_reads, stationary, take_rows
from collector.notebook import Notebook
from config.profiles import load_profiles
from protocols.allowed import AllowList
from protocols.answers import Answer
from protocols.errors import ForbiddenCommandError
from protocols.readings import ItemStatus, Reading


def book(speed_kmh: float | None, rpm: float | None) -> Notebook:
    notes = Notebook()
    for signal, value in (("vehicle_speed", speed_kmh), ("engine_speed", rpm)):
        if value is not None:
            notes.live.append(Reading("01", signal, value, "", "7E8"))
    return notes


@pytest.mark.parametrize(
    ("speed_kmh", "rpm", "still"),
    [(0, 780, True), (0, None, True), (None, 0, True), (None, None, True), (None, 780, False), (1, 0, False)],
)
def test_a_car_stands_still_only_where_its_own_values_say_so(
    speed_kmh: float | None, rpm: float | None, *, still: bool
) -> None:
    assert isinstance(stationary(book(speed_kmh, rpm)), Stationary) is still


@pytest.mark.parametrize("status", [ItemStatus.TIMEOUT, ItemStatus.CORRUPT, ItemStatus.REFUSED])
def test_a_speed_that_could_not_be_read_is_no_proof(status: ItemStatus) -> None:
    notes = book(None, None)
    notes.note("010D", status)

    assert stationary(notes) is None


@pytest.mark.parametrize("status", [ItemStatus.TIMEOUT, ItemStatus.CORRUPT])
def test_an_engine_that_may_run_in_a_car_without_a_speed_is_no_proof(status: ItemStatus) -> None:
    notes = book(None, None)
    notes.note("010D", ItemStatus.UNSUPPORTED)
    notes.note("010C", status)

    assert stationary(notes) is None


def test_the_fastest_ecu_counts() -> None:
    notes = book(0, 780)
    notes.live.append(Reading("010D", "vehicle_speed", 12, "km/h", "7E9"))

    assert stationary(notes) is None


def test_every_askable_row_may_be_sent_on_its_own_header_and_on_no_other() -> None:
    profiles = load_profiles()
    reads = allowed_reads(profiles)
    row = next(row for row in profiles.rows if row.id == "vag-cluster-2203-24")
    allow = AllowList(reads)

    allow.check(b"ATTP6\r")
    allow.check(b"ATSH714\r")
    allow.check(row.request.encode() + b"\r")
    allow.check(b"ATSH7E0\r")

    with pytest.raises(ForbiddenCommandError):
        allow.check(row.request.encode() + b"\r")


def test_no_row_that_needs_a_session_change_is_ever_allowed() -> None:
    assert all(read.request != "2216A9" for read in allowed_reads(load_profiles()))


def test_the_answer_of_another_unit_is_no_odometer() -> None:
    row = next(row for row in load_profiles().rows if row.id == "vag-cluster-2203-24")
    data = bytes(row.offset) + b"\x12\x34\x56\x78"[: row.length]
    data += bytes((row.response_data_length or len(data)) - len(data))
    notes = Notebook()
    take_rows(notes, [row], Asked((Answer("7E8", ItemStatus.READ, data),), ItemStatus.READ))

    assert notes.odometer == []
    assert notes.items[f"odometer.{row.id}"].status is ItemStatus.TIMEOUT

    take_rows(notes, [row], Asked((Answer("77E", ItemStatus.READ, data),), ItemStatus.READ))

    assert [witness.ecu for witness in notes.odometer] == ["77E"]
