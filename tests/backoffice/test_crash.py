"""The plug is pulled, or a caller goes away: what was stored is there afterwards, and nothing is there twice."""

import asyncio
import random
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

from backoffice.office_settings import DatabaseSettings, OfficeSettings
from backoffice.store import RecordStore
from tests.backoffice.facts import START, VIN_A, row, visit

WRITER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from backoffice.office_settings import DatabaseSettings, OfficeSettings
    from backoffice.store import RecordStore
    from tests.backoffice.facts import START, VIN_A, row, visit

    async def main():
        settings = OfficeSettings(database=DatabaseSettings(directory=Path(sys.argv[1])))
        store = await RecordStore.open(settings)
        for seq in range(1, 10_000):
            body = visit(f"v{seq}", vin=VIN_A if seq % 2 else "", a6_m=seq * 1000)
            await store.store_batch("bay-1", "s1", 1, [(seq, row(body))], START)
            print(seq, flush=True)

    asyncio.run(main())
    """
)
KILL_AFTER = (3, 11)


def write_until_killed(directory: Path, acknowledged: int) -> int:
    """Kill -9 the writer in the middle of its work; return the last seq it said was stored."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    last = 0
    while last < acknowledged:
        last = int(process.stdout.readline())
    process.kill()
    rest = process.communicate(timeout=30)[0].split()
    return int(rest[-1]) if rest else last


def test_kill_9_keeps_what_was_stored_and_all_that_follows_from_it(tmp_path: Path) -> None:
    for acknowledged in KILL_AFTER:
        directory = tmp_path / str(acknowledged)
        last = write_until_killed(directory, acknowledged)
        counts = asyncio.run(counted(directory))
        with sqlite3.connect(directory / "office.db") as plain:
            seqs = [row[0] for row in plain.execute("SELECT seq FROM records ORDER BY seq")]
            intact = plain.execute("PRAGMA integrity_check").fetchone()[0]
        plain.close()

        assert intact == "ok"
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) in (last, last + 1)
        assert counts["unprojected"] == 0
        assert counts["vehicles"] == 1 + len(seqs) // 2


async def counted(directory: Path) -> dict[str, int]:
    store = await RecordStore.open(OfficeSettings(database=DatabaseSettings(directory=directory)))
    try:
        return await store.counts()
    finally:
        await store.close()


async def test_a_caller_that_goes_away_leaves_the_store_usable_for_everybody(store: RecordStore) -> None:
    chance = random.Random(7)
    for seq in range(1, 25):
        work = store.store_batch("bay-1", "s1", 1, [(seq, row(visit(f"v{seq}", vin=VIN_A)))], START)
        tasks = [asyncio.create_task(work), asyncio.create_task(store.counts())]
        await asyncio.sleep(chance.random() * 0.02)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    rows = [(seq, row(visit(f"v{seq}", vin=VIN_A))) for seq in range(1, 25)]
    await store.store_batch("bay-1", "s1", 1, rows, START)
    counts = await store.counts()

    assert (counts["records"], counts["vehicles"], counts["unprojected"]) == (24, 1, 0)
