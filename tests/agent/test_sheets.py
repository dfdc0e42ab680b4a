"""Sheets made from a real ledger: numbered, signed, chained, replaced when more became known, verified byte by byte."""

import asyncio
import json
import re
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agent.answers import Answers
from agent.bay import BayState, KeepReading
from agent.desk import Desk
from agent.device_key import KEY_FILE, device_key, public_key
from agent.errors import AnswerError, UnknownIntakeError, WorldError
from agent.ledger_store import LedgerStore
from agent.sheet_command import SheetOrder, _from_daemon
from agent.sheet_files import RENDERINGS, SEALED, file_name, read_chain
from agent.sheet_press import print_pdfs
from agent.sheets import Maker, Sheets
from agent.verifying import verify_sheet
from config.catalogue import Language
from config.errors import SettingsError
from config.settings import PageSettings, Settings
from evidence.sheet.chain import Link, SealedSheet, canonical, fingerprint, first_break, sha256
from evidence.sheet.content import Sheet
from sync.clock import SystemClock
from tests.agent.bench import settings_for
from tests.agent.cars import CAR_A, JPEG, NOW, reading_of


class NoSink:
    async def append(self, bodies: object, *, once: str) -> object:
        return None


async def fast_press(sheet: Sheet) -> dict[Language, bytes]:
    """PDFs in no time: what is sealed is the same, whoever printed it."""
    return {language: f"%PDF {language} {sheet.issue.number}".encode() for language in Language}


class Box:
    """A ledger with its desk and its sheets in one folder."""

    def __init__(self, folder: Path, store: LedgerStore) -> None:
        self.folder = folder
        self.settings: Settings = settings_for(folder)
        self.store = store
        self.desk = Desk(store, NoSink(), SystemClock(wall_ns=lambda: int(NOW.timestamp() * 1e9)))
        self.sheets = Sheets(
            store,
            folder / "sheets",
            lambda: Maker("test-box", device_key(folder)),
            "Asia/Shanghai",
            now=lambda: NOW,
            press=fast_press,
        )

    async def intake(self, intake_id: str = "i1", *, odometer_m: int = 52_340_000, dash_m: int = 30_000_000) -> str:
        answers = Answers(stock_number="S-1", dash_m=dash_m, operator="Li Lei")
        await self.desk.keep("Bay 1", KeepReading(intake_id, reading_of(odometer_m=odometer_m), silent=False))
        await self.desk.answer(intake_id, answers, BayState("Bay 1"))
        return intake_id

    def out(self, number: int) -> Path:
        return self.folder / "sheets" / f"{number:04d}"


@asynccontextmanager
async def a_box(folder: Path) -> AsyncIterator[Box]:
    store = await LedgerStore.open(folder / "ledger.db")
    try:
        yield Box(folder, store)
    finally:
        await store.close()


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with a_box(tmp_path) as opened:
        yield opened


def verdict_of(path: Path, settings: Settings, capsys: pytest.CaptureFixture[str], **more: object) -> tuple[int, str]:
    asked = {"key": "", "chain": None} | more
    code = verify_sheet(path, settings, Language.EN, **asked)  # type: ignore[arg-type]
    return code, capsys.readouterr().out


