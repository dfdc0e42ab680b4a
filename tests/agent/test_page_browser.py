"""The bay page in a real browser at the size of a phone, in both languages."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from collector.events import AdapterMissing, AdapterReady, CarPlugged, DriveBegan, DriveDone, ScanProgress, VinSeen
from tests.agent.bench import Bench, running_agent, settings_for
from tests.agent.cars import ADAPTER, CAR_A, CAR_B, reading_of, silent_reading

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
PHONE = ViewportSize(width=390, height=844)
SHOTS = os.environ.get("FORECOURT_SHOTS")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
WORDS = {
    "en": {
        "unplug": "Unplug now",
        "save": "Save",
        "dash": "Dashboard",
        "await": "Awaiting dash",
        "rest": "Still to be typed",
    },
    "zh": {
        "unplug": "现在可以拔下",
        "save": "保存",
        "dash": "仪表里程",
        "await": "待填仪表里程",
        "rest": "尚待填写",
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_agent(settings_for(tmp_path)) as running:
        yield running


async def opened(browser: Browser, bench: Bench, language: str) -> Page:
    context = await browser.new_context(viewport=PHONE, device_scale_factor=2, has_touch=True, is_mobile=True)
    page = await context.new_page()
    page.set_default_timeout(8000)
    await page.goto(f"{bench.address}?lang={language}")
    return page


async def shoot(page: Page, name: str) -> None:
    """Keep a picture for a person to look at, when somebody wants them."""
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/bay-{name}.png", full_page=True)


async def nothing_sticks_out(page: Page) -> bool:
    fits: bool = await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return fits


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_technician_plugs_answers_and_unplugs(browser: Browser, bench: Bench, language: str) -> None:
    words = WORDS[language]
    page = await opened(browser, bench, language)
    await bench.tell("Bay 1", AdapterReady(ADAPTER))
    await bench.tell("Bay 2", AdapterMissing("adapter.no_port", "", 1.0))
    await shoot(page, f"1-empty-{language}")

    await bench.tell("Bay 1", CarPlugged(12.6), VinSeen(CAR_A), ScanProgress("step.codes", 3, 6))
    await expect(page.locator("progress")).to_be_visible()
    await page.get_by_label(words["dash"], exact=True).fill("52340")
    await shoot(page, f"2-reading-{language}")
    intake_id = await bench.plug_on("Bay 1", reading_of(codes=("P0301", "P0420")))
    await expect(page.get_by_text(words["unplug"])).to_be_visible()
    assert await page.get_by_label(words["dash"], exact=True).input_value() == "52340"
    await page.locator("select[name=province]").select_option("沪")
    await page.locator("input[name=plate]").fill("a12345")
    await page.locator("input[name=operator]").fill("李雷")
    await shoot(page, f"3-answers-{language}")
    await page.get_by_role("button", name=words["save"]).tap()
    await expect(page.locator(".badge.complete")).to_be_visible()
    await shoot(page, f"4-done-{language}")
    await bench.unplug("Bay 1")

    await expect(page.locator(f"#latest #intake-{intake_id}")).to_be_visible()
    assert await nothing_sticks_out(page)
    (item,) = (await bench.client.get("/api/intakes?state=complete")).json()["items"]
    assert item["answers"] == {
        "plate": "沪A12345", "stock_number": "", "dash_km": 52340, "operator": "李雷", "model": "",
    }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_what_was_not_answered_stays_on_the_page_until_it_is_typed(
    browser: Browser, bench: Bench, language: str
) -> None:
    words = WORDS[language]
    first = await bench.plug("Bay 1", reading_of(CAR_A))
    await bench.unplug("Bay 1")
    await bench.plug("Bay 2", silent_reading(), silent=True)
    page = await opened(browser, bench, language)
    card = page.locator(f"#intake-{first}")
    await expect(page.get_by_role("heading", name=words["rest"])).to_be_visible()
    await expect(card.get_by_text(words["await"])).to_be_visible()
    await shoot(page, f"5-awaiting-{language}")

    await card.locator("input[name=dash_km]").fill("30000")
    await card.get_by_role("button", name=words["save"]).tap()
    refusal = card.locator(".answer")
    await expect(refusal).to_be_visible()
    await shoot(page, f"6-refused-{language}")
    await card.locator("input[name=operator]").fill("Li Lei")
    await card.get_by_role("button", name=words["save"]).tap()

    await expect(page.locator(f"#latest #intake-{first}")).to_be_visible()
    await page.locator(f"#latest #intake-{first} .tail summary").tap()
    await shoot(page, f"7-latest-{language}")
    assert await nothing_sticks_out(page)


async def test_a_remembered_operator_and_a_scanned_vin_need_two_taps_besides_digits(
    browser: Browser, bench: Bench
) -> None:
    page = await opened(browser, bench, "en")
    first = await bench.plug("Bay 1", reading_of(CAR_A))
    card = page.locator("#bay-Bay\\%201")
    await card.locator("input[name=operator]").fill("Li Lei")
    await card.locator("input[name=dash_km]").fill("52340")
    await card.get_by_role("button", name="Save").tap()
    await bench.unplug("Bay 1")
    await expect(page.locator(f"#latest #intake-{first}")).to_be_visible()

    silent = await bench.plug("Bay 1", silent_reading(), silent=True)
    vin = card.locator("input[name=vin]")
    await vin.tap()
    await page.keyboard.type(CAR_B)
    await page.keyboard.press("Enter")
    await page.keyboard.type("81000")
    await card.get_by_role("button", name="Save").tap()
    await bench.unplug("Bay 1")

    await expect(page.locator(f"#latest #intake-{silent}")).to_be_visible()
    items = (await bench.client.get("/api/intakes?state=complete")).json()["items"]
    assert (items[0]["vin"], items[0]["answers"]["operator"]) == (CAR_B, "Li Lei")


async def test_a_folded_form_opens_at_a_tap_and_keeps_what_is_typed(browser: Browser, bench: Bench) -> None:
    first = await bench.plug("Bay 1", reading_of(CAR_A))
    await bench.answer(first, dash_km=52340, plate="沪A12345", operator="Li Lei")
    await bench.unplug("Bay 1")
    page = await opened(browser, bench, "en")
    card = page.locator(f"#latest #intake-{first}")
    await expect(card.locator("form")).to_have_count(0)

    await card.locator(".body summary").tap()
    await expect(card.locator("input[name=dash_km]")).to_have_value("52340")
    await card.locator("input[name=stock_number]").fill("S-78")
    await bench.plug("Bay 2", reading_of(CAR_B))
    await expect(page.locator("#bays form")).to_have_count(1)
    await card.get_by_role("button", name="Save").tap()

    await expect(card.get_by_role("heading", name="S-78")).to_be_visible()


async def test_typed_text_survives_changes_of_the_page_and_a_reload(browser: Browser, bench: Bench) -> None:
    page = await opened(browser, bench, "en")
    await bench.plug("Bay 1", reading_of(CAR_A))
    await page.locator("#bays input[name=stock_number]").fill("S-77")

    await bench.plug("Bay 2", reading_of(CAR_B))
    await expect(page.locator("#bays form")).to_have_count(2)
    await bench.unplug("Bay 1")
    moved = page.locator("#awaiting input[name=stock_number]")
    await expect(moved).to_have_value("S-77")
    await page.reload()

    await expect(page.locator("#awaiting input[name=stock_number]")).to_have_value("S-77")


async def test_one_tap_changes_why_the_car_is_here(browser: Browser, bench: Bench) -> None:
    page = await opened(browser, bench, "en")
    await bench.plug("Bay 1", reading_of(CAR_A))

    await page.get_by_role("button", name="Delivery check").tap()

    await expect(page.get_by_role("button", name="Delivery check")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_page_is_locked_while_the_car_moves_and_then_says_what_the_drive_showed(
    browser: Browser, bench: Bench, language: str
) -> None:
    page = await opened(browser, bench, language)
    await bench.tell("Bay 1", AdapterReady(ADAPTER))
    await bench.plug("Bay 1", reading_of())
    await expect(page.get_by_label(WORDS[language]["dash"], exact=True)).to_be_visible()
    await bench.tell("Bay 1", DriveBegan())
    lock = page.get_by_role("alertdialog")
    await expect(lock).to_be_visible()
    await expect(page.get_by_label(WORDS[language]["dash"], exact=True)).to_have_count(0)
    assert await nothing_sticks_out(page)
    await shoot(page, f"7-driving-{language}")

    await bench.tell("Bay 1", DriveDone("01A6", 52_340_000, 52_341_500, 4_010, lasted_s=300, ended_before_s=90))
    await expect(lock).to_have_count(0)
    await expect(page.locator(".findings")).to_contain_text(
        {"en": "otherwise than the wheels", "zh": "与车轮不符"}[language]
    )
    await expect(page.get_by_label(WORDS[language]["dash"], exact=True)).to_be_visible()
    assert await nothing_sticks_out(page)
    await shoot(page, f"8-driven-{language}")

    again = DriveDone("01A6", 52_341_500, 52_345_500, 4_010, lasted_s=300, ended_before_s=90)
    await bench.tell("Bay 1", DriveBegan(), again)
    await expect(page.locator(".drive")).to_contain_text({"en": "moved by 4 km", "zh": "里程增加 4 公里"}[language])
    await expect(page.locator(".findings")).not_to_contain_text(
        {"en": "otherwise than the wheels", "zh": "与车轮不符"}[language]
    )
