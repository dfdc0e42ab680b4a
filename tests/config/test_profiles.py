"""Vehicle profiles: which rows a make is asked for, and what a wrong file is told."""

import re
from pathlib import Path

import pytest

from config.errors import SettingsError
from config.profiles import DIRECTORY, Profiles, load_profiles
from protocols.odometer import decode_odometer

HEAD = '[file]\nlicence = "CC-BY-SA-4.0"\nattribution = "OBDb"\n'
ROW = """
[[odometer]]
id = "example"
makes = ["Example"]
link = "can11"
request_id = "714"
response_id = "77E"
request = "222203"
offset = 0
length = 3
unit = "km"
trust = "hint"
sources = ["OBDb"]
"""


@pytest.fixture(scope="module")
def profiles() -> Profiles:
    return load_profiles()


@pytest.mark.parametrize("make", ["Volkswagen", "Toyota", "Honda", "Hyundai", "Kia", "Ford", "BMW", "MG", "Subaru"])
def test_the_first_read_is_the_standard_one_then_confirmed_rows_then_hints(profiles: Profiles, make: str) -> None:
    rows = profiles.rows_for(make)
    trust = [row.trust for row in rows]

    assert rows[0].id == "std-01A6"
    assert trust == sorted(trust, key=["standard", "confirmed", "hint"].index)
    assert any(row.trust == "confirmed" and make in row.makes for row in rows)


def test_a_make_is_found_in_any_spelling(profiles: Profiles) -> None:
    assert profiles.rows_for("land rover") == profiles.rows_for("Land-Rover")


def test_a_make_without_rows_gets_the_reads_that_any_car_may_answer(profiles: Profiles) -> None:
    assert {row.id for row in profiles.rows_for("Nobody")} == {"std-01A6", "std-01D3"}


def test_rows_are_found_by_unit_request_and_make(profiles: Profiles) -> None:
    ids = {row.id for row in profiles.find("714", "222203", make="Audi")}

    assert ids == {"vag-cluster-2203-24", "vag-cluster-2203-16"}
    assert profiles.find("7E8", "222203") == ()
    assert [row.id for row in profiles.find("7E0", "22DD01", make="Ford")] == ["ford-pcm-DD01"]
    assert [row.id for row in profiles.find("6F1", "22DA23", "18", "MINI")] == ["bmw-egs-DA23"]
    assert [row.id for row in profiles.find("6F1", "22DA23", "60")] == []


def test_rows_of_another_make_explain_nothing(profiles: Profiles) -> None:
    assert profiles.find("7E0", "2210E0", make="Toyota") == ()
    assert profiles.find("7E0", "2103", make="Toyota") == ()
    assert [row.id for row in profiles.find("7E0", "2210E0")] == ["vag-ecm-10E0"]


def test_a_model_with_a_unit_of_another_make_is_decoded_and_not_asked(profiles: Profiles) -> None:
    assert [row.id for row in profiles.find("6F1", "22DA23", "18", "Toyota")] == ["bmw-egs-DA23"]
    assert "bmw-egs-DA23" not in {row.id for row in profiles.rows_for("Toyota")}


def test_the_model_decides_where_rows_of_one_request_differ(profiles: Profiles) -> None:
    assert [row.id for row in profiles.find("743", "220E01", "", "Nissan", "Leaf")] == ["nissan-cluster-0E01-km"]
    assert [row.id for row in profiles.find("743", "220E01", "", "Nissan", "Altima")] == ["nissan-cluster-0E01-mi"]
    assert len(profiles.find("743", "220E01", "", "Nissan", "Juke")) == 2
    assert [row.id for row in profiles.heard("540", "Maxus", "T90 EV")] == ["bc-maxus-t90-540"]


def test_an_answer_is_explained_by_the_unit_that_gave_it(profiles: Profiles) -> None:
    assert [row.id for row in profiles.answered_by("1EC64E80", "22DD01", "Volvo")] == ["volvo-spa-DD01-gearbox"]
    assert profiles.answered_by("1EC64E80", "22DD01", "Ford") == ()


