"""Scenario files: those that come along are consistent; what is wrong in one is named with file, line and key."""

import random
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import ScenarioError, SimulatorError
from simulator.library import LIBRARY, load, names
from simulator.truth import maker_reads, truth

METRES_PER_MILE = 1609.344
ALWAYS = {"clean", "engine-fault", "codes-cleared", "rolled-back", "service-overdue"}
CLEAN = (LIBRARY / "clean.toml").read_text(encoding="utf-8")

_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", "12345678123457923456789" + "0123456789", strict=True))
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def check_digit(vin: str) -> str:
    """The ninth character by ISO 3779 and GB 16735: weighted sum modulo 11, X for ten."""
    total = sum(int(_VALUES[letter]) * weight for letter, weight in zip(vin, _WEIGHTS, strict=True))
    return "0123456789X"[total % 11]


def test_the_promised_scenarios_exist() -> None:
    assert set(names()) >= ALWAYS


@pytest.mark.parametrize("name", names())
def test_identities_are_generated_ones(name: str) -> None:
    scenario = load(name)

    assert scenario.vin[8] == check_digit(scenario.vin)
    assert scenario.vin[11:14] == "000"
    assert len({visit.plate for visit in scenario.visits}) == 1


def test_no_two_scenarios_share_a_vin() -> None:
    vins = [load(name).vin for name in names()]

    assert len(set(vins)) == len(vins)


@pytest.mark.parametrize("name", names())
def test_a_car_called_consistent_contradicts_itself_nowhere(name: str) -> None:
    for visit in load(name).visits:
        if visit.verdict == "consistent":
            shown_m = visit.dash_km * (METRES_PER_MILE if name == "dash-in-miles" else 1000)
            assert visit.counters.distance_since_clear_km * 1000 <= visit.odometer_m
            assert abs(shown_m - visit.odometer_m) < 25_000


def test_the_rolled_back_car_contradicts_its_counter_and_its_past() -> None:
    before, after = load("rolled-back").visits

    assert after.odometer_m < before.odometer_m
    assert after.counters.distance_since_clear_km * 1000 > after.odometer_m
    assert after.dash_km == after.odometer_m // 1000
    assert (before.verdict, before.findings) == ("consistent", ("service.unknown",))
    assert after.verdict == "impossible"


def test_the_truth_tells_all_that_a_reader_should_find() -> None:
    assert truth(load("engine-fault"), 1) == {
        "scenario": "engine-fault",
        "visit": 1,
        "visits": 1,
        "vin": "LFMAP22C0L0000102",
        "make": "Toyota",
        "model_year": 2020,
        "fuel": "petrol",
        "odometer_m": 86_412_700,
        "dtcs": [
            {"code": "P0301", "class": "permanent", "ecu": "7E8"},
            {"code": "P0301", "class": "stored", "ecu": "7E8"},
            {"code": "P0420", "class": "pending", "ecu": "7E8"},
            {"code": "P0741", "class": "stored", "ecu": "7E9"},
        ],
        "mil": True,
        "battery_v": 14.1,
        "distance_since_clear_m": 21_877_000,
        "warmups_since_clear": 255,
        "plate": "沪A10202",
        "stock_number": "S-0202",
        "dash_km": 86412,
        "operator": "ZQ",
        "verdict": "consistent",
        "findings": ["codes.new", "service.unknown"],
        "last_service": None,
        "true_odometer_m": 86_412_700,
        "tampering": None,
        "checks": [],
    }


def test_the_truth_knows_the_last_service_and_what_cannot_be_known() -> None:
    assert truth(load("service-overdue"), 1)["last_service"] == {"done_days_ago": 260, "odometer_m": 63_500_000}
    assert truth(load("toyota-no-a6"), 1)["odometer_m"] is None
    silent = truth(load("silent"), 1)
    assert (silent["odometer_m"], silent["mil"], silent["warmups_since_clear"]) == (None, None, None)


