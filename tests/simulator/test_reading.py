"""The perfect reader writes what our own reader finds through an adapter, and rounds as the bus does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evidence.snapshot import Snapshot
from simulator.library import load
from simulator.reading import snapshot
from tests.simulator.running import simulator

AT = "2025-01-02T03:04:05Z"


def scanned(url: str, folder: Path) -> dict[str, Any]:
    forecourt = Path(sys.executable).parent / "forecourt"
    command = [str(forecourt), "scan", "--adapter", url, "--json", "--lang", "en"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=folder)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    """What both must agree on, in an order of its own."""
    odometers = sorted((one["ecu"], one["odometer_m"], one["raw"], one["trust"]) for one in found["odometer"])
    states = {name: state for name, state in found["readiness"].items() if state != "unsupported"}
    counters = {
        name: sorted((part["ecu"], part["value"], part["saturated"]) for part in parts if part["status"] == "read")
        for name, parts in found["counters"].items()
        if parts
    }
    return {
        "vin": found["vehicle"]["vin"],
        "fuel": found["vehicle"]["fuel"],
        "odometers": odometers,
        "readiness": states,
        "counters": {name: parts for name, parts in counters.items() if parts},
        "dtcs": sorted((code["code"], code["class"], code["ecu"]) for code in found["dtcs"]),
        "mil": found["mil"],
        "vins": {ecu["address"]: ecu["vin"] for ecu in found["ecus"]},
    }


@pytest.mark.parametrize(("name", "number"), [("engine-fault", 1), ("used-engine-unit", 2)])
def test_our_reader_finds_through_an_adapter_what_the_perfect_one_writes(
    name: str, number: int, tmp_path: Path
) -> None:
    fast = ("--baud", "2000000", "--ecu-ms", "1", "--search-ms", "1")
    with simulator("--scenario", name, "--visit", str(number), "--tcp", "127.0.0.1:0", *fast) as running:
        scan = scanned(running.url, tmp_path)
    found, car = comparable(scan), load(name).car(number)
    # the engine runs while it is read
    written = comparable(snapshot(car, "v", AT))
    for side in (found, written):
        side["counters"].pop("engine_run_time_s", None)

    assert found == written, f"not read: {not_read(scan)}"


def not_read(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in found["items"] if item["status"] not in ("read", "unsupported")]


def test_values_are_as_the_bus_carries_them() -> None:
    car = load("clean").car(1)
    car.odometer_m, car.counters.distance_since_clear_km = 70_123_499.9, 70_000.9

    read = Snapshot.model_validate(snapshot(car, "v", AT, clock="rtc", trusts={"cluster": "hint"}))

    assert [part.odometer_m for part in read.odometer] == [70_123_400, 70_123_000]
    assert [str(part.trust) for part in read.odometer] == ["standard", "hint"]
    engine = read.counters.distance_since_clear_m[0]
    assert (engine.value, engine.saturated) == (65_535_000, True)


def test_a_plug_in_calls_itself_a_hybrid_as_pid_51_does() -> None:
    read = Snapshot.model_validate(snapshot(load("plug-in-hybrid").car(1), "v", AT))

    assert read.vehicle.fuel == "hybrid"


def test_a_car_without_obd_leaves_its_codes_unasked_and_its_gateway_heard() -> None:
    read = Snapshot.model_validate(snapshot(load("ev-without-obd").car(1), "v", AT))

    assert (read.mil, read.readiness, read.ecus) == (None, {}, ())
    assert {item.item: str(item.status) for item in read.items} == {
        "stored_dtcs": "timeout",
        "pending_dtcs": "timeout",
        "permanent_dtcs": "timeout",
        "odometer.maker-gateway": "read",
    }
