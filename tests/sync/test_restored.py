"""A disk that was put back as a whole: what upstream holds tells it, and nothing is given the same number twice."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sync.codec import MAX_SEQ
from sync.outbox import Outbox
from sync.restored import leave_stream_if_restored
from tests.sync.conftest import FixedClock
from tests.sync.samples import mileage
from tests.sync.upstream import Upstream


async def opened(folder: Path) -> Outbox:
    return await Outbox.open(folder / "o.db", clock=FixedClock(), max_bytes=1 << 24)


async def after_a_life_with_two_records(folder: Path) -> tuple[Outbox, Upstream]:
    outbox, upstream = await opened(folder), Upstream()
    await outbox.append([mileage(1), mileage(2)])
    await upstream.deliver(outbox)
    await outbox.close()
    return await opened(folder), upstream


async def test_a_new_file_has_nothing_to_ask(tmp_path: Path) -> None:
    outbox, upstream = await opened(tmp_path), Upstream()

    assert not await leave_stream_if_restored(outbox, upstream.ask)

    assert upstream.asked == []
    await outbox.close()


async def test_a_file_that_has_given_all_that_upstream_holds_goes_on_in_its_stream(tmp_path: Path) -> None:
    outbox, upstream = await after_a_life_with_two_records(tmp_path)
    await outbox.append([mileage(3)])
    stream = outbox.stream

    assert not await leave_stream_if_restored(outbox, upstream.ask)

    assert upstream.asked == [(stream, 1, ((3, MAX_SEQ),))]
    assert outbox.stream == stream
    await outbox.close()


@pytest.mark.parametrize("refused", [False, True])
async def test_a_file_that_has_not_given_what_upstream_knows_leaves_its_stream(
    tmp_path: Path, *, refused: bool
) -> None:
    outbox, upstream = await after_a_life_with_two_records(tmp_path)
    stream = outbox.stream
    if refused:
        upstream.noted = {3}
    else:
        upstream.held[stream][3] = b"{}"
    await outbox.append([mileage(4)])

    with capture_logs() as told:
        assert await leave_stream_if_restored(outbox, upstream.ask)

    assert [(line["log_level"], line["stream"], line["last_seq"]) for line in told] == [("error", stream, 2)]
    assert outbox.stream != stream
    assert [row.seq for row in await outbox.unacknowledged(0, 10)] == [1]
    assert await outbox.owing_streams() == (outbox.stream,)
    await outbox.close()
