"""Dating and ordering records whose clocks may be wrong."""

from datetime import datetime, timedelta

from backoffice.chronology import StoredRecord, clock_fixes, in_order
from evidence.snapshot import ClockQuality
from sync.records import AnyBody, Record
from tests.backoffice.facts import DAY, START, clock, row, visit

SECOND = 1_000_000_000


def stored(
    seq: int,
    at: datetime,
    *,
    tq: str = "ntp",
    received: datetime = START + 30 * DAY,
    stream: str = "s1",
    body: AnyBody | None = None,
    mono_ns: int = 0,
) -> StoredRecord:
    content = row(body or visit(f"v{seq}"), at, tq=tq, mono_ns=mono_ns)
    return StoredRecord("bay-1", stream, seq, received, Record.model_validate(content))


def test_streams_are_placed_beside_each_other_by_their_clocks() -> None:
    mine = [stored(1, START), stored(2, START + 2 * DAY)]
    other = [stored(1, START + DAY, stream="s2")]

    assert [(d.stored.stream, d.stored.seq) for d in in_order(other + mine[::-1], {})] == [
        ("s1", 1),
        ("s2", 1),
        ("s1", 2),
    ]


def test_no_clock_turns_the_order_within_a_stream() -> None:
    jumping = [stored(1, START + 20 * DAY), stored(2, START), stored(3, START + DAY)]

    assert [d.stored.seq for d in in_order(jumping, {})] == [1, 2, 3]


def test_a_clock_record_dates_what_was_written_before_the_clock_was_set() -> None:
    unset = stored(1, datetime(2001, 1, 1, tzinfo=START.tzinfo), tq="none", mono_ns=10 * SECOND)
    fix = stored(2, START, body=clock(START), mono_ns=70 * SECOND)
    (dated, _) = in_order([unset, fix], clock_fixes([fix]))

    assert (dated.at, dated.clock) == (START - timedelta(seconds=60), ClockQuality.NTP)


def test_without_any_clock_the_time_of_receipt_has_to_do() -> None:
    (dated,) = in_order([stored(1, datetime(2001, 1, 1, tzinfo=START.tzinfo), tq="none")], {})

    assert (dated.at, dated.clock) == (START + 30 * DAY, ClockQuality.NONE)


def test_nothing_is_ordered_after_its_receipt() -> None:
    (dated,) = in_order([stored(1, START + 400 * DAY)], {})

    assert dated.order == START + 30 * DAY


def test_a_wall_time_beyond_all_calendars_is_no_time() -> None:
    content = row(visit("v1")) | {"t": 10**18}
    absurd = StoredRecord("bay-1", "s1", 1, START, Record.model_validate(content))

    assert [d.at for d in in_order([absurd], {})] == [START]
