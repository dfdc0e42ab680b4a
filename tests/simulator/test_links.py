"""Framing on every bus, against the examples of the standards and of the ELM327 data sheet."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.library import LIBRARY
from simulator.links import Kind, checksum, crc_j1850, isotp_frames, legacy_frame
from tests.simulator.bench import Bench


def test_a_short_message_is_one_padded_frame() -> None:
    assert [frame.hex() for frame in isotp_frames(b"\x41\x0d\x00", padding=0x55)] == ["03410d0055555555"]
    assert [frame.hex() for frame in isotp_frames(b"\x41\x0d\x00", padding=None)] == ["03410d00"]


def test_a_vin_takes_three_frames() -> None:
    message = b"\x49\x02\x01WP0ZZZ99ZTS000856"

    assert [frame.hex(" ").upper() for frame in isotp_frames(message, padding=0)] == [
        "10 14 49 02 01 57 50 30",
        "21 5A 5A 5A 39 39 5A 54",
        "22 53 30 30 30 38 35 36",
    ]


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=4095), st.sampled_from([None, 0x00, 0xAA]))
def test_frames_hold_the_message_and_number_themselves(message: bytes, padding: int | None) -> None:
    frames = list(isotp_frames(message, padding=padding))

    if len(message) <= 7:
        assert frames[0][1 : 1 + frames[0][0]] == message
        return
    assert int.from_bytes(frames[0][:2], "big") & 0xFFF == len(message)
    assert (frames[0][2:] + b"".join(frame[1:] for frame in frames[1:]))[: len(message)] == message
    assert [frame[0] & 0xF for frame in frames[1:]] == [index & 0xF for index in range(1, len(frames))]


def test_k_line_and_j1850_frames_end_in_their_check_byte() -> None:
    data = bytes.fromhex("4100BE1FB810")

    # The first is a line of a real car (Audi, ISO 9141-2), the second a line of a real Renault.
    assert legacy_frame(Kind.ISO9141, 0x11, data).hex().upper() == "486B114100BE1FB810AA"
    assert legacy_frame(Kind.KWP, 0x7A, bytes.fromhex("410000000000")).hex().upper() == "86F17A41000000000032"
    assert legacy_frame(Kind.VPW, 0x10, data)[:3] == bytes.fromhex("486B10")
    assert legacy_frame(Kind.PWM, 0x10, data)[:3] == bytes.fromhex("416B10")


def test_check_values_are_those_of_the_standards() -> None:
    assert checksum(bytes.fromhex("686AF10100")) == 0xC4
    # CRC-8/SAE-J1850: the check value of "123456789".
    assert crc_j1850(b"123456789") == 0x4B


@pytest.mark.parametrize(
    ("scenario", "number", "vin_line"),
    [
        ("kwp", "A5", "87F1104902010000004C20"),
        ("iso9141", "A3", "486B104902010000004C5B"),
        ("j1850-vpw", "A2", "486B104902010000004CB1"),
        ("j1850-pwm", "A1", "416B104902010000004CF7"),
        ("can29", "A7", "18DAF11010144902014C5648"),
    ],
)
def test_each_bus_is_found_and_prints_its_own_lines(scenario: str, number: str, vin_line: str) -> None:
    bench = Bench(scenario).ready()

    assert bench.ask("ATDPN") == f"{number}\r\r>"
    assert bench.lines("0902")[0] == vin_line


@pytest.mark.parametrize(("link", "number"), [("can11-250", "A8"), ("kwp-slow", "A4")])
def test_the_rarer_buses_are_found_too(tmp_path: Path, link: str, number: str) -> None:
    text = (LIBRARY / ("clean.toml" if link.startswith("can") else "kwp.toml")).read_text(encoding="utf-8")
    file = tmp_path / "rare.toml"
    file.write_text(re.sub(r'link = "[^"]*"', f'link = "{link}"', text), encoding="utf-8")
    bench = Bench(str(file)).ready()

    assert bench.ask("ATDPN") == f"{number}\r\r>"
    assert len(bench.lines("0902")) in (3, 5)


def test_a_k_line_opened_by_name_reports_its_initialisation() -> None:
    fast, slow = Bench("kwp"), Bench("iso9141")
    for bench, number in ((fast, 5), (slow, 3)):
        bench.ask("ATE0")
        bench.ask(f"ATTP{number}")

    assert fast.lines("0100") == ["BUS INIT: OK", "41 00 BE 3F A0 13 "]
    assert slow.lines("0100") == ["BUS INIT: ...OK", "41 00 BE 3F A0 13 "]
    assert slow.took_s > 2


def test_kwp_refuses_what_iso_9141_ignores() -> None:
    assert Bench("kwp").ready().lines("01A6") == ["83F1107F011216"]
    assert Bench("iso9141").ready().lines("01A6") == ["NO DATA"]


def test_kwp_takes_a_physical_header() -> None:
    bench = Bench("kwp").ready()
    bench.ask("ATSH8110F1")

    assert bench.lines("010D") == ["83F110410D00D2"]
    bench.ask("ATSH8118F1")
    assert bench.lines("010D") == ["NO DATA"]


def test_one_pid_a_request_before_can() -> None:
    assert Bench("j1850-vpw").ready().lines("010C0D") == ["NO DATA"]
