"""Everything that can be wrong at a bay ends in one clear line, and nothing is recorded that was not read."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.simulated import simulated

pytestmark = pytest.mark.timeout(120)
FORECOURT = str(Path(sys.executable).parent / "forecourt")
FAST = ("--ecu-ms", "2", "--baud", "500000", "--search-ms", "5")


async def forecourt(*words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        FORECOURT, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def scan(url: str, *words: str) -> tuple[int, str, str]:
    return await forecourt("scan", "--adapter", url, "--json", "--lang", "en", *words)


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


@asynccontextmanager
async def echo_server() -> AsyncIterator[str]:
    """Something on the adapter's port that is no adapter: it sends back what it gets."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        yield f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_something_that_only_echoes_is_said_to_be_no_adapter() -> None:
    async with echo_server() as url:
        code, out, err = await scan(url)

    assert (code, out) == (3, "")
    assert "Traceback" not in err
    assert len(last_line(err)) > 20


@pytest.mark.parametrize("profile", ["mute", "question-mark", "modem"])
async def test_an_adapter_that_is_none_is_one_line_and_exit_3(profile: str) -> None:
    async with simulated("clean", "--profile", profile) as lot:
        code, out, err = await scan(lot.url)

    assert (code, out) == (3, "")
    assert "Traceback" not in err
    assert len(last_line(err)) > 20


async def test_ignition_off_tells_the_technician_what_to_do() -> None:
    async with simulated("clean", *FAST) as lot:
        await lot.act("ignition off")
        code, out, err = await scan(lot.url)

    assert (code, out) == (3, "")
    assert "ignition" in last_line(err).lower()


@pytest.mark.parametrize("fault", ["nul=1", "echo-other-case=1", "split-writes=1", "half-line=0.2", "garbage=0.2"])
async def test_a_noisy_link_gives_the_truth_or_one_line(fault: str) -> None:
    async with simulated("engine-fault", "--fault", fault, *FAST) as lot:
        code, out, err = await scan(lot.url)

    assert "Traceback" not in err
    if code == 0:
        snapshot = json.loads(out)
        true = {(c["code"], c["class"], c["ecu"]) for c in lot.truth["dtcs"]}
        assert snapshot["vehicle"]["vin"] in ("", lot.truth["vin"])
        assert {(c["code"], c["class"], c["ecu"]) for c in snapshot["dtcs"]} <= true
    else:
        assert code == 3
        assert len(last_line(err)) > 20


async def test_an_unknown_setting_is_named_and_exit_2(tmp_path: Path) -> None:
    config = tmp_path / "forecourt.toml"
    config.write_text('[device]\nid = "box"\ncolour = "red"\n', encoding="utf-8")

    code, _, err = await forecourt("run", "--config", str(config))

    assert code == 2
    assert "device.colour" in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [("scan", "--adapter", "smoke:signals"), ("replay", "no-such-file.json")])
async def test_a_users_mistake_is_one_line_and_exit_2(words: tuple[str, ...]) -> None:
    code, _, err = await forecourt(*words, "--lang", "en")

    assert code == 2
    assert "Traceback" not in err
    assert err.strip()
