"""What people decide about a car's file, by the API and by the page's forms: the same refusals, one sentence each."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from evidence.snapshot import VehiclePart, VinStatus
from sync.records import SnapshotBody
from tests.backoffice.facts import row
from tests.backoffice.lot import DAY, FAULTY, NOW, ROLLED, lot_store, snapshot, vin, witness
from tests.backoffice.web_client import HTML, car_id, web_client

WHY = {"operator": "LW", "reason": "typed for another car"}
TYPED = vin("LHGCR265", 300)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The lot, and a silent car whose VIN somebody typed wrong."""
    async with lot_store(tmp_path) as store, web_client(store) as opened:
        vehicle = VehiclePart(vin=TYPED, vin_status=VinStatus.TYPED, stock_number="A-300")
        body = SnapshotBody(snapshot=snapshot("visit-typed", vehicle, NOW - DAY, [witness("01A6", 61_300)]))
        await store.store_batch("bay-2", "s9", 1, [(1, row(body, NOW - DAY))], NOW)
        yield opened


async def entries(client: httpx.AsyncClient, car: str) -> dict[str, dict[str, object]]:
    items = (await client.get(f"/api/v1/vehicles/{car}/timeline")).json()["items"]
    return {str(item["entry_id"]): item for item in items if item["entry_id"]}


async def verdict(client: httpx.AsyncClient, car: str) -> str:
    return str((await client.get(f"/api/v1/vehicles/{car}")).json()["verdict"])


async def test_a_value_is_withdrawn_and_the_withdrawal_taken_back(client: httpx.AsyncClient) -> None:
    car = await car_id(client, ROLLED)
    entry = "visit-rolled-2/odometer/0"
    made = await client.post(f"/api/v1/vehicles/{car}/voids", json={"entry": entry} | WHY)
    gone = (await entries(client, car))[entry]
    back = await client.post(f"/api/v1/decisions/{made.json()['ids'][0]}/take-back", json=WHY)

    assert (made.status_code, back.status_code) == (201, 200)
    assert (gone["voided"], gone["voided_by"], gone["odometer_m"]) == (WHY["reason"], "LW", 151_733_000)
    assert (await entries(client, car))[entry]["voided"] == ""
    listed = (await client.get(f"/api/v1/vehicles/{car}/decisions")).json()["items"]
    assert [(one["kind"], one["standing"]) for one in listed] == [("taken_back", False), ("void", False)]


async def test_a_record_is_withdrawn_and_amended_by_its_own_name(client: httpx.AsyncClient) -> None:
    car = await car_id(client, "A-106")
    records = (await client.get("/api/v1/records", params={"vehicle_id": car, "kind": "mileage"})).json()["items"]
    amended = await client.post(f"/api/v1/records/{records[0]['id']}/amend", json={"odometer_m": 12_040_000} | WHY)
    values = (await entries(client, car)).values()

    assert amended.status_code == 201
    assert [one["odometer_m"] for one in values if not one["voided"]] == [12_040_000]
    again = await client.post(f"/api/v1/records/{records[0]['id']}/void", json=WHY)
    assert again.status_code == 404


async def test_a_replaced_cluster_explains_a_lower_number(client: httpx.AsyncClient) -> None:
    car = await car_id(client, ROLLED)
    event = {
        "event": "cluster_replaced",
        "happened_at": (NOW - 30 * DAY).isoformat(),
        "before_m": 152_000_000,
        "after_m": 60_000_000,
        "papers": "bill 77",
    }
    made = await client.post(f"/api/v1/vehicles/{car}/events", json=event | WHY)
    last = (await entries(client, car))["visit-rolled-3/odometer/0"]

    assert made.status_code == 201
    assert (last["odometer_m"], last["shown_m"]) == (61_204_000 + 92_000_000, 61_204_000)
    page = (await client.get(f"/vehicles/{car}?lang=en", headers=HTML)).text
    assert "61,204 km" in page and "−92,0" not in page  # the gap is the car's, not the instrument's


async def test_two_files_of_one_car_become_one_and_part_again(client: httpx.AsyncClient) -> None:
    car, other = await car_id(client, ROLLED), await car_id(client, "A-300")
    merged = await client.post(f"/api/v1/vehicles/{car}/merged-cars", json={"other": "a-300"} | WHY)
    one = (await client.get(f"/api/v1/vehicles/{other}")).json()
    visits = [e for e in (await client.get(f"/api/v1/vehicles/{car}/timeline")).json()["items"] if e["kind"] == "visit"]
    await client.post(f"/api/v1/decisions/{merged.json()['ids'][0]}/take-back", json=WHY)

    assert (merged.status_code, one["id"], one["vin"], len(visits)) == (201, car, ROLLED, 4)
    assert (await client.get(f"/api/v1/vehicles/{other}")).json()["vin"] == TYPED


async def test_visits_are_joined_and_moved(client: httpx.AsyncClient) -> None:
    car = await car_id(client, ROLLED)
    pair = {"kept": "visit-rolled-1", "other": "visit-rolled-2"}
    joined = await client.post(f"/api/v1/vehicles/{car}/joined-visits", json=pair | WHY)
    lone = await car_id(client, "A-300")
    moved = await client.post(
        f"/api/v1/vehicles/{lone}/moved-visits", json={"visit": "visit-typed", "to": ROLLED} | WHY
    )

    assert (joined.status_code, moved.status_code, moved.json()["vehicle_id"]) == (201, 201, car)
    assert (await client.get("/api/v1/vehicles", params={"q": "A-300"})).json()["items"][0]["id"] == car


