"""Orders to a running simulator, in a time that jumps: what they do, and what is refused in one line."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from simulator.control import follow, obey
from simulator.errors import ScenarioError
from simulator.library import LIBRARY, load
from simulator.orders import SPELLINGS, check_order
from simulator.scenario import Scenario, Step
from simulator.station import Station

GOOD = {
    "SCENARIO": "clean", "VISIT": "1", "KMH": "50", "KM": "1", "SECONDS": "5", "V": "12", "PERCENT": "50", "C": "20",
    "SHARE": "0.5", "CODE": "P0420", "ROLE": "engine", "CYCLES": "1", "TIMES": "1", "FAULT": "nul=2", "on|off": "on",
}  # fmt: skip


@pytest.fixture
async def station() -> AsyncIterator[Station]:
    made = Station(load("clean"), 1, clock="virtual")
    yield made
    await made.close()


async def said(station: Station, *orders: str) -> dict[str, Any]:
    """The answer to the last of some orders."""
    answer: dict[str, Any] = {}
    for order in orders:
        answer = await obey(station, order)
        assert answer["ok"], answer
    return answer


@pytest.mark.parametrize("verb", SPELLINGS)
async def test_every_word_is_obeyed_with_and_without_what_may_follow(station: Station, verb: str) -> None:
    least = [GOOD[name] for name in SPELLINGS[verb] if not name.startswith("[")]
    most = [GOOD[name.strip("[]")] for name in SPELLINGS[verb]]

    assert (await said(station, " ".join((verb, *least))))["did"] == verb
    await said(station, "plug")
    assert (await said(station, " ".join((verb, *most))))["did"] == verb


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ("", "nothing to do"),
        ("fly", "'fly' is not understood"),
        ("speed", "speed: wanted speed KMH"),
        ("speed 50 60", "speed: wanted speed KMH"),
        ("speed fast", "speed: 'fast' is not a number"),
        ("speed 300", "speed: 300 is outside 0 to 255"),
        ("speed nan", "is not a number"),
        ("wait -1", "wait: -1 is outside 0 to"),
        ("drive 5 0", "nobody arrives"),
        ("engine maybe", "engine: 'maybe' is not on or off"),
        ("break P9999X", "'P9999X' is not a trouble code"),
        ("break P0420 cook", "'cook' is not one of: engine, gearbox, cluster"),
        ("heal 1.5", "heal: '1.5' is not a whole number"),
        ("fault typo=1", "no such fault"),
        ("plug clean x", "plug: 'x' is not a whole number"),
        ("plug clean 9", "clean has visits 1 to 1"),
        ("plug nowhere", "there is none of this name"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_one_line(station: Station, order: str, reason: str) -> None:
    answer = await obey(station, order)

    assert answer["ok"] is False
    assert reason in str(answer["error"])
    assert "\n" not in str(answer["error"])


async def test_without_a_car_there_is_nothing_to_drive(station: Station) -> None:
    await said(station, "unplug")

    for order in ("drive 1", "speed 5", "clear"):
        assert "no car is plugged in" in str((await obey(station, order))["error"])
    assert (await said(station, "wait 5", "state"))["plugged"] is False


async def test_a_drive_moves_the_odometer_as_its_speed_says(station: Station) -> None:
    before = await said(station, "state")

    after = await said(station, "drive 12.5 75")

    assert after["odometer_m"] - before["odometer_m"] == 12_500
    assert after["clock_s"] - before["clock_s"] == pytest.approx(600)
    assert after["dash_km"] == 48_222
    assert after["speed_kmh"] == 0


async def test_a_speed_and_a_wait_are_a_drive_too(station: Station) -> None:
    before = await said(station, "speed 60", "state")

    after = await said(station, "wait 90", "state")

    assert after["odometer_m"] - before["odometer_m"] == 1_500


async def test_another_tool_clears_what_has_come(station: Station) -> None:
    broken = await said(station, "engine off", "break P0420", *["drive 5", "engine off"] * 2, "state")
    assert (broken["mil"], "P0420 stored engine" in broken["codes"]) == (True, True)

    cleared = await said(station, "clear", "state")

    assert (cleared["mil"], cleared["codes"]) == (False, ["P0420 permanent engine"])
    assert (cleared["since_clear_km"], cleared["warmups"], "catalyst" in cleared["incomplete"]) == (0, 0, True)


async def test_a_changed_battery_loses_the_same_and_rests(station: Station) -> None:
    changed = await said(station, "change-battery", "state")

    assert (changed["since_clear_km"], changed["engine_on"], changed["supply_v"]) == (0, False, 12.5)


def scripted(*steps: Step) -> Scenario:
    scenario = load("clean")
    visit = scenario.visits[0]
    values = {name: getattr(visit, name) for name in visit.__dataclass_fields__}
    kept = {name: getattr(scenario, name) for name in scenario.__dataclass_fields__}
    return Scenario(**{**kept, "visits": (type(visit)(**{**values, "steps": steps}),)})


def followed(station: Station) -> list[str]:
    """Let the station follow its own script; the orders it gave itself."""
    given: list[str] = []

    def note(order: str) -> object:
        given.append(order)
        return follow(station, order)

    station.obeys = note
    return given


async def test_a_script_is_followed_by_time_and_each_order_at_its_moment() -> None:
    steps = (Step("speed 36", after_s=10), Step("speed 0", after_s=20), Step("sag 8", after_s=99))
    timed = Station(scripted(*steps), 1, clock="virtual")
    given = followed(timed)

    timed.wait(25)

    assert given == ["speed 36", "speed 0"]
    assert (await obey(timed, "state"))["odometer_m"] == 48_210_300 + 100


async def test_a_script_is_followed_by_requests_and_ends_with_the_visit() -> None:
    counted = Station(scripted(Step("battery 9", after_requests=2), Step("drop", after_requests=5)), 1, clock="virtual")
    given = followed(counted)

    for _ in range(3):
        counted.bus.ask(counted.clock.now_s(), 0x7DF, b"\x01\x00")
    await counted.plug("engine-fault")
    for _ in range(5):
        counted.bus.ask(counted.clock.now_s(), 0x7DF, b"\x01\x00")

    assert given == ["battery 9"]
    assert counted.car_now() is not None


async def test_a_script_may_pull_the_plug() -> None:
    pulled = Station(scripted(Step("unplug", after_requests=1)), 1, clock="virtual")
    followed(pulled)

    pulled.bus.ask(0.0, 0x7DF, b"\x01\x00")
    for task in list(pulled._tasks):
        await task

    assert pulled.car_now() is None


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ('do = "fly"\nafter_s = 1', "visit.1.step.1.do: 'fly' is not understood"),
        ('do = "drop"', "visit.1.step.1.after_s: a step wants one of after_s and after_requests"),
        ('do = "drop"\nafter_s = 1\nafter_requests = 2', "a step wants one of"),
        ('do = "drop"\nafter_requests = 0', "visit.1.step.1.after_requests: 0 is outside 1 to"),
    ],
)
def test_a_wrong_step_is_named_with_its_key(tmp_path: Path, step: str, reason: str) -> None:
    file = tmp_path / "car.toml"
    text = (LIBRARY / "clean.toml").read_text(encoding="utf-8")
    file.write_text(f"{text}\n[[visit.step]]\n{step}\n", encoding="utf-8")

    with pytest.raises(ScenarioError, match=r"car\.toml:\d+: ") as caught:
        load(str(file))
    assert reason in str(caught.value)


@pytest.mark.parametrize("order", ["speed 1", "plug clean 2", "break P0301"])
def test_an_order_is_checked_before_anything_runs(order: str) -> None:
    assert check_order(order) == order.split()
