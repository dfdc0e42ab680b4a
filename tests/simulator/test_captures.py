"""What real cars answered, encoded again from the value that was true of them: the bytes must be the same."""

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from simulator.car import Car
from simulator.library import load
from simulator.pids import ENCODERS

CAPTURES = Path(os.environ.get("FORECOURT_CAPTURES") or Path(__file__).parents[3] / "shared" / "captures")

pytestmark = pytest.mark.skipif(
    not any(CAPTURES.glob("*.json")), reason=f"no recorded traffic in {CAPTURES}; set FORECOURT_CAPTURES"
)

Setter = Callable[[Car, float], None]


def _counter(name: str) -> Setter:
    return lambda car, value: setattr(car.counters, name, value)


def _state(name: str, factor: float = 1.0) -> Setter:
    return lambda car, value: setattr(car, name, round(value * factor, 6))


SETTERS: dict[int, Setter] = {
    0x05: _state("coolant_c"),
    0x0D: _state("speed_kmh"),
    0x0F: _state("intake_c"),
    0x1F: _state("run_s"),
    0x21: _counter("distance_with_mil_km"),
    0x2F: _state("fuel_level_pct"),
    0x30: _counter("warmups_since_clear"),
    0x31: _counter("distance_since_clear_km"),
    0x33: _state("barometer_kpa"),
    0x42: _state("battery_v"),
    0x46: _state("ambient_c"),
    0x4D: _counter("minutes_with_mil"),
    0x4E: _counter("minutes_since_clear"),
    0x5B: _state("charge_pct"),
    0xA6: _state("odometer_m", 1000),
}


def captured(pid: int) -> Iterator[tuple[str, float, str]]:
    """Case id, true value and data bytes of each single-frame answer to one PID."""
    marker = f"41{pid:02X}"
    for case in all_cases():
        line = _only_line(case)
        if case["request"]["data"] == f"01{pid:02X}" and len(case["expected"]) == 1 and line[5:9] == marker:
            yield case["id"], case["expected"][0]["value"], line[9 : 5 + 2 * int(line[3:5], 16)]


@cache
def all_cases() -> list[dict[str, Any]]:
    """Every recorded case, read once."""
    files = sorted(CAPTURES.glob("*.json"))
    return [case for file in files for case in json.loads(file.read_text(encoding="utf-8"))["cases"]]


def _only_line(case: dict[str, Any]) -> str:
    lines = case["response_lines"]
    text = str(lines[0]).replace(" ", "") if len(lines) == 1 else ""
    return text if case["protocol"] == "CAN 11-bit" and case["headers_in_lines"] and text[3:4] == "0" else ""


@pytest.mark.parametrize("pid", sorted(SETTERS), ids=lambda pid: f"01{pid:02X}")
def test_the_bytes_of_real_cars_come_out_again(pid: int) -> None:
    scenario = load("clean")
    wrong: dict[str, tuple[str, str]] = {}
    seen = 0
    for case, value, data in captured(pid):
        car = scenario.car(1)
        SETTERS[pid](car, value)
        made = ENCODERS[pid](car, car.ecus[0]).hex().upper()
        seen += 1
        if made != data:
            wrong[case] = (made, data)

    assert seen > 0
    assert wrong == {}
