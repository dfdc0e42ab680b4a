"""The intake sheet: what stands on it, in both languages, on one page, the same bytes for the same car."""

from dataclasses import replace
from datetime import datetime, timedelta

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.catalogue import Language
from evidence.assemble import with_judgement
from evidence.history import History, Visit
from evidence.sheet.content import Beside, Issue, PhotoPart, SellerAnswer, Sheet, sheet_of
from evidence.sheet.html import html_of
from evidence.sheet.page import CODES_MAX, page_of
from evidence.sheet.paper import MISSING, drawable, lines_of, width_of
from evidence.sheet.pdf import pdf_of
from evidence.sheet.style import style
from evidence.sheet.words import DASH, Words
from evidence.snapshot import ClockQuality, Finding, ItemPart, Severity, Snapshot, Text
from evidence.verdict import judge
from protocols.readings import DtcClass, ItemStatus, Trust
from tests.evidence.cars import ASKED, KM, NOW, VIN, code, counters, snapshot, witness

SAID = SellerAnswer(rule="odometer.below_earlier", text="换过仪表 <b>2024</b>", operator="李雷", at=NOW)
PHOTO = PhotoPart(sha256="ab" * 32, media_type="image/jpeg", size_bytes=345_678, added_at=NOW)


def visit(place: int, km: int, at: datetime, **more: object) -> Visit:
    taken = snapshot(km * KM, id=f"s{place}", **more)  # type: ignore[arg-type]
    vehicle = taken.vehicle.model_copy(update={"plate": "沪A12345", "stock_number": "S-42", "make": "Volkswagen"})
    facts = {"taken_at": at, "clock": ClockQuality.NTP, "operator": "王芳", "bay": "2", "vehicle": vehicle}
    return Visit(at, taken.model_copy(update=facts), dash_m=(km + 300) * KM)


def sheet(beside: Beside | None = None, **more: object) -> Sheet:
    """A car that was read at 83,000 km and now says 52,000, with codes and with units that did not answer."""
    facts: dict[str, object] = {
        "dtcs": (code("P0301"), code("P0420", DtcClass.PENDING), code("U0121", ecu="7E9")),
        "items": (*ASKED[:2], ItemPart(item="dtcs.permanent", status=ItemStatus.REFUSED, detail="7F0A11")),
        "odometer": (witness(52_000 * KM), witness(None, source="vag-cluster", ecu="714", status=ItemStatus.TIMEOUT)),
        "values": counters(distance_since_clear_m=61_000 * KM),
    }
    last = visit(2, 52_000, NOW, **(facts | more))
    history = History("car", (visit(1, 83_000, NOW - timedelta(days=90)), last))
    judgement = judge(history, now=NOW)
    told = with_judgement(last.snapshot, judgement)
    made = sheet_of(told, judgement.entries, timezone="Asia/Shanghai", beside=beside or Beside((SAID,), (PHOTO,)))
    issue = Issue(number=7, device="bay-box-1", key="ab12 cd34", made_at=NOW)
    return made.model_copy(update={"issue": issue})


