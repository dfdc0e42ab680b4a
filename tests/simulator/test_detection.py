"""Scenarios of a fleet on demand, and the benchmark's own counting, at a small size."""

from typing import Any

import pytest

from benchmarks.detection import MARGIN_M, SCENARIOS, Goals, Scenario, Tally, curve, honest, judged, step_km
from simulator.fleet.writing import Order
from simulator.fleet.writing import one_car as drawn

CARS = 24


def one_car(order: Order, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return drawn(order, index)


def _tally(name: str, cars: int = CARS) -> tuple[Scenario, Tally]:
    scenario = next(one for one in SCENARIOS if one.name == name)
    tally = Tally()
    for car in judged(scenario.order(cars, 3)):
        tally.add(car)
    return scenario, tally


@pytest.mark.parametrize("name", ["honest", "cluster-replaced-billed", "unit-changed-told"])
def test_honest_cars_are_not_suspected(name: str) -> None:
    _, tally = _tally(name)

    assert (tally.odometer_red, tally.wrongly_impossible, tally.undetermined) == (0, 0, 0)


@pytest.mark.parametrize("name", ["cluster-only", "ecu-swap"])
def test_what_could_be_seen_of_a_tampered_car_is_found(name: str) -> None:
    _, tally = _tally(name)

    assert sum(tally.determinable.values()) > 3
    assert tally.found == tally.determinable


def test_an_order_for_one_method_and_amount_gives_just_that() -> None:
    order = Order(20, 8.0, 4, tampered=1.0, method="cluster_only", removed_km=20_000)

    done = [one_car(order, index)[1]["tampering"] for index in range(20)]

    assert {one["method"] for one in done} == {"cluster_only"}
    assert all(one["removed_m"] <= 22_000_000 for one in done)
    assert any(one["removed_m"] >= 18_000_000 for one in done)


def test_an_event_that_is_sure_happens_and_is_told_only_when_bills_are_there() -> None:
    told = Order(8, 8.0, 4, tampered=0.0, sure="cluster_replaced", told=True)
    untold = Order(8, 8.0, 4, tampered=0.0, sure="cluster_replaced")

    for index in range(8):
        history, truth = one_car(told, index)
        assert "cluster_replaced" in truth["noise"]
        assert "cluster_replaced" in [event["kind"] for event in history["events"]]
        assert "events" not in one_car(untold, index)[0]


def test_events_that_are_left_out_do_not_happen() -> None:
    order = Order(40, 8.0, 4, tampered=0.0, without=frozenset({"workshop_clear", "fault", "battery_change"}))

    noise = {name for index in range(40) for name in one_car(order, index)[1]["noise"]}

    assert not noise & {"workshop_clear", "battery_change"}


@pytest.mark.parametrize(("removed_m", "step"), [(0, 0), (900_000, 1_000), (5_500_000, 5_000), (77_000_000, 70_000)])
def test_an_amount_belongs_to_the_nearest_point_of_the_curve(removed_m: int, step: int) -> None:
    assert step_km(removed_m) == step


def test_a_goal_that_is_missed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    goals = Goals()
    bad = Tally(cars=100, odometer_red=1, two_witnesses=50)
    bad.determinable[20_000], bad.found[20_000] = 100, 98

    honest([bad], goals)
    curve([bad], goals)

    assert "honest odometer checks red, %" in goals.missed
    assert "found at 20,000 km and more, %" in goals.missed
    assert "MISSED" in capsys.readouterr().out
    assert MARGIN_M == 100_000