REFUSED: tuple[tuple[str, dict[str, object], int], ...] = (
    ("voids", {"entry": "none"}, 404),
    ("voids", {"entry": "visit-rolled-2/odometer/0", "seen_m": 151_000_000}, 409),
    ("voids", {"entry": "x", "operator": " "}, 422),
    ("voids", {"entry": "x", "reason": ""}, 422),
    ("events", {"event": "cluster_replaced", "happened_at": "2026-05-01T00:00:00Z", "before_m": 1}, 422),
    ("events", {"event": "stolen", "happened_at": "2026-05-01T00:00:00Z"}, 422),
    ("mileages", {"seen_at": "2099-01-01T00:00:00Z", "odometer_m": 1}, 422),
    ("mileages", {"seen_at": "0001-01-01T00:00:00+08:00", "odometer_m": 1}, 422),
    ("events", {"event": "shows_km", "happened_at": "9999-12-31T23:59:59-12:00"}, 422),
    ("mileages", {"seen_at": "2026-05-01T00:00:00Z", "odometer_m": -1}, 422),
    ("mileages", {"seen_at": "2026-05-01T00:00:00Z", "odometer_m": 2**40}, 422),
    ("joined-visits", {"kept": "visit-rolled-1", "other": "visit-rolled-1"}, 422),
    ("moved-visits", {"visit": "none"}, 404),
    ("moved-visits", {"visit": "visit-rolled-1", "to": FAULTY}, 409),
    ("merged-cars", {"other": FAULTY}, 409),
    ("merged-cars", {"other": "nobody"}, 404),
    ("merged-cars", {"other": ROLLED}, 422),
)


async def test_what_cannot_be_done_is_one_sentence_in_both_languages(client: httpx.AsyncClient) -> None:
    car = await car_id(client, ROLLED)
    before = (await client.get(f"/api/v1/vehicles/{car}")).json()
    for path, body, status in REFUSED:
        refused = await client.post(f"/api/v1/vehicles/{car}/{path}", json=WHY | body)
        said = refused.json()["text"]

        assert refused.status_code == status, (path, body)
        assert said["en"] and said["zh"] and "\n" not in said["en"] and "should" not in said["zh"], (path, body)
    assert (await client.get(f"/api/v1/vehicles/{car}")).json() == before


async def test_another_sites_page_decides_nothing(client: httpx.AsyncClient) -> None:
    car = await car_id(client, ROLLED)
    foreign = {"Origin": "https://evil.test"}
    refused = await client.post(
        f"/vehicles/{car}/voids", data={"entry": "visit-rolled-1/odometer/0"} | WHY, headers=foreign
    )

    assert refused.status_code == 403


async def test_the_pages_forms_do_what_the_api_does(client: httpx.AsyncClient) -> None:
    client.headers.update(HTML)
    car = await car_id(client, ROLLED)
    forms = {
        "voids": {"entry": "visit-rolled-2/odometer/0"},
        "mileages": {"seen": "2026-01-05", "km": "150000", "source": "papers"},
        "events": {"event": "cluster_replaced", "happened": "2026-04-20", "before_km": "152000", "after_km": "60000"},
        "joined-visits": {"kept": "visit-rolled-1", "other": "visit-rolled-2"},
        "merged-cars": {"other": "A-300"},
    }
    for path, form in forms.items():
        done = await client.post(f"/vehicles/{car}/{path}", data=form | WHY)
        assert (done.status_code, done.headers["location"]) == (303, f"/vehicles/{car}/file"), path
    page = (await client.get(f"/vehicles/{car}/file?lang=en")).text

    assert page.count("Take back") >= len(forms)
    assert "<del>151,733 km</del>" in page
    decisions = (await client.get(f"/api/v1/vehicles/{car}/decisions")).json()["items"]
    back = await client.post(f"/decisions/{decisions[0]['id']}/take-back", data=WHY)
    assert back.headers["location"] == f"/vehicles/{car}/file"
    assert "no longer holds" in (await client.get(f"/vehicles/{car}/file?lang=en")).text


WRONG_FORMS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("mileages", {"seen": "2026-01-05", "km": "12k"}, "“里程（公里）”不正确：格式不对"),
    ("mileages", {"seen": "yesterday", "km": "12"}, "“日期”不正确：不是有效日期"),
    ("mileages", {"seen": "0001-01-01", "km": "12"}, "“日期”不正确：不是有效日期"),
    ("services", {"done": "0001-01-01", "items": "oil_and_filter"}, "“日期”不正确：不是有效日期"),
    ("voids", {"entry": "visit-rolled-2/odometer/0", "operator": ""}, "“您的姓名缩写”不正确：未填写"),
    ("events", {"event": "cluster_replaced", "happened": "2026-04-20"}, "更换仪表需要两个数值"),
    ("mileages", {"seen": "2099-01-05", "km": "12"}, "该时间尚未到来"),
)


async def test_a_wrong_form_gets_one_clear_line(client: httpx.AsyncClient) -> None:
    car = await car_id(client, ROLLED)
    for path, form, said in WRONG_FORMS:
        whole = {"source": "manual"} | WHY | form
        refused = await client.post(f"/vehicles/{car}/{path}", data=whole, headers=HTML)

        assert said in refused.text, (path, form)
        assert "<html" in refused.text


async def test_a_car_that_is_not_there_has_no_file(client: httpx.AsyncClient) -> None:
    assert (await client.get("/vehicles/none/file", headers=HTML)).status_code == 404
    assert (await client.get("/api/v1/vehicles/none/decisions")).status_code == 404


async def test_every_route_is_in_the_reference(client: httpx.AsyncClient) -> None:
    pages = (Path(__file__).parents[2] / "docs" / "reference").glob("*.md")
    page = "".join(one.read_text(encoding="utf-8") for one in pages)
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    told = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods if "/api/" in path}

    assert {one for one in told if f"`{one}`" not in page} == set()
