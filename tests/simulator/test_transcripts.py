"""Published sessions of real adapters come out of the simulator line for line, where a profile claims to play them."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.adapter import Adapter
from simulator.car import Car, Ecu
from simulator.links import LINKS
from simulator.profiles import PROFILES
from tests.simulator.bench import Bench

CAPTURES = Path(os.environ.get("FORECOURT_CAPTURES") or Path(__file__).parents[3] / "shared" / "captures")
TRANSCRIPTS = CAPTURES.parent / "transcripts"

Answers = dict[str, str]


def unit(request: int, answer: int, answers: Answers, *, functional: bool = True, padding: int | None = 0) -> Ecu:
    """A unit that gives these messages, as a recorded one does."""
    told: dict[bytes, tuple[bytes, ...]] = {
        bytes.fromhex(asked): (bytes.fromhex(said),) if said else () for asked, said in answers.items()
    }
    return Ecu("unit", "", request, answer, functional=functional, answers=told, padding=padding)


@dataclass(frozen=True)
class Play:
    """How a session is played: the adapter, the bus, who is on it, what was sent before the recording began."""

    profile: str
    link: str = ""
    units: tuple[Callable[[], Ecu], ...] = ()
    before: tuple[str, ...] = ()
    battery_v: float = 12.6
    # Lines of the recording that stand before what is played, and after it.
    leaves_out: int = 0
    stops_before: str = ""


def on(
    request: int, answer: int, /, *, functional: bool = True, padding: int | None = 0, **answers: str
) -> Callable[[], Ecu]:
    """A unit for a play; answers by request, as ``r0100="41..."``."""
    named = {asked.removeprefix("r"): said for asked, said in answers.items()}
    return lambda: unit(request, answer, named, functional=functional, padding=padding)


QUIET = ("ATE0",)
HEADED = ("ATE0", "ATH1")

PLAYS: dict[str, Play] = {
    "01-two-ecus-searching": Play(
        "elm-1.5-frail",
        "can11-500",
        (on(0x7E2, 0x7EA, padding=None, r0100="4100983A8013"), on(0x7E0, 0x7E8, padding=None, r0100="4100BE3FA813")),
        (*QUIET, "ATZ", "ATE0"),
        13.4,
        # This one kept its echo off over a reset; ours forgets.
        leaves_out=2,
    ),
    "03-split-ok-at-atl0": Play("elm-1.5-frail"),
    "04-question-mark-then-echo": Play("elm-1.5-frail", before=QUIET),
    "07-atz-answers-ok-no-prompt": Play("modem"),
    "08-bus-init-error-fixed-kwp": Play("elm-1.5-clone", before=QUIET),
    "10-bus-init-error-then-dp": Play("elm-2.1-clone", before=("ATTP3",)),
    "15-multi-frame-no-length": Play(
        "elm-2.2", "can11-500", (on(0x7E0, 0x7E8, r0100="410000000000", r0178="41780D061F019003DA02A6"),),
        (*HEADED, "ATS0", "0100"),
    ),
    "18-first-frame-only-vin": Play(
        "elm-2.2", "can11-500",
        (on(0x7E2, 0x7EA, r0100="410000000000", r22F190="62F190375941" + "00" * 14),),
        (*HEADED, "0100", "ATSH7E2", "ATCFC0"),
    ),
    "19-kwp-empty-bitmap": Play("elm-1.4-clone", "kwp-fast", (on(0x7A, 0x7A, r0100="410000000000"),), QUIET),
    "21-two-ecus-joined-dtc": Play(
        "elm-2.2", "can11-500",
        (on(0x7E0, 0x7E8, r0100="410000000000", r03="4300", r07="4700"), on(0x7E1, 0x7E9, r03="4300", r07="4700")),
        ("ATE0", "ATS0", "0100"),
    ),
    "25-unknown-caf-commands": Play("wican", before=QUIET),
    "27-prompt-in-front-of-echo": Play("stn-1110"),
    "29-echo-only-then-silence": Play("elm-2.1-deaf"),
    "31-padded-without-length": Play(
        "elm-1.5-padded", "can11-500", (on(0x7E0, 0x7E8, r0100="410000000000", r010C="410C0AF4"),),
        ("ATE0", "ATS0", "0100"),
    ),
    "33-vin-three-frames": Play(
        "elm-1.5-clone", "can11-500",
        (on(0x7E0, 0x7E8, r0100="410000000000", r0902="490201" + b"WP0ZZZ99ZTS000856".hex()),),
        (*HEADED, "0100"),
    ),
    "36-can29-without-headers": Play(
        "elm-1.5-clone", "can29-500",
        (on(0x18DA10F1, 0x18DAF110, r0100="4100BC3FA803"), on(0x18DA1EF1, 0x18DAF11E, r0100="4100983A8001")),
        # Its first command was garbled on the way and echoed twice.
        leaves_out=1,
    ),
    "39-auto-dp-hexdump": Play("elm-1.5-clone"),
    "41-vlink-2.2-command-check": Play(
        "vgate-2.2", "can11-500", (on(0x7E0, 0x7E8, r0100="410000000000"),), ("0100", "wait 1.2")
    ),
    "51-dots-glued-to-answer": Play(
        "elm-1.5-dots", "iso9141", (on(0x1A, 0x1A, r0100="410088180010"),), HEADED
    ),
    "57-dtc-lines-mazda-vette": Play(
        "elm-2.2", "can11-500", (on(0x7E0, 0x7E8, r0100="410000000000", r03="43040102011301230222"),),
        ("ATE0", "ATS0", "0100"),
        # The other car of the thread, with spaces.
        leaves_out=1,
    ),
    "63-a0-then-can-error-taken-as-connected": Play("elm-1.5-frail"),
    "65-flow-control-commands-unknown": Play(
        "elm-1.5-clone", "can11-500", (on(0x748, 0x768, functional=False),), stops_before="0210C0"
    ),
    "67-echo-spaces-padding-single-cr": Play(
        "elm-1.5-padded", "can11-500", (on(0x7E0, 0x7E8, r0100="410000000000", r010C="410C0BB1"),), ("0100",)
    ),
}  # fmt: skip

UNPLAYED = {
    "12-init-dots-error-bypass": "typed by the reporter, not recorded",
    "20-volvo-kwp-two-byte-dtc": "no ELM327: another interface's lines",
    "23-odd-digits-after-bus-init-ok": "an emulation that prints half bytes",
    "32-uds-dtc-and-bmw-ext-vin": "a trace of the bus, the tester's frames included",
    "43-atma-mixed-lengths": "what a car's units tell one another is not simulated",
    "45-dlc-shown-after-id": "typed: a two-digit length that no firmware prints",
    "46-leaf-odometer-broadcast": "what a car's units tell one another is not simulated",
    "49-cr-only-single-prompt": "its car answers with another unit's broadcast",
    "52-iso9141-no-data": "two answers out of a longer session",
    "54-random-no-data": "chance, and an answer that comes two requests late",
    "59-read-memory-nrc": "published without the length bytes that the adapter prints",
    "61-bus-init-ok-one-command-behind": "an adapter that loses its prompt and stays one answer behind",
}


def recorded(file: Path) -> list[tuple[str, str]]:
    """What was sent and what came back, escapes undone."""
    session: list[tuple[str, str]] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("> "):
            session.append((line[2:], ""))
        elif line.startswith("< "):
            session[-1] = (session[-1][0], line[2:].encode("ascii").decode("unicode_escape"))
    return session


def lines_of(text: str) -> list[str]:
    """The lines, without prompts, noise in front and blanks behind."""
    return [line.strip(" \xfc") for line in re.split(r"[\r\n>]+", text) if line.strip(" \xfc")]


def played(play: Play, sent: list[str]) -> list[str]:
    """What the simulator answers to a session, as lines."""
    bench = Bench()
    if play.link:
        ecus = [make() for make in play.units]
        bench.bus.car = Car(LINKS[play.link], "", "petrol", ecus, 0.0, play.battery_v)
    else:
        bench.bus.car = None
    bench.adapter = Adapter(PROFILES[play.profile], bench.bus)
    for command in play.before:
        if command.startswith("wait "):
            bench.now_s += float(command.removeprefix("wait "))
        else:
            bench.ask(command, patience_s=30.0)
    texts = [bench.send(b"\x7f\x7f\r") if one == "(probe)" else bench.ask(one, 30.0).encode("latin-1") for one in sent]
    return lines_of(b"".join(texts).decode("latin-1"))


@pytest.mark.parametrize("name", PLAYS)
@pytest.mark.skipif(not TRANSCRIPTS.is_dir(), reason=f"no transcripts in {TRANSCRIPTS}; set FORECOURT_CAPTURES")
def test_a_real_session_comes_out_line_for_line(name: str) -> None:
    play = PLAYS[name]
    session = recorded(TRANSCRIPTS / f"{name}.txt")[play.leaves_out :]
    sent = [asked for asked, _ in session]
    kept = sent.index(play.stops_before) if play.stops_before else len(sent)
    wanted = lines_of("".join(came for _, came in session[:kept]))

    # A recording may end in the middle of the last answer.
    assert played(play, sent[:kept])[: len(wanted)] == wanted


@pytest.mark.skipif(not TRANSCRIPTS.is_dir(), reason=f"no transcripts in {TRANSCRIPTS}; set FORECOURT_CAPTURES")
def test_every_session_is_played_or_says_why_not() -> None:
    assert {file.stem for file in TRANSCRIPTS.glob("*.txt") if file.stem[0].isdigit()} == {*PLAYS, *UNPLAYED}


# Byte for byte, where the recording shows the bytes; these stand here so that they hold without the recordings.
EXACT: list[tuple[str, tuple[str, ...], list[tuple[str, str]]]] = [
    # brendan-w/python-OBD#164
    ("elm-1.5-clone", ("ATE0",), [
        ("ATZ", "\xfc\r\rELM327 v1.5\r\r>"), ("ATE0", "ATE0\rOK\r\r>"), ("ATH1", "OK\r\r>"), ("ATL0", "OK\r\r>"),
        ("ATTP5", "OK\r\r>"), ("0100", "BUS INIT: ERROR\r\r>"), ("0100", "BUS INIT: ERROR\r\r>"),
    ]),
    # brendan-w/python-OBD#76
    ("elm-1.5-clone", ("ATE0",), [
        ("ATSP0", "OK\r\r>"), ("0100", "SEARCHING...\rUNABLE TO CONNECT\r\r>"), ("ATDPN", "A0\r\r>"),
        ("ATTP6", "OK\r\r>"), ("0100", "CAN ERROR\r\r>"),
    ]),
    # lemberg/obd2-swift-lib#11
    ("elm-2.1-clone", ("ATTP3",), [
        ("AT E0", "AT E0\rOK\r\r>"), ("AT I", "ELM327 v2.1\r\r>"), ("01 00", "BUS INIT: ...ERROR\r\r>"),
        ("AT DP", "ISO 9141-2\r\r>"),
    ]),
    # Ircama/ELM327-emulator#16
    ("elm-2.2", (), [("AT SP 0", "AT SP 0\rOK\r\r>"), ("AT DP", "AT DP\rAUTO\r\r>")]),
    # brendan-w/python-OBD#277
    ("modem", (), [("ATZ", "ATZ\r\r\nOK\r\n"), ("ATE0", "ATE0\r\r\nOK\r\n"), ("ATH1", "\r\nERROR\r\n")]),
    # brendan-w/python-OBD#75
    ("elm-1.5-terse", ("ATE0",), [("ATH1", "OK\r>"), ("ATL0", "OK\r>"), ("ATSP0", "OK\r>")]),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "before", "session"), EXACT)
def test_a_real_session_comes_out_byte_for_byte(
    profile: str, before: tuple[str, ...], session: list[tuple[str, str]]
) -> None:
    bench = Bench(profile=profile)
    bench.bus.car = None
    for command in before:
        bench.ask(command)

    assert [(sent, bench.ask(sent, patience_s=30.0)) for sent, _ in session] == session


@pytest.mark.parametrize(("data", "ends"), [("0C", "\r>"), ("0D", "\r>")])
def test_padding_is_data_to_a_clone_that_does_not_know_lengths(data: str, ends: str) -> None:
    bench = Bench(profile="elm-1.5-padded")
    for command in ("ATE0", "ATS0", "0100"):
        bench.ask(command)

    answer = bench.ask(f"01{data}1")

    assert re.fullmatch(rf"41{data}[0-9A-F]{{10}}", answer.removesuffix(ends))
