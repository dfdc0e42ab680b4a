"""The peer itself: it starts in its own environment and answers over both transports."""

import socket
from urllib.parse import urlsplit

import pytest
import serial

from tests.system.elm327_emulator_peer import elm327_emulator

pytestmark = [pytest.mark.peer, pytest.mark.timeout(400)]


def test_the_emulator_answers_over_a_pseudo_terminal() -> None:
    with elm327_emulator("serial") as url:
        device = urlsplit(url).path

        with serial.Serial(device, 38400, timeout=5) as port:
            port.write(b"010C\r")
            answer = port.read_until(b">")

    assert b"41 0C" in answer


def test_the_emulator_answers_over_tcp() -> None:
    with elm327_emulator("tcp") as url:
        host, _, number = url.removeprefix("tcp:").partition(":")

        with (
            socket.create_connection((host, int(number)), timeout=5) as connection,
            connection.makefile("rb") as answers,
        ):
            connection.sendall(b"010C\r")
            answer = b"".join(iter(lambda: answers.read(1), b">"))

    assert b"41 0C" in answer
