"""Sessions of real adapters, published by their owners, come out of the simulator byte for byte."""

from pathlib import Path

import pytest

from simulator.library import LIBRARY
from tests.simulator.bench import Bench


def told(bench: Bench, session: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What the simulator answers to each line of a session."""
    return [(sent, bench.ask(sent, patience_s=30.0)) for sent, _ in session]


def test_a_porsche_tells_its_vin_in_three_frames(tmp_path: Path) -> None:
    # brendan-w/python-OBD#151
    file = tmp_path / "porsche.toml"
    text = (LIBRARY / "clean.toml").read_text(encoding="utf-8").replace("LSVAA49J3K2000101", "WP0ZZZ99ZTS000856")
    file.write_text(text, encoding="utf-8")
    bench = Bench(str(file), profile="elm-1.5-clone")
    for command in ("ATE0", "ATH1", "0100"):
        bench.ask(command)

    assert bench.ask("0902") == (
        "7E8 10 14 49 02 01 57 50 30 \r7E8 21 5A 5A 5A 39 39 5A 54 \r7E8 22 53 30 30 30 38 35 36 \r\r>"
    )


def test_kwp_forced_on_a_dead_line() -> None:
    # brendan-w/python-OBD#164
    bench = Bench(profile="elm-1.5-clone")
    bench.bus.car = None
    bench.ask("ATE0")
    session = [
        ("ATZ", "\xfc\r\rELM327 v1.5\r\r>"),
        ("ATE0", "ATE0\rOK\r\r>"),
        ("ATH1", "OK\r\r>"),
        ("ATL0", "OK\r\r>"),
        ("ATTP5", "OK\r\r>"),
        ("0100", "BUS INIT: ERROR\r\r>"),
        ("0100", "BUS INIT: ERROR\r\r>"),
    ]

    assert told(bench, session) == session


def test_no_car_then_a_forced_can_protocol() -> None:
    # brendan-w/python-OBD#76
    bench = Bench(profile="elm-1.5-clone")
    bench.bus.car = None
    bench.ask("ATE0")
    session = [
        ("ATSP0", "OK\r\r>"),
        ("0100", "SEARCHING...\rUNABLE TO CONNECT\r\r>"),
        ("ATDPN", "A0\r\r>"),
        ("ATTP6", "OK\r\r>"),
        ("0100", "CAN ERROR\r\r>"),
    ]

    assert told(bench, session) == session


def test_the_protocol_has_a_name_after_it_failed() -> None:
    # lemberg/obd2-swift-lib#11
    bench = Bench(profile="elm-2.1-clone")
    bench.bus.car = None
    bench.ask("ATTP3")
    session = [
        ("AT E0", "AT E0\rOK\r\r>"),
        ("AT I", "ELM327 v2.1\r\r>"),
        ("01 00", "BUS INIT: ...ERROR\r\r>"),
        ("AT DP", "ISO 9141-2\r\r>"),
    ]

    assert told(bench, session) == session


def test_dp_says_auto_before_any_search() -> None:
    # Ircama/ELM327-emulator#16
    session = [("AT SP 0", "AT SP 0\rOK\r\r>"), ("AT DP", "AT DP\rAUTO\r\r>")]

    assert told(Bench(), session) == session


def test_flow_control_commands_that_a_clone_lacks() -> None:
    # cedricp/ddt4all#16
    session = [
        ("AT SH 748", "AT SH 748\rOK\r\r>"),
        ("AT CRA 768", "AT CRA 768\rOK\r\r>"),
        ("AT FC SH 748", "AT FC SH 748\r?\r\r>"),
        ("AT FC SD 30 00 00", "AT FC SD 30 00 00\rOK\r\r>"),
        ("AT FC SM 1", "AT FC SM 1\r?\r\r>"),
        ("AT SP 6", "AT SP 6\rOK\r\r>"),
        ("AT ST FA", "AT ST FA\rOK\r\r>"),
    ]

    assert told(Bench(profile="elm-1.5-clone"), session) == session


def test_a_modem_has_no_prompt() -> None:
    # brendan-w/python-OBD#277
    session = [("ATZ", "ATZ\r\r\nOK\r\n"), ("ATE0", "ATE0\r\r\nOK\r\n")]

    assert told(Bench(profile="modem"), session) == session


def test_a_terse_adapter_puts_one_return_before_its_prompt() -> None:
    # brendan-w/python-OBD#75
    bench = Bench(profile="elm-1.5-terse")
    bench.ask("ATE0")
    session = [("ATH1", "OK\r>"), ("ATL0", "OK\r>"), ("ATSP0", "OK\r>")]

    assert told(bench, session) == session
    assert bench.ask("0100").startswith("SEARCHING...\r7E8 06 41 00") and bench.ask("ATDPN") == "A6\r>"


@pytest.mark.parametrize("echo", [True, False])
def test_dtc_lines_of_a_car_without_codes_joined_by_no_header(*, echo: bool) -> None:
    # eltonvs/kotlin-obd-api#30: two units, headers and spaces off
    bench = Bench()
    for command in ("ATS0", "ATH0", "0100", "ATE1" if echo else "ATE0"):
        bench.ask(command)

    assert bench.ask("03") == ("03\r" if echo else "") + "4300\r4300\r\r>"
