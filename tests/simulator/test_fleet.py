"""Fleets: same seed same bytes, lines that fit the contract, honest lives that are never called impossible."""

import io
import json
import time
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.judging import HistoryLine
from benchmarks.fleet import judged, tabulate
from evidence.snapshot import Snapshot
from simulator.cli import main
from simulator.fleet.drawing import donor, draw, vin_of
from simulator.fleet.life import Life
from simulator.fleet.tampering import METHODS
from simulator.fleet.writing import Order, fleet, one_car, write_fleet
from simulator.library import load
from simulator.pids import pid_data
from tests.simulator.test_scenario import check_digit

SMALL = Order(cars=150, years=6.0, seed=7, tampered=0.5)


@cache
def cars() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return list(fleet(SMALL))


def written(order: Order) -> tuple[str, str]:
    out, truth = io.StringIO(), io.StringIO()
    write_fleet(order, out, truth)
    return out.getvalue(), truth.getvalue()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    order = Order(cars=20, years=5.0, seed=3)

    assert written(order) == written(order)
    assert written(order)[0] != written(Order(cars=20, years=5.0, seed=4))[0]


def test_any_car_can_be_drawn_without_those_before_it() -> None:
    assert one_car(SMALL, 42) == cars()[42]


def test_every_line_fits_the_contract_to_the_last_field() -> None:
    for history, _ in cars():
        line = HistoryLine.model_validate(history)
        for visit, raw in zip(line.visits, history["visits"], strict=True):
            assert visit.at == visit.snapshot.taken_at
            assert set(raw) <= {"at", "dash_km", "papers_km", "snapshot"}
            kept = visit.snapshot.model_dump(mode="json", by_alias=True, exclude_unset=True)
            assert _without_time(kept) == _without_time(raw["snapshot"])


def _without_time(snapshot: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in snapshot.items() if name != "taken_at"}


def test_no_snapshot_has_a_name_the_contract_does_not_know() -> None:
    known = {field.alias or name for name, field in Snapshot.model_fields.items()}

    assert {name for history, _ in cars() for visit in history["visits"] for name in visit["snapshot"]} <= known


def test_the_truth_says_what_was_done_and_what_could_be_seen() -> None:
    truths = [known for _, known in cars()]

    assert {known["tampering"]["method"] for known in truths} == {"none", *METHODS}
    for history, known in cars():
        method, visits = known["tampering"]["method"], len(history["visits"])
        assert len(known["true_odometer_m"]) == len(known["visit_noise"]) == visits
        assert known["true_odometer_m"] == sorted(known["true_odometer_m"])
        assert set(known["determinable"]) <= set(METHODS.get(method, ()))
        assert (known["tampering"]["removed_m"] > 0) == (method not in ("none", "pre_sale_clear"))


def test_identities_are_generated_ones_and_no_two_are_alike() -> None:
    vins = [known["vin"] for _, known in cars()]

    assert len(set(vins)) == len(vins)
    assert all(vin[8] == check_digit(vin) and vin[11:14] == "000" for vin in vins)
    assert vin_of("LSV", 12_345_678, 2020) != vin_of("LSV", 678, 2020)


def test_two_hundred_car_years_take_less_than_a_second() -> None:
    began_s = time.process_time()

    written(Order(cars=25, years=8.0, seed=1))

    assert time.process_time() - began_s < 1.0


def life(index: int = 0, seed: str = "x") -> Life:
    random = Random(seed)
    drawn = draw(random, index, 2020)
    return Life(random, drawn, 0)


def test_a_month_in_one_step_is_thirty_days_in_thirty() -> None:
    at_once, by_day = life(), life()

    at_once.drive_days(30)
    for _ in range(30):
        by_day.drive_days(1)

    assert by_day.true_m == pytest.approx(at_once.true_m)
    assert by_day.car.odometer_m == pytest.approx(at_once.car.odometer_m)
    for name in ("distance_since_clear_km", "minutes_since_clear", "engine_run_s", "idle_run_s"):
        assert getattr(by_day.car.counters, name) == pytest.approx(getattr(at_once.car.counters, name))
    assert abs(by_day.car.counters.warmups_since_clear - at_once.car.counters.warmups_since_clear) <= 1


def test_driving_by_the_day_answers_the_same_bytes_as_driving_by_the_second() -> None:
    by_day, by_second = load("engine-fault").car(1), load("engine-fault").car(1)
    by_second.speed_kmh = 61.2
    by_second.advance(0.0)

    for second in range(1, 1816):
        by_second.advance(float(second))
    by_second.speed_kmh = 0.0
    by_second.advance(2115.0)
    by_day.travel(30_855.0)
    by_day.run_engine(2115.0, 300.0)

    engine = by_day.ecus[0]
    for pid in (0x21, 0x31, 0x4D, 0x4E, 0x7F, 0xA6):
        assert pid_data(by_second, by_second.ecus[0], pid) == pid_data(by_day, engine, pid)


def test_honest_noise_never_makes_an_honest_car_impossible_unless_its_engine_unit_is_another() -> None:
    order = Order(cars=250, years=5.0, seed=11, tampered=0.0)
    cars_judged = list(judged(order))
    told = {known["id"]: known for known, _ in cars_judged}
    table = tabulate(cars_judged)

    called = [told[name.split()[0]]["noise"] for name in table.impossible]
    assert [noise for noise in called if "engine_unit_replaced" not in noise] == []
    assert table.honest == 250


def test_what_is_determinable_is_found_but_where_a_slip_of_the_finger_would_explain_it() -> None:
    table = tabulate(judged(Order(cars=250, years=4.0, seed=12, tampered=1.0)))

    assert table.determinable > 60
    # The truth does not weigh typing errors, the checks do: of a hundred cars a few have a dash that one digit excuses.
    assert table.found >= 0.95 * table.determinable


def test_the_program_writes_both_files_or_prints_the_histories(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, truth = tmp_path / "histories.jsonl", tmp_path / "truth.jsonl"

    assert main(["fleet", "--cars", "3", "--years", "2", "--seed", "5", "--truth", str(truth)]) == 0
    printed = capsys.readouterr().out
    assert main(["fleet", "--cars", "3", "--years", "2", "--seed", "5", "--out", str(out)]) == 0

    assert out.read_text(encoding="utf-8") == printed
    names = [json.loads(line)["id"] for line in printed.splitlines()]
    assert names == [json.loads(line)["id"] for line in truth.read_text(encoding="utf-8").splitlines()]
    assert names == ["car-5-000000", "car-5-000001", "car-5-000002"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--cars", "-1"], "--cars -1: outside 0 to"),
        (["--years", "nan"], "--years nan: outside 0 to 60"),
        (["--tampered", "2"], "--tampered 2.0: outside 0 to 1"),
        (["--out", "same", "--truth", "same"], "--out and --truth are the same file"),
        (["--out", "/nowhere/at/all"], "--out /nowhere/at/all: No such file"),
    ],
)
def test_a_wrong_order_is_refused_in_one_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fleet", *arguments]) == 2

    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


def test_a_donor_unit_of_an_electric_car_has_no_engine_hours() -> None:
    assert donor(Random(1), load("ev").car(1)).engine_run_s == 0.0
