"""Rules that an owner changes while the back office runs."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from backoffice.app import _follow_rules
from backoffice.office_settings import OfficeSettings
from backoffice.store import RecordStore
from config.errors import SettingsError
from evidence.snapshot import Severity
from tests.backoffice.facts import START
from tests.backoffice.test_review import with_codes
from tests.backoffice.test_store import put

ROW = '[[rule]]\nid = "a"\ncode = "P0420"\nseverity = "{}"\nwhy = "a reason"\n'


def settings(folder: Path) -> OfficeSettings:
    rules = {"severities": folder / "severities", "look_every_s": 0.02}
    return OfficeSettings.model_validate({"database": {"directory": folder}, "rules": rules})


def save(folder: Path, text: str, saved: int) -> None:
    """The ``saved``-th version of the file, at a time of its own."""
    (folder / "severities").mkdir(exist_ok=True)
    path = folder / "severities" / "mine.toml"
    path.write_text(text, encoding="utf-8")
    os.utime(path, (saved, saved))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - a store tells nobody what it holds
            await asyncio.sleep(0.02)


async def test_changed_rules_are_in_force_without_a_restart_and_bad_ones_never(tmp_path: Path) -> None:
    save(tmp_path, ROW.format("soon"), 1)
    store = await RecordStore.open(settings(tmp_path), now=lambda: START)
    following = asyncio.create_task(_follow_rules(settings(tmp_path), store))

    async def severities() -> list[Severity]:
        return [alert.severity for alert in await store.alerts()]

    async def refused() -> bool:
        return "mine.toml:4: key 'rule.0.severity'" in store.rules.refused

    async def stopped_by_rule() -> bool:
        return await severities() == [Severity.STOP]

    try:
        await put(store, with_codes("v1", "P0420"))
        save(tmp_path, ROW.format("perhaps"), 2)
        await until(refused)
        assert await severities() == [Severity.SOON]
        save(tmp_path, ROW.format("stop"), 3)
        await until(stopped_by_rule)
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await store.close()


async def test_wrong_rules_at_the_start_are_the_owners_mistake(tmp_path: Path) -> None:
    save(tmp_path, ROW.format("perhaps"), 1)

    with pytest.raises(SettingsError, match=r"mine.toml:4"):
        await RecordStore.open(settings(tmp_path))
    save(tmp_path, ROW.format("soon"), 2)
    await (await RecordStore.open(settings(tmp_path))).close()
