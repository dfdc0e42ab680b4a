"""``forecourt seal`` and each mistake with a key as a person meets it: one line, exit 2, and not a byte changed."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.verifying import verify_sheet
from config.catalogue import Language
from config.errors import SettingsError
from config.settings import Settings, StorageSettings
from sync import seal
from sync.lock import FileLock
from sync.seal import is_sealed_file
from sync.sealed_bytes import begins_with
from tests.agent.bench import Bench, running_agent, settings_for
from tests.agent.cars import CAR_A, reading_of
from tests.agent.test_sheets import fast_press
from tests.sealed import KEY, OTHER_KEY, files_below, key_file, need_cipher, telling

COMMANDS = (["run"], ["sheet", "last"], ["sync", "verify"], ["scan", "--adapter", "tcp:127.0.0.1:9", "--save"])


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where ``state`` and the key are; commands find them as a service would, by the environment."""
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    for name in ("LC_ALL", "LC_MESSAGES", "FORECOURT_DEBUG", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORECOURT_STORAGE__DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("FORECOURT_PAGE__PORT", "1")
    monkeypatch.setattr("agent.sheet_command.print_pdfs", fast_press)
    return tmp_path


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path | None], None]:
    def give(key: Path | None) -> None:
        if key is None:
            monkeypatch.delenv("FORECOURT_STORAGE__KEY_FILE", raising=False)
        else:
            monkeypatch.setenv("FORECOURT_STORAGE__KEY_FILE", str(key))

    return give


def forecourt(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def a_visit(folder: Path, key: Path | None = None) -> None:
    """Let a car be read and a sheet of it be made by a box with this key."""

    async def visit() -> None:
        async with running_agent(kept_in(folder, key)) as bench:
            await make_sheet(bench)

    asyncio.run(visit())


def kept_in(folder: Path, key: Path | None) -> Settings:
    return settings_for(folder).model_copy(update={"storage": StorageSettings(directory=folder, key_file=key)})


async def make_sheet(bench: Bench) -> None:
    intake_id = await bench.plug("Bay 1", reading_of())
    await bench.answer(intake_id, stock_number="S-1", dash_km=30_000, operator="Li Lei")
    assert (await bench.client.post(f"/api/intakes/{intake_id}/sheet")).status_code == 200


def assert_refused(box: Path, words: str) -> None:
    before = files_below(box / "state")
    for command in COMMANDS:
        refused = forecourt(*command)

        assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1), refused.output
        assert words in refused.stderr
    assert files_below(box / "state") == before


