"""The demo's verdict on itself: every field of the truth is held against the API, and a lie in any of them is named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.demo.compare import Returned, differences

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
TRUTH: dict[str, Any] = {
    "vin": "LSVAA49J3K2000101", "make": "Volkswagen", "model_year": 2019, "fuel": "petrol", "odometer_m": 48_210_300,
    "dtcs": [{"code": "P0301", "class": "stored", "ecu": "7E8"}], "mil": True, "battery_v": 14.2,
    "distance_since_clear_m": 21_640_000, "warmups_since_clear": 255, "plate": "沪A10101", "stock_number": "S-0101",
    "dash_km": 48_210, "operator": "LW", "verdict": "consistent", "findings": ["codes.new", "service.unknown"],
    "last_service": {"done_days_ago": 200, "odometer_m": 40_000_000},
}  # fmt: skip
VEHICLE: dict[str, Any] = {
    **{name: TRUTH[name] for name in ("vin", "make", "model_year", "fuel", "dtcs", "mil", "plate", "stock_number")},
    **{name: TRUTH[name] for name in ("verdict", "distance_since_clear_m", "warmups_since_clear")},
    "battery_v": 14.1,
    "findings": [{"rule": "service.unknown"}, {"rule": "codes.new"}],
    "latest_snapshot": {
        "id": "visit-2",
        "operator": "",
        "odometer": [{"source": "01A6", "status": "read", "odometer_m": 48_210_300}],
    },
}
TIMELINE = [
    {"kind": "odometer", "snapshot_id": "visit-1", "source": "dash", "odometer_m": 31_000_000},
    {"kind": "odometer", "snapshot_id": "visit-2", "source": "dash", "odometer_m": 48_210_000},
    {"kind": "service", "snapshot_id": "", "odometer_m": 40_000_000, "at": (NOW - timedelta(days=200)).isoformat()},
    {"kind": "service", "snapshot_id": "", "odometer_m": 30_000_000, "at": (NOW - timedelta(days=500)).isoformat()},
]
BODIES = [
    {"kind": "finding", "snapshot_id": "visit-2"},
    {"kind": "mileage", "snapshot_id": "visit-1", "operator": "ZH"},
    {"kind": "mileage", "snapshot_id": "visit-2", "operator": "LW"},
]


def returned(**changed: Any) -> Returned:
    return Returned(VEHICLE | changed, TIMELINE, BODIES)


def test_a_truthful_back_office_differs_in_nothing() -> None:
    assert differences(TRUTH, returned(), NOW) == []


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        ("vin", "LSVAA49J3K2000102"), ("make", "Audi"), ("model_year", 2020), ("fuel", "diesel"), ("dtcs", []),
        ("mil", None), ("plate", ""), ("stock_number", "S-1"), ("verdict", "suspicious"), ("battery_v", 14.0),
        ("battery_v", None), ("distance_since_clear_m", 0), ("warmups_since_clear", None), ("findings", []),
    ],
)  # fmt: skip
def test_a_lie_in_any_field_is_named_with_the_truth_beside_it(field: str, lie: object) -> None:
    found = differences(TRUTH, returned(**{field: lie}), NOW)

    assert len(found) == 1
    assert found[0].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("field", "true"),
    [
        ("odometer_m", 48_210_200), ("dash_km", 31_000), ("operator", "ZH"), ("last_service", None),
        ("last_service", {"done_days_ago": 200, "odometer_m": 30_000_000}),
        ("last_service", {"done_days_ago": 201, "odometer_m": 40_000_000}),
    ],
)  # fmt: skip
def test_a_field_that_stands_elsewhere_than_on_the_vehicle_is_compared_too(field: str, true: object) -> None:
    assert [line.split(":")[0] for line in differences(TRUTH | {field: true}, returned(), NOW)] == [field]


def test_what_a_silent_car_cannot_tell_must_not_be_claimed() -> None:
    found = differences(TRUTH | {"fuel": None}, returned(), NOW)

    assert [line.split(":")[0] for line in found] == ["fuel"]
