"""The second visit to a car asks less and tells the same; a memory that is wrong heals and costs no value."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.depth import Depth
from collector.known_car import MAPS_AGAIN_VISITS
from collector.memory import KnownCar, KnownUnit, ShortMemory, Skills
from protocols.readings import CarReading, ItemStatus
from simulator.library import find
from tests.collector.virtual import Socket

WARM_LINES = 20
CODES = {"P0301", "P0420", "P0741"}
DONOR = "LSVAA49J3K2000101"
CHANGING = ("timing", "live", "counters", "adapter", "battery_v")


def values(reading: CarReading) -> dict[str, object]:
    """Everything of a reading but what changes from minute to minute."""
    names = [field.name for field in dataclasses.fields(reading) if field.name not in (*CHANGING, "items")]
    return {name: getattr(reading, name) for name in names}


def statuses(reading: CarReading) -> dict[str, ItemStatus]:
    return {item.item: item.status for item in reading.items}


def codes(reading: CarReading) -> set[str]:
    return {code.code for code in reading.dtcs}


def live(reading: CarReading) -> set[tuple[str, str]]:
    return {(value.signal, value.ecu) for value in reading.live}


def only(memory: ShortMemory) -> KnownCar:
    (car,) = memory.cars.values()
    return car


def changed(car: KnownCar, change: Callable[[KnownUnit], KnownUnit]) -> KnownCar:
    """The memory of a car with its first unit as ``change`` makes it."""
    return dataclasses.replace(car, units=(change(car.units[0]), *car.units[1:]))


async def test_the_second_visit_sends_20_lines_and_tells_the_same() -> None:
    memory, socket = ShortMemory(), Socket("engine-fault")
    first = await socket.scan(memory)
    second = await socket.scan(memory)

    assert values(second) == values(first)
    assert statuses(second) == statuses(first)
    assert live(second) == live(first)
    assert codes(second) == CODES
    assert (second.timing.requests, second.timing.bytes_sent) == (WARM_LINES, 142)
    assert first.timing.requests == 25


@pytest.mark.parametrize(
    ("baud", "link_s", "profile", "floor_s"),
    [
        (38_400, 0.0, "elm-2.2", 0.644),
        (115_200, 0.0, "elm-2.2", 0.504),
        (38_400, 0.015, "elm-2.2", 1.214),
        (38_400, 0.0, "elm-2.1-clone", 2.160),
    ],
)
async def test_the_second_visit_costs_the_wire_what_the_shortest_plan_costs(
    baud: int, link_s: float, profile: str, floor_s: float
) -> None:
    """By the adapter's own clock; the floors are those that ``benchmarks/scan.py`` prints."""
    memory, socket = ShortMemory(), Socket("clean", profile=profile, baud=baud, link_s=link_s)
    await socket.scan(memory)
    began_s = socket.now_s
    await socket.scan(memory)

    assert socket.now_s - began_s <= 1.05 * floor_s


async def test_a_full_visit_teaches_a_quick_one_and_asks_everything_again_itself() -> None:
    memory, socket = ShortMemory(), Socket("vw-no-a6")
    first = await socket.scan(memory, Depth.FULL)
    again = await socket.scan(memory, Depth.FULL)
    quick = await socket.scan(memory)

    silent = {name for name in statuses(first) if statuses(again)[name] is not statuses(first)[name]}
    assert values(again) == values(first)
    assert any(witness.odometer_m for witness in again.odometer)
    assert all(name.startswith("odometer.vag-") for name in silent)
    assert {statuses(again)[name] for name in silent} == {ItemStatus.NOT_ASKED}
    assert quick.vin == first.vin
    assert quick.timing.requests <= WARM_LINES


async def forgotten(memory: ShortMemory, *pids: int) -> KnownCar:
    """Let the memory of its one car lack ``pids``, as if a map had been read wrong."""
    poorer = changed(only(memory), lambda unit: dataclasses.replace(unit, pids=unit.pids - set(pids)))
    await memory.keep_car(poorer)
    return poorer


async def test_an_odometer_that_the_memory_does_not_know_of_is_read_all_the_same_and_known_from_then_on() -> None:
    memory, socket = ShortMemory(), Socket("clean")
    first = await socket.scan(memory)
    await forgotten(memory, 0xA6)
    second = await socket.scan(memory)
    third = await socket.scan(memory)

    assert values(second) == values(first) == values(third)
    assert 0xA6 in only(memory).units[0].pids
    assert third.timing.requests == WARM_LINES


