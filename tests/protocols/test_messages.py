"""A reply's lines as messages of units, over every line format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.answers import answers_to
from protocols.elm327 import parse_reply
from protocols.messages import Assembly, LinkFormat, assemble, assemble_reply, link_format_of

CAN_11, CAN_29, LEGACY = LinkFormat.CAN_11, LinkFormat.CAN_29, LinkFormat.LEGACY


@pytest.mark.parametrize(
    ("numbers", "link"),
    [("6 A6 8", CAN_11), ("A7 9", CAN_29), ("A5 1 2 A3", LEGACY), ("A0 0 A OK 66", None)],
)
def test_the_protocol_number_tells_the_link(numbers: str, link: LinkFormat | None) -> None:
    assert {link_format_of(dpn) for dpn in numbers.split()} == {link}


def test_lines_that_are_not_hexadecimal_are_nobodys_data() -> None:
    assert assemble(["> 7E0.7E8.0144", "OK", "STOPEED", "NL"], CAN_11) == Assembly((), (), CAN_11)


@pytest.mark.parametrize(
    ("line", "ecu"),
    [("7E9 06 47 0Z 01 43 01 96", "7E9"), ("7G9 06 47 02 01 43 01 96", ""), ("7E9064702014301:6", "7E9")],
)
def test_one_wrong_character_does_not_make_a_units_answer_disappear(line: str, ecu: str) -> None:
    assembly = assemble(["7E8 02 47 00", line], CAN_11)

    assert [damage.ecu for damage in assembly.damaged] == [ecu]


@pytest.mark.parametrize("fault", ["CAN ERROR", "BUS ERROR", "FB ERROR", "BUS BUSY"])
def test_a_bus_that_fails_behind_the_first_answer_leaves_no_whole_list(fault: str) -> None:
    cut = assemble_reply(parse_reply("07", f"7E8 02 47 00\r{fault}\r".encode()), CAN_11)
    alone = assemble_reply(parse_reply("07", f"{fault}\r".encode()), CAN_11)

    assert [answer.status.value for answer in answers_to(b"\x07", cut)] == ["read", "corrupt"]
    assert alone.damaged == ()


def test_a_notice_of_lost_lines_counts_as_damage() -> None:
    reply = parse_reply("03", b"48 6B 10 43 01 02 02 03 03 04 14\r48 6B 10 43 04 <DATA ERROR\r")

    assert assemble_reply(reply, LEGACY).damaged[-1].reason == "data error"


@given(st.lists(st.text("0123456789ABCDEF :>", max_size=40), max_size=12), st.sampled_from(LinkFormat), st.booleans())
def test_any_lines_give_messages_or_damage_and_never_an_error(
    lines: list[str], link: LinkFormat, headers: bool
) -> None:
    assembly = assemble(lines, link, headers=headers)

    assert all(message.payload for message in assembly.messages)


@pytest.mark.parametrize("link", [CAN_11, CAN_29])
def test_units_with_short_and_long_ids_may_answer_beside_each_other(link: LinkFormat) -> None:
    lines = [
        "7E8 10 09 49 04 01 41 42 43",
        "18 DA F1 0E 03 41 0D 21",
        "7E8 21 44 45 46 00 00 00 00",
        "18DAF11003410D00",
    ]
    assembly = assemble(lines, link)

    assert [(m.ecu, m.payload.hex().upper()) for m in assembly.messages] == [
        ("18DAF10E", "410D21"),
        ("7E8", "490401414243444546"),
        ("18DAF110", "410D00"),
    ]
    assert assembly.damaged == ()


def test_frames_of_other_long_ids_stay_whole_beside_obd() -> None:
    assembly = assemble(["1EC6EE80 03 41 0D 21", "17FE0076 03 41 0D 22"], CAN_29)

    assert [m.ecu for m in assembly.messages] == ["1EC6EE80", "17FE0076"]
