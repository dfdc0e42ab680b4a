"""What adapters print is read whole or doubted; the file on disk and the links to an adapter behave."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cli import main
from simulator.errors import ScenarioError
from simulator.library import LIBRARY, load
from simulator.links import LINKS
from simulator.recording.printed import DoubtfulError, fits, lines_of, messages, padding_of
from tests.simulator.running import simulator

CAN11, CAN29, KWP, ISO9141 = (LINKS[name] for name in ("can11-500", "can29-500", "kwp-fast", "iso9141"))
LONG_VIN = "7E81014490201314434\r7E82147503030523535\r7E82242313233343536\r\r>"


def test_messages_are_put_together_by_sender() -> None:
    both = "7E8 06 41 00 BE 3E B8 11 \r7E9 06 41 00 88 18 00 10 \r\r>"

    assert messages(both, CAN11) == {0x7E8: [bytes.fromhex("4100BE3EB811")], 0x7E9: [bytes.fromhex("410088180010")]}
    assert messages(LONG_VIN, CAN11)[0x7E8] == [b"\x49\x02\x01" + b"1D4GP00R55B123456"]
    assert messages("18DAF110037F0112\r>", CAN29) == {0x18DAF110: [b"\x7f\x01\x12"]}
    assert messages("86F1104100BE3EB8118D\r>", KWP) == {0x10: [bytes.fromhex("4100BE3EB811")]}
    assert messages("486B104100BE3EB811C9\r>", ISO9141) == {0x10: [bytes.fromhex("4100BE3EB811")]}


def test_silence_is_an_answer() -> None:
    for said in ("NO DATA\r\r>", "SEARCHING...\rUNABLE TO CONNECT\r\r>", ">"):
        assert lines_of(said) == []
    assert lines_of("BUS INIT: ...OK\r486B10410001\r>") == ["486B10410001"]


@pytest.mark.parametrize(
    "said",
    ["CAN ERROR\r>", "7E8064100BE3EB811<DATA ERROR\r>", "STOPPED\r>", "BUFFER FULL\r>", "?\r>", "7E8\r>",
     "7E81014490201314434\r>",
     "7E81014490201314434\r7E82242313233343536\r>", "7E80041\r>", "7E80741\r>", "7E830000\r>", "LV RESET\r>",
     LONG_VIN.replace("7E821", "7E822", 1), "7E8064100BE3EB81\r>", "7E821" + "00" * 7, "7E8" + "00" * 9],
)  # fmt: skip
def test_what_is_cut_or_disturbed_is_doubted(said: str) -> None:
    with pytest.raises(DoubtfulError):
        messages(said, CAN11)


@pytest.mark.parametrize("said", ["486B10\r>", "486B1\r>", "486B1041\r>", "486B104100BE3EB811C8\r>"])
def test_short_and_wrong_lines_of_older_links_are_doubted(said: str) -> None:
    with pytest.raises(DoubtfulError):
        messages(said, ISO9141)


@given(st.text(max_size=80))
def test_any_text_is_read_or_doubted(said: str) -> None:
    for link in (CAN11, CAN29, KWP):
        try:
            messages(said, link)
            padding_of(said, link)
        except DoubtfulError:
            pass


@pytest.mark.parametrize(
    ("request_", "message", "expected"),
    [
        ("010C", "410C0C30", True), ("010C", "410D00", False), ("010C", "7F0112", True), ("010C", "7F0912", False),
        ("020C00", "420C000C30", True), ("03", "4300", True), ("07", "4300", False), ("0902", "490201", True),
        ("22F190", "62F19031", True), ("22F190", "62F18731", False), ("195533", "595533", True), ("2128", "61", False),
    ],
)  # fmt: skip
def test_an_answer_to_another_question_is_told_from_one_to_this(request_: str, message: str, expected: bool) -> None:
    assert fits(bytes.fromhex(request_), bytes.fromhex(message)) is expected


def test_what_fills_the_last_frame_is_seen() -> None:
    cut = "7E8100A490401414243\r7E821444546{}\r>"

    assert padding_of(cut.format("47AAAAAA"), CAN11) == {0x7E8: 0xAA}
    assert padding_of(cut.format("47"), CAN11) == {0x7E8: None}
    assert padding_of(LONG_VIN, CAN11) == {}


@pytest.mark.parametrize(
    ("line", "key", "reason"),
    [
        ('04 = "44"', "04", "only a request that reads"),
        ('2EF190 = "6EF190"', "2EF190", "only a request that reads"),
        ('010 = "41"', "010", "not hexadecimal"),
        ('0105 = "4105G0"', "0105", "not hexadecimal"),
        ("0105 = 41", "0105", "wanted a text or a list"),
        ("0105 = [41]", "0105", "wanted a text or a list"),
        ('0105 = ""', "0105", "messages of 1 to 4095"),
        (f"0105 = {['41'] * 257}", "0105", "at most 256 messages"),
    ],
)
def test_a_wrong_answer_in_a_scenario_is_named(tmp_path: Path, line: str, key: str, reason: str) -> None:
    text = (LIBRARY / "clean.toml").read_text(encoding="utf-8")
    file = tmp_path / "mine.toml"
    file.write_text(text.replace("[[visit]]", f"[car.ecu.answers]\n{line}\n\n[[visit]]"), encoding="utf-8")

    with pytest.raises(ScenarioError, match=reason) as caught:
        load(str(file))

    assert caught.value.key == f"car.ecu.3.answers.{key}"
    assert file.read_text("utf-8").splitlines()[caught.value.line - 1] == line


FAST = ("--clock", "virtual")


def as_tcp(url: str, link: Path) -> str:
    return url


def as_serial(url: str, link: Path) -> str:
    return f"serial:{link}?baud=115200"


@pytest.mark.parametrize("way", [as_tcp, as_serial])
def test_a_car_is_recorded_over_a_real_link(
    way: Callable[[str, Path], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link, file = tmp_path / "adapter", tmp_path / "mine.toml"
    with simulator("--scenario", "rolled-back", "--tcp", "127.0.0.1:0", "--pty", str(link), *FAST) as running:
        assert main(["record", "--adapter", way(running.url, link), "--dash-km", "58121", str(file)]) == 0
        last = running.end()

    assert last["writes"] == 0 and last["requests"] > 40
    assert load(str(file)).visits[0].odometer_m == 58_120_400
    assert load(str(file)).visits[0].dash_km == 58121
    assert capsys.readouterr().err == "ISO 15765-4 (CAN 11/500), 2 unit(s)\n"


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("--adapter", "ble:00", "x.toml"), 2, "wanted tcp:HOST:PORT or serial:PATH"),
        (("--adapter", "tcp:127.0.0.1", "x.toml"), 2, "wanted tcp:HOST:PORT"),
        (("--adapter", "serial:/dev/null?baud=7", "x.toml"), 2, "usual rate"),
        (("--adapter", "serial:/nowhere/adapter", "x.toml"), 3, "cannot be opened: No such file"),
        (("--adapter", "serial:/dev/null", "x.toml"), 3, "cannot be opened: Inappropriate ioctl"),
        (("--adapter", "tcp:127.0.0.1:1", "x.toml"), 3, "cannot be reached: Connection refused"),
        (("--adapter", "tcp:127.0.0.1:1", "--read", "7E0:22F190", "x.toml"), 2, "wanted ID/ID:REQUEST"),
        (("--adapter", "tcp:127.0.0.1:1", "--read", "7E0/7E8:2EF190", "x.toml"), 2, "wanted ID/ID:REQUEST"),
        (("--adapter", "tcp:127.0.0.1:1", "--dash-km", "-5", "x.toml"), 2, "outside 0 to"),
        (("--adapter", "tcp:127.0.0.1:1", "there.toml"), 2, "exists already"),
        (("x.toml",), 2, "--adapter"),
    ],
)
def test_what_is_wrong_is_one_line(
    words: tuple[str, ...], code: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.toml").touch()

    assert main(["record", *words]) == code

    said = capsys.readouterr()
    assert reason in said.err and len(said.err.splitlines()) == 1 and said.out == ""
    assert not (tmp_path / "x.toml").exists()


def test_a_link_that_ends_in_the_middle_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    with simulator("--scenario", "clean", "--tcp", "127.0.0.1:0", "--fault", "drop=@30", *FAST) as running:
        assert main(["record", "--adapter", running.url, str(file)]) == 3

    assert "tcp:127.0.0.1" in capsys.readouterr().err
    assert not file.exists()
