"""The program as others start it: its first and last line, its transports, its orders and its refusals."""

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.cli import main
from tests.simulator.running import Client, simulator

FREE_S = 30.0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator.cli", *arguments], capture_output=True, text=True, timeout=20, check=False
    )


def ask_terminal(path: str, command: str, patience_s: float = 5.0) -> str:
    """Ask over a serial link without any library."""
    handle = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(handle, command.encode("ascii") + b"\r")
        received = b""
        ends_s = time.monotonic() + patience_s
        while not received.endswith(b">") and time.monotonic() < ends_s:
            if select.select([handle], [], [], 0.2)[0]:
                piece = os.read(handle, 4096)
                if not piece:
                    raise ConnectionError
                received += piece
        return received.decode("latin-1")
    finally:
        os.close(handle)


def wait_for(condition: Callable[[], bool], patience_s: float = 5.0) -> None:
    """Until something has happened in another process."""
    ends_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < ends_s
        time.sleep(0.01)


def test_the_first_line_tells_the_truth_and_the_last_line_counts() -> None:
    with simulator("--scenario", "clean", "--tcp", "127.0.0.1:0") as running:
        with Client(running.url) as client:
            client.ask("ATE0")
            client.ask("0902")
            client.ask("04")
        last = running.end()

    assert running.first["truth"]["vin"] == "LSVAA49J3K2000101"
    assert running.first["adapters"][0].startswith("tcp:127.0.0.1:")
    assert last == {"writes": 1, "requests": 2, "unsafe": ["7DF 04"]}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly_even_with_a_client_connected(number: int) -> None:
    with simulator("--scenario", "clean", "--tcp", "127.0.0.1:0") as running, Client(running.url) as client:
        client.ask("ATI")

        assert running.end(number) == {"writes": 0, "requests": 0, "unsafe": []}