async def test_a_car_without_an_odometer_is_asked_for_it_in_no_line_of_its_own() -> None:
    memory, socket = ShortMemory(), Socket("toyota-no-a6")
    first = await socket.scan(memory)
    second = await socket.scan(memory)

    assert statuses(second)["odometer.01A6"] is statuses(first)["odometer.01A6"] is ItemStatus.UNSUPPORTED
    assert not any(line.sent.startswith(b"01A6") for line in socket.lines)
    assert second.timing.requests <= WARM_LINES


@pytest.mark.parametrize("profile", ["elm-2.2", "elm-2.1-clone"])
async def test_any_value_that_the_memory_does_not_know_of_is_read_again_within_some_visits(profile: str) -> None:
    memory, socket = ShortMemory(), Socket("clean", profile=profile)
    first = await socket.scan(memory)
    await forgotten(memory, 0xA6, 0x0C, 0x42)
    visits = 0
    while live(await socket.scan(memory)) != live(first):
        visits += 1

    assert visits <= MAPS_AGAIN_VISITS
    assert {0xA6, 0x0C, 0x42} <= only(memory).units[0].pids
    assert only(memory).brief_visits == 0


async def test_another_car_at_the_same_adapter_is_read_as_if_nobody_had_been_there() -> None:
    memory, socket = ShortMemory(), Socket("clean")
    await socket.scan(memory)
    socket.plug("engine-fault")
    other = await socket.scan(memory)
    again = await socket.scan(memory)
    fresh = await socket.scan()

    assert values(other) == values(again) == values(fresh)
    assert statuses(other) == statuses(again) == statuses(fresh)
    assert again.timing.requests == WARM_LINES


async def test_a_car_known_from_another_adapter_is_known_here_once_its_vin_is_read() -> None:
    memory, here, there = ShortMemory(), Socket("clean"), Socket("engine-fault")
    await here.scan(memory)
    await there.scan(memory)
    there.plug("clean")
    moved = await there.scan(memory)

    assert moved.vin == DONOR
    assert [line.sent for line in there.lines].count(b"0120406080A0C0\r") == 0


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("scenario", ["can29", "kwp", "j1850-vpw", "j1850-pwm", "ev", "silent", "honda-no-a6"])
async def test_any_car_after_any_other_is_read_as_by_an_adapter_that_met_neither(scenario: str, depth: Depth) -> None:
    memory, socket = ShortMemory(), Socket("clean")
    await socket.scan(memory, depth)
    socket.plug(scenario)
    after = await socket.scan(memory, depth)
    fresh = await socket.scan(depth=depth)
    socket.plug("clean")
    back = await socket.scan(memory, depth)

    assert values(after) == values(fresh)
    assert statuses(after) == statuses(fresh)
    assert back.vin == DONOR
    assert socket.journal.summary()["writes"] == 0


WRONG: dict[str, Callable[[KnownUnit], KnownUnit]] = {
    "fewer PIDs": lambda unit: dataclasses.replace(unit, pids=frozenset({0x01, 0x0C})),
    "a PID that it lacks": lambda unit: dataclasses.replace(unit, pids=unit.pids | {0x02}),
    "no PIDs": lambda unit: dataclasses.replace(unit, pids=frozenset()),
    "other software": lambda unit: dataclasses.replace(unit, calibration_ids=("OLD",)),
    "a shorter VIN answer": lambda unit: dataclasses.replace(unit, vin_bytes=7),
    "no VIN": lambda unit: dataclasses.replace(unit, vin_bytes=0),
    "a shorter software answer": lambda unit: dataclasses.replace(unit, calibration_bytes=7),
    "a longer software answer": lambda unit: dataclasses.replace(unit, calibration_bytes=70),
    "a negative length": lambda unit: dataclasses.replace(unit, calibration_bytes=-900, vin_bytes=-3),
    "another address": lambda unit: dataclasses.replace(unit, address="7EB"),
}


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("wrong", sorted(WRONG))
async def test_a_wrong_memory_of_a_unit_changes_no_value_and_is_put_right(wrong: str, depth: Depth) -> None:
    memory, socket = ShortMemory(), Socket("engine-fault")
    first = await socket.scan(memory, depth)
    right = only(memory)
    await memory.keep_car(changed(right, WRONG[wrong]))
    second = await socket.scan(memory, depth)
    third = await socket.scan(memory, Depth.FULL)

    assert values(second) == values(first)
    assert statuses(second) == statuses(first)
    assert live(second) == live(first)
    assert third.vin == first.vin
    assert only(memory).units == right.units


