"""VINs: one form, the check digit where it is required, the year where it is coded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.snapshot import CheckDigit
from evidence.vin import (
    VinError,
    check_digit,
    describe_vin,
    expected_check_digit,
    is_vin,
    model_year,
    normalise_vin,
    tail,
)
from tests.evidence.cars import VIN, made_vin

_ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
_VINS = st.text(_ALPHABET, min_size=17, max_size=17)


def test_the_standards_own_example_has_check_digit_x() -> None:
    # 49 CFR 565.15, table VII
    assert expected_check_digit("1G4AH59H45G118341") == "4"
    assert check_digit("1M8GDM9AXKP042788") is CheckDigit.VALID


def test_seventeen_ones_are_valid() -> None:
    assert check_digit("1" * 17) is CheckDigit.VALID


@pytest.mark.parametrize("wmi", ["LFV", "LSV", "1HG", "5YJ", "3VW"])
def test_a_wrong_digit_is_an_error_where_it_is_required(wmi: str) -> None:
    vin = made_vin(wmi)
    wrong = vin[:8] + ("0" if vin[8] != "0" else "1") + vin[9:]

    assert check_digit(vin) is CheckDigit.VALID
    assert check_digit(wrong) is CheckDigit.INVALID


@pytest.mark.parametrize("wmi", ["WVW", "JTD", "VF1", "KMH"])
def test_a_wrong_digit_says_nothing_where_it_is_free(wmi: str) -> None:
    assert check_digit(f"{wmi}ZZZ1KZ8W000123") is CheckDigit.NOT_CHECKED


@pytest.mark.parametrize(
    "typed",
    [VIN.lower(), f" {VIN} ", f"{VIN[:3]} {VIN[3:9]}-{VIN[9:]}", VIN.translate({ord(c): ord(c) + 0xFEE0 for c in VIN})],
)
def test_every_way_to_type_a_vin_ends_in_one_form(typed: str) -> None:
    assert normalise_vin(typed) == VIN


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "vin.wrong_length"),
        (VIN[:-1], "vin.wrong_length"),
        (VIN + "1", "vin.wrong_length"),
        ("I" + VIN[1:], "vin.has_ioq"),
        (VIN[:-1] + "O", "vin.has_ioq"),
        (VIN[:-1] + "q", "vin.has_ioq"),
        (VIN[:-1] + "车", "vin.wrong_characters"),
        ("0" * 17, "vin.one_character"),
        ("1" * 17, "vin.one_character"),
    ],
)
def test_what_is_no_vin_is_refused_with_its_reason(typed: str, reason: str) -> None:
    with pytest.raises(VinError) as caught:
        normalise_vin(typed)

    assert caught.value.reason == reason


def test_a_text_is_looked_at_as_far_as_a_person_types() -> None:
    assert normalise_vin("-" * 183 + VIN) == VIN
    with pytest.raises(VinError):
        normalise_vin("-" * 184 + VIN)


def test_a_vin_with_a_line_behind_it_is_none() -> None:
    assert is_vin(VIN)
    assert not is_vin(VIN + "\n")


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_any_text_is_a_vin_or_refused(text: str) -> None:
    try:
        assert is_vin(normalise_vin(text))
    except VinError as error:
        assert error.reason.startswith("vin.")


@settings(max_examples=50)
@given(_VINS)
def test_a_made_check_digit_is_always_valid(vin: str) -> None:
    made = vin[:8] + expected_check_digit(vin) + vin[9:]

    assert check_digit(made) is CheckDigit.VALID


@pytest.mark.parametrize(
    ("vin", "this_year", "year"),
    [
        (made_vin("1HG", year="K", descriptor="CM826"), 2026, 1989),  # position 7 is a digit: before 2010
        ("1HGCM8A60KA000123", 2026, 2019),  # position 7 is a letter: 2010 and later
        (made_vin("LFV", year="K"), 2026, 2019),
        (made_vin("LFV", year="T"), 2026, 2026),
        (made_vin("LFV", year="V"), 2026, 2027),  # next year's models are sold this year
        (made_vin("LFV", year="W"), 2026, 1998),
        (made_vin("LFV", year="9"), 2026, 2009),
        (made_vin("LFV", year="0"), 2026, None),  # 0, U and Z code no year
        (made_vin("LFV", year="Z"), 2026, None),
    ],
)
def test_the_year_character_means_one_year(vin: str, this_year: int, year: int | None) -> None:
    assert model_year(vin, this_year=this_year) == year


@settings(max_examples=50)
@given(_VINS, st.integers(2000, 2060))
def test_no_model_year_is_later_than_next_year(vin: str, this_year: int) -> None:
    year = model_year(vin, this_year=this_year)

    assert year is None or 1980 <= year <= this_year + 1


def test_a_description_holds_all_of_it() -> None:
    facts = describe_vin(VIN, this_year=2026)

    assert (facts.check_digit, facts.make, facts.model_year) == (CheckDigit.VALID, "Volkswagen", 2019)
    assert "FAW-Volkswagen" in facts.manufacturer
    assert tail(VIN) == "0001"
