"""A box with a storage key: no byte below its folder tells of a car, and no mistake with the key changes a file."""

from pathlib import Path

from agent.device_key import KEY_FILE
from config.settings import Settings, StorageSettings
from tests.agent.bench import Bench, running_agent, settings_for
from tests.agent.cars import CAR_A, reading_of
from tests.agent.test_sheets import JPEG
from tests.sealed import files_below, key_file, need_cipher, telling

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


async def test_no_byte_of_any_file_tells_of_the_car(tmp_path: Path) -> None:
    need_cipher()
    folder = tmp_path / "state"

    running, ended = await told_by_a_visit(folder, key_file(tmp_path))

    assert (running, ended) == ({}, {})
    assert {"outbox.db", "ledger.db", "sheets/chain.jsonl", KEY_FILE} <= set(files_below(folder))


async def test_without_a_key_the_same_search_finds_it_everywhere(tmp_path: Path) -> None:
    running, ended = await told_by_a_visit(tmp_path / "state", None)

    everywhere = {"ledger.db-wal", "outbox.db-wal", "sheets/0001/sheet-0001.json", "sheets/0001/sheet-0001.en.html"}
    assert everywhere <= set(running)
    assert {CAR_A, PLATE} <= ended["ledger.db"] & ended["outbox.db"]
    assert {word for words in ended.values() for word in words} == set(WORDS)