async def test_a_unit_that_was_never_met_is_not_hidden_by_the_count_of_those_that_were() -> None:
    memory, socket = ShortMemory(), Socket("engine-fault")
    first = await socket.scan(memory)
    known = only(memory)
    await memory.keep_car(dataclasses.replace(known, units=known.units[:1]))
    second = await socket.scan(memory)

    assert values(second) == values(first)
    assert [ecu.address for ecu in second.ecus] == ["7E8", "7E9"]
    assert only(memory).units == known.units


async def test_a_unit_that_is_gone_is_noticed() -> None:
    memory, socket = ShortMemory(), Socket("engine-fault")
    first = await socket.scan(memory)
    known = only(memory)
    ghost = KnownUnit("7EA", frozenset({0x01}), ("GHOST",), 0, 20)
    await memory.keep_car(dataclasses.replace(known, units=(*known.units, ghost)))
    second = await socket.scan(memory)

    assert values(second) == values(first)
    assert only(memory).units == known.units


REPLACED = {
    "another VIN": ('vin = "none"', f'vin = "{DONOR}"'),
    "other software": ("8AB-34022-00", "8AB-34022-99"),
    "more PIDs": ('pids = "gearbox"', 'pids = "engine"'),
}


@pytest.mark.parametrize("change", sorted(REPLACED))
async def test_a_replaced_gearbox_unit_is_read_for_what_it_is(change: str, tmp_path: Path) -> None:
    before, after = REPLACED[change]
    text = find("engine-fault").read_text(encoding="utf-8")
    if change == "other software":
        before = text.split("calibration_ids = ")[2].split("\n")[0]
        after = '["ANOTHER-BUILD-7"]'
    assert before in text
    (tmp_path / "replaced.toml").write_text(text.replace(before, after), encoding="utf-8")
    memory, socket = ShortMemory(), Socket("engine-fault")
    await socket.scan(memory)
    socket.plug(str(tmp_path / "replaced.toml"))
    second = await socket.scan(memory)
    fresh = await socket.scan()

    assert values(second) == values(fresh)
    assert live(second) == live(fresh)
    assert second.timing.requests > WARM_LINES or change != "other software"


SKILLS = {
    "better than it is": Skills("STN9999", counts_lines=True, pids_at_once=6),
    "a clone that cannot measure": Skills("ELM327", pids_at_once=2, measures_supply=False),
    "worse than it is": Skills("", counts_lines=False, pids_at_once=1),
    "nonsense": Skills("x", pids_at_once=99, visits=-7),
}


@pytest.mark.parametrize("believed", sorted(SKILLS))
@pytest.mark.parametrize("profile", ["elm-2.1-clone", "elm-1.5-terse", "elm-1.5-frail", "stn-1170"])
async def test_an_adapter_swapped_for_another_kind_costs_time_and_no_value(profile: str, believed: str) -> None:
    memory, socket = ShortMemory(), Socket("engine-fault", profile=profile)
    first = await socket.scan(memory)
    (identity,) = memory.adapters
    last_car = memory.adapters[identity].last_car
    await memory.keep_skills(identity, dataclasses.replace(SKILLS[believed], last_car=last_car))
    second = await socket.scan(memory)

    assert values(second) == values(first)
    assert live(second) == live(first)
    assert codes(second) == CODES


FAULTS = [
    "nul=0.3", "stray-fc=0.3", "split-writes=1", "lost-prompt=0.03", "stopped=0.1", "buffer-full=0.1", "data-error=0.1",
    "no-data=0.1", "no-data=0.3", "half-line=0.1", "late-answer=0.1", "garbage=0.1", "can-error=0.1",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_was_learnt_under_faults_makes_no_later_visit_poorer(fault: str) -> None:
    memory, socket = ShortMemory(), Socket("engine-fault", faults=(fault,))
    for _ in range(3):
        reading = await socket.scan(memory)
        assert reading.vin in ("", "LFMAP22C0L0000102")
        assert codes(reading) <= CODES
    sound = Socket("engine-fault")
    after = await sound.scan(memory)
    fresh = await sound.scan()

    assert values(after) == values(fresh)
    assert live(after) == live(fresh)
    assert statuses(after) == statuses(fresh) or after.timing.requests > WARM_LINES
