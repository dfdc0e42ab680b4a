"""``forecourt-office command``: what an operator types, and what is printed of an answer that a stranger wrote."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from typer.testing import CliRunner

from backoffice import command_console as console
from backoffice import commands as queue
from backoffice.app import listening_socket
from backoffice.cli import app
from backoffice.command_console import Asked, ask_box
from backoffice.office_settings import HttpSettings, OfficeSettings
from backoffice.store import RecordStore
from backoffice.web import create_app
from config.catalogue import Language
from config.errors import SettingsError
from sync.command import CommandAnswer, Status
from tests.backoffice.facts import START, VIN_A, row, visit

HEALTH: dict[str, object] = {
    "kind": "health",
    "lines": [{"subject": "disk", "level": "ok", "text": {"en": "room \u001b[31m left", "zh": "还有空间"}}],
    "owed": 3,
    "fullness_pct": 2,
    "bays": 1,
    "dropped": 0,
}


class Office:
    """A back office on a port of its own; what is typed runs on a thread, as in a process of its own."""

    def __init__(self, store: RecordStore, settings: OfficeSettings) -> None:
        self._store = store
        self._settings = settings

    async def type(self, kind: str, *, language: Language = Language.EN, **more: object) -> int:
        asked = Asked("bay-1", kind, **({"by": "Li", "wait_s": 10.0} | more))  # type: ignore[arg-type]
        return await asyncio.to_thread(ask_box, asked, self._settings, language)

    async def answer(self, answer: CommandAnswer) -> None:
        """As the box ``bay-1`` would, once there is something to answer."""
        while True:
            waiting = await self._store.look_up(lambda c: queue.commands_of(c, "bay-1", 1))
            if waiting and waiting[0].state == queue.WAITING:
                break
            await asyncio.sleep(0.01)
        said = answer.model_copy(update={"id": waiting[0].id})
        await self._store.in_transaction(lambda c: queue.note_answer(c, "bay-1", said, START))


@asynccontextmanager
async def served(store: RecordStore) -> AsyncIterator[Office]:
    listener = listening_socket(HttpSettings(port=0))
    settings = OfficeSettings(http=HttpSettings(port=listener.getsockname()[1]))
    server = uvicorn.Server(uvicorn.Config(create_app(store, store.feed, settings), log_level="error"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Office(store, settings)
    finally:
        server.should_exit = True
        await serving
        listener.close()


@pytest.fixture
async def office(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(console, "LOOK_EVERY_S", 0.02)
    await store.store_batch("bay-1", "s1", 1, [(1, row(visit("v1", vin=VIN_A)))], START)
    async with served(store) as opened:
        yield opened


def answer(status: Status, reason: str, report: dict[str, object] | None = None, **params: str | int) -> CommandAnswer:
    return CommandAnswer(id="-", status=status, reason=reason, params=params, report=report or {})


async def test_an_answer_is_printed_in_the_readers_language_and_steers_no_terminal(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = {}
    for language in Language:
        said = answer(Status.DONE, "command.health_told", HEALTH, count=0)
        _, code = await asyncio.gather(office.answer(said), office.type("health", language=language))
        assert code == 0
        printed[language] = capsys.readouterr().out.splitlines()[:2]

    assert printed == {
        Language.EN: ["The box was checked; problems found: 0.", "  ok       disk: room ?[31m left"],
        Language.ZH: ["设备已自检；发现问题 0 项。", "  ok       disk: 还有空间"],
    }


async def test_what_the_box_did_and_did_not_do_is_said_whatever_its_report_holds(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    found: dict[str, object] = {"kind": "resend", "again": [[1, 4]], "owed": [[5, 5]], "gone": []}
    said = answer(Status.DONE, "command.resent", found, count=4, gone=0)
    _, done = await asyncio.gather(office.answer(said), office.type("resend", stream="0a", ranges=("1-4", "5")))
    resent = capsys.readouterr().out.splitlines()
    said = answer(Status.REFUSED, "command.no_car", bay="1")
    _, refused = await asyncio.gather(office.answer(said), office.type("intake", bay="1"))
    no_car = capsys.readouterr().out
    for report in ({"kind": "health"}, {"kind": "resend", "again": "x"}, {"kind": ["health"]}):
        said = answer(Status.DONE, "command.health_told", dict(report), count=1)
        _, odd = await asyncio.gather(office.answer(said), office.type("health"))
        assert odd == 0

    assert (done, resent[1:]) == (0, ["  On their way again: 1-4", "  Were on their way anyway: 5"])
    assert (refused, no_car) == (3, "Not carried out: no car is plugged in at bay 1.\n")


async def test_a_box_that_is_away_gets_it_later(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    code = await office.type("rules", wait_s=0.0)
    told = capsys.readouterr().out
    await office.type("")
    listed = capsys.readouterr().out

    assert code == 3
    assert "look again with forecourt-office command bay-1" in told
    assert "rules   waiting" in listed


async def test_json_is_for_programs(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    await office.type("rules", wait_s=0.0, as_json=True)
    await office.type("", as_json=True)

    one, listed = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (one["kind"], listed) == ("rules", [one])


async def test_a_mistake_is_one_line_and_2(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    for kind, bay, adapter in (("reboot", "", ""), ("intake", "", ""), ("intake", "1", "x")):
        assert await office.type(kind, bay=bay, adapter=adapter) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)


def test_without_a_back_office_one_line_says_so_and_3(capsys: pytest.CaptureFixture[str]) -> None:
    settings = OfficeSettings(http=HttpSettings(port=9))

    assert ask_box(Asked("bay-1", "health"), settings, Language.EN) == 3
    assert "No back office answers at http://127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["x", "1-", "-1", "1-x", ""])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="--range"):
        Asked("b", "resend", ranges=(text,)).params  # noqa: B018


def test_the_command_line_hands_over_what_was_typed() -> None:
    done = CliRunner().invoke(app, ["command", "bay-1", "resend", "--stream", "0a", "--range", "x"])

    assert (done.exit_code, done.stderr) == (2, "forecourt-office: --range: 'x' is not like 5 or 5-9\n")
