"""A unit that says "response pending" is waited for, whatever the others say meanwhile."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from collector.adapter import Adapter
from collector.car import PENDING_TRIES, PENDING_TRIES_MAX
from collector.errors import AdapterLostError
from collector.rfcomm_link import open_rfcomm
from config.settings import AdapterSettings
from protocols.allowed import AllowList
from protocols.readings import ItemStatus
from tests.collector.test_standard import Sequences, car_that_says


@pytest.mark.parametrize("busy", ["7E8037F0378", "7E8037F0321", "7E8037F0378\n7E8037F0378"])
async def test_a_busy_unit_is_asked_until_it_answers(busy: str) -> None:
    answers = Sequences(r03=[busy, "NO DATA", busy, "7E80443010143"])
    async with car_that_says(answers) as car:
        asked = await car.ask(b"\x03")

    assert [(answer.ecu, answer.status) for answer in asked.answers] == [("7E8", ItemStatus.READ)]
    assert answers.asked.count("03") == 4


async def test_a_units_answer_does_not_end_the_wait_for_another() -> None:
    both = "7E80443010143\n7E9037F0378"
    answers = Sequences(r03=[both, "7E80443010143", "7E80443010143\n7E902430000"])
    async with car_that_says(answers) as car:
        asked = await car.ask(b"\x03")

    assert [(answer.ecu, answer.status) for answer in asked.answers] == [
        ("7E8", ItemStatus.READ),
        ("7E9", ItemStatus.READ),
    ]


async def test_a_unit_that_stays_busy_is_given_up_and_keeps_its_word() -> None:
    answers = Sequences(r03=["7E80443010143\n7E9037F0378", "7E80443010143"])
    async with car_that_says(answers) as car:
        asked = await car.ask(b"\x03")

    assert answers.asked.count("03") == 1 + PENDING_TRIES
    assert [(answer.ecu, answer.status, answer.nrc) for answer in asked.answers] == [
        ("7E8", ItemStatus.READ, None),
        ("7E9", ItemStatus.TIMEOUT, 0x78),
    ]


PATIENCE = AdapterSettings(reply_timeout_s=0.1)


@asynccontextmanager
async def adapter_that_says(*pieces: tuple[float, bytes]) -> AsyncIterator[Adapter]:
    """Whatever is asked, each piece comes so many seconds after the one before."""
    theirs, ours = socket.socketpair()
    ours.setblocking(False)
    loop = asyncio.get_running_loop()

    async def run() -> None:
        await loop.sock_recv(ours, 4096)
        for after_s, said in pieces:
            await asyncio.sleep(after_s)
            await loop.sock_sendall(ours, said)

    running = asyncio.create_task(run())
    adapter = Adapter(await open_rfcomm("00:00:00:00:00:00", 1, lambda a, c, r: theirs), AllowList(), PATIENCE)
    try:
        yield adapter
    finally:
        await adapter.close()
        running.cancel()
        ours.close()


async def test_an_answer_is_waited_for_as_long_as_a_unit_that_asked_for_patience_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("collector.adapter.P2_STAR_S", 1.0)
    slow = (0.0, b"7E8 03 7F"), (0.02, b" 03 78\r"), (0.3, b"7E8037F0378\r"), (0.3, b"7E80443010143\r\r>")
    async with adapter_that_says(*slow) as adapter:
        reply = await adapter.ask("03")

    assert reply is not None
    assert reply.lines[-1] == "7E80443010143"


@pytest.mark.parametrize("said", [b"7E8 41 00\r", b"7E8037F0378\r", b"7E8037F0722\r"])
async def test_without_a_plea_for_patience_of_its_own_service_a_reply_is_not_waited_for_longer(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.adapter.PROBE_WAIT_S", 0.05)
    monkeypatch.setattr("collector.adapter.STOP_WAIT_S", 0.01)
    async with adapter_that_says((0.0, said), (0.3, b"7E80447010143\r\r>")) as adapter:
        with pytest.raises(AdapterLostError):
            await adapter.ask("07")


async def test_a_unit_that_asks_for_patience_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.adapter.P2_STAR_S", 0.01)
    monkeypatch.setattr("collector.adapter.PROBE_WAIT_S", 0.02)
    monkeypatch.setattr("collector.adapter.STOP_WAIT_S", 0.01)
    endless = [(0.05, b"7E8037F0378\r")] * 40
    async with adapter_that_says(*endless) as adapter:
        with pytest.raises(AdapterLostError):
            await adapter.ask("03")

        assert adapter.traffic.bytes_received < 40 * 12


async def test_a_unit_that_keeps_asking_for_patience_is_asked_as_long_as_it_does_and_no_longer() -> None:
    busy = "7E8037F0378"
    answers = Sequences(r03=[*[busy, "NO DATA", "NO DATA"] * 4, "7E80443010143"])
    async with car_that_says(answers) as car:
        asked = await car.ask(b"\x03")
    for_ever = Sequences(r03=[busy])
    async with car_that_says(for_ever) as car:
        given_up = await car.ask(b"\x03")

    assert asked.status is ItemStatus.READ
    assert given_up.status is ItemStatus.TIMEOUT
    assert for_ever.asked.count("03") == 1 + PENDING_TRIES_MAX


async def test_an_adapter_that_cannot_be_told_to_wait_is_given_time_between_the_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("collector.car.PENDING_PAUSE_S", 0.05)
    answers = Sequences(r03=["7E8037F0378", "NO DATA", "7E80443010143"], rATSTFF=["?"])
    began_s = asyncio.get_running_loop().time()
    async with car_that_says(answers) as car:
        asked = await car.ask(b"\x03")

    assert asked.status is ItemStatus.READ
    assert asyncio.get_running_loop().time() - began_s >= 0.1


async def test_a_car_that_is_busy_when_it_is_first_asked_is_no_silent_one() -> None:
    answers = Sequences(r0100=["7E8037F0178", "7E8064100BE3FA813"], rATDPN=["A6"], rATDP=["AUTO, ISO 15765-4"])
    async with car_that_says(answers) as car:
        first = await car.connect()

    assert [answer.ecu for answer in first.read()] == ["7E8"]
    assert not car.silent
