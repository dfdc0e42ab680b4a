"""World manufacturer identifiers lead to the brands that vehicle profiles are chosen by."""

import json
import os
from pathlib import Path

import pytest

from config.makes import make_of_vin, manufacturer_of_vin, spoken_make, wmis


@pytest.mark.parametrize(
    ("wmi", "make"),
    [
        ("LSV", "Volkswagen"),
        ("LFV", "Volkswagen"),
        ("WVW", "Volkswagen"),
        ("LVG", "Toyota"),
        ("LFM", "Toyota"),
        ("JTD", "Toyota"),
        ("JTH", "Lexus"),
        ("LHG", "Honda"),
        ("LVH", "Honda"),
        ("LBE", "Hyundai"),
        ("KNA", "Kia"),
        ("LVS", "Ford"),
        ("LGB", "Nissan"),
        ("LGX", "BYD"),
        ("LC0", "BYD"),
        ("LBV", "BMW"),
        ("LE4", "Mercedes-Benz"),
        ("LRW", "Tesla"),
        ("LGW", "Great Wall"),
        ("LZW", "Wuling"),
    ],
)
def test_common_makers_are_known(wmi: str, make: str) -> None:
    assert make_of_vin(f"{wmi}00000000000000") == make


def test_a_code_nobody_knows_is_empty_not_guessed() -> None:
    assert make_of_vin("000") == manufacturer_of_vin("") == ""


def test_the_table_is_broad_and_well_formed() -> None:
    assert len(wmis()) >= 150
    assert all(2 <= len(code) <= 3 and not set(code) & set("IOQ") and code == code.upper() for code in wmis())


def test_every_brand_with_an_odometer_row_that_owns_a_wmi_is_spelt_the_same() -> None:
    folder = Path(os.environ.get("FORECOURT_CAPTURES", Path(__file__).parents[3] / "shared" / "captures"))
    facts = folder.parent / "facts" / "odometer.json"
    if not facts.exists():
        pytest.skip(f"no facts at {facts}")
    brands = set(json.loads(facts.read_text(encoding="utf-8"))["makes"])
    # built under another brand's code; Aiways' own is not known for sure
    shared = {"Cupra", "Haval", "ORA", "Maple", "Vauxhall", "Aiways"}

    assert brands - shared <= {make_of_vin(code) for code in wmis()}


@pytest.mark.parametrize(
    ("make", "language", "spoken"), [("BYD", "zh", "比亚迪"), ("BYD", "en", "BYD"), ("DS", "zh", "DS")]
)
def test_a_reader_meets_a_brand_by_the_name_used_in_their_language(make: str, language: str, spoken: str) -> None:
    assert spoken_make(make, language) == spoken