def test_a_trip_distance_is_never_an_odometer(profiles: Profiles) -> None:
    assert profiles.find("720", "22DD01", make="Ford") == ()
    assert {trap.id for trap in profiles.traps} >= {"ford-ipc-DD01-trip", "vag-gateway-2A0A"}


def test_what_needs_a_session_change_is_never_asked(profiles: Profiles) -> None:
    assert "vag-ecm-16A9" not in {row.id for row in profiles.rows_for("Audi")}
    assert [row.id for row in profiles.find("7E0", "2216A9", make="Audi")] == ["vag-ecm-16A9"]


def test_two_bytes_of_the_cluster_are_tens_of_kilometres(profiles: Profiles) -> None:
    by_id = {row.id: row for row in profiles.rows}
    value = decode_odometer(by_id["vag-cluster-2203-16"], bytes.fromhex("2F7F"))

    assert value is not None
    assert value.odometer_m == 121_590_000


def test_every_file_names_its_licence_and_obdb() -> None:
    for path in DIRECTORY.glob("*.toml"):
        text = path.read_text(encoding="utf-8")

        assert "SPDX-License-Identifier: CC-BY-SA-4.0" in text
        assert "OBDb" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD + ROW + "ofset = 1\n", "'example': unknown key 'ofset'"),
        (HEAD + ROW.replace('"222203"', '"2EF190"'), "'example': 'request'"),
        (HEAD + ROW.replace('"222203"', '"222203"\nbyte_order = "middle"'), "'byte_order'"),
        (HEAD + ROW.replace('request_id = "714"\n', ""), "request_id is missing"),
        (HEAD + ROW.replace('"714"', '"0x714"'), "'request_id"),
        (HEAD + ROW + ROW, "'example' is used twice"),
        (ROW, "file: "),
        (HEAD + "[[odometer]\n", "not readable as TOML"),
        ("\xff", "file"),
    ],
)
def test_a_wrong_profile_names_file_row_and_key(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "wrong.toml").write_text(content, encoding="utf-8")

    with pytest.raises(SettingsError, match=message) as caught:
        load_profiles(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_frames_are_explained_only_for_their_make(profiles: Profiles) -> None:
    assert [row.id for row in profiles.heard("5C5", "Nissan")] == ["bc-nissan-5C5"]
    assert profiles.heard("5C5", "Ford") == ()


def test_the_page_about_vehicles_counts_every_makes_reads(profiles: Profiles) -> None:
    page = (DIRECTORY.parents[1] / "docs" / "reference" / "vehicles.md").read_text(encoding="utf-8")
    told = {
        make.strip(): (int(confirmed or 0), int(hints or 0))
        for make, confirmed, hints in re.findall(r"(?m)^\| ([^|]+) \| (\d*) \| (\d*) \|$", page)
    }
    asked = [row for row in profiles.rows if row.askable]
    makes = {make for row in asked for make in row.makes}

    assert told == {
        make: (
            sum(make in row.makes and row.trust == "confirmed" for row in asked),
            sum(make in row.makes and row.trust != "confirmed" for row in asked),
        )
        for make in makes
    }


def test_units_that_identify_a_car_are_few_and_named(profiles: Profiles) -> None:
    assert 0 < len(profiles.identity_units) <= 6
    assert all(unit.sources and unit.response_id for unit in profiles.identity_units)


def test_a_page_of_identifiers_carries_pids_in_its_makes_only(profiles: Profiles) -> None:
    assert profiles.pid_behind(b"\x1f\x0d", "Toyota") == 0x0D
    assert profiles.pid_behind(b"\x1f\x0d", "Ford") is None
    assert profiles.pid_behind(b"\x20\x0d", "Toyota") is None
    assert profiles.pid_behind(b"\x1f", "Toyota") is None
