# SPDX-License-Identifier: MIT
"""The same simulator without process, socket and waiting: bytes and moments in, bytes and moments out."""

from forecourt_sim.adapter import Adapter
from forecourt_sim.bus import Bus
from forecourt_sim.journal import Journal
from forecourt_sim.library import load
from forecourt_sim.profiles import PROFILES


def ask(adapter: Adapter, now_s: float, command: str) -> tuple[bytes, float]:
    """The answer, and the moment of its last byte; the clock is a number that jumps."""
    adapter.receive(now_s, command.encode() + b"\r")
    answer = b""
    while (moment_s := adapter.next_s) is not None:
        now_s = max(now_s, moment_s)
        answer += adapter.due(now_s)
    return answer, now_s


def test_an_hour_at_60_km_h_takes_no_time() -> None:
    journal = Journal()
    car = load("clean").car(1)
    adapter = Adapter(PROFILES["elm-2.2"], Bus(car, journal))
    arrived_m = car.odometer_m
    _, now_s = ask(adapter, 0.0, "ATE0")
    _, now_s = ask(adapter, now_s, "0100")

    car.speed_kmh = 60.0
    answer, _ = ask(adapter, now_s + 3600.0, "01A6")

    assert round((car.odometer_m - arrived_m) / 1000) == 60
    hundreds_m = int.from_bytes(bytes.fromhex(answer.decode().split(">")[0].strip())[2:6], "big")
    assert hundreds_m == int(car.odometer_m / 100)
    assert journal.writes == 0
