"""``forecourt scan`` against a simulator that others wrote, with its own idea of a car and its own mistakes."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.system.elm327_emulator_peer import elm327_emulator

pytestmark = [pytest.mark.peer, pytest.mark.timeout(400)]
FORECOURT = str(Path(sys.executable).parent / "forecourt")


async def scan(url: str) -> tuple[dict[str, Any], str]:
    process = await asyncio.create_subprocess_exec(
        FORECOURT, "scan", "--adapter", url, "--json", "--lang", "en",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out), err.decode()


@pytest.mark.parametrize("transport", ["serial", "tcp"])
async def test_the_vin_is_whole_and_read_once_and_a6_is_not_believed(transport: Literal["serial", "tcp"]) -> None:
    with elm327_emulator(transport) as url:
        snapshot, told = await scan(url)

    status = {item["item"]: item["status"] for item in snapshot["items"]}
    rules = {finding["rule"] for finding in snapshot["findings"]}
    assert len(snapshot["vehicle"]["vin"]) == 17
    assert snapshot["vehicle"]["vin_status"] == "read"
    assert status["odometer.01A6"] != "read"  # the emulator answers with SID 61
    assert not [w for w in snapshot["odometer"] if w["source"] == "01A6" and w["status"] == "read"]
    assert not rules & {"vin.changed_while_plugged", "identity.vin_mismatch"}
    assert "Traceback" not in told
