"""The bay page's API on a running agent: a technician's answers, and everything else that may arrive there."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.events import AdapterMissing, CarPlugged, CarUnplugged, ScanFailed, ScanProgress, VinSeen
from tests.agent.bench import Bench, running_agent, settings_for
from tests.agent.cars import CAR_A, CAR_B, reading_of, silent_reading

ALL = {"plate": "沪A12345", "stock_number": "S-1", "dash_km": 52340, "operator": "Li Lei"}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_agent(settings_for(tmp_path)) as running:
        yield running


async def test_a_car_is_read_answered_and_done(bench: Bench) -> None:
    intake_id = await bench.plug("Bay 1", reading_of())

    answered = await bench.answer(intake_id, **ALL)

    assert answered.status_code == 200
    assert (answered.json()["status"], answered.json()["verdict"]) == ("complete", "consistent")
    bays = (await bench.client.get("/api/bays")).json()["items"]
    assert (bays[0]["stage"], bays[0]["vin"], bays[0]["purpose"]) == ("complete", CAR_A, "intake")


async def test_a_bay_shows_its_progress(bench: Bench) -> None:
    await bench.tell("Bay 1", CarPlugged(12.6), VinSeen(CAR_A), ScanProgress("step.codes", 3, 6))

    bay = (await bench.client.get("/api/bays")).json()["items"][0]

    assert (bay["stage"], bay["step"], bay["done"], bay["total"]) == ("reading", "step.codes", 3, 6)


async def test_what_is_unanswered_after_unplugging_awaits_the_dash_until_somebody_types_it(bench: Bench) -> None:
    intake_id = await bench.plug("Bay 1", reading_of())
    await bench.unplug("Bay 1")
    (waiting,) = await bench.awaiting()
    assert (waiting["id"], waiting["status"]) == (intake_id, "awaiting_dash")

    answered = await bench.answer(intake_id, dash_km=30_000, operator="Li Lei")

    assert answered.json()["verdict"] == "suspicious"
    assert "odometer.dash_differs" in answered.json()["findings"]
    assert await bench.awaiting() == []


async def test_answers_for_the_first_car_stay_with_it_while_the_second_is_plugged(bench: Bench) -> None:
    first = await bench.plug("Bay 1", reading_of(CAR_A))
    await bench.unplug("Bay 1")
    second = await bench.plug("Bay 1", reading_of(CAR_B, odometer_m=9_000_000))

    answered = (await bench.answer(first, **ALL)).json()

    assert (answered["vin"], answered["answers"]["dash_km"]) == (CAR_A, 52340)
    (waiting,) = await bench.awaiting()
    assert (waiting["id"], waiting["vin"], waiting["answers"]["dash_km"]) == (second, CAR_B, None)  # type: ignore[index]


async def test_answers_typed_while_reading_survive_an_unplugging_in_the_middle(bench: Bench) -> None:
    await bench.tell("Bay 1", CarPlugged(12.6), VinSeen(CAR_A))
    await bench.answer(await bench.intake_id("Bay 1"), **ALL)
    await bench.tell("Bay 1", ScanFailed("scan.link_lost", ""), CarUnplugged())
    assert len(await bench.awaiting()) == 1

    replugged = await bench.plug("Bay 1", reading_of(CAR_A))

    everything = (await bench.client.get("/api/intakes")).json()["items"]
    assert [(item["id"], item["status"], item["answers"]["dash_km"]) for item in everything] == [
        (replugged, "complete", 52340)
    ]


async def test_a_silent_car_is_complete_once_its_vin_is_typed(bench: Bench) -> None:
    intake_id = await bench.plug("Bay 1", silent_reading(), silent=True)
    await bench.unplug("Bay 1")
    (waiting,) = await bench.awaiting()
    assert (waiting["status"], waiting["missing"]) == ("awaiting_identity", ["vin", "plate", "dash_km", "operator"])

    answered = (await bench.answer(intake_id, **ALL, vin=CAR_A.lower())).json()

    assert (answered["status"], answered["vin"]) == ("complete", CAR_A)
    assert "car.silent" in answered["findings"]


async def test_one_tap_changes_the_purpose_before_and_after_the_reading(bench: Bench) -> None:
    await bench.tell("Bay 1", CarPlugged(12.6), VinSeen(CAR_A))
    intake_id = await bench.intake_id("Bay 1")
    assert (await bench.answer(intake_id, purpose="delivery")).json()["purpose"] == "delivery"
    await bench.tell("Bay 1", CarUnplugged())
    intake_id = await bench.plug("Bay 1", reading_of(CAR_B))

    changed = (await bench.answer(intake_id, purpose="re_read")).json()

    assert changed["purpose"] == "re_read"
    assert (await bench.client.get("/api/bays")).json()["items"][0]["purpose"] == "re_read"


async def test_a_sold_car_comes_back_for_its_delivery_check(bench: Bench) -> None:
    intake_id = await bench.plug("Bay 1", reading_of())
    vehicle_id = (await bench.answer(intake_id, **ALL)).json()["vehicle_id"]
    await bench.unplug("Bay 1")

    sold = await bench.client.post(f"/api/vehicles/{vehicle_id}/stock-state", json={"state": "sold"})
    await bench.plug("Bay 2", reading_of(odometer_m=52_400_000))

    assert sold.status_code == 200
    bay = (await bench.client.get("/api/bays")).json()["items"][1]
    assert bay["purpose"] == "delivery"


async def test_the_same_vin_at_two_bays_is_found_on_both(bench: Bench) -> None:
    await bench.plug("Bay 1", reading_of())
    await bench.plug("Bay 2", reading_of())

    items = (await bench.client.get("/api/intakes")).json()["items"]

    assert ["vin.same_at_two_bays" in item["findings"] for item in items] == [True, True]


async def test_a_model_picked_once_is_remembered_for_the_next_car_of_its_kind(bench: Bench) -> None:
    first = await bench.plug("Bay 1", reading_of(CAR_A))
    await bench.answer(first, **ALL, model="Corolla")
    await bench.unplug("Bay 1")

    await bench.plug("Bay 1", reading_of(CAR_B))

    assert "Corolla" in (await bench.client.get("/")).text


async def test_everything_accepted_is_there_after_a_restart(tmp_path: Path) -> None:
    async with running_agent(settings_for(tmp_path)) as bench:
        sent = await bench.plug("Bay 1", reading_of(CAR_A))
        silent = await bench.plug("Bay 2", silent_reading(), silent=True)

    async with running_agent(settings_for(tmp_path)) as bench:
        assert {(item["id"], item["status"]) for item in await bench.awaiting()} == {
            (sent, "awaiting_dash"),
            (silent, "awaiting_identity"),
        }


async def test_a_bay_without_adapter_says_why_and_its_neighbour_goes_on(bench: Bench) -> None:
    await bench.tell("Bay 1", AdapterMissing("adapter.no_port", "", 0.5))
    await bench.plug("Bay 2", reading_of())

    bays = (await bench.client.get("/api/bays")).json()["items"]

    assert [bay["stage"] for bay in bays] == ["adapter_missing", "awaiting_answers"]
    assert bays[0]["reason"] == "adapter.no_port"


BAD_ANSWERS: list[tuple[bytes, str]] = [
    (b"", "application/json"),
    (b"{", "application/json"),
    (b"\xff\x00", "application/json"),
    (b"[" * 4000, "application/json"),
    (b"null", "application/json"),
    (b"{}", "application/json"),
    (json.dumps({"plate": "x" * 5000}).encode(), "application/json"),
    (json.dumps({"dash_km": "many"}).encode(), "application/json"),
    (json.dumps({"dash_km": 52340}).encode(), "application/json"),
    (json.dumps({"vin": CAR_B, "operator": "A"}).encode(), "application/json"),
    (json.dumps({"colour": "red"}).encode(), "application/json"),
    (b"dash_km=5", "application/x-www-form-urlencoded"),
    (json.dumps({"dash_km": 5}).encode(), "text/plain"),
]


async def test_bad_input_is_one_bilingual_sentence_and_touches_nothing(bench: Bench) -> None:
    intake_id = await bench.plug("Bay 1", reading_of())
    before = (await bench.client.get("/api/intakes")).json()

    for body, kind in BAD_ANSWERS:
        refused = await bench.client.post(
            f"/api/intakes/{intake_id}/answers", content=body, headers={"Content-Type": kind}
        )
        assert refused.status_code == 422, body[:40]
        assert all("\n" not in refused.json()["text"][language] for language in ("en", "zh"))

    assert (await bench.client.get("/api/intakes")).json() == before


STRANGE_REQUESTS: list[tuple[str, str, object, int]] = [
    ("POST", "/api/intakes/nobody/answers", {"dash_km": 5, "operator": "A"}, 404),
    ("POST", "/api/intakes/nobody/withdraw", {}, 404),
    ("POST", "/api/vehicles/nobody/stock-state", {"state": "sold"}, 404),
    ("POST", "/api/vehicles/nobody/stock-state", {"state": "stolen"}, 422),
    ("GET", "/api/intakes?state=stolen", None, 422),
    ("GET", "/manual/../../etc/passwd", None, 404),
    ("GET", "/nothing", None, 404),
    ("DELETE", "/api/bays", None, 405),
]


async def test_what_does_not_exist_is_said_in_one_sentence(bench: Bench) -> None:
    for method, path, body, status in STRANGE_REQUESTS:
        response = await bench.client.request(method, path, json=body)

        assert response.status_code == status, path
        assert set(response.json()["text"]) == {"en", "zh"}


async def test_a_strange_host_name_is_refused(bench: Bench) -> None:
    response = await bench.client.get("/", headers={"Host": "dealer.example"})

    assert response.status_code == 400


async def test_the_page_loads_nothing_foreign_and_is_not_cached(bench: Bench) -> None:
    headers = (await bench.client.get("/")).headers

    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


async def test_the_chosen_language_is_remembered(bench: Bench) -> None:
    assert 'lang="en"' in (await bench.client.get("/")).text

    await bench.client.get("/?lang=zh")

    assert 'lang="zh-CN"' in (await bench.client.get("/")).text


async def test_the_manual_is_one_tap_away(bench: Bench) -> None:
    response = await bench.client.get("/manual/bay")

    assert response.status_code == 200
    assert "<h1>" in response.text


async def test_no_name_a_car_or_adapter_gives_can_become_markup(bench: Bench) -> None:
    intake_id = await bench.plug("Bay 1", reading_of())

    await bench.answer(intake_id, stock_number="<b>x</b>", operator="<script>alert(1)</script>", model="<i>")

    page = (await bench.client.get("/")).text
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page.lower()


async def test_changes_are_sent_to_the_page_as_they_happen(bench: Bench) -> None:
    async with bench.client.stream("GET", "/events?lang=en") as response:
        pictures = _pictures(response)
        assert (await anext(pictures))["sections"]["latest"] == []

        intake_id = await bench.plug("Bay 1", reading_of())
        await bench.answer(intake_id, **ALL)
        await bench.unplug("Bay 1")

        async with asyncio.timeout(5):
            async for picture in pictures:
                if picture["sections"]["latest"]:
                    break
        assert picture["sections"]["latest"] == [f"intake-{intake_id}"]
        assert f"intake-{intake_id}" in [card["key"] for card in picture["cards"]]


async def _pictures(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
