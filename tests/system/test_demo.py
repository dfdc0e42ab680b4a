"""The whole product on one machine: every simulated car's truth comes back from the back office."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

FORECOURT = str(Path(sys.executable).parent / "forecourt")
LONGEST_S = 150


async def run_demo(*options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        FORECOURT, "demo", *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(LONGEST_S + 30):
        out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


@pytest.mark.timeout(LONGEST_S + 60)
@pytest.mark.broker
async def test_the_demo_ends_with_every_truth_returned() -> None:
    code, said = await run_demo("--seconds", str(LONGEST_S), "--lang", "en")

    assert code == 0, said
    assert "8 of 8 plug-ins" in said


@pytest.mark.timeout(90)
async def test_a_demo_cut_short_says_what_was_not_compared_and_leaves_nothing_running() -> None:
    process = await asyncio.create_subprocess_exec(
        FORECOURT, "demo", "--lang", "en", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while b"Broker:" not in await process.stdout.readline():
            pass
    await asyncio.sleep(1)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(30):
        out, _ = await process.communicate()

    assert process.returncode == 3
    assert b"0 of 8 plug-ins" in out
    assert b"Traceback" not in out
