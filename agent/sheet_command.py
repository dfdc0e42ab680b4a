"""``forecourt sheet``: the signed sheet of one intake, from the ledger or, while the daemon holds it, from its page."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agent.device_key import device_key
from agent.errors import UnknownIntakeError, WorldError
from agent.ledger import Status
from agent.ledger_store import LedgerStore
from agent.moments import wall_time
from agent.premises import vault_for
from agent.sheet_files import RENDERINGS, SEALED, file_name
from agent.sheet_press import PRINT_TIMEOUT_S, print_pdfs
from agent.sheets import Maker, Sheets
from agent.stores import open_stores
from config.catalogue import Language, render
from config.errors import SettingsError
from config.settings import Settings
from sync.clock import SystemClock

LAST = "last"
SHEETS = "sheets"
FILE_MAX_BYTES = 32 * 1024 * 1024
KINDS = (SEALED, *RENDERINGS)


@dataclass(frozen=True, slots=True)
class SheetOrder:
    """What was asked for; ``withdraw`` is the reason to withdraw, empty to make the sheet."""

    intake: str
    out: Path
    withdraw: str = ""


def open_sheets(settings: Settings, store: LedgerStore, now: Callable[[], datetime]) -> Sheets:
    """The sheets of this box; its key is made when the first one is signed."""
    folder, device = settings.storage.directory, settings.device
    vault = vault_for(settings.storage)
    return Sheets(
        store,
        folder / SHEETS,
        lambda: Maker(device.id, device_key(folder, vault)),
        device.timezone,
        now=now,
        press=print_pdfs,
        vault=vault,
    )


def make_sheet(order: SheetOrder, settings: Settings, language: Language) -> int:
    """Write the sheet's files (or withdraw it) and print what was done."""
    try:
        print(asyncio.run(_from_ledger(order, settings, language)))
    except WorldError as error:
        if error.key != "agent.store_unusable":
            raise
        print(_from_daemon(order, settings, language, error))
    except UnknownIntakeError as error:
        raise _unknown(order.intake) from error
    return 0


async def _from_ledger(order: SheetOrder, settings: Settings, language: Language) -> str:
    clock = SystemClock()
    async with open_stores(settings, clock) as (_, store):
        sheets = open_sheets(settings, store, lambda: wall_time(clock.stamp()))
        intake_id = await _intake_id(order.intake, store)
        if order.withdraw:
            said = await sheets.withdraw(intake_id, order.withdraw)
            return render("sheet_done.withdrawn", language, number=said.withdraws)
        sealed = await sheets.issue(intake_id)
        number = sealed.link.statement.number
        files = {kind: await sheets.file(number, kind) or b"" for kind in KINDS}
    return _written(order.out, number, files, language)


async def _intake_id(wanted: str, store: LedgerStore) -> str:
    if wanted != LAST:
        return wanted
    done = await store.intakes(Status.COMPLETE, Status.AWAITING_DASH)
    if not done:
        raise UnknownIntakeError(wanted)
    return done[0].id


def _unknown(wanted: str) -> SettingsError:
    if wanted == LAST:
        return SettingsError(*_both("sheet_error.none_yet"))
    return SettingsError(*_both("sheet_error.no_intake", intake=wanted[:64]))


def _written(out: Path, number: int, files: dict[str, bytes], language: Language) -> str:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for kind, data in files.items():
            (out / file_name(number, kind)).write_bytes(data)
    except OSError as error:
        raise WorldError("sheet_error.not_written", path=str(out), detail=error.strerror or str(error)) from error
    return render("sheet_done.written", language, number=number, path=str(out / file_name(number, SEALED)))


def _from_daemon(order: SheetOrder, settings: Settings, language: Language, locked: WorldError) -> str:
    """Ask the running agent by its page; raise ``locked`` when there is none."""
    page = settings.page
    host = f"[{page.host}]" if ":" in page.host else page.host
    base = f"http://{host}:{page.port}"
    try:
        intake_id = quote(_last_of(base) if order.intake == LAST else order.intake, safe="")
        path = f"{base}/api/intakes/{intake_id}/sheet"
        if order.withdraw:
            said = json.loads(_fetch(f"{path}/withdraw", {"why": order.withdraw}))
            return render("sheet_done.withdrawn", language, number=said["withdraws"])
        made = json.loads(_fetch(path, {}))
        files = {kind: _fetch(f"{base}{made['files'][kind]}") for kind in KINDS}
    except urllib.error.HTTPError as error:
        raise _refusal(error, order) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise locked from error
    return _written(order.out, int(made["number"]), files, language)


def _last_of(base: str) -> str:
    items: list[dict[str, Any]] = json.loads(_fetch(f"{base}/api/intakes"))["items"]
    done = [item for item in items if item["verdict"]]
    if not done:
        raise _unknown(LAST)
    return str(done[0]["id"])


def _fetch(url: str, body: dict[str, str] | None = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - our own page
    with urllib.request.urlopen(request, timeout=PRINT_TIMEOUT_S + 5) as answer:  # noqa: S310 - our own page
        return bytes(answer.read(FILE_MAX_BYTES))


def _refusal(error: urllib.error.HTTPError, order: SheetOrder) -> Exception:
    """What the page said, as the same error that the ledger would have raised."""
    with error:
        try:
            said = json.loads(error.read(4096))
        except ValueError:  # whoever answers on that port is not our page
            said = {}
    if error.code == 404:
        return _unknown(order.intake)
    match said:
        case {"text": {"en": str(en), "zh": str(zh)}} if error.code == 422:
            return SettingsError(en, zh)
        case {"error": str(detail)}:
            return WorldError("sheet_error.not_printed", detail=detail)
    return WorldError("sheet_error.not_printed", detail=str(error.code))


def _both(key: str, **params: str) -> tuple[str, str]:
    return render(key, Language.EN, **params), render(key, Language.ZH, **params)
