"""The outbox: order, what is owed, what an acknowledgement frees, and streams of copied files."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sync.clock import SystemClock
from sync.errors import OutboxError, OutboxFullError
from sync.lock import FileLock
from sync.outbox import DAMAGED, SCHEMA, Outbox
from sync.outbox_file import PEOPLE, READINGS, first_time
from sync.records import ClockBody, Record, TombstoneBody
from tests.sync.conftest import FixedClock
from tests.sync.samples import BODIES, mileage, record_json, speed

ROOM = 64 << 20
SMALL = 256 << 10


async def reopened(path: Path, max_bytes: int = ROOM) -> Outbox:
    return await Outbox.open(path, clock=FixedClock(), max_bytes=max_bytes)


async def seqs(outbox: Outbox, turn: int | None = None, stream: str | None = None) -> list[int]:
    return [row.seq for row in await outbox.unacknowledged(0, 100_000, turn=turn, stream=stream)]


async def tombstones(outbox: Outbox) -> list[TombstoneBody]:
    rows = await outbox.unacknowledged(0, 100_000)
    bodies = [Record.model_validate_json(row.payload).body for row in rows]
    return [body for body in bodies if isinstance(body, TombstoneBody)]


async def test_records_come_back_in_order_with_time_and_boot(outbox: Outbox) -> None:
    given = await outbox.append([BODIES["snapshot"], speed(1)])

    rows = await outbox.unacknowledged(0, 10)

    assert given == (1, 2)
    assert [row.seq for row in rows] == [1, 2]
    record = Record.model_validate_json(rows[0].payload)
    assert (record.body, record.boot, record.t) == (BODIES["snapshot"], "boot-1", 1_700_000_000_002)


async def test_paging_goes_on_after_a_seq_and_by_turn(outbox: Outbox) -> None:
    await outbox.append([speed(1), mileage(2), speed(3), mileage(4)])

    assert [row.seq for row in await outbox.unacknowledged(1, 2)] == [2, 3]
    assert await seqs(outbox, turn=PEOPLE) == [2, 4]
    assert await seqs(outbox, turn=READINGS) == [1, 3]


async def test_what_was_acknowledged_is_forgotten_and_its_seq_never_given_again(outbox: Outbox) -> None:
    await outbox.append([mileage(n) for n in range(5)])

    assert await outbox.acknowledge(1, 5) == 5
    assert await outbox.acknowledge(1, 5) == 0
    assert outbox.pending_count() == 0
    assert await outbox.lowest_unacknowledged() == 6
    assert await outbox.append([mileage(6)]) == (6,)


async def test_only_forgetting_does_not_wait_for_the_disk(outbox: Outbox) -> None:
    statements: list[str] = []
    await outbox._database._execute(outbox._database._conn.set_trace_callback, statements.append)

    def synced() -> bool:
        return "PRAGMA synchronous = NORMAL" not in statements

    await outbox.append([mileage(n) for n in range(4)])
    await outbox.quarantine(4, 4, "refused")
    assert synced()
    await outbox.acknowledge(1, 1)
    assert not synced()
    statements.clear()
    await asyncio.gather(outbox.acknowledge(2, 2), outbox.append([mileage(9)]))
    assert synced()  # one commit for both


async def test_the_lowest_is_the_oldest_still_owed(outbox: Outbox) -> None:
    assert await outbox.lowest_unacknowledged() == 1
    await outbox.append([mileage(n) for n in range(5)])
    await outbox.acknowledge_ranges([(1, 1), (3, 4)])

    assert await outbox.lowest_unacknowledged() == 2
    assert await seqs(outbox) == [2, 5]


async def test_many_producers_share_commits_and_each_gets_its_own_seqs(outbox: Outbox) -> None:
    given = await asyncio.gather(*(outbox.append([mileage(n), speed(n)]) for n in range(200)))

    assert sorted(seq for pair in given for seq in pair) == list(range(1, 401))
    assert all(b == a + 1 for a, b in given)
    assert outbox.pending_count() == 400


async def test_nothing_to_append_is_no_record(outbox: Outbox) -> None:
    assert await outbox.append([]) == ()
    assert outbox.pending_count() == 0


async def test_a_named_set_enters_only_once(outbox: Outbox) -> None:
    assert await outbox.append([mileage(1), mileage(2)], once="visit-1") == (1, 2)
    assert await outbox.append([mileage(1), mileage(2)], once="visit-1") == ()
    assert await outbox.append([mileage(3)], once="visit-2") == (3,)
    assert outbox.pending_count() == 3


async def test_an_append_in_flight_survives_its_cancelled_caller(outbox: Outbox) -> None:
    caller = asyncio.create_task(outbox.append([mileage(1), mileage(2)]))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert await outbox.append([mileage(3)]) == (3,)
    assert await seqs(outbox) == [1, 2, 3]


async def test_a_restart_goes_on_in_the_same_stream(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(1)])
    stream = outbox.stream
    await outbox.close()

    outbox = await reopened(tmp_path / "o.db")

    assert outbox.stream == stream
    assert await outbox.append([mileage(2)]) == (2,)
    assert outbox.pending_count() == 2
    await outbox.close()


async def test_a_copied_file_numbers_new_records_in_a_new_stream_and_keeps_the_old_ones_identity(
    tmp_path: Path,
) -> None:
    original = await reopened(tmp_path / "a" / "o.db")
    await original.append([mileage(1), mileage(2)])
    stream = original.stream
    await original.close()
    shutil.copytree(tmp_path / "a", tmp_path / "b")

    copy = await reopened(tmp_path / "b" / "o.db")

    assert copy.stream != stream
    assert await copy.append([mileage(3)]) == (1,)
    assert await copy.owing_streams() == (stream, copy.stream)
    assert await seqs(copy, stream=stream) == [1, 2]
    assert await copy.acknowledge(1, 2, stream=stream) == 2
    assert await copy.owing_streams() == (copy.stream,)
    await copy.close()


async def test_what_is_refused_of_a_copied_file_is_declared_for_its_own_stream(tmp_path: Path) -> None:
    original = await reopened(tmp_path / "a" / "o.db")
    await original.append([mileage(1), mileage(2)])
    old = original.stream
    await original.close()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    copy = await reopened(tmp_path / "b" / "o.db")

    await copy.quarantine(1, 1, "bad", stream=old)

    assert await tombstones(copy) == [TombstoneBody(first_seq=1, last_seq=1, reason="bad", stream=old)]
    assert await copy.lowest_unacknowledged(old) == 1
    await copy.acknowledge(1, 1)
    assert await copy.lowest_unacknowledged(old) == 2
    await copy.close()


async def test_a_stream_that_owes_nothing_any_more_is_forgotten_at_the_next_start(tmp_path: Path) -> None:
    for _ in range(3):
        outbox = await reopened(tmp_path / "o.db")
        await outbox.close()
        (tmp_path / "o.db.lock").unlink()

    with sqlite3.connect(tmp_path / "o.db") as reader:
        assert reader.execute("SELECT count(*) FROM streams").fetchone() == (1,)
    reader.close()


async def test_a_stream_begun_on_purpose_goes_on_after_a_restart_and_the_one_before_stays_owed(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    outbox = await reopened(path)
    before = outbox.stream
    await outbox.append([speed(1)])
    await outbox.begin_stream()
    begun = outbox.stream
    assert await outbox.append([speed(2)]) == (1,)
    await outbox.close()

    again = await reopened(path)
    assert (again.stream, await again.owing_streams()) == (begun, (before, begun))
    assert before != begun
    await again.close()


async def test_a_restored_backup_begins_a_new_stream(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(1)])
    stream = outbox.stream
    await outbox.close()
    backup = (tmp_path / "o.db").read_bytes()
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(2)])
    await outbox.close()
    (tmp_path / "o.db").write_bytes(backup)

    outbox = await reopened(tmp_path / "o.db")

    assert outbox.stream != stream
    await outbox.close()


async def test_a_copy_made_while_it_was_open_begins_a_new_stream_when_it_is_put_back(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(1)])
    stream = outbox.stream
    copies = {file: file.read_bytes() for file in (tmp_path / "o.db", tmp_path / "o.db-wal")}
    await outbox.append([mileage(2)])
    await outbox.close()
    for file, content in copies.items():
        file.write_bytes(content)

    outbox = await reopened(tmp_path / "o.db")

    assert outbox.stream != stream
    assert await outbox.owing_streams() == (stream,)
    await outbox.close()


async def test_a_stream_is_left_with_what_was_appended_since_the_opening_in_the_same_order(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(1), speed(2)])
    old = outbox.stream
    await outbox.close()
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([speed(3), mileage(4)])

    _, given = await asyncio.gather(outbox.leave_stream(), outbox.append([speed(5)]))

    assert (outbox.stream != old, outbox.numbered_before) == (True, 0)
    assert await outbox.owing_streams() == (old, outbox.stream)
    assert (await seqs(outbox, stream=old), await seqs(outbox)) == ([1, 2], [1, 2, 3])
    assert [record["body"] for record in await records(outbox)] == [
        json.loads(body.model_dump_json(by_alias=True)) for body in (speed(3), mileage(4), speed(5))
    ]
    assert given == (3,)
    assert await outbox.append([mileage(6)]) == (4,)
    assert (outbox.pending_count(), await outbox.lowest_unacknowledged(old)) == (6, 1)
    await outbox.close()
    assert (await file_streams(tmp_path / "o.db"))[old] == 2


async def records(outbox: Outbox) -> list[dict[str, object]]:
    return [json.loads(row.payload) for row in await outbox.unacknowledged(0, 100)]


async def file_streams(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as file:
        return dict(file.execute("SELECT id, last_seq FROM streams"))


async def test_a_stream_is_left_by_a_restart_too(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(1)])
    await outbox.acknowledge(1, 1)
    await outbox.close()
    outbox = await reopened(tmp_path / "o.db")
    assert outbox.numbered_before == 1
    await outbox.leave_stream()
    left = outbox.stream
    await outbox.close()

    outbox = await reopened(tmp_path / "o.db")

    assert outbox.stream == left
    assert await outbox.append([mileage(2)]) == (1,)
    await outbox.close()


async def test_a_tombstone_that_comes_over_still_answers_for_its_own_stream(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(1), mileage(2)])
    old = outbox.stream
    await outbox.close()
    outbox = await reopened(tmp_path / "o.db")
    await outbox.quarantine(2, 2, "bad")

    await outbox.leave_stream()

    assert await tombstones(outbox) == [TombstoneBody(first_seq=2, last_seq=2, reason="bad", stream=old)]
    await outbox.acknowledge(1, 1, stream=old)
    assert await outbox.lowest_unacknowledged(old) == 2
    await outbox.acknowledge(1, 1)
    assert await outbox.lowest_unacknowledged(old) == 3
    await outbox.close()


async def test_a_tombstone_that_the_disk_has_changed_is_put_aside_after_it_came_over(tmp_path: Path) -> None:
    await (await reopened(tmp_path / "o.db")).close()
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([TombstoneBody(first_seq=1, last_seq=1, reason="bad")])
    await outbox._database.execute("UPDATE owed SET payload = '{'")

    await outbox.leave_stream()

    (stone,) = await tombstones(outbox)
    assert (stone.reason, stone.first_seq) == (DAMAGED, 1)
    await outbox.close()


async def test_a_second_opener_is_refused_in_one_line(outbox: Outbox, tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match="in use by another process") as refusal:
        await reopened(tmp_path / "outbox.db")

    assert "\n" not in str(refusal.value)


async def test_a_file_of_a_newer_version_is_refused_and_may_be_opened_by_that_one(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(1)])
    await outbox._database.execute("PRAGMA user_version = 99")
    await outbox.close()

    with pytest.raises(OutboxError, match="newer Forecourt"):
        await reopened(tmp_path / "o.db")

    FileLock(tmp_path / "o.db.lock").release()


async def test_what_upstream_refused_for_good_is_kept_aside_and_declared(outbox: Outbox, tmp_path: Path) -> None:
    await outbox.append([mileage(n) for n in range(4)])

    assert await outbox.quarantine(2, 3, "body: bad") == 2
    assert await outbox.quarantine(2, 3, "body: bad") == 0

    assert await seqs(outbox) == [1, 4, 5]
    assert await tombstones(outbox) == [TombstoneBody(first_seq=2, last_seq=3, reason="body: bad")]
    assert outbox.pending_count() == 3
    await outbox.close()
    with sqlite3.connect(tmp_path / "outbox.db") as reader:
        assert reader.execute("SELECT seq, reason FROM quarantine").fetchall() == [(2, "body: bad"), (3, "body: bad")]
    reader.close()


async def test_the_lowest_waits_for_the_tombstone_of_what_was_given_up(outbox: Outbox) -> None:
    await outbox.append([mileage(n) for n in range(3)])
    await outbox.quarantine(1, 1, "bad")
    await outbox.acknowledge(2, 3)

    assert await outbox.lowest_unacknowledged() == 1
    await outbox.acknowledge(4, 4)
    assert await outbox.lowest_unacknowledged() == 5


async def test_of_what_was_refused_the_newest_thousand_are_kept(outbox: Outbox) -> None:
    await outbox.append([mileage(n) for n in range(1003)])
    assert await outbox.quarantine(1, 1003, "bad") == 1003

    kept = await outbox._database.run(lambda c: c.execute("SELECT min(seq), count(*) FROM quarantine").fetchone())
    assert kept == (4, 1000)


async def test_a_set_is_known_by_its_name_while_ten_thousand_others_come(outbox: Outbox) -> None:
    names = [f"visit-{n}" for n in range(10_001)]

    assert await outbox._database.run(lambda c: all(first_time(c, name) for name in names))
    assert not await outbox._database.run(lambda c: first_time(c, names[1]))
    assert await outbox._database.run(lambda c: first_time(c, names[0]))


async def test_nothing_is_done_in_the_name_of_a_stream_that_nobody_knows(outbox: Outbox) -> None:
    await outbox.append([mileage(1), mileage(2)])

    assert await outbox.acknowledge(1, 2, stream="nobody") == 0
    assert await outbox.quarantine(1, 2, "bad", stream="nobody") == 0
    assert await outbox.refill("nobody", [(1, 2)]) == 0
    assert await outbox.lowest_unacknowledged("nobody") == 1
    assert await seqs(outbox) == [1, 2]
    assert await seqs(outbox, stream="nobody") == []


async def test_a_cloned_card_begins_a_new_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streams: list[str] = []
    for machine in ("one", "one", "another"):
        (tmp_path / "machine").write_text(f"{machine}\n")
        monkeypatch.setattr("sync.outbox_file.MACHINE_FILES", (tmp_path / "gone", tmp_path / "machine"))
        outbox = await reopened(tmp_path / "o.db")
        streams.append(outbox.stream)
        await outbox.close()

    assert streams[0] == streams[1] != streams[2]


async def test_a_full_outbox_gives_up_raw_readings_first_and_says_which(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db", SMALL)
    keep = await outbox.append([mileage(n) for n in range(10)])
    for n in range(60):
        await outbox.append([speed(n)] * 50)

    kept = await seqs(outbox)
    assert set(keep) <= set(kept)
    declared = {seq for stone in await tombstones(outbox) for seq in range(stone.first_seq, stone.last_seq + 1)}
    assert declared
    assert declared.isdisjoint(kept)
    assert declared | set(kept) == set(range(1, max(kept) + 1))
    assert outbox.pending_count() == len(kept)
    assert await outbox.used_ratio() > 0.5
    await outbox.close()


async def test_when_only_what_people_need_is_left_the_append_is_refused_and_room_returns_with_acks(
    tmp_path: Path,
) -> None:
    outbox = await reopened(tmp_path / "o.db", SMALL)
    kept = 0
    with pytest.raises(OutboxFullError, match="full"):
        while True:
            kept += len(await outbox.append([BODIES["snapshot"]] * 5))

    assert len(await seqs(outbox)) == outbox.pending_count() == kept
    await outbox.acknowledge(1, kept)
    assert await outbox.append([mileage(1)]) == (kept + 1,)
    await outbox.close()


async def test_one_append_too_large_does_not_fail_the_others_that_waited_with_it(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db", SMALL)
    too_many = [mileage(n) for n in range(5000)]

    outcomes = await asyncio.gather(
        outbox.append([mileage(1)]), outbox.append(too_many), outbox.append([mileage(2)]), return_exceptions=True
    )

    assert (outcomes[0], outcomes[2]) == ((1,), (2,))
    assert isinstance(outcomes[1], OutboxFullError)
    await outbox.close()


async def test_a_damaged_file_is_set_aside_and_its_stream_declared_lost(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    stream = outbox.stream
    await outbox.append([mileage(n) for n in range(50)])
    await outbox.close()
    damaged = bytearray((tmp_path / "o.db").read_bytes())
    damaged[2000:9000] = os.urandom(7000)
    (tmp_path / "o.db").write_bytes(damaged)

    outbox = await reopened(tmp_path / "o.db")

    assert outbox.set_aside is not None
    assert outbox.set_aside.read_bytes() == damaged
    assert outbox.stream != stream
    assert [(stone.stream, stone.first_seq) for stone in await tombstones(outbox)] == [(stream, 1)]
    assert await outbox.append([mileage(1)]) == (2,)
    await outbox.close()


async def test_after_a_disk_error_nothing_is_accepted_until_it_is_opened_anew(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox._database.execute("PRAGMA query_only = ON")

    with pytest.raises(OutboxError, match="cannot be written"):
        await outbox.append([mileage(1)])
    await outbox._database.execute("PRAGMA query_only = OFF")
    with pytest.raises(OutboxError, match="cannot be written"):
        await outbox.append([mileage(1)])

    await outbox.close()


async def test_when_the_disk_fails_everybody_who_waits_is_refused(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox._database.execute("CREATE TEMP TRIGGER fault AFTER INSERT ON owed BEGIN SELECT fail(); END")
    calls: list[int] = []

    def fail_at_first() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("the disk does not answer")

    await outbox._database.create_function("fail", 0, fail_at_first)

    outcomes = await asyncio.gather(*(outbox.append([mileage(n)]) for n in range(3)), return_exceptions=True)

    assert all(isinstance(outcome, OutboxError) for outcome in outcomes), outcomes
    assert len(calls) == 1
    await outbox.close()


async def test_a_closed_outbox_says_so(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.close()

    with pytest.raises(OutboxError, match="closed"):
        await outbox.append([mileage(1)])
    with pytest.raises(OutboxError, match="closed"):
        await outbox.unacknowledged(0, 1)


async def test_a_record_larger_than_the_wire_is_refused(outbox: Outbox) -> None:
    with pytest.raises(OutboxError, match="more than the wire carries"):
        await outbox.append([mileage(1).model_copy(update={"raw": "F" * (1 << 20)})])

    assert outbox.pending_count() == 0


APPENDER = """
import asyncio, resource, sys
from pathlib import Path
from sync.clock import SystemClock
from sync.errors import OutboxError
from sync.outbox import DAMAGED, SCHEMA, Outbox
from sync.outbox_file import PEOPLE, READINGS
from sync.records import ClockBody

