"""The adapter link under silence, restarts and garbage, against a scripted chip on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from collector.adapter import MAX_REPLY_BYTES, Adapter
from collector.errors import AdapterLostError
from collector.rfcomm_link import open_rfcomm
from config.settings import AdapterSettings
from protocols.allowed import AllowList
from protocols.errors import ForbiddenCommandError

WAITS = AdapterSettings(reply_timeout_s=0.3)


class Chip:
    """Answers each whole command from a script, in order; an entry of None is silence. Remembers what it heard."""

    def __init__(self, script: list[bytes | None]) -> None:
        self.heard: list[bytes] = []
        self._script = script

    def answer(self, data: bytes) -> bytes:
        self.heard.append(data)
        if not data.endswith(b"\r"):
            return b""
        return (self._script.pop(0) if self._script else b"?\r\r>") or b""


@asynccontextmanager
async def opened(script: list[bytes | None]) -> AsyncIterator[tuple[Adapter, Chip]]:
    theirs, ours = socket.socketpair()
    ours.setblocking(False)
    chip = Chip(script)
    loop = asyncio.get_running_loop()

    async def run() -> None:
        while data := await loop.sock_recv(ours, 4096):
            await loop.sock_sendall(ours, chip.answer(data))

    running = asyncio.create_task(run())
    adapter = Adapter(await open_rfcomm("00:00:00:00:00:00", 1, lambda a, c, r: theirs), AllowList(), WAITS)
    try:
        yield adapter, chip
    finally:
        await adapter.close()
        running.cancel()
        ours.close()


async def test_a_reply_is_returned_and_every_byte_is_counted() -> None:
    async with opened([b"12.6V\r\r>"]) as (adapter, _):
        reply = await adapter.ask("ATRV")

    assert reply is not None
    assert reply.lines == ("12.6V",)
    assert (adapter.traffic.requests, adapter.traffic.bytes_sent, adapter.traffic.bytes_received) == (1, 5, 8)


async def test_after_silence_the_prompt_is_won_back_without_a_bare_line_end() -> None:
    async with opened([None, b"?\r\r>", b"12.6V\r\r>"]) as (adapter, chip):
        lost = await adapter.ask("0100")
        after = await adapter.ask("ATRV")

    assert lost is None
    assert after is not None
    assert after.lines == ("12.6V",)
    assert b"\r" not in chip.heard
    assert adapter.traffic.resyncs == 1


async def test_an_answer_that_comes_late_is_not_taken_for_the_next_one() -> None:
    async with opened([None, b"41 00 BE 3F A8 13\r\r>?\r\r>", b"12.6V\r\r>"]) as (adapter, _):
        await adapter.ask("0100")
        await asyncio.sleep(0.05)
        after = await adapter.ask("ATRV")

    assert after is not None
    assert "12.6V" in after.lines


async def test_an_adapter_that_never_says_a_word_is_lost() -> None:
    async with opened([None, None, None]) as (adapter, _):
        with pytest.raises(AdapterLostError) as lost:
            await adapter.ask("ATI")

    assert lost.value.reason == "adapter.no_prompt"


@pytest.mark.parametrize("said", [b"LV RESET\r\r>", b"ELM327 v1.5\r\r>", b"ERR94\r\r>"])
async def test_an_adapter_that_restarted_has_lost_its_settings_and_is_opened_anew(said: bytes) -> None:
    async with opened([said]) as (adapter, chip):
        with pytest.raises(AdapterLostError) as lost:
            await adapter.ask("010C")

    assert lost.value.reason == "adapter.restarted"
    assert chip.heard[-1] == b"ATFE\r"  # it may search no CAN until it has forgotten the event


async def test_a_flood_without_a_prompt_is_cut_off_in_bounded_memory() -> None:
    async with opened([b"A" * (MAX_REPLY_BYTES + 10)]) as (adapter, _):
        with pytest.raises(AdapterLostError) as lost:
            await adapter.ask("ATI")

    assert lost.value.reason == "adapter.garbage"


async def test_a_command_off_the_list_is_a_fault_of_ours_and_never_sent() -> None:
    async with opened([]) as (adapter, chip):
        with pytest.raises(ForbiddenCommandError):
            await adapter.ask("04")

    assert chip.heard == []


async def test_a_chip_that_is_still_starting_is_knocked_at_until_it_answers() -> None:
    deaf: list[bytes | None] = [None, None, None, None]
    async with opened([*deaf, b"?\r\r>", b"ELM327 v1.5\r\r>"]) as (adapter, chip):
        reply = await adapter.first_word("ATI", timeout_s=0.05, boot_s=2.0)

    assert reply is not None
    assert reply.lines == ("ELM327 v1.5",)
    assert b"\r" not in chip.heard


async def test_answers_to_knocks_under_way_are_not_taken_for_the_first_word() -> None:
    late = b"?\r\r>?\r\r>?\r\r>"
    async with opened([None, None, late, b"ELM327 v2.1\r\r>"]) as (adapter, _):
        reply = await adapter.first_word("ATI", timeout_s=0.05, boot_s=2.0)

    assert reply is not None
    assert reply.lines == ("ELM327 v2.1",)


async def test_a_banner_that_comes_by_itself_is_the_first_word() -> None:
    async with opened([b"\xfc\r\rELM327 v1.5\r\r>"]) as (adapter, chip):
        reply = await adapter.first_word("ATI", timeout_s=0.5, boot_s=2.0)

    assert reply is not None
    assert reply.lines == ("ELM327 v1.5",)
    assert chip.heard == [b"ATI\r"]


async def test_a_chip_that_never_starts_is_given_up_in_time() -> None:
    async with opened([]) as (adapter, chip):
        chip.answer = lambda data: b""  # type: ignore[method-assign]
        with pytest.raises(AdapterLostError) as lost:
            await adapter.first_word("ATI", timeout_s=0.05, boot_s=0.3)

    assert lost.value.reason == "adapter.no_prompt"
