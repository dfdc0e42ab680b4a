"""The JSON API on a real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.backoffice.lot import FAULTY, NOW, OVERDUE, ROLLED, lot_store
from tests.backoffice.web_client import car_id, web_client
from tests.postgres import PostgresServer


@pytest.fixture
async def client(server: PostgresServer | None, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with lot_store(tmp_path, server) as store, web_client(store) as opened:
        yield opened


@pytest.mark.parametrize("q", [FAULTY, FAULTY.lower(), "沪B·D2468", "沪bd2468", "a-102", "A102"])
async def test_a_car_is_found_however_its_vin_plate_or_stock_number_is_written(
    client: httpx.AsyncClient, q: str
) -> None:
    found = (await client.get("/api/v1/vehicles", params={"q": q})).json()

    assert [car["vin"] for car in found["items"]] == [FAULTY]
    assert found["next"] is None


async def test_a_long_list_comes_in_pages(client: httpx.AsyncClient) -> None:
    first = (await client.get("/api/v1/vehicles", params={"limit": 4})).json()
    second = (await client.get("/api/v1/vehicles", params={"limit": 4, "offset": first["next"]})).json()

    assert (len(first["items"]), first["next"]) == (4, 4)
    assert (len(second["items"]), second["next"]) == (2, None)
    assert not {car["id"] for car in first["items"]} & {car["id"] for car in second["items"]}


async def test_a_car_carries_its_evidence(client: httpx.AsyncClient) -> None:
    car = (await client.get(f"/api/v1/vehicles/{await car_id(client, ROLLED)}")).json()

    assert car["verdict"] == "impossible"
    assert car["odometer"]["odometer_m"] == 151_733_000
    assert {"K3", "K8"} <= {check["check"] for check in car["checks"]}
    assert all(finding["text"]["en"] and finding["text"]["zh"] for finding in car["findings"])
    assert {part["source"] for part in car["latest_snapshot"]["odometer"]} == {"01A6", "honda-hds-odo"}


async def test_codes_keep_their_class_and_control_unit(client: httpx.AsyncClient) -> None:
    car = (await client.get(f"/api/v1/vehicles/{await car_id(client, FAULTY)}")).json()

    assert {(code["code"], code["class"], code["ecu"]) for code in car["dtcs"]} == {
        ("P0301", "stored", "7E8"),
        ("P0420", "pending", "7E8"),
        ("U0101", "stored", "7E9"),
    }


async def test_the_timeline_holds_every_visit(client: httpx.AsyncClient) -> None:
    events = (await client.get(f"/api/v1/vehicles/{await car_id(client, ROLLED)}/timeline")).json()["items"]

    assert [event["odometer_m"] for event in events if event["kind"] == "visit"] == [
        148_020_000,
        151_733_000,
        151_940_000,
    ]
    assert any(event["quarantined"] for event in events)


async def test_an_alert_is_acknowledged_once_and_by_name(client: httpx.AsyncClient) -> None:
    alert = (await client.get("/api/v1/alerts")).json()["items"][0]
    done = await client.post(f"/api/v1/alerts/{alert['id']}/acknowledge", json={"operator": " LW "})
    again = await client.post(f"/api/v1/alerts/{alert['id']}/acknowledge", json={"operator": "ZS"})

    assert done.json()["acknowledged_by"] == again.json()["acknowledged_by"] == "LW"


async def test_alerts_can_be_asked_for_one_car(client: httpx.AsyncClient) -> None:
    car = await car_id(client, ROLLED)
    found = (await client.get("/api/v1/alerts", params={"vehicle_id": car})).json()["items"]

    assert {alert["rule"] for alert in found} == {"odometer.counter_exceeds", "odometer.below_earlier"}


@pytest.mark.parametrize(
    "body", [{}, {"operator": ""}, {"operator": "   "}, {"operator": "x" * 41}, {"operator": 7}, []]
)
async def test_nobody_cannot_acknowledge(client: httpx.AsyncClient, body: object) -> None:
    alert = (await client.get("/api/v1/alerts")).json()["items"][0]
    refused = await client.post(f"/api/v1/alerts/{alert['id']}/acknowledge", json=body)

    assert refused.status_code == 422
    assert (await client.get(f"/api/v1/alerts/{alert['id']}")).json()["acknowledged_at"] is None


async def test_a_recorded_service_settles_its_alert(client: httpx.AsyncClient) -> None:
    order = {"vin": OVERDUE, "done_at": NOW.isoformat(), "odometer_m": 58_950_000, "operator": "workshop"}
    done = await client.post("/api/v1/workorders", json=order)
    rules = [alert["rule"] for alert in (await client.get("/api/v1/alerts")).json()["items"]]

    assert done.status_code == 201
    assert "service.overdue" not in rules


async def test_a_car_is_moved_within_the_stock(client: httpx.AsyncClient) -> None:
    car = await car_id(client, FAULTY)
    change = {"state": "sold", "operator": "LW"}
    moved = await client.post(f"/api/v1/vehicles/{car}/stock-state", json=change)

    assert moved.json()["stock_state"] == "sold"
    assert (await client.get(f"/api/v1/vehicles/{car}")).json()["stock_state"] == "sold"


async def test_records_are_listed_as_they_arrived(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/v1/records", params={"kind": "mileage"})).json()
    pages = (await client.get("/api/v1/records", params={"limit": 3})).json()

    assert [one["kind"] for one in found["items"]] == ["mileage"]
    assert found["items"][0]["record"]["body"]["odometer_m"] == 120_400_000
    assert pages["next"] == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/vehicles/none", 404),
        ("GET", "/api/v1/vehicles/none/timeline", 404),
        ("GET", "/api/v1/alerts/none", 404),
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/vehicles", 405),
        ("GET", "/api/v1/vehicles?limit=0", 422),
        ("GET", "/api/v1/vehicles?offset=-1", 422),
        ("GET", "/api/v1/vehicles?q=" + "x" * 65, 422),
        ("GET", "/api/v1/records?nonsense", 200),
        ("GET", "/api/v1/records?limit=5000", 422),
    ],
)
async def test_a_wrong_request_gets_one_sentence_in_both_languages(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)

    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json()["text"]["en"].endswith(".")
        assert answer.json()["text"]["zh"].endswith("。")


async def test_a_foreign_key_cannot_name_a_sentence_of_ours(client: httpx.AsyncClient) -> None:
    alert = (await client.get("/api/v1/alerts")).json()["items"][0]["id"]
    answer = await client.post(f"/api/v1/alerts/{alert}/acknowledge", json={"operator": "LW", "@value.yes": 1})

    assert answer.status_code == 422
    assert "value.yes" in answer.json()["detail"]


async def test_a_service_of_an_unknown_car_is_refused(client: httpx.AsyncClient) -> None:
    order = {"vehicle_id": "none", "done_at": NOW.isoformat(), "operator": "workshop"}

    assert (await client.post("/api/v1/workorders", json=order)).status_code == 404


async def test_a_service_with_a_misspelt_field_is_refused(client: httpx.AsyncClient) -> None:
    order = {"vin": OVERDUE, "done_at": NOW.isoformat(), "odometer_km": 58_950, "operator": "workshop"}
    refused = await client.post("/api/v1/workorders", json=order)

    assert refused.status_code == 422
    assert "odometer_km" in refused.json()["detail"]


async def test_the_description_names_every_route_and_none_of_the_pages(client: httpx.AsyncClient) -> None:
    description = (await client.get("/api/openapi.json")).json()

    assert set(description["paths"]) == {
        "/api/v1/vehicles",
        "/api/v1/vehicles/{vehicle_id}",
        "/api/v1/vehicles/{vehicle_id}/timeline",
        "/api/v1/vehicles/{vehicle_id}/stock-state",
        "/api/v1/vehicles/{vehicle_id}/use",
        "/api/v1/alerts/{alert_id}/snooze",
        "/api/v1/alerts",
        "/api/v1/alerts/{alert_id}",
        "/api/v1/alerts/{alert_id}/acknowledge",
        "/api/v1/records",
        "/api/v1/records/{record_id}/void",
        "/api/v1/records/{record_id}/amend",
        "/api/v1/vehicles/{vehicle_id}/voids",
        "/api/v1/vehicles/{vehicle_id}/events",
        "/api/v1/vehicles/{vehicle_id}/mileages",
        "/api/v1/vehicles/{vehicle_id}/joined-visits",
        "/api/v1/vehicles/{vehicle_id}/moved-visits",
        "/api/v1/vehicles/{vehicle_id}/merged-cars",
        "/api/v1/vehicles/{vehicle_id}/decisions",
        "/api/v1/decisions/{decision_id}/take-back",
        "/api/v1/workorders",
        "/api/v1/boxes/{device}/commands",
        "/api/v1/commands/{command_id}",
        "/healthz",
        "/metrics",
    }