def test_makers_reads_are_told_beside_the_truth() -> None:
    assert maker_reads(load("ford"), 1) == [
        {"ecu": "7E8", "request": "22DD01", "odometer_m": 52_344_000},
        {"ecu": "728", "request": "22404C", "odometer_m": 52_344_800},
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "key", "reason"),
    [
        ("odometer_km = 48210.3", "odometer_mi = 29956.5", "visit.1.odometer_mi", "another unit, wanted odometer_km"),
        ("odometer_km = 48210.3", "dash = 48210", "visit.1.odometer_km", "is missing"),
        ("odometer_km = 48210.3", "odometer_km = 1\nodometer_mi = 3", "visit.1.odometer_mi", "mean odometer_km?"),
        ("odometer_km = 48210.3", 'odometer_km = "48210.3"', "visit.1.odometer_km", "wanted a number, found a text"),
        ("odometer_km = 48210.3", "odometer_km = -1", "visit.1.odometer_km", "outside 0 to"),
        ("odometer_km = 48210.3", "odometer_km = nan", "visit.1.odometer_km", "outside 0 to"),
        ("warmups_since_clear = 255", "warmups_since_clear = 256", "visit.1.warmups_since_clear", "outside 0 to 255"),
        ("warmups_since_clear = 255", "warmups_since_clear = true", "visit.1.warmups_since_clear", "found true"),
        ('vin = "LSVAA49J3K2000101"', 'vin = "LSVAA49J3K200010O"', "car.vin", "is not a VIN"),
        ('link = "can11-500"', 'link = "can"', "car.link", "is not one of: can11-500"),
        ('fuel = "petrol"', 'fuel = "gasoline"', "car.fuel", "is not one of: petrol"),
        ('request = "7E0"', 'request = "8E0"', "car.ecu.1.request", "is above 7FF"),
        ('request = "714"', 'request = "seven"', "car.ecu.3.request", "is not hexadecimal"),
        ("bytes = 3", "bytes = 9", "car.ecu.3.read.1.bytes", "outside 1 to 8"),
        ('request = "222203"', 'request = "2E2203"', "car.ecu.3.read.1.request", "begins with 21 or 22"),
        ('pids = "engine"', 'pids = "engine"\nmore_pids = ["FE"]', "car.ecu.1.more_pids", "PID FE cannot be simulated"),
        ('cvns = ["1A2B3C4D"]', 'cvns = ["1A2B"]', "car.ecu.1.cvns", "eight hexadecimal digits"),
        ('name = "ECM-EngineControl"', 'name = "ECM-EngineControlModule"', "car.ecu.1.name", "fifteen letters"),
        ('role = "gearbox"', 'role = "engine"', "car.ecu", "same role"),
        ('findings = ["service.unknown"]', "findings = [1]", "visit.1.findings", "list of texts"),
        ('verdict = "consistent"', 'verdict = "fine"', "visit.1.verdict", "is not one of: consistent"),
        ('operator = "LW"', 'operator = "LW"\nincomplete_monitors = ["nox"]', "visit.1.incomplete_monitors", "'nox'"),
        ('operator = "LW"', 'operator = "LW"\ncode = [{code = "P03", class = "stored", ecu = "engine"}]',
         "visit.1.code.1.code", "not a trouble code"),
        ('operator = "LW"', 'operator = "LW"\ncode = [{code = "P0300", class = "stored", ecu = "body"}]',
         "visit.1.code.1.ecu", "is not one of: engine, gearbox, cluster"),
        ('title = "nothing to hide"', "", "title", "is missing"),
        ("[car]", "[adapter]\nprofile = 'elm-9'\n\n[car]", "adapter.profile", "is not one of: elm-1.4b"),
        ("[[visit]]", "[[visits]]", "visit", "is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_line_and_key(
    tmp_path: Path, right: str, wrong: str, key: str, reason: str
) -> None:
    text = CLEAN.replace(right, wrong, 1)
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ScenarioError) as caught:
        load(str(file))

    assert caught.value.key == key
    assert reason in caught.value.reason
    assert "\n" not in str(caught.value)
    last = key.rpartition(".")[2]
    if wrong.startswith(last):
        assert wrong.splitlines()[0] in text.splitlines()[caught.value.line - 1]


def test_text_that_is_not_toml_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('title = "x"\n[car\n', encoding="utf-8")

    with pytest.raises(ScenarioError, match=r"mine\.toml:2: is not TOML"):
        load(str(file))


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"#" * 300_000])
def test_bytes_that_are_no_scenario_are_refused(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(raw)

    with pytest.raises(ScenarioError, match=r"mine\.toml"):
        load(str(file))


@settings(deadline=None, max_examples=60)
@given(st.randoms(use_true_random=False))
def test_any_shuffled_file_is_taken_or_refused_by_name(chance: random.Random) -> None:
    lines = CLEAN.splitlines()
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(lines))
        change = chance.choice(["drop", "double", "swap", "number"])
        if change == "drop":
            lines[place : place + 1] = []
        elif change == "double":
            lines.insert(chance.randrange(len(lines)), lines[place])
        elif change == "number":
            lines[place] = (
                lines[place].partition("=")[0] + "= " + chance.choice(["-1", "1e999", "[]", "{}", "'x'", "true"])
            )
        else:
            other = chance.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]

    with NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file, suppress(ScenarioError):
        file.write("\n".join(lines))
        file.flush()
        scenario = load(file.name)
        truth(scenario, len(scenario.visits))


def test_a_name_nobody_knows_lists_the_known_ones() -> None:
    with pytest.raises(SimulatorError, match="codes-cleared"):
        load("dirty")
    with pytest.raises(ScenarioError, match="cannot be read"):
        load("/nowhere/mine.toml")


def test_each_visit_starts_from_a_car_of_its_own() -> None:
    scenario = load("engine-fault")
    first = scenario.car(1)

    first.clear_codes()

    assert len(scenario.car(1).codes) == 4
    assert scenario.car(1).counters.warmups_since_clear == 255
