"""Holds what the back office returns against what a simulated car truly is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

VOLTAGE_STEP_V = 0.1  # an ELM327 measures in tenths
KM_M = 1000
SAME_NAME = (
    "vin", "make", "model_year", "fuel", "plate", "stock_number", "verdict", "mil", "distance_since_clear_m",
    "warmups_since_clear",
)  # fmt: skip
UNSAID = ("", None)


@dataclass(frozen=True, slots=True)
class Returned:
    """What the API says of one car: ``/vehicles/{id}``, its timeline, and the bodies of its raw records."""

    vehicle: Mapping[str, Any]
    timeline: Sequence[Mapping[str, Any]]
    bodies: Sequence[Mapping[str, Any]]


def differences(truth: Mapping[str, Any], returned: Returned, now: datetime) -> list[str]:
    """One line for each field of ``truth`` that the back office does not repeat; [] when all agree.

    ``now`` (aware) is what the truth's days are counted back from. What a car cannot say on its link is None in
    its truth and must not be claimed upstream either.
    """
    vehicle = returned.vehicle
    snapshot = vehicle.get("latest_snapshot") or {}
    visit = [event for event in returned.timeline if event["snapshot_id"] == snapshot.get("id")]
    said = {name: vehicle.get(name) for name in SAME_NAME} | {
        "odometer_m": _witness_m(snapshot, "01A6"),
        "dash_km": _dash_km([*visit, *snapshot.get("odometer", ())]),
        "operator": _operator(returned.bodies, snapshot),
        "dtcs": _codes(vehicle.get("dtcs", ())),
        "findings": sorted(finding["rule"] for finding in vehicle.get("findings", ())),
        "last_service": _last_service(returned.timeline, now),
    }
    true = {name: truth[name] for name in SAME_NAME} | {
        "odometer_m": truth["odometer_m"],
        "dash_km": truth["dash_km"],
        "operator": truth["operator"],
        "dtcs": _codes(truth["dtcs"]),
        "findings": sorted(truth["findings"]),
        "last_service": truth["last_service"],
    }
    found = [f"{name}: {said[name]!r}, truly {true[name]!r}" for name in true if not _same(true[name], said[name])]
    return found + _voltage(truth["battery_v"], vehicle.get("battery_v"))


def _same(true: object, said: object) -> bool:
    return true == said or (true in UNSAID and said in UNSAID)


def _voltage(true_v: float | None, said_v: float | None) -> list[str]:
    if true_v is not None and said_v is not None and abs(true_v - said_v) <= VOLTAGE_STEP_V + 1e-9:
        return []
    return [] if true_v == said_v else [f"battery_v: {said_v!r}, truly {true_v!r}"]


def _witness_m(snapshot: Mapping[str, Any], source: str) -> int | None:
    """The odometer that ``source`` said on the latest visit."""
    read = [w for w in snapshot.get("odometer", ()) if w["source"] == source and w["status"] == "read"]
    return int(read[0]["odometer_m"]) if read else None


def _dash_km(values: Sequence[Mapping[str, Any]]) -> int | None:
    """The dash value that was typed at this visit."""
    return next((int(value["odometer_m"]) // KM_M for value in values if value["source"] == "dash"), None)


def _operator(bodies: Sequence[Mapping[str, Any]], snapshot: Mapping[str, Any]) -> str:
    """Who answered at this visit, wherever the name went: with the snapshot, or with an answer that came later."""
    answers = [body.get("operator", "") for body in bodies if body.get("snapshot_id") == snapshot.get("id")]
    return next((name for name in (snapshot.get("operator", ""), *answers) if name), "")


def _last_service(timeline: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any] | None:
    services = [event for event in timeline if event["kind"] == "service"]
    if not services:
        return None
    last = max(services, key=lambda event: datetime.fromisoformat(event["at"]))
    days = (now - datetime.fromisoformat(last["at"])).days
    return {"done_days_ago": days, "odometer_m": last["odometer_m"]}


def _codes(dtcs: Any) -> list[tuple[str, str, str]]:
    return sorted((code["code"], code["class"], code["ecu"]) for code in dtcs)
