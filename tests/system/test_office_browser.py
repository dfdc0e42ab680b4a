"""The back office's pages in real Chromium, on a phone and on a desk, in both languages."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from sync.records import SnapshotBody
from tests.backoffice.facts import row
from tests.backoffice.lot import FAULTY, NOW, ROLLED, faulty_visit, vin
from tests.system.browser import Office, chromium, fonts_of

pytestmark = pytest.mark.browser
PHONE = (390, 844)
SMALL_PHONE = (360, 740)
DESK = (1280, 800)
LIVE_S = 2.0
# Both sizes and both languages; what a page does under its words is the same in the other two pairs.
EVERYWHERE = pytest.mark.parametrize(("size", "language"), [(PHONE, "zh"), (DESK, "en")], ids=["phone-zh", "desk-en"])
Size = tuple[int, int]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    office = Office(tmp_path_factory.mktemp("office"))
    office.start()
    yield office
    office.stop()


@pytest.fixture
def open_page(browser: Browser, office: Office) -> Iterator["OpenPage"]:
    opener = OpenPage(browser, office)
    yield opener
    opener.close()


class OpenPage:
    """Opens pages and holds them to what every page must be: no error in the console, nothing from elsewhere."""

    def __init__(self, browser: Browser, office: Office) -> None:
        self._browser = browser
        self._office = office
        self._complaints: list[str] = []
        self.offline = False

    def __call__(self, path: str, size: Size = DESK, language: str = "zh", scheme: str = "light") -> Page:
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if scheme == "dark" else "light"
        )
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", lambda said: self._complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("request", lambda asked: self._foreign(asked.url))
        page.goto(f"{self._office.url}{path}?lang={language}")
        return page

    def _foreign(self, url: str) -> None:
        if not url.startswith(self._office.url):
            self._complaints.append(f"asked elsewhere: {url}")

    def close(self) -> None:
        for context in self._browser.contexts:
            context.close()
        assert [said for said in self._complaints if not self._expected(said)] == []

    def _expected(self, said: str) -> bool:
        return self.offline and "Failed to load resource" in said


def arrive(office: Office, serial: int) -> str:
    """A car with a new code comes in: one alert; its stock number is returned."""
    number = f"L-{serial}"
    whole = faulty_visit()
    seen = whole.model_copy(update={"dtcs": whole.dtcs[:1]})
    vehicle = seen.vehicle.model_copy(update={"vin": vin("LSVNV213", serial), "stock_number": number, "plate": ""})
    body = SnapshotBody(snapshot=seen.model_copy(update={"id": f"live-{serial}", "vehicle": vehicle}))
    office.run(office.store.store_batch("bay-2", f"s{serial}", 1, [(1, row(body))], NOW))
    return number


def wide_open(page: Page) -> int:
    """By how many pixels the page can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def car_path(office: Office, q: str) -> str:
    return f"/vehicles/{office.run(office.store.search_vehicles(q))[0].id}"


@EVERYWHERE
def test_a_clerk_finds_a_car_by_its_vin_and_reads_the_verdict(open_page: OpenPage, size: Size, language: str) -> None:
    page = open_page("/vehicles", size, language)
    page.get_by_role("searchbox").fill(ROLLED.lower())
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator("[data-key]")).to_have_count(1)

    assert ROLLED not in page.url
    page.locator("a.open").click()
    expect(page.locator("#verdict-title")).to_be_visible()
    said = {"zh": "自相矛盾", "en": "Contradicts itself"}[language]
    expect(page.locator(".badge-impossible").first).to_contain_text(said)
    expect(page.locator(f"svg.chart-{'narrow' if size == PHONE else 'wide'}")).to_be_visible()


