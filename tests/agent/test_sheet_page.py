"""An intake's own page on a running agent: the sheet, the seller's answer, photos, and what is refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.sheet_command import SheetOrder, make_sheet
from agent.verifying import verify_sheet
from config.catalogue import Language
from config.errors import SettingsError
from config.settings import Settings
from tests.agent.bench import Bench, running_agent, settings_for
from tests.agent.cars import JPEG, reading_of

ALL = {"plate": "沪A12345", "stock_number": "S-1", "dash_km": 30_000, "operator": "Li Lei"}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_agent(settings_for(tmp_path)) as running:
        yield running


async def done(bench: Bench) -> str:
    intake_id = await bench.plug("Bay 1", reading_of())
    await bench.answer(intake_id, **ALL)
    return intake_id


async def test_a_sheet_is_made_and_its_files_are_what_was_sealed(bench: Bench) -> None:
    intake_id = await done(bench)
    made = (await bench.client.post(f"/api/intakes/{intake_id}/sheet")).json()
    page = (await bench.client.get(f"/intakes/{intake_id}?lang=en")).text

    html = await bench.client.get(made["files"]["zh.html"])
    pdf = await bench.client.get(made["files"]["en.pdf"])

    assert made["number"] == 1
    assert f'href="{made["files"]["en.pdf"]}"' in page
    assert "style-src 'sha256-" in html.headers["content-security-policy"]
    assert "沪A12345" in html.text
    assert pdf.content.startswith(b"%PDF-")
    assert (await bench.client.get("/sheets/chain.jsonl")).text.count("\n") == 1
    for missing in ("/sheets/9/en.pdf", "/sheets/1/exe", "/sheets/99999999999999999999/json", "/intakes/none"):
        assert (await bench.client.get(missing)).status_code == 404


async def test_the_sellers_answer_and_a_photo_stay_with_the_intake(bench: Bench) -> None:
    intake_id = await done(bench)
    answer = {"rule": "odometer.dash_differs", "text": "<i>cluster</i> replaced", "operator": "Li Lei"}
    kept = await bench.client.post(f"/api/intakes/{intake_id}/seller-answers", json=answer)
    photo = await bench.client.post(
        f"/api/intakes/{intake_id}/photos", content=JPEG, headers={"Content-Type": "image/jpeg"}
    )

    page = (await bench.client.get(f"/intakes/{intake_id}")).text
    shown = await bench.client.get(f"/photos/{photo.json()['sha256']}")

    assert (kept.status_code, photo.status_code) == (200, 200)
    assert "&lt;i&gt;cluster&lt;/i&gt; replaced" in page
    assert (shown.content, shown.headers["content-type"]) == (JPEG, "image/jpeg")


async def test_what_is_no_answer_and_no_photo_is_refused_with_a_sentence(bench: Bench) -> None:
    intake_id = await done(bench)
    photos, answers = f"/api/intakes/{intake_id}/photos", f"/api/intakes/{intake_id}/seller-answers"
    image = {"Content-Type": "image/jpeg"}
    refused = [
        await bench.client.post(photos, content=b"GIF89a", headers=image),
        await bench.client.post(photos, content=JPEG, headers={"Content-Type": "text/plain"}),
        await bench.client.post(photos, content=JPEG + b"\0" * 9_000_000, headers=image),
        await bench.client.post(answers, json={"rule": "odometer.dash_differs", "text": "x"}),
        await bench.client.post(answers, json={"rule": 1, "text": "x", "operator": "y"}),
        await bench.client.post(answers, json={"rule": "none", "text": "x", "operator": "y"}),
        await bench.client.post(f"/api/intakes/{intake_id}/sheet/withdraw", json={"why": "none yet"}),
    ]

    assert [answer.status_code for answer in refused] == [422] * 7
    assert all(answer.json()["text"]["zh"] for answer in refused)
    assert (await bench.client.get("/healthz")).status_code == 200


async def test_the_command_takes_the_sheet_from_the_running_agent(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await done(bench)
    settings = at_port(settings_for(tmp_path), bench.address)
    out = tmp_path / "out"

    await in_thread(SheetOrder("last", out), settings)
    await in_thread(SheetOrder("last", out, withdraw="a mistake"), settings)

    assert verify_sheet(out, settings, Language.EN, key="", chain=None) == 0
    assert "withdrawn on" in capsys.readouterr().out
    assert json.loads((out / "sheet-0001.json").read_text("utf-8"))["link"]["statement"]["number"] == 1
    with pytest.raises(SettingsError):
        await in_thread(SheetOrder("no-such", out), settings)


async def test_the_last_car_of_a_box_that_has_read_none_is_one_clear_line(bench: Bench, tmp_path: Path) -> None:
    settings = at_port(settings_for(tmp_path), bench.address)

    with pytest.raises(SettingsError, match="No car has been read"):
        await in_thread(SheetOrder("last", tmp_path / "out"), settings)


def at_port(settings: Settings, address: str) -> Settings:
    port = int(address.rstrip("/").rpartition(":")[2])
    return settings.model_copy(update={"page": settings.page.model_copy(update={"port": port})})


async def in_thread(order: SheetOrder, settings: Settings) -> None:
    """As the command runs: in a process of its own, seen from the agent."""
    await asyncio.to_thread(make_sheet, order, settings, Language.EN)
