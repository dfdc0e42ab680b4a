# SPDX-License-Identifier: MIT
"""A reader under pytest: a car of its own for each test, no hardware, and proof that nothing was changed in it.

pip install forecourt-sim pytest
pytest test_reader.py
"""

import socket
from collections.abc import Iterator

import pytest
from forecourt_sim.started import Started, started


def ask(url: str, command: str) -> str:
    """Stands for your reader: one line to the adapter, its answer up to the prompt."""
    host, port = url.removeprefix("tcp:").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(command.encode() + b"\r")
        answer = b""
        while not answer.endswith(b">"):
            answer += connection.recv(4096)
    return answer.decode()


@pytest.fixture
def car() -> Iterator[Started]:
    """A car with a trouble code. Port 0 picks a free port, so tests may run beside each other."""
    with started("--scenario", "engine-fault", "--tcp", "127.0.0.1:0", "--control") as running:
        yield running


def test_the_engine_speed_is_read(car: Started) -> None:
    assert "41 0C 0C 30" in ask(car.url, "010C")  # 780 rpm


def test_the_codes_are_those_that_are_true(car: Started) -> None:
    stored = [code["code"] for code in car.truth["dtcs"] if code["class"] == "stored"]

    assert stored == ["P0301", "P0741"]
    assert "43 01 03 01" in ask(car.url, "03")  # one code of the engine unit: P0301


def test_an_engine_that_stops_is_seen(car: Started) -> None:
    car.order("engine off")

    assert "41 0C 00 00" in ask(car.url, "010C")


def test_nothing_was_changed_in_the_car(car: Started) -> None:
    ask(car.url, "0902")

    assert car.end()["writes"] == 0
