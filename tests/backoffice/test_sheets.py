"""The back office's working copy of an intake sheet."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from backoffice.office_settings import OfficeSettings
from backoffice.store import RecordStore
from evidence.snapshot import Finding, Severity
from tests.backoffice.facts import START, VIN_A, visit
from tests.backoffice.lot import ROLLED, lot_store
from tests.backoffice.test_store import only_car, put
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


async def test_a_sheet_says_what_the_cars_page_says(tmp_path: Path) -> None:
    row = {"id": "a", "market": "*", "fuel": "*", "severity": "normal", "item": "brake_fluid", "source": "a handbook"}
    lines = "\n".join(f'{name} = "{value}"' for name, value in row.items())
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "mine.toml").write_text(f"[[plan]]\n{lines}\nrepeat_km = 5\n", encoding="utf-8")
    own = {"rules": {"plans": tmp_path / "plans"}, "checks": {"off": ["K2"]}, "database": {"directory": tmp_path}}
    store = await RecordStore.open(OfficeSettings.model_validate(own), now=lambda: START)
    try:
        edge_only = Finding(rule="vin.changed_while_plugged", severity=Severity.SOON)
        await put(store, visit("v1", vin=VIN_A, a6_m=100_000_000, findings=(edge_only,)))
        car = await only_car(store)

        sheet = await store.sheet(car.id, "Asia/Shanghai")

        detail = await store.vehicle(car.id)
        assert sheet is not None
        assert detail is not None
        assert (sheet.checks, sheet.verdict) == (detail.checks, detail.verdict)
        assert sheet.findings == detail.findings
        assert edge_only in sheet.findings
    finally:
        await store.close()
