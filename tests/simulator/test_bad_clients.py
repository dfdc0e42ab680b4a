"""What clients do wrong: each costs one line on standard error, and everybody else goes on."""

import asyncio
import os
import select
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from simulator import tcp_port
from simulator.library import load
from simulator.started import Started
from simulator.station import Station
from tests.simulator.running import Client, simulator

MEGABYTE = 1 << 20
ENDLESS = 10 * MEGABYTE


def complaints(running: Started) -> list[str]:
    """Everything it said on standard error, after a clean end."""
    assert running.end()["writes"] == 0
    assert running.process.stderr is not None
    return running.process.stderr.read().decode("utf-8").splitlines()


@contextmanager
def told(*arguments: str) -> Iterator[tuple[Started, str]]:
    """A simulator with two adapters in its socket, whose complaints are kept; and where the second one is."""
    words = ("--scenario", "clean", "--tcp", "127.0.0.1:0", *arguments)
    with simulator(*words, complaints=subprocess.PIPE) as running:
        yield running, str(running.first["adapters"][1])


def reset(client: Client) -> None:
    """Close with a reset in place of a farewell."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


def answers(url: str) -> bool:
    with Client(url) as client:
        return "ELM327" in client.ask("ATI")


def pour(client: Client, size: int) -> None:
    """Send so many bytes without a CR, and read nothing meanwhile but what would block."""
    sender = threading.Thread(target=client.socket.sendall, args=(b"0" * size,), daemon=True)
    sender.start()
    while sender.is_alive():
        if select.select([client.socket], [], [], 0.05)[0]:
            client.socket.recv(1 << 16)


def test_a_client_that_resets_costs_one_line() -> None:
    with told("--tcp", "127.0.0.1:0") as (running, other), Client(other) as neighbour:
        client = Client(running.url)
        client.ask("ATI")
        client.socket.sendall(b"0902\r")
        reset(client)

        assert answers(running.url)
        assert "ELM327" in neighbour.ask("ATI")
        assert complaints(running) == [f"forecourt-sim: {running.url}: the client reset the connection"]


def test_a_second_client_at_once_costs_one_line() -> None:
    with told("--tcp", "127.0.0.1:0") as (running, other), Client(running.url) as first, Client(other) as neighbour:
        first.ask("ATI")
        with Client(running.url) as second, pytest.raises(ConnectionError):
            second.ask("ATI")

        assert "ELM327" in first.ask("ATI")
        assert "ELM327" in neighbour.ask("ATI")
        refused = "a second client was refused, the adapter serves one at a time"
        assert complaints(running) == [f"forecourt-sim: {running.url}: {refused}"]


def test_ten_megabytes_without_an_end_cost_one_line() -> None:
    with told("--tcp", "127.0.0.1:0") as (running, other), Client(other) as neighbour:
        with Client(running.url) as client:
            client.ask("ATE0")
            pour(client, ENDLESS)
            assert "ELM327" in neighbour.ask("ATI")

        assert answers(running.url)
        assert complaints(running) == [f"forecourt-sim: {running.url}: a line without an end is dropped"]


def test_a_serial_line_takes_them_too(tmp_path: Path) -> None:
    link = tmp_path / "adapter"
    with told("--pty", str(link)) as (running, _):
        handle = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        sent = 0
        while sent < 3 * MEGABYTE // 16:
            with suppress(BlockingIOError):
                sent += os.write(handle, b"0" * 4096)
            with suppress(BlockingIOError):
                os.read(handle, 1 << 16)
        os.close(handle)

        assert answers(running.url)
        assert complaints(running) == [f"forecourt-sim: serial:{link}: a line without an end is dropped"]


async def test_what_a_client_says_while_it_waits_for_the_one_before_to_leave_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_port, "TAKEOVER_S", 60.0)
    station = Station(load("clean"), 1)
    await station.add_tcp("127.0.0.1", 0)
    _, host, number = station.urls[0].split(":")
    _, first = await asyncio.open_connection(host, int(number))
    answers, second = await asyncio.open_connection(host, int(number))

    second.write(b"ATI\r")
    await second.drain()
    await asyncio.sleep(0.05)  # the simulator reads it now, if it reads at all
    first.close()

    async with asyncio.timeout(10):
        assert b"ELM327" in await answers.readuntil(b">")
    second.close()
    await station.close()
