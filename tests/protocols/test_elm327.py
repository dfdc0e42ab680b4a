"""The adapter's dialogue: any bytes in any pieces end in a reply or an error of ours, in bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.elm327 import Elm327Session, Notice, Reply, parse_reply
from protocols.errors import AdapterReplyError, CommandPendingError

VIN_REPLY = b"0902\r7E8 10 14 49 02 01 57 50 30 \r7E8 21 5A 5A 5A 39 39 5A 54 \r7E8 22 53 30 30 30 38 35 36 \r\r>"


def ask(command: str, *chunks: bytes) -> Reply | None:
    session = Elm327Session()
    session.send(command)
    replies = [session.receive(chunk) for chunk in chunks]
    assert not any(replies[:-1])
    return replies[-1]


def whole(command: str, received: bytes) -> Reply:
    reply = ask(command, received)
    assert reply is not None
    return reply


def test_a_command_becomes_its_bytes_and_one_line_end() -> None:
    assert Elm327Session().send("ATZ") == b"ATZ\r"


@pytest.mark.parametrize("command", ["", "01\r04", "01\n", "0100\0", "0100é", "\x7f"])
def test_a_command_with_anything_but_printable_ascii_is_refused(command: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        Elm327Session().send(command)


def test_a_second_command_before_the_reply_is_our_bug() -> None:
    session = Elm327Session()
    session.send("0100")

    with pytest.raises(CommandPendingError):
        session.send("0120")


def test_a_reply_ends_only_at_the_prompt() -> None:
    assert ask("ATE0", b"ATE0\rOK\r\r") is None
    assert whole("ATE0", b"ATE0\rOK\r\r>").lines == ("OK",)


@pytest.mark.parametrize("cut", range(len(VIN_REPLY)))
def test_splitting_never_changes_the_reply(cut: int) -> None:
    assert ask("0902", VIN_REPLY[:cut], VIN_REPLY[cut:]) == whole("0902", VIN_REPLY)


def test_one_byte_at_a_time_gives_the_same_reply() -> None:
    chunks = [bytes([byte]) for byte in VIN_REPLY]

    assert ask("0902", *chunks) == whole("0902", VIN_REPLY)


def test_nuls_and_stray_bytes_are_deleted() -> None:
    reply = whole("ATZ", b"\xfc\r\r\0E\0LM327 v1.5\r\r>")

    assert reply.lines == ("ELM327 v1.5",)
    assert Notice.RESTARTED not in reply.notices


@pytest.mark.parametrize("echo", [b"0100\r", b"01 00\r", b"atz\r", b"", b"0100\r0100\r", b"0100"])
def test_echoes_of_any_spelling_are_removed(echo: bytes) -> None:
    command = "ATZ" if echo == b"atz\r" else "0100"

    assert whole(command, echo + b"41 00 BE 3F A8 13 \r\r>").lines == ("41 00 BE 3F A8 13",)


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        (b"NO DATA", Notice.NO_DATA),
        (b"?", Notice.UNKNOWN_COMMAND),
        (b"ERROR", Notice.UNKNOWN_COMMAND),
        (b"SEARCHING...\rUNABLE TO CONNECT", Notice.UNABLE_TO_CONNECT),
        (b"NABLETO CONNECT", Notice.UNABLE_TO_CONNECT),
        (b"BUS INIT: ERROR", Notice.BUS_INIT_ERROR),
        (b"BUS INIT: ...ERROR", Notice.BUS_INIT_ERROR),
        (b"INIT....ERROR", Notice.BUS_INIT_ERROR),
        (b"BUS INIT: BUS ERROR", Notice.BUS_INIT_ERROR),
        (b"BUS BUSY", Notice.BUS_BUSY),
        (b"BUS ERROR", Notice.BUS_ERROR),
        (b"FB ERROR", Notice.FB_ERROR),
        (b"CAN ERROR", Notice.CAN_ERROR),
        (b"DATA ERROR", Notice.DATA_ERROR),
        (b"48 6B 11 41 00 <DATA ERROR", Notice.DATA_ERROR),
        (b"7E8 10 14 49 <RX ERROR", Notice.RX_ERROR),
        (b"BUFFER FULL", Notice.BUFFER_FULL),
        (b"STOPPED", Notice.STOPPED),
        (b"ERR94", Notice.INTERNAL_ERROR),
        (b"LV RESET", Notice.LV_RESET),
        (b"!LP ALERT", Notice.LP_ALERT),
        (b"ACT ALERT", Notice.ACT_ALERT),
        (b"NOT CONNECTED", Notice.NOT_CONNECTED),
        (b"VENDOR MODE", Notice.VENDOR_TEXT),
    ],
)
def test_status_text_is_a_notice_and_never_data(text: bytes, notice: Notice) -> None:
    reply = whole("0100", text + b"\r\r>")

    assert notice in reply.notices
    assert reply.lines == ()


@pytest.mark.parametrize(
    "text",
    [
        b"SEARCHING...\r7E8 03 41 0D 00\r\r>",
        b"SEARCHING...7E8 03 41 0D 00\r\r>",
        b"SEARCHING7E8 03 41 0D 00\r\r>",
        b"BUS INIT: OK\r7E8 03 41 0D 00\r\r>",
        b"BUS INIT: ...OK7E8 03 41 0D 00\r>",
        b"BUS INIT: \r...7E8 03 41 0D 00\r>",
        b"...7E8 03 41 0D 00\r>",
    ],
)
def test_what_is_glued_in_front_of_data_is_taken_off(text: bytes) -> None:
    assert whole("010D", text).lines == ("7E8 03 41 0D 00",)


def test_a_banner_that_nobody_asked_for_means_a_restart() -> None:
    assert Notice.RESTARTED in whole("010D", b"ELM327 v1.5\r\r>").notices


def test_a_restart_between_two_commands_is_told_with_the_next_reply() -> None:
    session = Elm327Session()
    session.receive(b"\r\rLV RESET\r\rELM327 v2.1\r\r>")
    session.send("010D")
    reply = session.receive(b"410D00\r\r>")

    assert reply is not None
    assert {Notice.LV_RESET, Notice.RESTARTED} <= reply.notices


def test_a_prompt_that_comes_one_command_late_is_survived() -> None:
    session = Elm327Session()
    session.send("ATZ")
    assert session.receive(b"ATZ\r\r\rELM327 v1.3a\r\r") is None
    session.abandon()
    session.send("ATE0")

    reply = session.receive(b">ATE0\rOK\r\r>")

    assert reply is not None
    assert reply.lines == ("OK",)


def test_a_late_answer_in_front_of_the_next_echo_is_dropped() -> None:
    assert whole("ATH1", b"41 0D 22\r\r>ATH1\rOK\r\r>").lines == ("OK",)


def test_a_reply_that_never_ends_is_thrown_away_in_bounded_memory() -> None:
    session = Elm327Session(max_reply_bytes=1000)
    session.send("0100")

    with pytest.raises(AdapterReplyError, match="AAAA"):
        for _ in range(1001):
            session.receive(b"A" * 10)
    assert session.pending is None


def test_a_timeout_can_say_what_has_come() -> None:
    session = Elm327Session()
    session.send("0100")
    session.receive(b"SEARCHING...\r")

    assert session.partial == "SEARCHING...\\r"


def test_bytes_between_commands_are_kept_only_within_a_bound() -> None:
    session = Elm327Session()
    for _ in range(100):
        session.receive(b"x" * 1000)

    assert len(session._unsolicited) <= 256


@given(st.binary(max_size=200), st.sampled_from(["0100", "ATZ", "03", "22F190"]))
def test_any_bytes_become_printable_lines(data: bytes, command: str) -> None:
    reply = parse_reply(command, data)

    assert all(line.isascii() and line.isprintable() and line.strip() == line and line for line in reply.lines)


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_bytes_in_any_pieces_never_break_a_session(chunks: list[bytes]) -> None:
    session = Elm327Session(max_reply_bytes=100)
    session.send("0100")
    for chunk in chunks:
        try:
            reply = session.receive(chunk)
        except AdapterReplyError:
            break
        if reply is not None:
            session.send("0100")
    assert len(session._received) <= 100


@pytest.mark.parametrize(
    "noise", [b"BUS INIT" + b" " * 60000 + b"X", b"SEARCHING" + b" ." * 30000, b"INIT" * 15000, b"." * 60000]
)
@pytest.mark.timeout(5)
def test_noise_as_long_as_a_reply_may_be_is_read_in_no_time(noise: bytes) -> None:
    assert whole("0100", noise + b"\r>").command == "0100"


def test_the_command_that_waits_can_be_asked_for() -> None:
    session = Elm327Session()
    assert session.pending is None

    session.send("010C")
    assert session.pending == "010C"

    session.receive(b"41 0C 1A F8\r\r>")
    assert session.pending is None


def test_a_reply_may_fill_its_bound_and_no_more() -> None:
    session = Elm327Session(max_reply_bytes=8)
    session.send("010C")
    assert session.receive(b"41 0C 1A") is None

    with pytest.raises(AdapterReplyError):
        session.receive(b" ")


@pytest.mark.parametrize("echo", [b"0902", b"09 02", b"0902 "])
def test_an_echo_without_its_line_end_takes_nothing_of_the_answer(echo: bytes) -> None:
    assert whole("0902", echo + b"7E8 03 7F 09 12\r\r>").lines == ("7E8 03 7F 09 12",)


def test_what_was_taken_off_in_front_of_data_is_told() -> None:
    assert whole("0100", b"SEARCHING...7E8 03 41 0D 00\r\r>").notices == {Notice.SEARCHING}
    assert whole("0100", b"BUS INIT: OK\r7E8 03 41 0D 00\r\r>").notices == {Notice.BUS_INIT_OK}


@pytest.mark.parametrize(
    ("command", "data", "times"),
    [
        ("03", b"7E8 03 7F 03 78\r", 1),
        ("03", b"7E8037F0378\r7E9 03 7f 03 78\r7E8037F0378\r", 3),
        ("03", b"7E8037F0778\r7E8037F0322\r", 0),
        ("STPXH:714,D:222203,R:1", b"77E 03 7F 22 78\r", 1),
        ("ATRV", b"7F0378\r", 0),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_every_plea_for_patience_of_the_service_asked_is_counted_however_it_is_split(
    command: str, data: bytes, times: int, size: int
) -> None:
    session = Elm327Session()
    session.send(command)
    for at in range(0, len(data), size):
        session.receive(data[at : at + size])

    assert session.pending_answers == times


def test_pleas_for_patience_are_counted_anew_for_each_command() -> None:
    session = Elm327Session()
    session.send("03")
    session.receive(b"7E8037F0378\r7E802430")
    assert session.pending_answers == 1
    session.receive(b"0\r\r>")
    session.send("07")

    assert session.pending_answers == 0


def test_an_echo_without_its_line_end_hides_no_line_behind_the_first() -> None:
    shown = whole("0902", b"09027E8 10 14 49 02 01 57 50 30\r7E8 21 5A 5A 5A 39 39 5A 54\r\r>")

    assert shown.lines == ("7E8 10 14 49 02 01 57 50 30", "7E8 21 5A 5A 5A 39 39 5A 54")


def test_what_comes_behind_a_prompt_is_told_with_the_next_reply() -> None:
    session = Elm327Session()
    session.send("010D")
    first = session.receive(b"410D00\r\r>\r\rLV RESET\r\r>")
    session.send("010C")
    second = session.receive(b"410C0000\r\r>")

    assert first is not None
    assert second is not None
    assert first.notices == frozenset()
    assert second.notices == {Notice.LV_RESET}


def test_a_timeout_shows_sixty_bytes_at_most() -> None:
    session = Elm327Session()
    session.send("010D")
    session.receive(b"A" * 61)

    assert session.partial == "A" * 60
