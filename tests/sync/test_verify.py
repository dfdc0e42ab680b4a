"""Comparing both sides: a hole upstream is refilled from here, or named, and nothing that is on its way is one."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from sync.errors import UpstreamLostError
from sync.outbox import Outbox
from sync.verify import StreamReport, verify
from sync.wire import MAX_SPANS, Account, Span
from tests.sync.conftest import FixedClock
from tests.sync.samples import mileage, speed
from tests.sync.upstream import Upstream


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


async def only(outbox: Outbox, upstream: Upstream) -> StreamReport:
    (report,) = await verify(outbox, upstream.ask)
    return report


async def test_two_sides_that_agree_are_sound(outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([*[mileage(n) for n in range(300)], *[speed(n) for n in range(20)]])
    await upstream.deliver(outbox)
    await outbox.append([mileage(1)])

    report = await only(outbox, upstream)

    assert report == StreamReport(outbox.stream, 321, 1, (), (), ())
    assert report.sound
    assert upstream.asked == [(outbox.stream, 321, ((1, 256), (257, 300), (301, 320)))]


async def test_of_a_stream_that_never_delivered_nothing_is_asked(outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([mileage(1), mileage(2)])

    assert (await only(outbox, upstream)) == StreamReport(outbox.stream, 2, 2, (), (), ())
    assert upstream.asked == []


async def test_what_upstream_lost_is_owed_again_and_nothing_else(outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([mileage(n) for n in range(300)])
    await upstream.deliver(outbox)
    for seq in (7, *range(250, 260)):
        del upstream.held[outbox.stream][seq]

    report = await only(outbox, upstream)

    assert report.refilled == ((7, 7), (250, 256), (257, 259))
    assert (report.lost, report.different, report.sound) == ((), (), False)
    assert [row.seq for row in await outbox.unacknowledged(0, 1000)] == [7, *range(250, 260)]
    await upstream.deliver(outbox)
    assert (await only(outbox, upstream)).sound


async def test_what_nobody_has_is_named_and_what_was_declared_is_not(outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([speed(n) for n in range(10)])
    await upstream.deliver(outbox)
    for seq in (2, 4, 5, 10):
        del upstream.held[outbox.stream][seq]
    upstream.noted = {2}

    report = await only(outbox, upstream)

    assert (report.refilled, report.lost, report.sound) == ((), ((4, 5), (10, 10)), False)
    assert outbox.pending_count() == 0


async def test_the_first_record_of_all_is_asked_for_too(outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([speed(1)])
    await upstream.deliver(outbox)
    upstream.held.clear()

    assert (await only(outbox, upstream)).lost == ((1, 1),)


async def test_what_is_owed_or_waits_for_its_tombstone_is_no_hole(outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([mileage(n) for n in range(9)])
    await outbox.quarantine(4, 5, "bad")
    for a, b in ((1, 2), (7, 7)):
        upstream.held.setdefault(outbox.stream, {}).update(
            (row.seq, row.payload) for row in await outbox.unacknowledged(a - 1, b - a + 1)
        )
        await outbox.acknowledge(a, b)

    assert (await only(outbox, upstream)).sound
    assert upstream.asked == [(outbox.stream, 3, ((1, 2), (7, 7)))]


async def test_a_record_that_reads_differently_is_named_unless_some_of_its_piece_was_refused(
    outbox: Outbox, upstream: Upstream
) -> None:
    await outbox.append([mileage(n) for n in range(10)])
    await upstream.deliver(outbox)
    upstream.held[outbox.stream][4] = b'{"another":1}'

    report = await only(outbox, upstream)

    assert (report.refilled, report.lost, report.different, report.sound) == ((), (), ((1, 10),), False)
    upstream.noted = {4}
    assert (await only(outbox, upstream)).sound


async def test_a_piece_with_a_hole_is_refilled_and_not_called_different(outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([mileage(n) for n in range(10)])
    await upstream.deliver(outbox)
    del upstream.held[outbox.stream][4]

    report = await only(outbox, upstream)

    assert (report.refilled, report.different) == (((4, 4),), ())


async def test_many_pieces_are_asked_for_in_several_questions(outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([mileage(n) if n % 2 else speed(n) for n in range(MAX_SPANS + 10)])
    await upstream.deliver(outbox)

    assert (await only(outbox, upstream)).sound
    assert [len(spans) for _, _, spans in upstream.asked] == [MAX_SPANS, 10]


async def test_streams_of_a_copied_file_are_compared_too(tmp_path: Path, outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([mileage(n) for n in range(5)])
    await upstream.deliver(outbox)
    old = outbox.stream
    await outbox.close()
    (tmp_path / "copy.db").write_bytes((tmp_path / "outbox.db").read_bytes())
    copy = await Outbox.open(tmp_path / "copy.db", clock=FixedClock(), max_bytes=64 << 20)
    await copy.append([mileage(1)])
    del upstream.held[old][3]

    reports = await verify(copy, upstream.ask)

    assert [(report.stream, report.refilled) for report in reports] == [(old, ((3, 3),)), (copy.stream, ())]
    await copy.close()


async def test_an_account_that_leaves_out_what_was_asked_is_no_answer(outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([mileage(n) for n in range(5)])
    await upstream.deliver(outbox)

    async def silent(stream: str, _lo: int, _spans: Sequence[Span]) -> Account:
        return Account(s=stream, ask="0a", holds=())

    with pytest.raises(UpstreamLostError, match="left out"):
        await verify(outbox, silent)
    assert outbox.pending_count() == 0


async def test_without_an_answer_nothing_is_changed(outbox: Outbox, upstream: Upstream) -> None:
    await outbox.append([mileage(1)])
    await upstream.deliver(outbox)

    async def away(_stream: str, _lo: int, _spans: Sequence[Span]) -> Account:
        raise UpstreamLostError("away")

    with pytest.raises(UpstreamLostError):
        await verify(outbox, away)
    assert outbox.pending_count() == 0
