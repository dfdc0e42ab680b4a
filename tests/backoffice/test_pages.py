"""The pages as a browser without script sees them, in both languages."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from backoffice.pages import Pages, page_routes
from backoffice.search_memory import SearchMemory
from backoffice.store import RecordStore
from config.manual import SECTIONS
from tests.backoffice.facts import START, VIN_A, row, visit
from tests.backoffice.lot import CLEARED, FAULTY, ROLLED, lot_store
from tests.backoffice.web_client import HTML, car_id, web_client

LANGUAGES = ("en", "zh")


class Outline(HTMLParser):
    """What a screen reader meets: headings, labels and the controls they name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.labelled: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "html":
            self.language = known["lang"] or ""
        if tag == "label":
            self.labelled.add(known["for"] or "")
        if tag in ("input", "select") and known.get("type") != "hidden":
            self.controls.append(known)
        if "id" in known:
            self.ids.append(known["id"] or "")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with lot_store(tmp_path) as store, web_client(store) as opened:
        opened.headers.update(HTML)
        yield opened


async def all_pages(client: httpx.AsyncClient) -> list[str]:
    cars = [f"/vehicles/{await car_id(client, number)}" for number in ("A-101", "A-102", "A-103", "A-104", "A-106")]
    files = [f"{cars[3]}/file", f"{cars[4]}/file"]
    return [
        "/vehicles",
        "/alerts",
        "/alerts?show=all",
        *cars,
        *files,
        *(f"/manual/{name}" for name in SECTIONS),
        "/none",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_can_be_read_aloud(client: httpx.AsyncClient, language: str) -> None:
    for path in await all_pages(client):
        text = (await client.get(path, params={"lang": language})).text
        outline = Outline(text)
        steps = [after - before for before, after in zip(outline.headings, outline.headings[1:], strict=False)]

        assert outline.language == {"en": "en", "zh": "zh-CN"}[language], path
        assert outline.headings[:1] == [1] and outline.headings.count(1) == 1, path
        assert max(steps, default=0) <= 1, path
        assert all(control["id"] in outline.labelled for control in outline.controls), path
        assert len(outline.ids) == len(set(outline.ids)), path


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_leads_to_its_section_of_the_manual(client: httpx.AsyncClient, language: str) -> None:
    sections = {"/vehicles": "vehicles", "/alerts": "alerts", f"/vehicles/{await car_id(client, FAULTY)}": "vehicle"}
    for path, section in sections.items():
        page = await client.get(path, params={"lang": language})
        manual = await client.get(f"/manual/{section}", params={"lang": language})

        assert f'href="/manual/{section}"' in page.text
        assert manual.status_code == 200


async def test_no_page_of_one_language_holds_words_of_the_other(client: httpx.AsyncClient) -> None:
    for path in ("/vehicles", "/alerts", f"/vehicles/{await car_id(client, CLEARED)}", "/manual/bay"):
        text = (await client.get(path, params={"lang": "en"})).text
        words = re.sub(r'<a [^>]*data-language>[^<]*</a>|<span class="plate">[^<]*</span>|<[^>]*>', "", text)
        chinese = re.findall(r"[\u4e00-\u9fff]+", words)

        assert chinese == []


async def test_the_language_is_remembered(client: httpx.AsyncClient) -> None:
    first = (await client.get("/vehicles")).text
    await client.get("/vehicles", params={"lang": "en"})
    later = (await client.get("/alerts")).text

    assert '<html lang="zh-CN">' in first
    assert '<html lang="en">' in later


@pytest.mark.parametrize(("path", "leads_to"), [("/", "/vehicles"), ("/manual", "/manual/getting-started")])
async def test_the_front_door_keeps_the_language_asked_for(client: httpx.AsyncClient, path: str, leads_to: str) -> None:
    plain, english, odd = [(await client.get(path, params=q)) for q in ({}, {"lang": "en"}, {"lang": "//evil"})]

    assert plain.headers["location"] == odd.headers["location"] == leads_to
    assert english.headers["location"] == f"{leads_to}?lang=en"


async def test_an_unknown_language_is_ignored(client: httpx.AsyncClient) -> None:
    page = await client.get("/vehicles", params={"lang": "../en"})

    assert '<html lang="zh-CN">' in page.text
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize("q", [FAULTY, "沪BD2468", "a-102"])
async def test_searching_finds_the_car_and_keeps_what_was_typed_out_of_the_address(
    client: httpx.AsyncClient, q: str
) -> None:
    answer = await client.post("/vehicles/search", data={"q": q})
    page = await client.get(answer.headers["location"])

    assert answer.status_code == 303
    assert q not in answer.headers["location"] and "%" not in answer.headers["location"]
    assert FAULTY in page.text and ROLLED not in page.text
    assert f'value="{q}"' in page.text


async def test_a_search_without_a_hit_says_what_to_do(client: httpx.AsyncClient) -> None:
    answer = await client.post("/vehicles/search", data={"q": "<b>nothing</b>"}, follow_redirects=True)

    assert "没有找到车辆" in answer.text
    assert "<b>nothing" not in answer.text


async def test_an_empty_store_says_how_to_begin(store: RecordStore) -> None:
    async with web_client(store) as client:
        cars, alerts = (await client.get("/vehicles")).text, (await client.get("/alerts")).text

    assert "/manual/getting-started" in cars and "还没有车辆" in cars
    assert "没有警报" in alerts


async def test_no_address_on_any_page_holds_a_vin_or_a_plate(client: httpx.AsyncClient) -> None:
    for path in await all_pages(client):
        for address in re.findall(r'(?:href|action|data-live)="([^"]*)"', (await client.get(path)).text):
            assert not re.search(r"[A-HJ-NPR-Z0-9]{17}|[\u4e00-\u9fff]|%E", address), address


async def test_a_car_shows_what_could_not_be_checked_and_every_witness(client: httpx.AsyncClient) -> None:
    text = (await client.get(f"/vehicles/{await car_id(client, ROLLED)}", params={"lang": "en"})).text

    assert "Contradicts itself" in text
    assert "Could not be checked" in text and "K9</span>" in text and "K10</span>" in text
    assert "61,204 km" in text and "151,940 km" in text and "−90,529 km" in text
    assert "lower than an earlier trusted value" in text
    assert text.count('<svg class="chart chart-') == 2


async def test_unread_code_lists_are_never_shown_as_no_codes(client: httpx.AsyncClient) -> None:
    partly = (await client.get(f"/vehicles/{await car_id(client, CLEARED)}", params={"lang": "en"})).text
    silent = (await client.get(f"/vehicles/{await car_id(client, 'A-106')}", params={"lang": "en"})).text

    assert "No codes in the lists that could be read" in partly and "every list was read" not in partly
    assert "every list was read" not in silent
    assert "Pending codes" in partly and "no answer in time" in partly


async def test_what_a_car_says_of_itself_is_text_and_never_markup(store: RecordStore) -> None:
    evil = "<script>alert(1)</script>"
    await store.store_batch("bay-1", "s1", 1, [(1, row(visit("v1", vin=VIN_A, stock=evil, plate=evil)))], START)
    async with web_client(store) as client:
        listed = (await client.get("/vehicles", headers=HTML)).text
        car = (await store.search_vehicles(""))[0].id
        page = (await client.get(f"/vehicles/{car}", headers=HTML)).text

    assert evil not in listed + page
    assert "&lt;script&gt;" in listed


async def test_a_car_is_moved_from_its_page(client: httpx.AsyncClient) -> None:
    page = f"/vehicles/{await car_id(client, FAULTY)}"
    done = await client.post(f"{page}/stock-state", data={"state": "on_sale", "operator": "LW"})

    assert (done.status_code, done.headers["location"]) == (303, page)
    assert '<option value="on_sale" selected>' in (await client.get(page)).text


async def test_acknowledging_leads_back_to_where_it_was_done(client: httpx.AsyncClient) -> None:
    alert = (await client.get("/api/v1/alerts")).json()["items"][0]
    done = await client.post(f"/alerts/{alert['id']}/acknowledge", data={"operator": "LW"})
    on_car = await client.post(f"/alerts/{alert['id']}/acknowledge", data={"operator": "LW", "vehicle": "//evil.test"})

    assert done.headers["location"] == "/alerts"
    assert on_car.headers["location"] == f"/vehicles/{alert['vehicle_id']}"
    assert "LW" in (await client.get("/alerts")).text


@pytest.mark.parametrize("form", [{}, {"operator": " "}, {"operator": "x" * 99}])
async def test_nobody_cannot_acknowledge(client: httpx.AsyncClient, form: dict[str, str]) -> None:
    alert = (await client.get("/api/v1/alerts")).json()["items"][0]["id"]
    refused = await client.post(f"/alerts/{alert}/acknowledge", data=form)

    assert refused.status_code == 422
    assert "操作没有成功" in refused.text


@pytest.mark.parametrize("path", ["/none", "/vehicles/none", "/manual/none", "/manual/../en/bay"])
async def test_a_page_that_does_not_exist_says_so(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)

    assert page.status_code == 404
    assert "操作没有成功" in page.text and "/vehicles" in page.text


async def test_a_piece_for_the_script_carries_the_number_of_open_alerts(client: httpx.AsyncClient) -> None:
    piece = await client.get("/alerts/list")
    count = await client.get("/alerts/count")

    assert piece.headers["x-open-alerts"] == count.headers["x-open-alerts"] == "6"
    assert "<html" not in piece.text and "data-key" in piece.text
    assert count.text == ""


def test_old_searches_are_forgotten_first() -> None:
    memory = SearchMemory(limit=2)
    first, second = memory.keep("one"), memory.keep("two")
    memory.recall(first)
    memory.keep("three")

    assert (memory.recall(first), memory.recall(second), memory.recall("never")) == ("one", "", "")


def test_what_is_kept_of_a_search_is_bounded() -> None:
    memory = SearchMemory()

    assert memory.recall(memory.keep("x" * 1000)) == "x" * 64


def test_no_page_is_part_of_the_apis_description(store: RecordStore) -> None:
    routes = page_routes(Pages(store, "zh", "Asia/Shanghai")).routes

    assert all(not getattr(route, "include_in_schema", False) for route in routes)
