"""One suite for every kind of link: what is written arrives, what is said is read, an unplugged link says so."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

import pytest

from collector.errors import AdapterLostError
from collector.links import open_transport
from collector.serial_address import split_serial_address
from tests.collector.conftest import Peer, ble_peer, native_serial_peer, pyserial_peer, tcp_peer

BOUND = 2048  # less than the product allows, so that it is soon reached


async def test_what_we_write_arrives_whole(peer: Peer) -> None:
    await peer.transport.write(b"0100\r")

    assert await peer.heard() == b"0100\r"


async def test_what_the_adapter_says_is_read_however_it_is_split(peer: Peer) -> None:
    said = b"41 00 BE 3F A8 13 \r\r>"
    for byte in said:
        peer.say(bytes((byte,)))

    assert await read_to_prompt(peer) == said


async def test_nuls_and_high_bytes_pass_unchanged(peer: Peer) -> None:
    peer.say(b"\x00\xfc\xff>")

    read = b""
    async with asyncio.timeout(2):
        while len(read) < 4:
            read += await peer.transport.read()

    assert read == b"\x00\xfc\xff>"


async def test_a_write_longer_than_any_packet_arrives_whole_and_in_order(peer: Peer) -> None:
    sent = bytes(range(256)) * 3

    await peer.transport.write(sent)
    heard = b""
    while len(heard) < len(sent):
        heard += await peer.heard()

    assert heard == sent


async def test_the_longest_list_a_car_sends_is_read_whole(peer: Peer) -> None:
    said = b"7E8 21 00 01 02 03 04 05 06\r" * 500 + b">"
    reading = asyncio.create_task(read_to_prompt(peer))
    for start in range(0, len(said), 512):
        peer.say(said[start : start + 512])
        await asyncio.sleep(0)

    assert await reading == said


async def test_a_reader_that_waits_is_told_when_the_link_goes(peer: Peer) -> None:
    reading = asyncio.create_task(peer.transport.read())
    await asyncio.sleep(0.02)
    peer.unplug()

    with pytest.raises(AdapterLostError):
        async with asyncio.timeout(1):
            await reading


async def test_a_link_that_is_gone_takes_no_more_writes(peer: Peer) -> None:
    peer.unplug()

    with pytest.raises(AdapterLostError) as lost:
        async with asyncio.timeout(2):
            while True:
                await peer.transport.write(b"0100\r")
                await asyncio.sleep(0.01)

    assert lost.value.reason == "adapter.link_lost"


async def test_a_read_that_is_given_up_loses_nothing_of_what_comes_later(peer: Peer) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await peer.transport.read()
    peer.say(b"41 0C >")

    assert await read_to_prompt(peer) == b"41 0C >"


async def read_to_prompt(peer: Peer) -> bytes:
    read = b""
    async with asyncio.timeout(5):
        while not read.endswith(b">"):
            read += await peer.transport.read()
    return read


async def test_an_unplugged_link_is_lost_within_a_second(peer: Peer) -> None:
    peer.unplug()

    with pytest.raises(AdapterLostError) as lost:
        async with asyncio.timeout(1):
            while True:
                await peer.transport.read()

    assert lost.value.reason == "adapter.link_lost"


async def test_closing_twice_and_after_unplugging_never_raises(peer: Peer) -> None:
    peer.unplug()
    await peer.transport.close()
    await peer.transport.close()


@pytest.mark.parametrize(
    ("module", "connected"),
    [("stream_link", native_serial_peer), ("stream_link", tcp_peer), ("pyserial_link", pyserial_peer)],
)
async def test_an_adapter_that_takes_nothing_more_is_lost_in_time_and_closes(
    module: str, connected: Callable[[], AbstractAsyncContextManager[Peer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"collector.{module}.WRITE_TIMEOUT_S", 0.2)
    monkeypatch.setattr("collector.stream_link.CLOSE_TIMEOUT_S", 0.1)
    async with connected() as peer:
        with pytest.raises(AdapterLostError) as lost:
            async with asyncio.timeout(10):
                while True:
                    await peer.transport.write(b"0" * (1 << 20))
        async with asyncio.timeout(2):
            await peer.transport.close()

    assert lost.value.reason == "adapter.link_lost"


async def test_what_is_notified_and_never_read_is_bounded_and_ends_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.ble_link.NOTIFIED_MAX_BYTES", BOUND)
    async with ble_peer("fff0")() as peer:
        with pytest.raises(AdapterLostError) as lost:
            async with asyncio.timeout(60):
                while True:
                    peer.say(b"A" * (BOUND // 4))
                    await peer.transport.write(b" ")
        held = 0
        with suppress(AdapterLostError):
            while True:
                held += len(await peer.transport.read())

    assert lost.value.reason == "adapter.garbage"
    assert 0 < held <= BOUND


@pytest.mark.parametrize("gatt", ["fff0", "ffe0", "18f0", "own"])
async def test_every_kind_of_serial_service_is_found_and_carries_both_ways(gatt: str) -> None:
    async with ble_peer(gatt)() as peer:
        await peer.transport.write(b"0100\r")
        heard = await peer.heard()
        peer.say(b"41 00 >")

        assert (heard, await read_to_prompt(peer)) == (b"0100\r", b"41 00 >")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("tcp:127.0.0.1:1", "adapter.no_connection"),
        ("tcp:127.0.0.1", "adapter.unknown_url"),
        ("serial:/dev/no-such-port", "adapter.no_port"),
        ("serial:/dev/null?speed=1", "adapter.unknown_url"),
        ("carrier-pigeon:1", "adapter.unknown_url"),
        ("rfcomm:AA:BB:CC:DD:EE", "adapter.unknown_url"),
        ("rfcomm:AA:BB:CC:DD:EE:FF?channel=31", "adapter.unknown_url"),
        ("rfcomm:AA:BB:CC:DD:EE:FF?radio=hci1", "adapter.unknown_url"),
        ("ble:my-adapter", "adapter.unknown_url"),
        ("ble:AA:BB:CC:DD:EE:FF?channel=1&speed=2", "adapter.unknown_url"),
    ],
)
async def test_an_address_that_cannot_be_opened_says_why(url: str, reason: str) -> None:
    with pytest.raises(AdapterLostError) as lost:
        await open_transport(url, connect_timeout_s=1.0)

    assert lost.value.reason == reason


def test_a_serial_address_carries_its_baud_rate_or_the_factory_rate() -> None:
    assert split_serial_address("/dev/ttyUSB0?baud=115200") == ("/dev/ttyUSB0", 115200)
    assert split_serial_address("/dev/ttyUSB0") == ("/dev/ttyUSB0", 38400)