@EVERYWHERE
def test_an_alert_arrives_by_itself_and_is_acknowledged(
    open_page: OpenPage, office: Office, size: Size, language: str
) -> None:
    page = open_page("/alerts", size, language)
    expect(page.locator("[data-line=open]")).to_be_visible()
    before = int(page.locator(".tabs [data-count]").inner_text())
    started = time.monotonic()
    number = arrive(office, 500 + size[0] // 10 + (language == "zh"))
    alert = page.locator("[data-key]", has_text=number)
    alert.wait_for(timeout=LIVE_S * 1000)

    assert time.monotonic() - started < LIVE_S
    expect(page.locator(".tabs [data-count]")).to_have_text(str(before + 1))
    alert.locator("summary").first.click()
    expect(alert.get_by_role("textbox")).to_be_focused()
    alert.get_by_role("textbox").fill("LW")
    alert.get_by_role("button").last.click()
    expect(page.locator("[data-key]", has_text=number)).to_contain_text("LW")


@pytest.mark.parametrize(("size", "language"), [(SMALL_PHONE, "zh"), (SMALL_PHONE, "en"), (DESK, "en")])
def test_no_page_needs_scrolling_sideways(open_page: OpenPage, office: Office, size: Size, language: str) -> None:
    page = open_page("/alerts", size, language)
    cars = [car_path(office, ROLLED), car_path(office, "A-106")]
    for path in ["/alerts", *cars, *(f"{car}/file" for car in cars), "/manual/vehicle"]:
        page.goto(office.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")

        assert wide_open(page) == 0, path


def test_the_list_fits_every_width(open_page: OpenPage) -> None:
    page = open_page("/vehicles", DESK, "en")
    for width in (360, 640, 820, 1000, 1100, 1280):
        page.set_viewport_size({"width": width, "height": 800})

        assert wide_open(page) == 0, width
        assert page.locator(".cars").evaluate("box => box.scrollWidth - box.clientWidth") == 0, width


def test_what_a_person_is_typing_survives_a_new_alert(open_page: OpenPage, office: Office) -> None:
    page = open_page("/alerts", PHONE)
    expect(page.locator("[data-line=open]")).to_be_visible()
    key = page.locator("[data-key]", has=page.locator("summary")).nth(1).get_attribute("data-key")
    first = page.locator(f"[data-key='{key}']")
    first.locator("summary").first.click()
    first.get_by_role("textbox").fill("Zhang")
    number = arrive(office, 601)
    page.locator("[data-key]", has_text=number).wait_for(timeout=LIVE_S * 1000)

    expect(first.get_by_role("textbox")).to_have_value("Zhang")
    expect(first.get_by_role("textbox")).to_be_focused()


def test_a_new_car_appears_in_the_open_list(open_page: OpenPage, office: Office) -> None:
    page = open_page("/vehicles", DESK)
    expect(page.locator("[data-line=open]")).to_be_visible()
    number = arrive(office, 602)

    page.locator("[data-key]", has_text=number).wait_for(timeout=LIVE_S * 1000)


def test_an_open_car_says_that_there_is_news(open_page: OpenPage, office: Office) -> None:
    number = arrive(office, 603)
    page = open_page(car_path(office, number), PHONE)
    expect(page.locator("[data-line=open]")).to_be_visible()
    expect(page.locator("[data-stale]")).to_be_hidden()
    again = faulty_visit(NOW)
    vehicle = again.vehicle.model_copy(update={"vin": vin("LSVNV213", 603), "stock_number": number})
    body = SnapshotBody(snapshot=again.model_copy(update={"id": "live-603b", "vehicle": vehicle}))
    office.run(office.store.store_batch("bay-2", "s603", 2, [(2, row(body))], NOW))

    expect(page.locator("[data-stale]")).to_be_visible(timeout=LIVE_S * 1000)


def test_after_the_line_was_lost_the_page_catches_up(open_page: OpenPage, office: Office) -> None:
    page = open_page("/alerts", DESK)
    expect(page.locator("[data-line=open]")).to_be_visible()
    open_page.offline = True
    page.context.set_offline(True)
    office.run(_drop_streams(office))
    expect(page.locator("[data-line=lost]")).to_be_visible()
    number = arrive(office, 604)
    page.context.set_offline(False)

    page.locator("[data-key]", has_text=number).wait_for(timeout=8000)
    expect(page.locator("[data-line=open]")).to_be_visible()


async def _drop_streams(office: Office) -> None:
    office.store.feed.close()


def test_chinese_is_drawn_with_a_chinese_font(open_page: OpenPage, office: Office) -> None:
    page = open_page(car_path(office, FAULTY), PHONE, "zh")
    drawn = fonts_of(page, "#verdict-title")

    assert drawn and not any("DejaVu" in name for name in drawn)


def test_pages_work_without_script(browser: Browser, office: Office) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{office.url}/alerts?lang=en")
    page.locator("[data-key] summary").first.click()
    page.get_by_label("Your initials").first.fill("NS")
    page.get_by_role("button", name="I have seen it").first.click()
    said = page.locator("main").inner_text()
    context.close()

    assert "Seen by NS" in said


def test_everything_can_be_reached_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("/vehicles", DESK, "en")
    reached: list[str] = []
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent || document.activeElement.name").strip())

    assert reached[0] == "Skip to the content"
    assert {"Manual", "中文", "q", "Search"} <= set(reached)
    assert any(name.startswith("A-10") for name in reached)


def test_buttons_are_large_enough_for_gloves(open_page: OpenPage) -> None:
    page = open_page("/alerts", PHONE)
    sizes = [
        box
        for control in page.locator("button, summary, .tabs a, .side a, .chips a").all()
        if control.is_visible() and (box := control.bounding_box())
    ]

    assert sizes and all(box["height"] >= 44 for box in sizes)


def test_the_language_switch_keeps_the_place(open_page: OpenPage, office: Office) -> None:
    path = car_path(office, FAULTY)
    page = open_page(path, PHONE, "zh")
    page.locator("[data-language]").click()

    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert path in page.url


@EVERYWHERE
def test_a_clerk_withdraws_a_value_and_takes_that_back(
    open_page: OpenPage, office: Office, size: Size, language: str
) -> None:
    words = {"zh": ("作废", "撤回", "已不再有效"), "en": ("Withdraw", "Take back", "no longer holds")}[language]
    page = open_page(f"{car_path(office, ROLLED)}/file", size, language)
    value = page.locator(".values > li", has_text="148,020")
    value.locator("summary").click()
    assert wide_open(page) == 0
    value.locator("input[name=reason]").fill("read off another car")
    value.locator("input[name=operator]").fill("LW")
    value.get_by_role("button", name=words[0], exact=True).click()
    expect(value.locator("del")).to_contain_text("148,020")
    expect(value).to_contain_text("read off another car")

    decision = page.locator(".decisions > li", has=page.locator("summary")).first
    decision.locator("summary").click()
    decision.locator("input[name=reason]").fill("it was this car")
    decision.locator("input[name=operator]").fill("ZH")
    decision.get_by_role("button", name=words[1]).click()
    expect(value.locator("del")).to_have_count(0)
    expect(page.locator(".decisions .undone").first).to_contain_text(words[2])
    assert wide_open(page) == 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_car_that_changed_says_how_and_fits_a_phone(open_page: OpenPage, office: Office, language: str) -> None:
    serial = 700 + (language == "zh")
    number = arrive(office, serial)
    again = faulty_visit(NOW + timedelta(days=30))
    unit = again.ecus[0].model_copy(update={"calibration_ids": ("04E906027AB 9999",)})
    changes = {"id": f"live-{serial}b", "dtcs": again.dtcs[1:], "ecus": (unit, *again.ecus[1:])}
    vehicle = again.vehicle.model_copy(update={"vin": vin("LSVNV213", serial), "stock_number": number})
    body = SnapshotBody(snapshot=again.model_copy(update=changes | {"vehicle": vehicle}))
    office.run(office.store.store_batch("bay-2", f"s{serial}", 2, [(2, row(body))], NOW))
    page = open_page(car_path(office, number), PHONE, language)
    section = page.locator("section", has=page.locator("#changes-title"))

    expect(section).to_contain_text("P0420")
    expect(section).to_contain_text({"zh": "新出现", "en": "new"}[language])
    expect(section).to_contain_text("04E906027AB 9999")
    assert wide_open(page) == 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_wrong_decision_is_one_line_with_a_way_back(open_page: OpenPage, office: Office, language: str) -> None:
    page = open_page(f"{car_path(office, FAULTY)}/file", PHONE, language)
    page.locator("summary", has_text={"zh": "并入本车", "en": "into this one"}[language]).click()
    page.locator("#merge-other").fill(ROLLED)
    page.locator("#why-merge").fill("the same car")
    page.locator("#by-merge").fill("LW")
    open_page.offline = True  # the browser notes the refusal in its console
    page.get_by_role("button", name={"zh": "并入", "en": "Bring together"}[language], exact=True).click()

    expect(page.locator("main")).to_contain_text({"zh": "两辆不同的车", "en": "they are two cars"}[language])
    assert wide_open(page) == 0
