"""A history that no car can have is refused, with the line and the key that contradict the rest."""

from pathlib import Path

import pytest

from simulator.errors import ScenarioError
from simulator.library import LIBRARY, load
from simulator.people import Inspection
from simulator.truth import truth

CLEAN = (LIBRARY / "clean.toml").read_text(encoding="utf-8")
NEXT = CLEAN[CLEAN.index("[[visit]]") :].replace("odometer_km = 48210.3", "odometer_km = {}")
SWAPPED = (
    '[[visit.unit]]\nrole = "engine"\ndistance_since_clear_km = 300\nwarmups_since_clear = 1\nhours_since_clear = {}\n'
)


@pytest.mark.parametrize(
    ("right", "wrong", "key", "reason"),
    [
        ("idle_run_h = 290", "idle_run_h = 1400", "visit.1.idle_run_h", "cannot idle longer than it runs"),
        ("hours_since_clear = 612", "hours_since_clear = 612\ndistance_with_mil_km = 21641",
         "visit.1.distance_with_mil_km", "a clear resets both"),
        ("warmups_since_clear = 255", "hours_with_mil = 613\nwarmups_since_clear = 255",
         "visit.1.hours_with_mil", "a clear resets both"),
        ("hours_since_clear = 612", "hours_since_clear = 70", "visit.1.distance_since_clear_km", "above 300 km/h"),
        ("distance_since_clear_km = 21640", "distance_since_clear_km = 48212",
         "visit.1.distance_since_clear_km", "more than the car has truly driven: 48210.3 km"),
        ("hours_since_clear = 612", "hours_since_clear = 612\ndistance_since_reflash_km = 48300",
         "visit.1.distance_since_reflash_km", "more than the car has truly driven"),
        ("battery_v = 14.2", "battery_v = 14.2\nmil = true", "visit.1.mil", "no code is stored"),
        ('findings = ["service.unknown"]',
         'findings = []\n\n[visit.last_service]\ndone_days_ago = 3\nodometer_km = 48300',
         "visit.1.last_service", "has not reached"),
        ('findings = ["service.unknown"]', 'findings = []\n' + SWAPPED.format(0.9),
         "visit.1.unit.1.distance_since_clear_km", "above 300 km/h"),
        ('operator = "LW"', 'operator = "LW"\ntampering = "witchcraft"', "visit.1.tampering", "all_modules"),
        ('title = "nothing to hide"', 'title = "x"\nchecks = ["K11"]', "checks", "'K11' is not one of: K1"),
        ('findings = ["service.unknown"]', 'findings = []\n\n[visit.inspection]\ntyre_dots = ["6019"]',
         "visit.1.inspection.tyre_dots", "week and year"),
        ('findings = ["service.unknown"]', 'findings = []\n\n[visit.inspection]\npedals = "awful"',
         "visit.1.inspection.pedals", "none, light, heavy"),
        ('findings = ["service.unknown"]', 'findings = []\n\n[visit.road_test]\ndriven_miles = 3',
         "visit.1.road_test.driven_miles", "another unit, wanted driven_km"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(tmp_path: Path, right: str, wrong: str, key: str, reason: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(CLEAN.replace(right, wrong, 1), encoding="utf-8")

    with pytest.raises(ScenarioError) as caught:
        load(str(file))

    assert (caught.value.key, caught.value.line > 0) == (key, True)
    assert reason in caught.value.reason and "\n" not in str(caught.value)


def test_a_car_does_not_drive_backwards(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(CLEAN + "\n" + NEXT.format(40000), encoding="utf-8")

    with pytest.raises(ScenarioError, match=r"visit\.2\.odometer_km: falls below 48210\.3 km"):
        load(str(file))

    told = NEXT.format(40000).replace("[[visit]]", '[[visit]]\ntrue_odometer_km = 48300\ntampering = "all_modules"')
    file.write_text(CLEAN + "\n" + told, encoding="utf-8")
    found = truth(load(str(file)), 2)
    assert (found["odometer_m"], found["true_odometer_m"], found["tampering"]) == (
        40_000_000,
        48_300_000,
        "all_modules",
    )

    file.write_text(CLEAN + "\n" + told.replace("48300", "48000"), encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"visit\.2\.true_odometer_km: falls"):
        load(str(file))


def test_the_same_code_cannot_stand_twice_in_one_list(tmp_path: Path) -> None:
    code = '[[visit.code]]\ncode = "P0301"\nclass = "stored"\necu = "engine"\n\n'
    file = tmp_path / "mine.toml"
    file.write_text(CLEAN + code + code, encoding="utf-8")

    with pytest.raises(ScenarioError, match=r"visit\.1\.code: the same code stands twice"):
        load(str(file))


def test_full_counters_contradict_nothing(tmp_path: Path) -> None:
    text = CLEAN.replace("odometer_km = 48210.3\ndash_km = 48210", "odometer_km = 248210.3\ndash_km = 248210")
    text = text.replace(
        "distance_since_clear_km = 21640", "distance_since_clear_km = 65535\ndistance_with_mil_km = 65535"
    )
    file = tmp_path / "mine.toml"
    file.write_text(
        text.replace("hours_since_clear = 612", "hours_since_clear = 1092.25\nhours_with_mil = 1092.25"), "utf-8"
    )

    assert load(str(file)).visits[0].counters.minutes_with_mil == 65535


@pytest.mark.parametrize(
    ("name", "moved_m", "counted_m"),
    [("mileage-blocker", 0, 0), ("can-filter", 3000, 6000), ("odd-tyres", 4800, 4000), ("long-idling", 3100, 3000)],
)
def test_a_drive_moves_what_it_should(name: str, moved_m: int, counted_m: int) -> None:
    scenario = load(name)
    drive = truth(scenario, len(scenario.visits))["road_test"]

    assert isinstance(drive, dict)
    assert drive["odometer_end_m"] - drive["odometer_start_m"] == moved_m
    assert drive["counter_end_m"] - drive["counter_start_m"] == counted_m


def test_what_was_not_looked_at_is_left_open() -> None:
    assert truth(load("clean"), 1).keys() & {"road_test", "inspection"} == set()
    assert Inspection().pedals == ""
