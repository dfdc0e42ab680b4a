"""The guards around the application, its health and its counts."""

from collections.abc import AsyncIterator

import httpx
import pytest

from backoffice.store import RecordStore
from tests.backoffice.lot import fill
from tests.backoffice.web_client import HTML, web_client


@pytest.fixture
async def client(store: RecordStore) -> AsyncIterator[httpx.AsyncClient]:
    async with web_client(store) as opened:
        yield opened


async def test_a_healthy_store_says_what_it_holds(client: httpx.AsyncClient, store: RecordStore) -> None:
    await fill(store)
    health = (await client.get("/healthz")).json()

    assert (health["status"], health["vehicles"], health["holes"]) == ("ok", 6, 0)


async def test_counts_are_readable_by_prometheus(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    lines = answer.text.splitlines()

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "forecourt_holes 0" in lines
    assert sum(line.startswith("# TYPE") for line in lines) == sum(not line.startswith("#") for line in lines)


async def test_a_lost_store_is_said_and_not_shown_as_a_traceback(client: httpx.AsyncClient, store: RecordStore) -> None:
    async with store._write() as connection:
        await connection.exec_driver_sql("ALTER TABLE vehicles RENAME TO lost")
    health, listed, page = [
        await client.get(path, headers=HTML) for path in ("/healthz", "/api/v1/vehicles", "/vehicles")
    ]

    assert (health.status_code, listed.status_code, page.status_code) == (503, 503, 503)
    assert listed.json()["title"] == "store"


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}],
)
async def test_another_sites_page_cannot_act_here(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    refused = await client.post("/vehicles/search", data={"q": "A-101"}, headers=headers)

    assert refused.status_code == 403


async def test_our_own_page_and_programs_may_act(client: httpx.AsyncClient) -> None:
    ours = await client.post("/vehicles/search", data={"q": "x"}, headers={"Origin": "http://office.test"})
    program = await client.post("/vehicles/search", data={"q": "x"})

    assert (ours.status_code, program.status_code) == (303, 303)


async def test_what_is_too_large_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    refused = await client.post("/api/v1/workorders", content=b"{" + b" " * 1_000_001)

    assert refused.status_code == 413


async def test_pages_tell_the_browser_to_load_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/vehicles", headers=HTML)

    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert "http://" not in page.text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page.text


async def test_static_files_may_be_kept_by_the_browser_and_pages_not(client: httpx.AsyncClient) -> None:
    page, style = await client.get("/vehicles"), await client.get("/static/office.css")

    assert page.headers["cache-control"] == "private, no-cache"
    assert "cache-control" not in style.headers
