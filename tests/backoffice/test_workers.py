"""Several ingest processes under one parent: refused on SQLite, restarted when they die, ended with their parent."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.errors import StoreBusyError
from backoffice.workers import LONGEST_PAUSE_S, pause_s, watch_workers, worker_command, worker_name
from tests.backoffice.office_process import config_file, finish, start


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_pause_grows_up_to_a_minute_and_never_vanishes(deaths: int, chance: float) -> None:
    assert 0.25 <= pause_s(deaths, chance) <= LONGEST_PAUSE_S
    assert pause_s(deaths + 1, chance) >= pause_s(deaths, chance)


def test_sqlite_takes_one_process_and_says_so_in_one_line(tmp_path: Path) -> None:
    code, out, err = finish(start("ingest", "--workers", "2", "--config", str(config_file(tmp_path))))

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--workers 2: a SQLite file has one writing process" in err
    assert "PostgreSQL" in err
    assert not (tmp_path / "state").exists()


def test_a_worker_is_started_with_the_settings_of_its_parent() -> None:
    assert worker_command(["--config", "office.toml"])(3)[-5:] == ("ingest", "--worker", "3", "--config", "office.toml")
    assert worker_name(3).endswith("-3")


def noting(folder: Path, then: str) -> Sequence[str]:
    """A stand-in for a worker: notes its process id, then does ``then``."""
    note = f"import os, sys, time, pathlib; pathlib.Path({str(folder)!r}, str(os.getpid())).touch(); {then}"
    return (sys.executable, "-I", "-S", "-c", note)


def noted(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in folder.iterdir())


async def started(folder: Path, count: int) -> list[int]:
    async with asyncio.timeout(20):
        while len(found := noted(folder)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


async def test_a_worker_that_dies_is_started_again_and_all_end_with_the_parent(tmp_path: Path) -> None:
    watching = asyncio.create_task(watch_workers(2, lambda _worker: noting(tmp_path, "time.sleep(60)")))
    first, second = await started(tmp_path, 2)
    os.kill(first, signal.SIGKILL)
    running = set(await started(tmp_path, 3)) - {first}
    watching.cancel()
    await asyncio.wait([watching])

    assert second in running
    for pid in running:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_settings_that_a_worker_refuses_end_the_parent_too(tmp_path: Path) -> None:
    with pytest.raises(StoreBusyError, match="worker 1 refused"):
        await watch_workers(1, lambda _worker: noting(tmp_path, "sys.exit(2)"))


async def test_a_worker_ends_with_its_parent_though_that_one_was_killed_and_the_database_keeps_silent(
    tmp_path: Path,
) -> None:
    asked = asyncio.Event()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    database = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    config = tmp_path / "office.toml"
    port = database.sockets[0].getsockname()[1]
    config.write_text(f"[database]\nurl = 'postgresql+asyncpg://office@127.0.0.1:{port}/office?ssl=disable'\n")
    read, write = os.pipe()
    worker = await asyncio.create_subprocess_exec(*worker_command(["--config", str(config)])(1), stdin=read)
    os.close(read)
    async with asyncio.timeout(30), database:
        await asked.wait()
        os.close(write)

        assert await worker.wait() == 0