async def test_a_sheet_is_numbered_signed_and_whole(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    sealed = await box.sheets.issue(await box.intake())

    assert (sealed.link.statement.number, sealed.sheet.issue.device) == (1, "test-box")
    assert sealed.sheet.issue.key == fingerprint(public_key(box.folder))
    assert sealed.link.genuine()
    code, said = verdict_of(box.out(1) / "sheet-0001.json", box.settings, capsys)
    assert code == 0
    assert "sheet 1 stands: nothing in this chain, which ends with link 1 of 2026-06-01, withdrew it" in said
    assert "signed by this box" in said


async def test_nothing_new_makes_no_new_sheet(box: Box) -> None:
    intake_id = await box.intake()
    first = await box.sheets.issue(intake_id)

    assert await box.sheets.issue(intake_id) == first
    assert len(await box.store.sheets.links()) == 1


async def test_an_answer_given_later_replaces_the_sheet(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    intake_id = await box.intake()
    await box.sheets.issue(intake_id)
    await box.sheets.add_answer(intake_id, "odometer.dash_differs", "cluster replaced 2024", "Li Lei")

    second = await box.sheets.issue(intake_id)

    assert [answer.text for answer in second.sheet.seller] == ["cluster replaced 2024"]
    links = await box.store.sheets.links()
    assert [link.statement.kind for link in links] == ["sheet", "sheet", "withdrawal"]
    assert first_break(links) == 0
    code, said = verdict_of(box.out(1), box.settings, capsys)
    assert code == 0
    assert "withdrawn on 2026-06-01: more became known about this car; replaced by sheet 2" in said


async def test_a_sheet_withdrawn_by_a_person_says_why(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    intake_id = await box.intake()
    await box.sheets.issue(intake_id)

    await box.sheets.withdraw(intake_id, " wrong  car at the plug ")

    _, said = verdict_of(box.out(1), box.settings, capsys)
    assert "withdrawn on 2026-06-01: wrong car at the plug; nothing replaces it" in said
    with pytest.raises(AnswerError):
        await box.sheets.withdraw(intake_id, "again")


@pytest.mark.parametrize("kind", [SEALED, *RENDERINGS])
async def test_any_changed_byte_of_any_file_is_found(box: Box, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    await box.sheets.issue(await box.intake())
    path = box.out(1) / file_name(1, kind)
    whole = path.read_bytes()
    step = max(1, len(whole) // 40)

    for place in [*range(0, len(whole), step), len(whole) - 1]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        code, said = verdict_of(box.out(1) / file_name(1, SEALED), box.settings, capsys)
        assert code == 1, place
        assert f"{path.name}: changed" in said
    path.write_bytes(whole + b"\n")
    assert verdict_of(path, box.settings, capsys)[0] == 1


async def test_a_sheet_signed_anew_with_another_key_is_not_this_boxs(
    box: Box, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    await box.sheets.issue(await box.intake())
    other = tmp_path_factory.mktemp("other")
    async with a_box(other) as forger:
        await forger.sheets.issue(await forger.intake(dash_m=52_340_000))

    code, said = verdict_of(other / "sheets" / "0001", box.settings, capsys)
    assert (code, "signed by this box" in said) == (0, False)
    assert "compare the key" in said
    own = fingerprint(public_key(box.folder))
    assert verdict_of(other / "sheets" / "0001", box.settings, capsys, key=own)[0] == 1
    assert verdict_of(box.out(1), box.settings, capsys, key=own.upper())[0] == 0


async def test_a_link_taken_out_of_the_chain_is_noticed(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    intake_id = await box.intake()
    await box.sheets.issue(intake_id)
    await box.sheets.withdraw(intake_id, "mistake")
    await box.sheets.issue(intake_id)
    chain = box.folder / "sheets" / "chain.jsonl"
    lines = chain.read_bytes().splitlines(keepends=True)

    chain.write_bytes(lines[0] + lines[2])

    code, said = verdict_of(box.out(1), box.settings, capsys)
    assert (code, "chain was changed at link 2" in said) == (1, True)


async def test_a_sheet_verifies_elsewhere_with_nothing_but_its_files_and_the_chain(
    box: Box, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    await box.sheets.issue(await box.intake())
    away = tmp_path_factory.mktemp("away")
    shutil.copy(box.out(1) / "sheet-0001.json", away)
    shutil.copy(box.out(1) / "sheet-0001.zh.pdf", away)
    shutil.copy(box.folder / "sheets" / "chain.jsonl", away)
    elsewhere = settings_for(away / "state")

    code, said = verdict_of(away / "sheet-0001.zh.pdf", elsewhere, capsys)
    assert (code, "whether the sheet was withdrawn is not known" in said) == (0, True)
    assert "sheet-0001.en.pdf: not here" in said
    code, said = verdict_of(away, elsewhere, capsys, chain=away / "chain.jsonl")
    assert (code, "sheet 1 stands" in said) == (0, True)
    with pytest.raises(SettingsError):
        verdict_of(away / "no-such.json", elsewhere, capsys)


async def test_a_copy_under_another_name_is_looked_at_itself(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    await box.sheets.issue(await box.intake())
    paper = (box.out(1) / "sheet-0001.en.pdf").read_bytes()
    downloaded = box.out(1) / "sheet-0001.en (1).pdf"

    downloaded.write_bytes(paper)
    code, said = verdict_of(downloaded, box.settings, capsys)
    assert (code, "sheet-0001.en (1).pdf: whole" in said) == (0, True)

    downloaded.write_bytes(paper + b" ")
    code, said = verdict_of(downloaded, box.settings, capsys)
    assert (code, "sheet-0001.en (1).pdf: changed" in said) == (1, True)


async def test_every_sheet_of_a_folder_is_looked_at(
    box: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await box.sheets.issue(await box.intake())
    await box.sheets.issue(await box.intake("i2", odometer_m=53_000_000))
    both = tmp_path / "both"
    both.mkdir()
    for number in (1, 2):
        shutil.copy(box.out(number) / file_name(number, SEALED), both)
    (both / "sheet-0002.en.html").write_text("edited")

    code, said = verdict_of(both, box.settings, capsys)

    assert (code, "sheet-0002.en.html: changed" in said) == (1, True)


async def test_a_forged_sheet_cannot_borrow_the_chain_or_the_printed_key(
    box: Box, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    real = await box.sheets.issue(await box.intake())
    other = tmp_path_factory.mktemp("other")
    async with a_box(other) as forger:
        forged = await forger.sheets.issue(await forger.intake(dash_m=52_340_000))
    path, chain = other / "sheets" / "0001" / "sheet-0001.json", box.folder / "sheets" / "chain.jsonl"

    code, said = verdict_of(path, box.settings, capsys, chain=chain)
    assert (code, "sheet 1 is not in this box's chain" in said) == (1, True)

    printed = forged.sheet.model_copy(
        update={"issue": forged.sheet.issue.model_copy(update={"key": real.sheet.issue.key})}
    )
    statement = forged.link.statement.model_copy(update={"content": sha256(canonical(printed))})
    path.write_bytes(SealedSheet(link=Link.signed(statement, device_key(other)), sheet=printed).to_bytes())
    code, said = verdict_of(path, box.settings, capsys)
    assert (code, "sheet-0001.json: changed; the signature does not fit" in said) == (1, True)


async def test_a_strangers_name_cannot_write_lines_of_its_own(
    box: Box, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path_factory.mktemp("other")
    async with a_box(other) as forger:
        forged = await forger.sheets.issue(await forger.intake())
    device = "x\x1b[2K\nsheet 1 stands: nothing withdrew it"
    sheet = forged.sheet.model_copy(update={"issue": forged.sheet.issue.model_copy(update={"device": device})})
    statement = forged.link.statement.model_copy(update={"content": sha256(canonical(sheet)), "device": device})
    path = other / "sheets" / "0001" / "sheet-0001.json"
    path.write_bytes(SealedSheet(link=Link.signed(statement, device_key(other)), sheet=sheet).to_bytes())

    _, said = verdict_of(path, box.settings, capsys)

    assert "\x1b" not in said
    assert not any(line.startswith("sheet 1 stands") for line in said.splitlines())


async def test_a_sheet_of_a_version_that_knew_less_is_still_whole(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    sealed = json.loads((await box.sheets.issue(await box.intake())).to_bytes())
    statement, key = sealed["link"]["statement"], device_key(box.folder)
    del sealed["sheet"]["battery_v"], sealed["sheet"]["vehicle"]["fuel"], statement["replaced_by"]
    statement["content"] = sha256(_one_form(sealed["sheet"]))
    sealed["link"]["signature"] = key.sign(_one_form(statement)).hex()
    (box.out(1) / "sheet-0001.json").write_bytes(_one_form(sealed))
    (box.folder / "sheets" / "chain.jsonl").write_bytes(_one_form(sealed["link"]))

    code, said = verdict_of(box.out(1), box.settings, capsys)

    assert (code, "sheet 1 stands" in said) == (0, True)


def _one_form(plain: object) -> bytes:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


async def test_numbers_that_no_sheet_holds_are_a_changed_sheet(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    await box.sheets.issue(await box.intake())
    path = box.out(1) / "sheet-0001.json"
    whole = path.read_text(encoding="utf-8")

    for number in ("NaN", "Infinity", "9" * 5000):
        path.write_text(re.sub(r'"battery_v":[^,]+', f'"battery_v":{number}', whole), encoding="utf-8")
        assert verdict_of(path, box.settings, capsys)[0] == 1


async def test_the_chain_file_is_mended_from_the_ledger(box: Box) -> None:
    await box.sheets.issue(await box.intake())
    chain = box.folder / "sheets" / "chain.jsonl"
    chain.unlink()

    await box.sheets.mirror()

    assert read_chain(chain) == await box.store.sheets.links()


async def test_two_at_once_get_two_numbers(box: Box) -> None:
    first, second = await box.intake("i1"), await box.intake("i2", odometer_m=53_000_000)

    made = await asyncio.gather(box.sheets.issue(first), box.sheets.issue(second))

    assert sorted(one.link.statement.number for one in made) == [1, 2]
    assert first_break(await box.store.sheets.links()) == 0


async def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = device_key(tmp_path).public_key()

    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert device_key(tmp_path).public_key() == first
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(WorldError):
        device_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o600)
    (tmp_path / KEY_FILE).write_text("no key")
    with pytest.raises(WorldError):
        device_key(tmp_path)


async def test_erasing_a_visit_erases_its_sheet_and_photos_and_keeps_the_chain(box: Box) -> None:
    intake_id = await box.intake()
    photo = await box.sheets.add_photo(intake_id, JPEG)
    await box.sheets.issue(intake_id)

    await box.store.forget_before(datetime(2030, 1, 1, tzinfo=UTC))
    await box.sheets.forget_orphans()

    assert not box.out(1).exists()
    assert await box.sheets.photo(photo.sha256) is None
    assert not (box.folder / "sheets" / "photos" / photo.sha256).exists()
    (link,) = await box.store.sheets.links()
    assert CAR_A not in link.model_dump_json()


async def test_a_sheet_wants_a_judged_car(box: Box) -> None:
    with pytest.raises(UnknownIntakeError):
        await box.sheets.issue("nowhere")
    await box.desk.keep("Bay 1", KeepReading("dark", reading_of(vin=""), silent=False))
    with pytest.raises(AnswerError):
        await box.sheets.issue("dark")


@pytest.mark.parametrize(
    ("rule", "text", "operator"),
    [
        ("odometer.dash_differs", "", "Li"),
        ("odometer.dash_differs", "x", " "),
        ("odometer.dash_differs", "x" * 501, "Li"),
        ("odometer.dash_differs", "a\x00b", "Li"),
        ("battery.low", "x", "Li"),
    ],
)
async def test_an_answer_belongs_to_a_finding_and_has_an_author(box: Box, rule: str, text: str, operator: str) -> None:
    intake_id = await box.intake()

    with pytest.raises(AnswerError):
        await box.sheets.add_answer(intake_id, rule, text, operator)


async def test_the_press_prints_both_languages_in_a_child() -> None:
    printed = await print_pdfs(Sheet())

    assert sorted(printed) == [Language.EN, Language.ZH]
    assert all(data.startswith(b"%PDF-") for data in printed.values())


@pytest.mark.parametrize("status", [404, 422, 500])
@pytest.mark.parametrize("said", [b"<html>", b"[]", b'{"text": 1}', b""])
def test_a_stranger_on_the_pages_port_is_one_line(tmp_path: Path, status: int, said: bytes) -> None:
    class Stranger(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        page = PageSettings(host="127.0.0.1", port=server.server_port)
        settings = settings_for(tmp_path).model_copy(update={"page": page})
        with pytest.raises((SettingsError, WorldError)):
            _from_daemon(SheetOrder("i1", tmp_path), settings, Language.EN, WorldError("agent.store_unusable"))


async def test_photos_stand_on_the_sheet_by_their_hash(box: Box) -> None:
    intake_id = await box.intake()
    part = await box.sheets.add_photo(intake_id, JPEG)
    await box.sheets.add_photo(intake_id, JPEG)

    sealed = await box.sheets.issue(intake_id)

    assert [photo.sha256 for photo in sealed.sheet.photos] == [part.sha256]
    html = (box.out(1) / "sheet-0001.en.html").read_text("utf-8")
    assert part.sha256[:16] in html
    assert json.loads((box.out(1) / "sheet-0001.json").read_bytes())["sheet"]["photos"][0]["sha256"] == part.sha256


async def test_the_reason_of_a_withdrawal_names_no_car(box: Box) -> None:
    intake_id = await box.intake()
    await box.desk.answer(intake_id, Answers(plate="沪A·12345", operator="Li Lei"), None)
    await box.sheets.issue(intake_id)
    said = await box.sheets.withdraw(intake_id, f"wrong car: 沪a 12345, {CAR_A.lower()}")

    assert said.why == f"wrong car: …, …{CAR_A[-4:]}"
    assert not any(
        name in link.model_dump_json() for link in await box.store.sheets.links() for name in ("12345", CAR_A)
    )


async def test_what_the_seller_said_is_owed_upstream_once_each_time(box: Box) -> None:
    intake_id = await box.intake()
    rule = (await box.sheets.draft(intake_id)).findings[0].rule
    for words in ("the cluster was replaced", "the cluster was replaced"):
        await box.sheets.add_answer(intake_id, rule, words, "Li Lei")
    owed = [body for one in await box.store.owed() for body in one.bodies]

    assert [(body.kind, getattr(body, "rule", ""), getattr(body, "snapshot_id", "")) for body in owed] == [
        ("statement", rule, intake_id),
        ("statement", rule, intake_id),
    ]
