"""``forecourt judge`` on lives written by hand: honest look-alikes beside tamperings, and input as bad as it comes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.histories import lines_of
from agent.judging import judged_line
from tests.agent.hand_made import HandMade, hand_made

TODAY = datetime(2026, 11, 22, tzinfo=UTC)
CARS = list(hand_made())


def test_enough_lives_are_written_and_none_twice() -> None:
    assert len({car.name for car in CARS}) == len(CARS) >= 40


@pytest.mark.parametrize("car", CARS, ids=lambda car: car.name)
def test_a_life_written_by_hand_is_judged_as_what_happened_to_it(car: HandMade, tmp_path: Path) -> None:
    file = tmp_path / "life.jsonl"
    file.write_text(json.dumps(car.line), encoding="utf-8")
    (line,) = lines_of(file)
    said = judged_line(line, TODAY)
    results = {check["check"]: check["result"] for check in said["checks"]} | {"verdict": said["verdict"]}

    assert "error" not in said, car.why
    assert {name: results[name] for name, wanted in car.results.items() if results[name] not in wanted} == {}, car.why
    if car.current_km:
        assert car.current_km[0] <= (said["current_odometer_m"] or -1) // 1000 <= car.current_km[1], car.why
    assert not car.current_unknown or said["current_odometer_m"] is None, car.why