def test_each_mistake_with_the_key_of_a_sealed_box(
    box: Path, give: Callable[[Path | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    need_cipher()
    right = key_file(box)
    a_visit(box / "state", right)

    give(None)
    assert_refused(box, "is encrypted, and no key was given: set storage.key_file or hand over the systemd credential")
    give(key_file(box, OTHER_KEY, "other"))
    assert_refused(box, "is not the one")
    give(box / "gone")
    assert_refused(box, "gone cannot be read: No such file or directory")
    give(key_file(box, KEY[:-2], "short"))
    assert_refused(box, "64 hexadecimal digits")
    give(right)
    monkeypatch.setattr(seal, "NEEDED", ("a_package_that_is_nowhere",))
    assert_refused(box, "pip install 'forecourt[encrypted]'")


def test_a_plain_box_is_converted_by_the_command_that_is_named_and_loses_nothing(
    box: Path, give: Callable[[Path | None], None]
) -> None:
    need_cipher()
    a_visit(box / "state")
    give(key_file(box))
    assert_refused(box, "is not encrypted, but a key is given")
    assert "Stop the service and convert it once: forecourt seal." in forecourt("sheet", "last").stderr

    first, again = forecourt("seal"), forecourt("seal")
    made = forecourt("sheet", "last", "--out", str(box / "out"))

    assert (first.exit_code, again.exit_code, made.exit_code) == (0, 0, 0)
    assert re.search(r"Encrypted: \d+ files", first.stdout)
    assert "encrypted already" in again.stdout
    assert telling(box / "state", CAR_A, CAR_A[-6:], "Li Lei", "PRIVATE KEY") == {}
    assert CAR_A.encode() in (box / "out" / "sheet-0001.json").read_bytes()


def test_a_sealed_box_takes_another_key_with_all_it_keeps(box: Path, give: Callable[[Path | None], None]) -> None:
    need_cipher()
    right, other = key_file(box), key_file(box, OTHER_KEY, "other")
    a_visit(box / "state", right)
    give(right)

    changed = forecourt("rekey", "--new", str(other))
    assert_refused(box, "is not the one")
    give(other)
    again = forecourt("rekey", "--old", str(right), "--new", str(other))
    made = forecourt("sheet", "last", "--out", str(box / "out"))

    assert (changed.exit_code, again.exit_code, made.exit_code) == (0, 0, 0), changed.output + again.output
    assert re.search(r"\d+ files in .* take the new key now", changed.stdout)
    assert "takes the new key already" in again.stdout
    assert CAR_A.encode() in (box / "out" / "sheet-0001.json").read_bytes()
    kept = [path for path in (box / "state").rglob("*") if path.is_file()]
    assert not [path for path in kept if is_sealed_file(path) and not begins_with(path, bytes.fromhex(OTHER_KEY))]


def test_a_change_of_the_key_needs_both(box: Path, give: Callable[[Path | None], None]) -> None:
    need_cipher()
    other = key_file(box, OTHER_KEY, "other")
    give(None)
    for said in (forecourt("rekey", "--new", str(other)), forecourt("rekey", "--new", str(box / "gone"))):
        assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert not (box / "state").exists()


def test_a_box_in_use_is_not_converted(box: Path, give: Callable[[Path | None], None]) -> None:
    need_cipher()
    a_visit(box / "state")
    give(key_file(box))
    before = files_below(box / "state")
    with FileLock(box / "state" / "ledger.db.lock"):
        said = forecourt("seal")

    assert (said.exit_code, said.stderr.count("\n")) == (3, 1)
    assert "in use by another process" in said.stderr
    assert files_below(box / "state") == before


def test_converting_without_a_key_says_how_to_make_one(box: Path) -> None:
    said = forecourt("seal")

    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert "forecourt seal --new-key FILE, then set storage.key_file" in said.stderr


def test_a_new_key_is_made_once(box: Path) -> None:
    first, again = (forecourt("seal", "--new-key", str(box / "key")) for _ in range(2))

    assert (first.exit_code, again.exit_code) == (0, 2)
    assert str(box / "key") in first.stdout
    assert (box / "key").read_text().strip() not in first.output + again.output
    assert not (box / "state").exists()


async def test_a_command_without_the_key_asks_the_running_agent(
    box: Path, give: Callable[[Path | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    need_cipher()
    give(None)
    async with running_agent(kept_in(box / "state", key_file(box))) as bench:
        await make_sheet(bench)
        monkeypatch.setenv("FORECOURT_PAGE__PORT", bench.address.rpartition(":")[2].strip("/"))
        made = await asyncio.to_thread(forecourt, "sheet", "last", "--out", str(box / "out"))

    assert made.exit_code == 0, made.output
    assert CAR_A.encode() in (box / "out" / "sheet-0001.json").read_bytes()


def test_a_sheet_below_the_sealed_box_is_verified_with_the_key_and_named_without(
    box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need_cipher()
    key, folder = key_file(box), box / "state" / "sheets" / "0001"
    a_visit(box / "state", key)

    assert verify_sheet(folder, kept_in(box / "state", key), Language.EN, key="", chain=None) == 0
    said = capsys.readouterr().out
    with pytest.raises(SettingsError, match="is encrypted: only the box can read it"):
        verify_sheet(folder, kept_in(box / "state", None), Language.EN, key="", chain=None)

    assert "sheet-0001.json" in said


def test_a_copy_of_a_sealed_folder_opens_elsewhere_with_its_key_alone(
    box: Path, give: Callable[[Path | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    need_cipher()
    give(key_file(box))
    a_visit(box / "state", box / "storage-key")
    (box / "state").rename(box / "restored")
    monkeypatch.setenv("FORECOURT_STORAGE__DIRECTORY", str(box / "restored"))

    made = forecourt("sheet", "last", "--out", str(box / "out"))
    give(None)
    refused = forecourt("sheet", "last", "--out", str(box / "out"))

    assert (made.exit_code, refused.exit_code) == (0, 2)
    assert telling(box / "restored", CAR_A) == {}
