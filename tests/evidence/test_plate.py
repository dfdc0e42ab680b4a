"""Chinese plates in one form; what is no Chinese plate is kept as it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.plate import normalise_plate, read_plate


@pytest.mark.parametrize("typed", ["苏E12345", "苏E·12345", " 苏 e-12345 ", "苏E12345", "苏E・12345"])
def test_every_way_to_type_a_plate_ends_in_one_form(typed: str) -> None:
    assert normalise_plate(typed) == "苏E12345"
    assert read_plate(typed).known_form


@pytest.mark.parametrize(
    ("plate", "new_energy", "electric"),
    [
        ("沪A12345", False, False),
        ("沪AD12345", True, True),
        ("沪AF12345", True, False),
        ("京A12345D", True, True),
        ("京A12345F", True, False),
        ("粤B1234学", False, False),
    ],
)
def test_kinds_of_plates(plate: str, new_energy: bool, electric: bool) -> None:
    read = read_plate(plate)

    assert (read.known_form, read.new_energy, read.electric) == (True, new_energy, electric)


@pytest.mark.parametrize("plate", ["", "沪I12345", "沪A1234", "沪A123456", "B-AB 1234", "沪AO2345"])
def test_other_plates_are_kept_and_said_to_be_other(plate: str) -> None:
    assert not read_plate(plate).known_form


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_one_form_stays_one_form(text: str) -> None:
    once = normalise_plate(text)

    assert normalise_plate(once) == once