async def main():
    outbox = await Outbox.open(Path(sys.argv[1]), clock=SystemClock(), max_bytes=1 << 26)
    if sys.argv[2:]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    async def produce(first):
        for n in range(first, 1_000_000, 4):
            print(*await outbox.append([ClockBody(wall_ms=n)] * 3), flush=True)
    try:
        await asyncio.gather(*(produce(n) for n in range(4)))
    finally:
        await outbox.close()

try:
    asyncio.run(main())
except OutboxError as error:
    print("outbox:", error, file=sys.stderr)
"""


def promises_of_a_killed_child(path: Path, after_lines: int) -> list[int]:
    """Seqs that a child process was given by ``append`` before it was killed in the middle of its work."""
    with subprocess.Popen([sys.executable, "-c", APPENDER, path], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(after_lines)]
        child.kill()
        lines += [line for line in child.stdout if line.endswith("\n")]
    return [int(seq) for line in lines for seq in line.split()]


async def test_whatever_was_promised_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    promised = [seq for lines in (40, 57) for seq in promises_of_a_killed_child(tmp_path / "o.db", lines)]

    outbox = await Outbox.open(tmp_path / "o.db", clock=SystemClock(), max_bytes=ROOM)
    rows = await outbox.unacknowledged(0, 1_000_000)
    assert await outbox.owing_streams() == (outbox.stream,)
    assert set(promised) <= {row.seq for row in rows}
    assert len(promised) == len(set(promised))
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert {json.loads(row.payload)["body"]["kind"] for row in rows} == {ClockBody(wall_ms=0).kind}
    await outbox.close()


async def test_a_disk_that_fails_ends_the_agent_in_one_line_and_keeps_what_was_promised(tmp_path: Path) -> None:
    file_limit = str(512 << 10)
    child = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
        [sys.executable, "-c", APPENDER, tmp_path / "o.db", file_limit], capture_output=True, text=True, timeout=60
    )

    promised = [int(seq) for seq in child.stdout.split()]
    outbox = await reopened(tmp_path / "o.db")
    assert child.stderr.startswith("outbox:"), child.stderr
    assert len(child.stderr.splitlines()) == 1
    assert len(promised) > 100
    assert set(promised) <= set(await seqs(outbox))
    assert outbox.set_aside is None
    await outbox.close()


async def test_a_record_that_the_disk_has_changed_is_put_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(n) for n in range(5)])
    for spoilt in (b"\xff\xfe", b'{"body":{"kind":"mileage","odometer_m":7}}'):
        await outbox._database.execute("UPDATE owed SET payload = CAST(? AS TEXT) WHERE seq = 2", (spoilt,))

    with capture_logs() as told:
        _, rows = await outbox.offer(0, 10, turn=PEOPLE, stream=outbox.stream)
    assert [(line["log_level"], line["seq"]) for line in told] == [("error", 2)]
    assert list(rows.seqs) == await seqs(outbox) == [1, 3, 4, 5, 6]
    assert [stone.reason for stone in await tombstones(outbox)] == [DAMAGED]
    await outbox.close()


def written_by_an_earlier_version(path: Path, version: int) -> None:
    """A file as schema ``version`` left it, with a visit and a reading owed."""
    old = sqlite3.connect(path, isolation_level=None)
    for number in range(1, version + 1):
        old.executescript((SCHEMA / f"{number:03}.sql").read_text(encoding="utf-8"))
    old.execute(f"PRAGMA user_version = {version}")
    old.execute("INSERT INTO streams VALUES (1, 'old', 2)")
    first = 0 if version == 1 else 1
    rows = [(1, first, record_json(BODIES["snapshot"])), (2, first + 1, record_json(speed(1)))]
    old.executemany("INSERT INTO owed (stream, seq, turn, payload) VALUES (1, ?, ?, ?)", rows)
    old.execute("INSERT INTO appended_once (name) VALUES ('visit-1')")
    old.close()


@pytest.mark.parametrize("version", range(1, len(list(SCHEMA.glob("*.sql")))))
async def test_a_file_of_any_earlier_version_owes_what_it_owed(tmp_path: Path, version: int) -> None:
    written_by_an_earlier_version(tmp_path / "o.db", version)

    outbox = await reopened(tmp_path / "o.db")

    assert outbox.pending_count() == 2
    assert await seqs(outbox, turn=READINGS, stream="old") == [2]
    assert await outbox.append([mileage(1)], once="visit-1") == ()
    assert await outbox.acknowledge(1, 2, stream="old") == 2
    await outbox.close()


async def test_a_full_file_of_an_earlier_version_gets_its_new_schema(tmp_path: Path) -> None:
    written_by_an_earlier_version(tmp_path / "o.db", 1)

    outbox = await reopened(tmp_path / "o.db", max_bytes=1)

    assert outbox.pending_count() == 2
    await outbox.close()
