"""The back office's working copy of an intake sheet."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.backoffice.lot import ROLLED, lot_store
from tests.backoffice.web_client import HTML, car_id, web_client


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with lot_store(tmp_path) as store, web_client(store) as opened:
        opened.headers.update(HTML)
        yield opened


@pytest.mark.parametrize(("language", "words"), [("en", "nobody has signed it"), ("zh", "未经签名")])
async def test_a_cars_page_leads_to_its_sheet(client: httpx.AsyncClient, language: str, words: str) -> None:
    car = f"/vehicles/{await car_id(client, ROLLED)}"
    page = await client.get(f"{car}?lang={language}")

    html = await client.get(f"{car}/sheet.html?lang={language}")

    assert f'href="{car}/sheet.html?lang={language}"' in page.text
    assert html.status_code == 200
    assert words in html.text
    assert ROLLED in html.text
    assert "style-src 'sha256-" in html.headers["content-security-policy"]


async def test_the_sheet_prints_as_pdf(client: httpx.AsyncClient) -> None:
    pdf = await client.get(f"/vehicles/{await car_id(client, ROLLED)}/sheet.pdf?lang=zh")

    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")


async def test_there_is_no_sheet_of_a_car_nobody_knows(client: httpx.AsyncClient) -> None:
    assert (await client.get("/vehicles/none/sheet.html")).status_code == 404
    car = await car_id(client, ROLLED)
    assert (await client.get(f"/vehicles/{car}/sheet.exe")).status_code == 422