def text_of(pdf: bytes) -> tuple[int, str]:
    """Number of pages and the text of the first, as any reader finds it."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return len(document), document[0].get_textpage().get_text_bounded().replace("\r\n", " ")
    finally:
        document.close()


@pytest.mark.parametrize("language", list(Language))
def test_pdf_and_html_say_what_is_known(language: Language) -> None:
    made = sheet()
    pages, pdf = text_of(pdf_of(made, language))
    html = html_of(made, language)

    assert pages == 1
    for said in (
        "S-42",
        "沪A12345",
        VIN,
        "王芳",
        "P0301",
        "P0420",
        "U0121",
        "7E9",
        "7F0A11",
        "ab12 cd34",
        "2026-11-21 17:00",
    ):
        assert said in pdf, said
        assert said in html, said
    assert {"en": "Contradicts itself", "zh": "自相矛盾"}[language] in pdf


@pytest.mark.parametrize("language", list(Language))
def test_every_check_stands_there_with_its_sentence(language: Language) -> None:
    made = sheet()
    html, (_, pdf) = html_of(made, language), text_of(pdf_of(made, language))

    for row in page_of(made, language).checks:
        assert row.title in html
        assert row.title.split()[0] in pdf
    assert len(made.checks) == 10


def test_what_a_person_gave_is_marked_typed_and_what_was_read_is_not() -> None:
    page = page_of(sheet(), Language.EN)
    tags = {fact.label: fact.tag for fact in page.facts}

    assert (tags["Stock number"], tags["Plate"], tags["VIN"], tags["Mileage"]) == ("typed", "typed", "", "")
    assert {row.source: row.tag for row in page.witnesses} == {
        "standard odometer (01 A6) 7E8": "",
        "vag-cluster 714": "",
        "dashboard": "typed",
    }


def test_a_list_that_was_not_read_is_never_no_codes() -> None:
    clean = sheet(dtcs=(), items=ASKED)
    partly = sheet(dtcs=())

    assert page_of(clean, Language.EN).codes_note == "No codes; every list was read."
    assert "permanent" in page_of(partly, Language.EN).codes_note
    assert "No codes" not in page_of(partly, Language.EN).codes_note


def test_the_sellers_answer_stands_beside_its_finding() -> None:
    page = page_of(sheet(), Language.ZH)

    (row,) = [row for row in page.checks if row.answers]
    assert row.title.startswith("K8")
    assert row.answers == ("卖方说明：换过仪表 <b>2024</b>（李雷，2026-11-21 17:00）",)


def test_what_people_typed_is_text_and_never_markup() -> None:
    html = html_of(sheet(), Language.ZH)

    assert "<b>2024</b>" not in html
    assert "&lt;b&gt;2024&lt;/b&gt;" in html
    assert "<script" not in html
    assert "http" not in html.replace(style(), "")


@pytest.mark.parametrize("language", list(Language))
def test_the_same_sheet_is_the_same_bytes(language: Language) -> None:
    made = sheet()
    read_back = Sheet.model_validate_json(made.model_dump_json(by_alias=True))

    assert pdf_of(made, language) == pdf_of(read_back, language)
    assert html_of(made, language) == html_of(read_back, language)


def test_a_value_whose_frame_was_corrupt_is_no_value() -> None:
    made = sheet(
        odometer=(witness(52_000 * KM), witness(9_000 * KM, source="row", ecu="720", status=ItemStatus.CORRUPT))
    )
    rows = {row.source: (row.value, row.gap) for row in page_of(made, Language.EN).witnesses}

    assert rows["row 720"] == (Words(Language.EN, "UTC").named("status", "corrupt"), DASH)


def test_an_unsigned_sheet_says_nothing_of_who_made_it() -> None:
    assert sheet().unsigned().issue == Issue()
    assert sheet().unsigned().model_copy(update={"issue": sheet().issue}) == sheet()


def test_a_line_may_be_as_long_as_the_paper_is_wide() -> None:
    width = width_of("mileage told", 8)

    assert lines_of("mileage told", width, 8) == ["mileage told"]
    assert lines_of("mileage told", width - 0.01, 8) == ["mileage", "told"]


def test_times_are_the_offices() -> None:
    abroad = sheet().model_copy(update={"timezone": "Europe/Berlin"})

    assert "2026-11-21 10:00" in html_of(abroad, Language.EN)
    assert "2026-11-21 09:00" in html_of(abroad.model_copy(update={"timezone": "No/Where"}), Language.EN)


def crowded() -> Sheet:
    """A car with too much of everything."""
    codes = tuple(code(f"P{number:04d}", ecu=f"7E{number % 8}") for number in range(90))
    items = tuple(ItemPart(item=f"odometer.row-{n}", status=ItemStatus.TIMEOUT, detail="x" * 300) for n in range(60))
    many = tuple(witness(52_000 * KM + n, source=f"row-{n}", trust=Trust.HINT) for n in range(40))
    made = sheet(dtcs=codes, items=items, odometer=many, beside=Beside((SAID,) * 3, (PHOTO,) * 12))
    remark = Finding(rule="x", severity=Severity.NOTE, text=Text(en="word " * 40, zh="字" * 120))
    return made.model_copy(update={"findings": (remark,) * 30})


@pytest.mark.parametrize("language", list(Language))
def test_a_car_with_too_much_of_everything_still_has_one_page(language: Language) -> None:
    made = crowded()

    pages, text = text_of(pdf_of(made, language))

    assert pages == 1
    assert "bay-box-1" in text
    assert sum(len(rows) for _, rows in page_of(made, language).codes) == CODES_MAX
    assert str(90 - CODES_MAX) in page_of(made, language).codes_note


def test_an_empty_snapshot_makes_a_sheet_that_claims_nothing() -> None:
    made = sheet_of(Snapshot(), (), timezone="UTC")

    for language in Language:
        pages, text = text_of(pdf_of(made, language))
        assert pages == 1
        assert page_of(made, language).verdict in text
    assert "No codes" not in page_of(made, Language.EN).codes_note


def test_a_voided_answer_is_no_witness() -> None:
    made = sheet()
    (dash,) = [part for part in made.witnesses if part.source == "dash"]
    assert dash.odometer_m == 52_300 * KM
    judgement = judge(History("car", (visit(2, 52_000, NOW),)), now=NOW)
    entries = tuple(replace(e, voided="corrected") if e.source == "dash" else e for e in judgement.entries)

    again = sheet_of(visit(2, 52_000, NOW).snapshot, entries, timezone="UTC")

    assert [part.source for part in again.witnesses] == ["01A6"]


def test_a_character_that_the_font_lacks_is_seen_to_be_missing() -> None:
    assert drawable("王喆 𠮷\tx") == f"王喆 {MISSING} x"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.floats(min_value=12, max_value=300))
def test_broken_lines_lose_nothing_and_fit(text: str, width: float) -> None:
    lines = lines_of(text, width, 8)

    assert "".join("".join(lines).split()) == "".join(drawable(text).split())
    assert all(width_of(line, 8) <= width or len(line) == 1 or _one_cluster(line) for line in lines)


def _one_cluster(line: str) -> bool:
    """A letter with the punctuation that may not leave it."""
    return len(line) <= 3


def test_no_line_begins_with_closing_punctuation() -> None:
    lines = lines_of("里程值偏低，至少相差九千公里。请说明：原因、时间、地点。" * 3, 90, 8)

    assert not [line for line in lines if line[0] in "，。：、"]
