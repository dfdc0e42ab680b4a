"""Which commands came and how each ended, in the ledger's file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent import command_store
from agent.command_store import CommandStore
from agent.ledger_store import LedgerStore
from evidence.snapshot import ClockQuality
from sync.command import CommandAnswer, Status

ANSWER = CommandAnswer(id="c-1", status=Status.DONE, reason="command.health_told", params={"count": 2}, t=7)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[CommandStore]:
    ledger = await LedgerStore.open(tmp_path / "ledger.db")
    yield ledger.commands
    await ledger.close()


async def test_a_command_begins_once(store: CommandStore) -> None:
    assert await store.begin("c-1", "health", 0)
    assert not await store.begin("c-1", "intake", 0)
    assert await store.answer("c-1") is None


async def test_how_it_ended_is_kept_word_for_word(store: CommandStore) -> None:
    await store.begin("c-1", "health", 0)
    await store.settle(ANSWER)

    assert await store.answer("c-1") == ANSWER
    assert await store.answer("c-2") is None


async def test_both_are_there_after_a_restart(tmp_path: Path) -> None:
    ledger = await LedgerStore.open(tmp_path / "ledger.db")
    await ledger.commands.begin("c-1", "health", 0)
    await ledger.commands.settle(ANSWER)
    await ledger.close()

    ledger = await LedgerStore.open(tmp_path / "ledger.db")
    assert not await ledger.commands.begin("c-1", "health", 0)
    assert await ledger.commands.answer("c-1") == ANSWER
    await ledger.close()


async def test_the_latest_time_that_was_certain_is_remembered(store: CommandStore) -> None:
    assert await store.latest_ntp() is None
    for number, ntp_ms in enumerate((5, 9, 0)):
        await store.begin(f"c-{number}", "health", ntp_ms)

    latest = await store.latest_ntp()

    assert latest is not None
    assert (latest.t, latest.tq, latest.boot) == (9, ClockQuality.NTP, "")


async def test_only_so_many_are_remembered(store: CommandStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_store, "REMEMBERED", 3)
    for number in range(5):
        await store.begin(f"c-{number}", "health", 0)

    assert [await store.begin(f"c-{number}", "health", 0) for number in (4, 3, 2)] == [False] * 3
    assert await store.begin("c-1", "health", 0)
