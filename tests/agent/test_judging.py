"""``forecourt judge``: one judgement for each line whatever stands in it, and what was odd is named."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.histories import lines_of
from agent.judging import judge_histories, judged_line
from config.catalogue import Language
from config.errors import SettingsError

TODAY = datetime(2026, 11, 22, tzinfo=UTC)


def _visit(day: str, km: int, dash_km: object = None) -> dict[str, Any]:
    witness = {"source": "01A6", "ecu": "7E8", "odometer_m": km * 1000}
    return {"at": f"{day}T09:00:00Z", "dash_km": dash_km, "snapshot": {"odometer": [witness]}}


def _history(*visits: object, **more: object) -> dict[str, Any]:
    return {"id": "car", "market": "CN", "visits": list(visits), **more}


FELL = _history(_visit("2024-01-01", 90_000), _visit("2025-01-01", 61_234))


def _said(tmp_path: Path, *lines: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[Any], str]:
    file = tmp_path / "histories.jsonl"
    file.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    code = judge_histories([file], Language.EN, as_json=True, now=TODAY)
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def test_a_line_is_judged_as_the_contract_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, (row,), err = _said(tmp_path, FELL, capsys=capsys)

    assert (code, err) == (0, "")
    assert set(row) == {"id", "checks", "verdict", "current_odometer_m"}
    assert [check["check"] for check in row["checks"]] == [f"K{number}" for number in range(1, 11)]
    assert all(set(check) == {"check", "result", "confidence", "evidence"} for check in row["checks"])
    assert (row["verdict"], row["current_odometer_m"]) == ("suspicious", 90_000_000)


def test_visits_are_judged_in_the_order_of_their_clocks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    turned = _history(*reversed(FELL["visits"]))
    _, rows, _ = _said(tmp_path, FELL, turned, capsys=capsys)

    assert {row["verdict"] for row in rows} == {"suspicious"}


@pytest.mark.parametrize(
    "line", ["not json", "[1, 2]", "17", '{"id":' + "[" * 100_000, '{"visits": %s}' % ("9" * 5000)]
)
def test_a_line_that_is_no_history_is_named_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    code, (bad, good), err = _said(tmp_path, line, FELL, capsys=capsys)

    assert code == 2
    assert (bad["id"], bad["verdict"], good["verdict"]) == ("histories.jsonl:1", "not_determinable", "suspicious")
    assert "histories.jsonl, line 1: not a car's history" in err


ODD_PARTS: list[tuple[str, object]] = [
    ("at", "yesterday"),
    ("dash_km", -5),
    ("dash_km", "many"),
    ("papers_km", float("nan")),
    ("snapshot", 7),
    ("snapshot", {"odometer": [{"odometer_m": "x"}, None, 3], "dtcs": [{"class": "odd"}], "counters": [1]}),
    ("snapshot", {"readiness": {"catalyst": 3}, "vehicle": [], "clock": "gps", "battery_v": "x", "ecus": [{}]}),
]


@pytest.mark.parametrize(("name", "value"), ODD_PARTS)
def test_an_odd_part_is_left_out_and_the_line_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, value: object
) -> None:
    odd = _history(FELL["visits"][0], {"at": "2024-06-01T00:00:00Z", name: value}, FELL["visits"][1])

    code, (row,), _ = _said(tmp_path, odd, capsys=capsys)

    assert (code, row["verdict"]) == (0, "suspicious")


def test_a_part_that_is_wrong_does_not_take_its_neighbours_along(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = [{"code": None}, {"class": "stored"}, {"code": "P0420", "class": "permanent"}]
    snapshot = {"dtcs": codes, "items": [{"item": "03", "status": "read"}, {"item": "0A", "status": "read"}]}

    _, (row,), err = _said(tmp_path, _history({"snapshot": snapshot}), capsys=capsys)

    assert {check["check"]: check["result"] for check in row["checks"]}["K5"] == "suspicious"
    assert "visits.0.snapshot.dtcs.0" in err


def test_numbers_and_lists_are_read_as_people_and_programs_write_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counters = {"distance_since_clear_m": 61_240_000, "distance_since_reflash_m": {"7E8": 60_000_000.4}}
    loose = {"odometer": {"source": "01A6", "odometer_km": "145,123"}, "counters": counters}

    _, (row,), err = _said(tmp_path, _history({"dash_km": "120,456 km", "snapshot": loose}), capsys=capsys)

    results = {check["check"]: check["result"] for check in row["checks"]}
    assert (results["K1"], results["K3"], row["current_odometer_m"]) == ("suspicious", "consistent", 145_123_000)
    assert err == ""


def test_a_date_in_2099_is_no_time_and_the_value_stays_in_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early = _history(_visit("2099-01-01", 50_000), _visit("2024-01-01", 60_000))

    _, (row,), _ = _said(tmp_path, early, capsys=capsys)

    assert (row["verdict"], row["current_odometer_m"]) == ("consistent", 60_000_000)


def test_a_told_cluster_joins_both_of_its_lives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    visits = ({"at": "2024-01-01", "dash_km": 90_000}, {"at": "2025-01-01", "dash_km": 12_345})
    event = {"at": "2024-06-01", "kind": "cluster_replaced", "before_km": 95_000, "after_km": 0, "person": "LW"}

    _, rows, _ = _said(tmp_path, _history(*visits, events=[event]), _history(*visits), capsys=capsys)

    assert [(row["verdict"], row["current_odometer_m"]) for row in rows] == [
        ("consistent", 107_345_000),
        ("suspicious", 90_000_000),
    ]


def test_visits_that_share_an_id_do_not_share_a_slip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    visits = [_visit("2020-01-01", 120_000, 210_000), _visit("2021-01-01", 150_000, 150_010)]
    visits.append(_visit("2022-01-01", 160_000, 90_000))
    for visit in visits:
        visit["snapshot"]["id"] = "same"

    _, lines, _ = _said(tmp_path, _history(*visits), capsys=capsys)

    told = next(check for check in lines[0]["checks"] if check["check"] == "K8")
    assert (told["result"], told["evidence"]) == ("suspicious", ["car#3/dash", "car#2/dash"])


def test_half_a_character_in_a_name_is_printed_as_a_question_mark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, _ = _said(tmp_path, '{"id": "a\\ud800车", "visits": []}', FELL, capsys=capsys)

    assert (code, [line["id"] for line in lines]) == (0, ["a?车", "car"])


def test_a_file_that_cannot_be_read_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        judge_histories([tmp_path / "nowhere"], Language.EN, as_json=True)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "id",
    "odometer",
    "dtcs",
    "counters",
    "readiness",
    "vehicle",
    "ecus",
    "clock",
    "taken_at",
    "road_test",
    "items",
)


@contextmanager
def _file(line: str) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "one.jsonl"
        path.write_text(line, encoding="utf-8")
        yield path


@given(
    st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=6),
    ANYTHING,
    st.sampled_from(("at", "dash_km", "papers_km")),
    st.sampled_from(("id", "market", "services", "events", "x")),
)
def test_whatever_stands_in_a_line_it_is_judged(snapshot: object, value: object, field: str, outer: str) -> None:
    line = json.dumps(_history({"snapshot": snapshot, field: value}, value, **{outer: value} if outer != "id" else {}))

    with _file(line) as path:
        (row,) = [judged_line(one, TODAY) for one in lines_of(path)]

    assert "error" not in row
    assert len(row["checks"]) == 10


@pytest.mark.parametrize("source", ["01A6", "A6", "01 a6", "mode 01 PID A6", "obd.01.A6"])
def test_the_standard_odometer_is_known_however_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    witness = {"source": source, "ecu": "7E8", "odometer_m": 156_012_000}
    visit = {"at": "2025-01-01", "dash_km": 86_000, "snapshot": {"odometer": [witness]}}
    _, (row,), _ = _said(tmp_path, _history(visit), capsys=capsys)

    assert row["checks"][0]["result"] == "suspicious"


@pytest.mark.parametrize(
    ("state", "result"), [("Not ready", "suspicious"), (False, "suspicious"), ("ready", "consistent")]
)
def test_a_monitors_state_is_understood_in_other_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], state: object, result: str
) -> None:
    counters = {"distance_since_clear_m": 12_000, "warmups_since_clear": 2}
    snapshot = {"counters": counters, "readiness": {"catalyst": state, "misfire": "complete"}}
    _, (row,), _ = _said(tmp_path, _history({"at": "2025-01-01", "snapshot": snapshot}), capsys=capsys)

    assert row["checks"][3]["result"] == result


def test_a_file_written_for_people_is_one_history_or_a_list_of_them(tmp_path: Path) -> None:
    one, many, none = tmp_path / "one.json", tmp_path / "many.json", tmp_path / "none.json"
    one.write_text(json.dumps(FELL, indent=2), encoding="utf-8")
    many.write_text("\n" + json.dumps([FELL, 17, FELL], indent=2), encoding="utf-8")
    none.write_text("", encoding="utf-8")

    assert [judged_line(line, TODAY)["verdict"] for line in lines_of(one)] == ["suspicious"]
    assert [judged_line(line, TODAY)["verdict"] for line in lines_of(many)] == [
        "suspicious",
        "not_determinable",
        "suspicious",
    ]
    assert list(lines_of(none)) == []


def test_a_file_longer_than_is_held_at_once_is_still_read_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = json.dumps(FELL)
    monkeypatch.setattr("agent.histories.LINE_MAX", len(line) + 10)
    file = tmp_path / "long.jsonl"
    file.write_text("\n".join([line, "x" * 3 * len(line), line, "", line]), encoding="utf-8")

    assert [(one.number, one.history is None) for one in lines_of(file)] == [
        (1, False),
        (2, True),
        (3, False),
        (5, False),
    ]
