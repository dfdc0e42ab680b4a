"""Hand-made lives of cars (``histories/*.toml``) in short words, written out as ``forecourt.history/1`` lines.

A visit gives kilometres: ``dash`` and ``papers`` as typed; ``a6``, ``life``, ``cluster``, ``body``, ``gear`` and
``hint`` as odometers read; ``since_clear_km`` and the like as counters of the engine unit, or by unit. ``counters``
"old" is a car last cleared long ago; ``open`` names the monitors that have not run. ``snapshot`` is taken as it stands.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FOLDER = Path(__file__).parent / "histories"
WORDS = {"calm": {"consistent", "not_determinable"}, "red": {"suspicious", "impossible"}}
OLD = {"since_clear_km": 18_200, "with_mil_km": 0, "warmups": 255, "since_clear_min": 30_100}
MONITORS = ("catalyst", "oxygen_sensor", "misfire", "evaporative_system", "components")
# short name: source, control unit, trust
WITNESSES = {
    "a6": ("01A6", "7E8", "standard"),
    "life": ("0917", "7E8", "standard"),
    "cluster": ("vag.cluster.odometer", "77E", "confirmed"),
    "body": ("vag.body.odometer", "718", "confirmed"),
    "gear": ("vag.gearbox.odometer", "7E9", "confirmed"),
    "hint": ("scan.22F1A0", "7E9", "hint"),
}
# short name: counter, its unit in ours, where it is full
COUNTERS = {
    "since_clear_km": ("distance_since_clear_m", 1_000, 65_535),
    "with_mil_km": ("distance_with_mil_m", 1_000, 65_535),
    "since_reflash_km": ("distance_since_reflash_m", 1_000, 10**9),
    "warmups": ("warmups_since_clear", 1, 255),
    "since_clear_min": ("time_since_clear_s", 60, 65_535),
    "hours": ("engine_run_time_s", 3_600, 10**9),
}
READ = ("stored_dtcs", "pending_dtcs", "permanent_dtcs")


@dataclass(frozen=True, slots=True)
class HandMade:
    """One car: the line to judge, and for each check, the verdict and the current odometer what may be said."""

    name: str
    why: str
    line: Json
    results: dict[str, set[str]]
    current_km: tuple[int, int] | None
    current_unknown: bool


def hand_made() -> Iterator[HandMade]:
    """Every car of the folder."""
    for file in sorted(FOLDER.glob("*.toml")):
        for car in tomllib.loads(file.read_text(encoding="utf-8"))["car"]:
            yield _car(car)


def _car(car: Json) -> HandMade:
    expected: Json = car["expected"]
    visits = [_visit(one, car.get("vin")) if isinstance(one, Mapping) else one for one in car["visits"]]
    more: Json = {name: car[name] for name in ("services", "events") if name in car}
    results = {name: _words(told) for name, told in expected.items() if name != "current_km"}
    return HandMade(
        name=car["id"],
        why=car["why"],
        line={"id": car["id"], "market": "CN", "visits": visits, **more},
        results=results,
        current_km=tuple(expected["current_km"]) if "current_km" in expected else None,
        current_unknown=car.get("current_unknown", False),
    )


def _words(told: str | list[str]) -> set[str]:
    return {word for one in ([told] if isinstance(told, str) else told) for word in WORDS.get(one, {one})}


def _visit(told: Mapping[str, Any], vin: str | None) -> Json:
    visit = {
        name: told[key] for name, key in (("at", "at"), ("dash_km", "dash"), ("papers_km", "papers")) if key in told
    }
    if "snapshot" in told:
        return visit | {"snapshot": told["snapshot"]}
    known = {**(OLD if told.get("counters") == "old" else {}), **told}
    if not known.keys() - {"at", "dash", "papers"}:
        return visit | {"snapshot": {}}
    return visit | {"snapshot": _snapshot(known, str(told.get("vin", vin or "")))}


def _snapshot(told: Mapping[str, Any], vin: str) -> Json:
    snapshot: Json = {"schema": "forecourt.snapshot/1", "dtcs": told.get("dtcs", []), "mil": told.get("mil", False)}
    if vin:
        snapshot["vehicle"] = {
            "vin": vin,
            "vin_status": told.get("vin_status", "read"),
            "fuel": told.get("fuel", "petrol"),
            "stock_number": told.get("stock_number", ""),
        }
        snapshot["ecus"] = [_engine_unit(told, vin), *told.get("ecus", [])]
    if witnesses := [_witness(name, told[name]) for name in WITNESSES if name in told]:
        snapshot["odometer"] = witnesses
    counters = dict(_counter(name, told[name]) for name in COUNTERS if name in told)
    if counters:
        snapshot["counters"] = counters
    if told.get("open") != "unread":
        snapshot["readiness"] = {
            name: "incomplete" if name in told.get("open", ()) else "complete" for name in MONITORS
        }
    snapshot["items"] = told.get("items", [{"item": name, "status": "read"} for name in READ])
    return snapshot | {name: told[name] for name in ("battery_v", "road_test", "inspection", "clock") if name in told}


def _engine_unit(told: Mapping[str, Any], vin: str) -> Json:
    return {
        "address": "7E8",
        "name": "ECM",
        "vin": told.get("ecu_vin", vin),
        "calibration_ids": [told.get("cal", "06K907425B")],
        "cvns": [told.get("cvn", "9A31F02C")],
    }


def _witness(name: str, km: float) -> Json:
    source, ecu, trust = WITNESSES[name]
    return {"source": source, "ecu": ecu, "odometer_m": round(km * 1000), "status": "read", "trust": trust}


def _counter(name: str, told: float | Mapping[str, float]) -> tuple[str, list[Json]]:
    counter, scale, full = COUNTERS[name]
    units = told if isinstance(told, Mapping) else {"7E8": told}
    return counter, [
        {"ecu": ecu, "value": round(value * scale), "status": "read", "saturated": value >= full}
        for ecu, value in units.items()
    ]
