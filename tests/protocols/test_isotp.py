"""Frames of ISO 15765-2 put together per unit, and what is said of those that do not fit."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocols.messages import Assembly, EcuMessage, LinkFormat, assemble
from tests.protocols import encoder
from tests.protocols.lines import VIN_LINES, payloads

CAN_11, CAN_29, LEGACY = LinkFormat.CAN_11, LinkFormat.CAN_29, LinkFormat.LEGACY


def test_single_frames_of_two_units_lose_their_padding() -> None:
    lines = ["7E8 06 41 00 BE 3F A8 13 AA", "7E9064100983A801355"]

    assert payloads(assemble(lines, CAN_11)) == [("7E8", "4100BE3FA813"), ("7E9", "4100983A8013")]


def test_a_multi_frame_vin_is_joined() -> None:
    (message,) = assemble(VIN_LINES, CAN_11).messages

    assert message == EcuMessage("7E8", b"\x49\x02\x01WP0ZZZ99ZTS000856")


def test_interleaved_units_are_kept_apart() -> None:
    first = encoder.can_lines(b"\x49\x04\x01" + b"A" * 16, "7E8")
    second = encoder.can_lines(b"\x49\x04\x01" + b"B" * 16, "7EA")
    mixed = [line for pair in zip(first, second, strict=True) for line in pair]

    assert {message.ecu: message.payload[3:4] for message in assemble(mixed, CAN_11).messages} == {
        "7E8": b"A",
        "7EA": b"B",
    }


@pytest.mark.parametrize(
    "line", ["18DAF110064100BE3FA813AA", "18 DA F1 10 06 41 00 BE 3F A8 13 AA", "18DAF110 06 41 00 BE 3F A8 13"]
)
def test_29_bit_lines_with_and_without_spaces(line: str) -> None:
    assert payloads(assemble([line], CAN_29)) == [("18DAF110", "4100BE3FA813")]


@pytest.mark.parametrize("line", ["7E8 8 06 41 00 BE 3F A8 13 AA", "7E8706 4100BE3FA813", "7E808064100BE3FA813AA"])
def test_a_length_behind_the_id_is_not_data(line: str) -> None:
    assert payloads(assemble([line], CAN_11)) == [("7E8", "4100BE3FA813")]


def test_frames_glued_after_a_complete_one_are_taken_apart() -> None:
    lines = ["7E81014490201575030" + "7E8215A5A5A39395A54", "7E82253303030383536"]

    assert len(assemble(lines, CAN_11).messages) == 1
    assert payloads(assemble(["7E803410D00" + "7E903410D05"], CAN_11)) == [("7E8", "410D00"), ("7E9", "410D05")]


def test_a_frame_with_lost_digits_in_front_of_a_glued_one_damages_the_message() -> None:
    lines = ["74C100F62E003FFFFFF", "74C25B800B201920" + "74C27000007021C000D", "74C2200000000000000"]
    assembly = assemble(lines, CAN_11)

    assert assembly.messages == ()
    assert assembly.damaged


def test_extended_addresses_are_taken_off_and_flow_control_is_passed_over() -> None:
    lines = ["618 F1 10 14 62 F1 90 57 42", "6F1 18 30 0F 02 00 00 00 00", "618 F1 21 41 33 43 31 43 35"]
    lines += ["618 F1 22 32 44 4B 30 30 30", "618 F1 23 36 33 38 AA AA AA"]
    (message,) = assemble(lines, CAN_11, extended_address=True).messages

    assert message == EcuMessage("618", b"\x62\xf1\x90WBA3C1C52DK000638")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (VIN_LINES[:1], "ended early"),
        (VIN_LINES[:2], "ended early"),
        ((VIN_LINES[0], VIN_LINES[2]), "order"),
        ((VIN_LINES[0], VIN_LINES[1], VIN_LINES[1]), "order"),
        ((VIN_LINES[0], VIN_LINES[2], VIN_LINES[1]), "order"),
        (VIN_LINES[1:], "first frame is missing"),
        ((VIN_LINES[0], "7E8 21 5A 5A", VIN_LINES[2]), "cut short"),
        ((VIN_LINES[0], "7E8 03 41 0D 00", VIN_LINES[1], VIN_LINES[2]), "interrupted"),
        (("7E8 06 41 00 BE",), "shorter than its length"),
        (("7E8 00 41 00",), "shorter than its length"),
        (("7E8 03 41 0D",), "shorter than its length"),
        (("7E8 10 07 49 02 01 57 50 30",), "impossible first frame"),
        (("7E8 10 14 49 02",), "impossible first frame"),
        (("7E8 5C 0D 02 00",), "not an ISO-TP frame"),
        (("7E8",), "no data"),
        (("7E8 04 41 0C 0A F",), "digits are missing"),
    ],
)
def test_what_is_not_whole_is_damaged_and_never_shortened(lines: tuple[str, ...], reason: str) -> None:
    assembly = assemble(lines, CAN_11)

    assert reason in assembly.damaged[0].reason
    assert not [message for message in assembly.messages if message.payload[0] == 0x49]


@given(st.binary(min_size=1, max_size=400), st.sampled_from([None, 0, 0x55, 0xAA]), st.booleans())
@example(bytes(300), None, False)
def test_every_message_survives_iso_tp(payload: bytes, pad: int | None, spaces: bool) -> None:
    lines = encoder.can_lines(payload, "7E8", spaces=spaces, pad=pad)

    assert assemble(lines, CAN_11) == Assembly((EcuMessage("7E8", payload),), (), CAN_11)


@given(st.data())
def test_a_lost_consecutive_frame_never_gives_a_message(data: st.DataObject) -> None:
    payload = data.draw(st.binary(min_size=8, max_size=300))
    lines = encoder.can_lines(payload, "7E8")
    lost = data.draw(st.integers(0, len(lines) - 1))

    assert assemble(lines[:lost] + lines[lost + 1 :], CAN_11).messages == ()


def test_a_line_of_thousands_of_glued_frames_is_damaged() -> None:
    assembly = assemble(["7E803410D00" * 5000], CAN_11)

    assert assembly.messages == ()
    assert assembly.damaged


@pytest.mark.parametrize("lines", [["7E8 30 00 00 00 00 00 00 00", "7E8 03 41 0D 05"], ["7E8300000", "7E803410D05"]])
def test_a_flow_control_frame_is_nobodys_answer_and_no_damage(lines: list[str]) -> None:
    assert assemble(lines, CAN_11) == Assembly((EcuMessage("7E8", b"\x41\x0d\x05"),), (), CAN_11)


def test_a_frame_kind_that_does_not_exist_is_damage() -> None:
    assert [damage.reason for damage in assemble(["7E8 40 00 00"], CAN_11).damaged] == ["not an ISO-TP frame"]


@pytest.mark.parametrize(("line", "head"), [("7E8 06 41 00 BE", "4100BE"), ("7E8 10 14 49 02", "4902")])
def test_what_a_damaged_frame_held_says_whose_answer_it_was(line: str, head: str) -> None:
    assert assemble([line], CAN_11).damaged[0].head.hex().upper() == head


def test_an_impossible_first_frame_is_told_once_whatever_follows_it() -> None:
    lines = ["7E8 10 07 49 02 01 57 50 30", *VIN_LINES[1:]]

    assert [damage.reason for damage in assemble(lines, CAN_11).damaged] == ["impossible first frame"]


def test_after_a_whole_answer_a_lost_first_frame_is_told_again() -> None:
    lines = [VIN_LINES[1], "7E8 03 41 0D 00", VIN_LINES[2]]

    assert [damage.reason for damage in assemble(lines, CAN_11).damaged] == ["its first frame is missing"] * 2


def test_a_frame_of_nothing_but_an_address_byte_is_damage() -> None:
    assembly = assemble(["618 F1"], CAN_11, extended_address=True)

    assert [damage.reason for damage in assembly.damaged] == ["no ISO-TP byte"]


def test_the_last_frame_of_a_message_may_be_cut_to_its_length_and_no_shorter() -> None:
    first = "7E8 10 0A 49 04 01 41 42 43"

    assert payloads(assemble([first, "7E8 21 44 45 46 47"], CAN_11)) == [("7E8", "49040141424344454647")]
    assert assemble([first, "7E8 21 44 45 46"], CAN_11).damaged[0].reason == "a frame is cut short"


def test_in_the_middle_of_a_message_every_frame_is_full() -> None:
    lines = ["7E8 10 14 49 02 01 57 50 30", "7E8 21 5A 5A 5A 39 39 5A", "7E8 22 54 53 30 30 30 38 35"]

    assert assemble(lines, CAN_11).damaged[0].reason == "a frame is cut short"


def test_behind_an_address_byte_a_frame_holds_one_byte_less() -> None:
    first = "618 F1 10 07 62 F1 90 41 42"

    assert [m.payload for m in assemble([first, "618 F1 21 43 44"], CAN_11, extended_address=True).messages] == [
        b"\x62\xf1\x90ABCD"
    ]
    assert assemble(["618 F1 10 06 62 F1 90 41 42"], CAN_11, extended_address=True).damaged[0].reason == (
        "impossible first frame"
    )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("7E83410D00" + "7E903410D05", []),  # digits were lost in front of the second id
        ("7E803410D00" + "6E903410D05", []),  # and this is no id like the first
        ("7E80641 00BE3FA81300" + "7E9064100983A801355", [("7E8", "4100BE3FA813"), ("7E9", "4100983A8013")]),
        ("7E80641 00BE3FA813" + "7E9064100983A8013", [("7E8", "4100BE3FA813"), ("7E9", "4100983A8013")]),
        ("7E80741 66034400331" + "2" + "7E903410D05", [("7E8", "41660344003312"), ("7E9", "410D05")]),
    ],
)
def test_glued_frames_are_parted_only_in_front_of_an_id_like_the_first(line: str, found: list[tuple[str, str]]) -> None:
    assert payloads(assemble([line], CAN_11)) == found


def test_a_long_id_like_the_first_shares_half_of_it() -> None:
    glued = "18DAF11003410D00"

    assert payloads(assemble([glued + "18DAF10E03410D05"], CAN_29)) == [("18DAF110", "410D00"), ("18DAF10E", "410D05")]
    assert assemble([glued + "18EAF11003410D05"], CAN_29).messages == ()


@pytest.mark.parametrize(("line", "whole"), [("7E8 3 41 0D 0", False), ("7E8 9 06 41 00 BE 3F A8 13 AA", False)])
def test_a_digit_behind_the_id_is_a_length_only_if_it_is_the_length(line: str, *, whole: bool) -> None:
    assert bool(assemble([line], CAN_11).messages) is whole
