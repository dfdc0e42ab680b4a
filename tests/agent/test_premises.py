"""What a box keeps: every file the agent makes is among what a key protects."""

from contextlib import closing
from pathlib import Path

import pytest

from agent.premises import looking_vault, place_of, vault_for
from config.errors import SettingsError
from config.settings import StorageSettings
from sync.vault import PLAIN
from tests.sealed import OTHER_KEY, key_file, need_cipher


def test_databases_and_all_that_tells_of_a_car_are_named(tmp_path: Path) -> None:
    kept = (
        "sheet-key.pem",
        "sheets/chain.jsonl",
        "sheets/0001/sheet-0001.en.pdf",
        "sheets/photos/0a1b",
        "outbox.db.damaged-1-wal",
    )
    for name in (
        *kept,
        "sheets/0002.new/sheet-0002.json",
        "sheets/photos/0a1b.new",
        "outbox.db.lock",
        "outbox.db.ballast",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    place = place_of(tmp_path)

    others = {path.relative_to(tmp_path).as_posix() for path in place.other_files()}
    assert others == {*kept, "sheets/0002.new/sheet-0002.json", "sheets/photos/0a1b.new"}
    assert {path.name for path in place.databases} == {"outbox.db", "ledger.db", "memory.db"}


def keep_something(storage: StorageSettings) -> None:
    with closing(vault_for(storage).connect(storage.directory / "ledger.db")) as database:
        database.execute("CREATE TABLE t (a)")


def test_looking_at_a_sealed_box_without_its_key_refuses_nobody(tmp_path: Path) -> None:
    need_cipher()
    sealed = StorageSettings(directory=tmp_path / "state", key_file=key_file(tmp_path))
    keep_something(sealed)
    wrong = sealed.model_copy(update={"key_file": key_file(tmp_path, OTHER_KEY, "other")})

    assert looking_vault(sealed) is not PLAIN
    assert looking_vault(wrong) is PLAIN
    with pytest.raises(SettingsError, match="is not the one"):
        vault_for(wrong)
