"""A box with a storage key: no byte below its folder tells of a car, and no mistake with the key changes a file."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.device_key import KEY_FILE
from config.settings import Settings, StorageSettings
from tests.agent.bench import Bench, running_agent, settings_for
from tests.agent.cars import CAR_A, JPEG, reading_of
from tests.agent.test_cli import run_cli
from tests.sealed import files_below, key_file, need_cipher, telling
from tests.simulated import simulated

PLATE = "沪A70F31"
WORDS = (CAR_A, CAR_A[-6:], PLATE, "A70F31", "Li Lei", "picture", "PRIVATE KEY")
ALL = {"plate": PLATE, "stock_number": "S-1", "dash_km": 30_000, "operator": "Li Lei"}


def sealed_settings(folder: Path, key: Path | None) -> Settings:
    settings = settings_for(folder)
    return settings.model_copy(update={"storage": StorageSettings(directory=folder, key_file=key)})


async def a_visit(bench: Bench) -> str:
    """One car with everything a person adds: answers, a photo, a sheet."""
    intake_id = await bench.plug("Bay 1", reading_of(codes=("P0420",)))
    await bench.answer(intake_id, **ALL)
    image = {"Content-Type": "image/jpeg"}
    photo = await bench.client.post(f"/api/intakes/{intake_id}/photos", content=JPEG, headers=image)
    sheet = await bench.client.post(f"/api/intakes/{intake_id}/sheet")
    assert (photo.status_code, sheet.status_code) == (200, 200)
    await bench.client.post(f"/api/intakes/{intake_id}/sheet/withdraw", json={"why": f"wrong plate {PLATE}"})
    return intake_id


async def told_by_a_visit(folder: Path, key: Path | None) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """What the files tell while the agent runs and after it has ended."""
    async with running_agent(sealed_settings(folder, key)) as bench:
        await a_visit(bench)
        assert (folder / "ledger.db-wal").stat().st_size > 0
        running = telling(folder, *WORDS)
    return running, telling(folder, *WORDS)


async def test_no_byte_of_any_file_tells_of_the_car(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    need_cipher()
    folder = tmp_path / "state"

    running, ended = await told_by_a_visit(folder, key_file(tmp_path))
    logged = "".join(capfd.readouterr())

    assert (running, ended) == ({}, {})
    assert "stopping" in logged
    assert [word for word in (*WORDS, "S-1") if word in logged] == []
    assert {"outbox.db", "ledger.db", "sheets/chain.jsonl", KEY_FILE} <= set(files_below(folder))


async def test_without_a_key_the_same_search_finds_it_everywhere(tmp_path: Path) -> None:
    running, ended = await told_by_a_visit(tmp_path / "state", None)

    everywhere = {"ledger.db-wal", "outbox.db-wal", "sheets/0001/sheet-0001.json", "sheets/0001/sheet-0001.en.html"}
    assert everywhere <= set(running)
    assert {CAR_A, PLATE} <= ended["ledger.db"] & ended["outbox.db"]
    assert {word for words in ended.values() for word in words} == set(WORDS)


@asynccontextmanager
async def a_car_saved(folder: Path, **environment: str) -> AsyncIterator[str]:
    """One intake through an adapter's wire, by a process whose home, temporary files and log lie in ``folder``."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True)
    places = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "FORECOURT_STORAGE__DIRECTORY": str(folder)}
    async with simulated("engine-fault") as lot:
        words = ("--plate", PLATE, "--stock", "S-1", "--dash-km", "30000", "--operator", "Li Lei", "--depth", "quick")
        scan = ("scan", "--adapter", lot.url, "--save", *words)
        done = await asyncio.to_thread(run_cli, *scan, **places, **environment)
        assert done.returncode == 0, done.stderr
        (folder / "log").write_text(done.stderr)
        yield str(lot.truth["vin"])


async def test_an_intake_through_the_wire_leaves_no_byte_of_it_below_the_box(tmp_path: Path) -> None:
    need_cipher()
    key = key_file(tmp_path)
    async with a_car_saved(tmp_path / "state", FORECOURT_STORAGE__KEY_FILE=str(key)) as vin:
        assert telling(tmp_path / "state", vin, vin[-6:], PLATE, "A70F31", "Li Lei") == {}


async def test_without_a_key_that_intake_is_found_by_the_same_search(tmp_path: Path) -> None:
    async with a_car_saved(tmp_path / "state") as vin:
        told = telling(tmp_path / "state", vin, PLATE, "Li Lei")

    assert {"ledger.db", "outbox.db"} == {name for name in told if name.endswith(".db")}
    assert told["ledger.db"] == {vin, PLATE, "Li Lei"}
    assert "log" not in told
