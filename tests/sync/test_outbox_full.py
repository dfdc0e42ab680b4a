"""A full outbox: what makes way in which order, and that a disk without any room never locks the box up."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from evidence.snapshot import Finding, OdometerPart, Severity, Snapshot, Text, VehiclePart
from sync import outbox_kept as kept_rows
from sync.errors import OutboxFullError
from sync.outbox import Outbox
from sync.outbox_room import ALARM_RATIO, READINGS_GONE, REPEATED_GONE
from sync.records import AnyBody, MileageBody, Record, SnapshotBody, TombstoneBody
from tests.sync.conftest import FixedClock
from tests.sync.samples import BODIES, VEHICLE, mileage, speed

SMALL = 512 << 10
TMPFS_BYTES = 6 << 20
FINDING = Finding(rule="odometer.behind", severity=Severity.STOP, text=Text(en="?", zh="?"))


async def reopened(path: Path, max_bytes: int = SMALL) -> Outbox:
    return await Outbox.open(path, clock=FixedClock(), max_bytes=max_bytes)


def visit(vin: str, odometer_m: int, *findings: Finding, logged: bool = True) -> list[AnyBody]:
    """A snapshot with an entry of the mileage log beside it, unless that is missing."""
    snapshot = Snapshot.model_validate(
        {"schema": "forecourt.snapshot/1", "id": f"{vin}-{odometer_m}", "taken_at": "2026-03-04T05:06:07Z", "bay": "1"}
    ).model_copy(
        update={
            "vehicle": VehiclePart(vin=vin),
            "odometer": (OdometerPart(source="01A6", odometer_m=odometer_m, raw="00" * 900),),
            "findings": findings,
        }
    )
    entry = MileageBody(vehicle=VEHICLE, snapshot_id=snapshot.id, odometer_m=odometer_m, source="01A6")
    return [SnapshotBody(snapshot=snapshot), *([entry] if logged else [])]


async def bodies(outbox: Outbox) -> list[AnyBody]:
    rows = await outbox.unacknowledged(0, 100_000)
    return [Record.model_validate_json(row.payload).body for row in rows]


async def until_refused(outbox: Outbox, made: Iterator[list[AnyBody]]) -> None:
    with pytest.raises(OutboxFullError, match="full"):
        for batch in made:
            await outbox.append(batch)


async def test_readings_go_first_then_repeated_snapshots_and_then_nothing(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append(visit("A", 0, FINDING))
    await outbox.append(visit("A", 1))
    await outbox.append(visit("A", 2, logged=False))
    await outbox.append(visit("B", 3))
    await outbox.append([BODIES["dtc"], BODIES["finding"], *[speed(n) for n in range(500)]])

    await until_refused(outbox, (visit("A", n) for n in range(100, 10_000)))

    left = await bodies(outbox)
    odometers = [body.snapshot.odometer[0].odometer_m for body in left if isinstance(body, SnapshotBody)]
    stones = [body.reason for body in left if isinstance(body, TombstoneBody)]
    logged = [body.odometer_m for body in left if isinstance(body, MileageBody)]
    assert stones.index(REPEATED_GONE) > max(at for at, reason in enumerate(stones) if reason == READINGS_GONE)
    assert odometers[:3] == [0, 2, 3], "a finding, a value that stands nowhere else, a car's only snapshot"
    assert logged == [0, 1, 3, *range(100, 100 + len(logged) - 3)], "no odometer value makes way"
    assert {"dtc", "finding"} <= {body.kind for body in left}
    assert odometers[-1] == logged[-1], "the last snapshot of a car stays"
    assert not [body for body in left if body.kind == "reading"]
    await outbox.close()


async def test_every_seq_that_made_way_is_declared(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await until_refused(outbox, (visit("A", n) + [speed(n)] * 5 for n in range(10_000)))

    rows = await outbox.unacknowledged(0, 100_000)
    stones = [body for body in await bodies(outbox) if isinstance(body, TombstoneBody)]
    declared = [seq for stone in stones for seq in range(stone.first_seq, stone.last_seq + 1)]
    kept = [row.seq for row in rows]
    assert sorted(declared + kept) == list(range(1, max(kept) + 1))
    assert outbox.pending_count() == len(kept)
    await outbox.close()


async def test_what_upstream_has_anyway_goes_before_anything_that_is_owed(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(n) for n in range(200)])
    await outbox.acknowledge(1, 200)
    used = await outbox.used_ratio()
    assert outbox._kept_bytes > 0
    while outbox._kept_bytes:
        await outbox.append([speed(n) for n in range(50)])

    assert used < 0.4, "what is only kept counts as free"
    assert not [body for body in await bodies(outbox) if isinstance(body, TombstoneBody)]
    await outbox.close()


async def test_of_what_is_kept_the_oldest_goes_and_no_more_of_it_than_must(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    await outbox.append([mileage(7)] * 10)
    await outbox.acknowledge(1, 10)
    total = await outbox._commits.read(kept_rows.total)

    assert await outbox._database.run(lambda c: kept_rows.trim(c, 3 * total // 10)) == 3 * total // 10
    assert [seq for seq, _ in await outbox.kept_rows(outbox.stream, 1, 10)] == list(range(4, 11))
    assert await outbox._database.run(lambda c: kept_rows.trim(c, 2 * total)) == 7 * total // 10
    await outbox.close()


async def test_what_makes_way_of_a_copied_file_is_declared_for_its_own_stream(tmp_path: Path) -> None:
    original = await reopened(tmp_path / "a" / "o.db")
    await original.append([speed(n) for n in range(400)])
    old = original.stream
    await original.close()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    copy = await reopened(tmp_path / "b" / "o.db")

    await until_refused(copy, ([mileage(n) for n in range(100)] for _ in range(1000)))

    stones = [body for body in await bodies(copy) if isinstance(body, TombstoneBody)]
    assert {stone.stream for stone in stones} == {old}
    assert [seq for stone in stones for seq in range(stone.first_seq, stone.last_seq + 1)] == list(range(1, 401))
    await copy.close()


async def test_what_is_kept_never_takes_more_than_its_part(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db", 4 << 20)
    for first in range(1, 8001, 400):
        await outbox.append([mileage(n) for n in range(400)])
        await outbox.acknowledge(first, first + 399)

    assert (4 << 20) // kept_rows.SHARE // 2 < outbox._kept_bytes <= (4 << 20) // kept_rows.SHARE
    assert await outbox.forget_kept_before(2_000_000_000_000) > 1000
    assert outbox._kept_bytes == 0
    await outbox.close()


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_done_what_is_counted_is_what_there_is(tmp_path: Path, seed: int) -> None:
    chance, last = random.Random(seed), 0
    outbox = await reopened(tmp_path / "o.db", 256 << 10)
    for step in range(60):
        a = chance.randint(1, last + 1)
        b = a + chance.randint(0, 60)
        match chance.randrange(6):
            case 0:
                await outbox.quarantine(a, min(b, a + 3), "bad")
            case 1:
                await outbox.refill(outbox.stream, [(a, b)])
            case 2:
                await outbox.forget_kept_before(1_700_000_000_000 + chance.randint(0, 2 * step))
            case 3 | 4:
                await outbox.acknowledge_ranges([(a, b), (1, min(a, 40))])
            case _:
                body: AnyBody = mileage(step) if chance.random() < 0.5 else speed(step)
                with suppress(OutboxFullError):
                    last = (await outbox.append([body] * chance.randint(1, 200)))[-1]

        owed = len(await outbox.unacknowledged(0, 100_000))
        assert outbox.pending_count() == owed
        assert outbox.emptied.is_set() == (owed == 0)
        assert outbox._kept_bytes == await outbox._commits.read(kept_rows.total)
    await outbox.close()


async def test_the_alarm_comes_at_four_fifths_and_goes_with_the_reason(tmp_path: Path) -> None:
    outbox = await reopened(tmp_path / "o.db")
    assert outbox.fullness < 0.2
    with capture_logs() as told:
        while outbox.fullness < ALARM_RATIO:
            await outbox.append([mileage(1)])
        assert await outbox.used_ratio() < 0.9
        await outbox.append([mileage(1)])
    assert [(line["event"], line["owed"]) for line in told] == [("outbox nearly full", outbox.pending_count() - 1)]

    await outbox.acknowledge(1, 10_000)
    assert outbox.fullness < ALARM_RATIO
    await outbox.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, leaving: int = 0) -> Path:
    """Somebody else takes all the room there is."""
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    (place / "other").write_bytes(bytes(max(0, free - leaving)))
    return place / "other"


async def test_a_disk_without_room_refuses_new_records_and_still_forgets_what_is_acknowledged(small_disk: Path) -> None:
    outbox = await reopened(small_disk / "o.db", 64 << 20)
    kept = 0
    for _ in range(3):
        kept += len(await outbox.append([mileage(n) for n in range(100)]))
    fill(small_disk)
    with pytest.raises(OutboxFullError):
        while True:
            kept += len(await outbox.append([mileage(n) for n in range(20)]))

    assert len(await outbox.unacknowledged(0, 100_000)) == kept
    assert await outbox.acknowledge(1, kept) == kept
    assert await outbox.append([mileage(1)]) == (kept + 1,)
    await outbox.close()


async def test_an_outbox_that_filled_its_disk_drains_and_takes_records_again(small_disk: Path) -> None:
    outbox = await reopened(small_disk / "o.db", 64 << 20)
    with pytest.raises(OutboxFullError):
        while True:
            await outbox.append([mileage(n) for n in range(100)])
    assert outbox._ballast.stands, "the reserve is never spent on new records"

    first = [row.seq for row in await outbox.unacknowledged(0, 500)]
    assert await outbox.acknowledge(first[0], first[-1]) == 500
    assert len(await outbox.append([mileage(n) for n in range(50)])) == 50
    await outbox.close()


async def test_a_full_disk_can_be_started_on(small_disk: Path) -> None:
    outbox = await reopened(small_disk / "o.db", 64 << 20)
    await outbox.append([mileage(n) for n in range(100)])
    await outbox.close()
    other = fill(small_disk)

    outbox = await reopened(small_disk / "o.db", 64 << 20)
    assert outbox.pending_count() == 100
    assert await outbox.acknowledge(1, 50) == 50
    other.unlink()
    assert await outbox.append([mileage(1)])
    await outbox.close()


async def test_readings_make_way_on_a_full_disk_for_just_what_takes_their_room(small_disk: Path) -> None:
    outbox = await reopened(small_disk / "o.db", 64 << 20)
    await outbox.append([speed(n) for n in range(1000)])
    await outbox._fold()
    fill(small_disk)
    for n in range(20):
        await outbox.append([mileage(n)] * 5)

    left = await bodies(outbox)
    assert sum(body.kind == "mileage" for body in left) == 100
    assert sum(body.kind == "reading" for body in left) == 800, "one round of what goes at once"
    assert outbox._ballast.stands
    await outbox.close()


async def test_nothing_is_given_up_for_what_is_refused_all_the_same(small_disk: Path) -> None:
    outbox = await reopened(small_disk / "o.db", 64 << 20)
    await outbox.append([speed(n) for n in range(100)])
    await outbox._fold()
    fill(small_disk)
    with pytest.raises(OutboxFullError):
        await outbox.append([mileage(n) for n in range(1000)])

    assert [body.kind for body in await bodies(outbox)] == ["reading"] * 100
    assert outbox._ballast.stands
    await outbox.close()


async def test_without_a_reserve_a_full_disk_takes_nothing_and_gives_nothing_up(small_disk: Path) -> None:
    outbox = await reopened(small_disk / "o.db", 64 << 20)
    await outbox.append([speed(n) for n in range(100)])
    await outbox._fold()
    outbox._ballast.spend()
    other = fill(small_disk)
    with pytest.raises(OutboxFullError, match="the disk is full"):
        await outbox.append([mileage(1)])
    assert len(await outbox.unacknowledged(0, 1000)) == 100
    other.unlink()

    assert await outbox.append([mileage(1)]) == (101,)
    await outbox.close()
