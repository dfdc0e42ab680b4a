"""The two files of a box together: one whose ledger was lost begins a new stream, and is told again by that."""

from pathlib import Path

import pytest

from agent.stores import open_stores
from config.settings import Settings
from sync.outbox_kept import StreamView
from tests.agent.bench import settings_for
from tests.sync.conftest import FixedClock
from tests.sync.samples import speed


async def opened(settings: Settings) -> tuple[str, tuple[StreamView, ...]]:
    """The stream that new records go to, and all that are known; one more record is owed afterwards."""
    async with open_stores(settings, FixedClock()) as (outbox, _):
        await outbox.append([speed(1)])
        return outbox.stream, await outbox.streams_view()


async def test_a_box_that_kept_everything_goes_on_in_its_stream(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)

    (first, _), (again, views) = await opened(settings), await opened(settings)

    assert again == first
    assert [(view.stream, view.owed) for view in views] == [(first, (1, 2))]


@pytest.mark.parametrize("lost", ["gone", "damaged"])
async def test_a_lost_ledger_begins_a_new_stream_and_what_was_owed_stays_owed(tmp_path: Path, lost: str) -> None:
    settings = settings_for(tmp_path)
    first, _ = await opened(settings)
    if lost == "gone":
        (tmp_path / "ledger.db").unlink()
    else:
        (tmp_path / "ledger.db").write_bytes(b"no database at all" * 1000)

    second, views = await opened(settings)
    third, _ = await opened(settings)

    assert second == third != first
    assert [(view.stream, view.owed) for view in views] == [(first, (1,)), (second, (1,))]
