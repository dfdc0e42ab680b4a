"""What people decide on the pages: to put an alert off, how a car is used, that a service was done."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.backoffice.lot import FAULTY, OVERDUE, lot_store
from tests.backoffice.web_client import HTML, car_id, web_client

SEE_OTHER = 303


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with lot_store(tmp_path) as store, web_client(store) as opened:
        opened.headers.update(HTML)
        yield opened


async def test_an_alert_is_put_off_with_a_reason_and_leaves_the_list(client: httpx.AsyncClient) -> None:
    car = await car_id(client, FAULTY)
    first, *rest = (await client.get("/api/v1/alerts", params={"vehicle_id": car})).json()["items"]
    form = {"days": "7", "reason": "parts ordered", "operator": "LW"}

    done = await client.post(f"/alerts/{first['id']}/snooze", data=form)

    assert done.status_code == SEE_OTHER
    left = (await client.get("/api/v1/alerts", params={"vehicle_id": car})).json()["items"]
    assert [one["id"] for one in left] == [one["id"] for one in rest]
    told = (await client.get(f"/api/v1/alerts/{first['id']}")).json()
    assert (told["snoozed_by"], told["snooze_reason"], told["closed_at"]) == ("LW", "parts ordered", None)
    assert "Put off until" in (await client.get("/alerts?show=all&lang=en")).text


@pytest.mark.parametrize(
    "body",
    [
        {"days": 7, "operator": "LW"},
        {"days": 7, "operator": "LW", "reason": " "},
        {"days": 0, "operator": "LW", "reason": "x"},
        {"days": 91, "operator": "LW", "reason": "x"},
        {"days": 7, "operator": "", "reason": "x"},
    ],
)
async def test_an_alert_is_not_put_off_without_a_reason_a_name_and_an_end(
    client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    (first, *_) = (await client.get("/api/v1/alerts")).json()["items"]

    assert (await client.post(f"/api/v1/alerts/{first['id']}/snooze", json=body)).status_code == 422
    good = {"days": 7, "operator": "LW", "reason": "x"}
    assert (await client.post("/api/v1/alerts/none/snooze", json=good)).status_code == 404


async def test_a_service_recorded_on_the_page_rolls_the_plan_on(client: httpx.AsyncClient) -> None:
    car = await car_id(client, OVERDUE)
    before = (await client.get(f"/api/v1/vehicles/{car}")).json()
    form = {
        "done": "2026-05-20",
        "items": ["oil_and_filter", "air_filter"],
        "km": "",
        "operator": "LW",
        "note": "5W-30",
    }

    done = await client.post(f"/vehicles/{car}/services", data=form)

    assert done.status_code == SEE_OTHER
    after = (await client.get(f"/api/v1/vehicles/{car}")).json()
    states = [{item["item"]: item["state"] for item in one["due"]} for one in (before, after)]
    assert [state["oil_and_filter"] for state in states] == ["overdue", "ok"]
    assert after["open_alerts"] == before["open_alerts"] - 1


async def test_how_a_car_is_used_is_confirmed_by_a_person(client: httpx.AsyncClient) -> None:
    car = await car_id(client, FAULTY)

    done = await client.post(f"/vehicles/{car}/use", data={"severity": "severe", "oil": "mineral", "operator": "LW"})

    assert done.status_code == SEE_OTHER
    use = (await client.get(f"/api/v1/vehicles/{car}")).json()["use"]
    assert (use["severity"], use["oil"], use["confirmed_by"]) == ("severe", "mineral", "LW")
    assert "Confirmed by LW" in (await client.get(f"/vehicles/{car}?lang=en")).text
    wrong = await client.post(f"/api/v1/vehicles/{car}/use", json={"severity": "rough", "operator": "LW"})
    assert wrong.status_code == 422
    none = await client.post("/vehicles/none/use", data={"severity": "normal", "oil": "", "operator": "LW"})
    assert none.status_code == 404


async def test_the_cars_page_tells_what_became_of_each_code(client: httpx.AsyncClient) -> None:
    car = await car_id(client, FAULTY)

    page = (await client.get(f"/vehicles/{car}?lang=zh")).text

    assert "各故障码的经过" in page
    assert "新出现" in page