def imported(words: list[str]) -> set[str]:
    """Every module that a Python with these words imports until it ends."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", *words], capture_output=True, text=True, timeout=20, check=True
    ).stderr
    return {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}


def test_it_starts_with_little_more_than_python_itself() -> None:
    # What makes it start in a fraction of a second, counted: seconds would tell of the machine.
    given = imported(["-c", "import argparse, asyncio, json, tomllib"])
    started = imported(["-m", "simulator", "--scenario", "clean", "--tcp", "127.0.0.1:0", "--seconds", "0"])

    # The standard library looks for Jython's ``org`` where it copies.
    known = {"simulator", "org", "imported package", *(name.partition(".")[0] for name in given)}
    assert {name.partition(".")[0] for name in started} - sys.stdlib_module_names <= known
    assert not any(name.startswith(("simulator.fleet", "simulator.recording", "simulator.radio")) for name in started)
    assert len(started - given) < 90


def test_it_ends_by_itself_after_its_seconds() -> None:
    done = run("--scenario", "rolled-back", "--visit", "1", "--tcp", "127.0.0.1:0", "--seconds", "0.05")

    first, last = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 0 and done.stderr == ""
    assert (first["truth"]["visit"], first["truth"]["visits"]) == (1, 2)
    assert last["writes"] == 0


def test_several_transports_reach_the_same_car(tmp_path: Path) -> None:
    link = tmp_path / "adapter"
    with simulator("--scenario", "clean", "--tcp", "127.0.0.1:0", "--pty", str(link)) as running:
        assert running.first["adapters"][1] == f"serial:{link}"
        assert ask_terminal(str(link), "ATI") == "ATI\rELM327 v2.2\r\r>"
        with Client(running.url) as client:
            client.ask("0100")
        last = running.end()

    assert last["requests"] == 1
    assert not link.is_symlink()


def test_a_client_that_resets_does_not_end_it() -> None:
    with simulator("--scenario", "clean", "--tcp", "127.0.0.1:0") as running:
        for _ in range(3):
            client = Client(running.url)
            client.socket.sendall(b"0902\r")
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()

        assert _identity_once_free(running.url) == "ATI\rELM327 v2.2\r\r>"


def _identity_once_free(url: str) -> str:
    """An adapter serves one client: until it has noticed that the last one reset, the next is turned away."""
    give_up_at = time.monotonic() + FREE_S
    while True:
        try:
            with Client(url, timeout_s=2.0) as client:
                return client.ask("ATI")
        except (ConnectionError, TimeoutError):
            assert time.monotonic() < give_up_at, "the adapter never became free"


def test_a_second_client_at_once_is_refused() -> None:
    with simulator("--scenario", "clean", "--tcp", "127.0.0.1:0") as running, Client(running.url) as first:
        first.ask("ATI")
        with Client(running.url) as second, pytest.raises(ConnectionError):
            second.ask("ATI")

        assert "ELM327" in first.ask("ATI")


def test_unplugging_cuts_an_adapter_that_lives_on_the_car(tmp_path: Path) -> None:
    link = tmp_path / "adapter"
    arguments = ("--scenario", "clean", "--tcp", "127.0.0.1:0", "--pty", str(link), "--control")
    with simulator(*arguments) as running, Client(running.url) as client:
        client.ask("ATI")
        assert running.order("unplug") == {"ok": True, "did": "unplug"}
        assert not link.is_symlink()
        with pytest.raises(ConnectionError):
            client.ask("ATI")
        with pytest.raises(ConnectionRefusedError):
            Client(running.url)

        answer = running.order("plug rolled-back 1")

        assert answer["truth"]["scenario"] == "rolled-back" and answer["truth"]["visit"] == 1
        with Client(running.url) as again:
            again.ask("ATH1")
            assert "4C 42 45" in again.ask("0902")
        assert "ELM327" in ask_terminal(str(link), "ATI")


def test_an_adapter_on_usb_power_stays_and_finds_no_car() -> None:
    with (
        simulator(
            "--scenario", "clean", "--tcp", "127.0.0.1:0", "--control", "--power", "usb", "--search-ms", "1"
        ) as running,
        Client(running.url) as client,
    ):
        client.ask("ATE0")
        running.order("unplug")

        assert client.ask("ATRV") == "0.2V\r\r>"
        assert client.ask("0100").endswith("UNABLE TO CONNECT\r\r>")
        running.order("plug")
        assert client.ask("ATRV") == "14.2V\r\r>"


def test_orders_change_the_car_and_nonsense_is_answered() -> None:
    with (
        simulator("--scenario", "clean", "--tcp", "127.0.0.1:0", "--control") as running,
        Client(running.url) as client,
    ):
        client.ask("0100")
        assert running.order("speed 30")["ok"]
        assert running.order("state")["speed_kmh"] == 30.0
        assert client.ask("010D1").endswith("41 0D 1E \r\r>")
        assert running.order("dash")["dash_km"] == 48210
        assert running.order("fault no-data=1")["ok"]
        assert client.ask("010D").endswith("NO DATA\r\r>")
        assert running.order("fault none")["ok"]
        running.order("engine off")
        assert client.ask("ATRV").endswith("12.5V\r\r>")
        assert client.ask("010C1").endswith("41 0C 00 00 \r\r>")
        running.order("drop")
        with pytest.raises(ConnectionError):
            client.ask("ATI")

        for words in (
            "fly",
            "fault gremlin",
            "speed",
            "speed fast",
            "speed 300",
            "engine maybe",
            "plug dirty",
            "plug clean x",
            "plug clean 9",
            "",
        ):
            answer = running.order(words)
            assert not answer["ok"] and answer["error"], words


def test_closed_standard_input_means_no_orders() -> None:
    with simulator("--scenario", "clean", "--tcp", "127.0.0.1:0", "--control") as running:
        assert running.order("state")["plugged"]
        assert running.process.stdin is not None
        running.process.stdin.close()

        assert running.end()["writes"] == 0


def test_a_simulator_that_takes_orders_ends_when_whoever_started_it_was_killed() -> None:
    starts = "import subprocess, sys; subprocess.Popen(sys.argv[1:], stdin=-1).wait()"
    orders = ("--scenario", "clean", "--tcp", "127.0.0.1:0", "--control")
    words = [sys.executable, "-c", starts, sys.executable, "-m", "simulator.cli", *orders]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert "adapters" in json.loads(parent.stdout.readline())
        parent.kill()

        assert json.loads(parent.stdout.readline())["writes"] == 0


def test_a_fault_can_take_the_car_away_for_a_moment(tmp_path: Path) -> None:
    link = tmp_path / "adapter"
    with simulator("--scenario", "clean", "--pty", str(link), "--fault", "drop=@2"):
        assert "ELM327" in ask_terminal(str(link), "ATI")
        with pytest.raises(OSError):
            ask_terminal(str(link), "ATI")
        wait_for(link.is_symlink)
        assert "ELM327" in ask_terminal(str(link), "ATI")


def test_a_link_at_which_another_simulator_lives_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "adapter"
    with simulator("--scenario", "clean", "--pty", str(link)):
        done = run("--scenario", "clean", "--pty", str(link))

        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"forecourt-sim: --pty {link}: another simulator is there already\n"
        assert "ELM327" in ask_terminal(str(link), "ATI")


def test_a_link_left_by_a_killed_simulator_is_taken_over(tmp_path: Path) -> None:
    link = tmp_path / "adapter"
    with simulator("--scenario", "clean", "--pty", str(link)) as killed:
        killed.process.kill()
        killed.process.wait()
    assert link.is_symlink()

    with simulator("--scenario", "clean", "--pty", str(link)):
        assert "ELM327" in ask_terminal(str(link), "ATI")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "--scenario is missing"),
        (("--scenario", "clean"), "at least one of --tcp"),
        (("--scenario", "dirty", "--tcp", "127.0.0.1:0"), "known: all-turned-back, battery-changed"),
        (("--scenario", "clean", "--visit", "2", "--tcp", "127.0.0.1:0"), "visits 1 to 1"),
        (("--scenario", "clean", "--tcp", "127.0.0.1"), "wanted HOST:PORT"),
        (("--scenario", "clean", "--tcp", "127.0.0.1:99999"), "wanted HOST:PORT"),
        (("--scenario", "clean", "--tcp", "192.0.2.1:0"), "cannot listen"),
        (("--scenario", "clean", "--tcp", "127.0.0.1:0", "--fault", "gremlin"), "no such fault"),
        (("--scenario", "clean", "--tcp", "127.0.0.1:0", "--baud", "-1"), "--baud -1"),
        (("--scenario", "clean", "--tcp", "127.0.0.1:0", "--profile", "elm-9"), "--profile"),
        (("--scenario", "clean", "--tcp", "127.0.0.1:0", "--ecu-ms", "soon"), "--ecu-ms"),
        (("--scenario", "clean", "--tcp", "host.invalid:0"), "cannot listen: no such host"),
        (("--scenario", "clean", "--tcp", "127.0.0.1:65535", "--copies", "2"), "not so many ports from there on"),
        (("--scenario", "clean", "--tcp", "127.0.0.1:0", "--seconds", "nan"), "--seconds nan: outside 0 to"),
        (("--scenario", "clean", "--tcp", "127.0.0.1:0", "--seconds", "-1"), "--seconds -1.0: outside 0 to"),
        (("fly",), "choose from"),
        (("--scenario", "clean", "--pty", "a", "--pty", "a"), "the same path twice"),
        (("--scenario", "clean", "--pty", "/nowhere/adapter"), "cannot make the link"),
        (("--scenario", "clean", "--pty", "/etc/passwd"), "something else is there"),
    ],
)
def test_bad_input_is_one_clear_line(
    arguments: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(arguments)

    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert reason in said.err and len(said.err.splitlines()) == 1


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("--scenario", "clean", "--tcp", f"127.0.0.1:{taken.getsockname()[1]}")

    assert done.returncode == 2
    assert "cannot listen" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_wrong_scenario_names_file_line_and_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('title = "x"\n\n[car]\nmake = "A"\nmodel_year = 1800\n', encoding="utf-8")

    assert main(["--scenario", str(file), "--tcp", "127.0.0.1:0"]) == 2

    assert capsys.readouterr().err == "forecourt-sim: mine.toml:3: car.vin: is missing\n"


def test_the_list_names_scenarios_profiles_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0

    said = capsys.readouterr().out
    assert all(word in said for word in ("clean", "rolled-back", "2 visit(s)", "stn-1170", "half-line"))


def test_several_cars_in_one_process_are_counted_together() -> None:
    with simulator("--scenario", "clean", "--tcp", "127.0.0.1:0", "--copies", "3", "--clock", "virtual") as running:
        assert len(set(running.first["adapters"])) == 3
        for url in running.first["adapters"]:
            with Client(url) as client:
                client.ask("0100")
                client.ask("04")
        last = running.end()

    assert (last["requests"], last["writes"], len(last["unsafe"])) == (6, 3, 3)
