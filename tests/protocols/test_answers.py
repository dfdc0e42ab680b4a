"""Answers found among a reply's messages by service, identifier and unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.answers import Answer, answers_to
from protocols.messages import Assembly, Damaged, EcuMessage, LinkFormat, assemble
from protocols.readings import ItemStatus

READ, CORRUPT = ItemStatus.READ, ItemStatus.CORRUPT


def said(*lines: str, link: LinkFormat = LinkFormat.CAN_11) -> Assembly:
    return assemble(lines, link)


def brief(request: str, assembly: Assembly) -> list[tuple[str, str, str]]:
    found = answers_to(bytes.fromhex(request), assembly)
    return [(answer.ecu, answer.status.value, answer.data.hex().upper()) for answer in found]


def test_each_unit_answers_for_itself() -> None:
    assembly = said("7E8 03 41 0D 00", "7E9 03 41 0D 05")

    assert brief("010D", assembly) == [("7E8", "read", "00"), ("7E9", "read", "05")]
    assert [answer.ecu for answer in answers_to(b"\x01\x0d", assembly, ecu="7E9")] == ["7E9"]


@pytest.mark.parametrize(
    ("request_hex", "line", "data"),
    [
        ("03", "7E8 04 43 01 01 43", "010143"),
        ("020C00", "7E8 05 42 0C 00 1F 40", "1F40"),
        ("0904", "7E8 03 49 04 00", "00"),
        ("22F190", "7E8 05 62 F1 90 41 42", "4142"),
        ("2128", "7E8 05 61 28 01 02 03", "010203"),
        ("1ADF", "7E8 06 5A DF 00 01 02 03", "00010203"),
        ("1902FF", "7E8 03 59 02 FF", "FF"),
    ],
)
def test_data_begin_behind_the_echo_of_the_request(request_hex: str, line: str, data: str) -> None:
    assert brief(request_hex, said(line)) == [("7E8", "read", data)]


def test_late_answers_of_another_request_are_dropped() -> None:
    assembly = said("7E8 03 41 0D 00", "7E8 04 41 0C 0A F0", "7E8 05 62 F1 8C 01 02")

    assert brief("010C", assembly) == [("7E8", "read", "0AF0")]
    assert brief("22F190", assembly) == []


@pytest.mark.parametrize(
    ("request_hex", "nrc", "status"),
    [
        ("010C", "12", "unsupported"),
        ("010C", "22", "refused"),
        ("0904", "31", "unsupported"),
        ("0A", "11", "unsupported"),
        ("22F190", "31", "refused"),
        ("22F190", "33", "refused"),
    ],
)
def test_a_refusal_keeps_its_code(request_hex: str, nrc: str, status: str) -> None:
    (answer,) = answers_to(bytes.fromhex(request_hex), said(f"7E8 03 7F {request_hex[:2]} {nrc}"))

    assert (answer.status.value, answer.nrc, answer.detail) == (status, int(nrc, 16), f"NRC {nrc}")


@pytest.mark.parametrize("payload", ["7F0112", "7F010C00000012"])
def test_the_older_links_may_repeat_the_request_in_a_refusal(payload: str) -> None:
    assembly = Assembly((EcuMessage("10", bytes.fromhex(payload)),), (), LinkFormat.LEGACY)
    (answer,) = answers_to(b"\x01\x0c", assembly)

    assert (answer.status, answer.nrc) == (ItemStatus.UNSUPPORTED, 0x12)


def test_pending_is_dropped_when_the_answer_follows() -> None:
    assert brief("03", said("7E8 03 7F 03 78", "7E8 04 43 01 01 43")) == [("7E8", "read", "010143")]
    assert brief("03", said("7E8 03 7F 03 78", "7E8 03 7F 03 22")) == [("7E8", "refused", "")]


def test_pending_alone_is_a_timeout_that_says_so() -> None:
    (answer,) = answers_to(b"\x03", said("7E8 03 7F 03 78"))

    assert answer == Answer("7E8", ItemStatus.TIMEOUT, nrc=0x78, detail="pending")


def test_a_late_refusal_beside_an_answer_is_dropped() -> None:
    assert brief("010B", said("7E8 03 41 0B 62", "7E8 03 7F 01 12")) == [("7E8", "read", "62")]


def test_a_refusal_of_another_service_is_nobodys() -> None:
    assert brief("010C", said("7E8 03 7F 22 31")) == []


def test_a_damaged_list_is_corrupt_and_not_empty() -> None:
    assert brief("03", said("7E8 10 0A 43 04 01 02 01 13")) == [("7E8", "corrupt", "")]


def test_without_headers_a_whole_list_does_not_hide_a_broken_one() -> None:
    assembly = assemble(["4300", "00A", "0:430401010102"], LinkFormat.CAN_11, headers=False)

    assert brief("03", assembly) == [("", "read", "00"), ("", "corrupt", "")]


def test_damage_of_another_request_does_not_count() -> None:
    assert brief("010D", said("7E8 03 41 0D 05", "7E8 10 14 49 02 01 57 50 30")) == [("7E8", "read", "05")]
    assert brief("0902", said("7E8 06 41 00 BE")) == []


def test_a_lost_line_spoils_a_legacy_list_that_has_no_count() -> None:
    assembly = said("48 6B 10 43 01 02 02 03 03 04 15", "48 6B 10 43 04", link=LinkFormat.LEGACY)

    assert {answer.status for answer in answers_to(b"\x03", assembly)} == {CORRUPT}


def test_a_legacy_list_of_which_only_a_damaged_line_came_is_corrupt_and_not_empty() -> None:
    assembly = said("48 6B 10 43 01 01 02 02 03 03 04 00", link=LinkFormat.LEGACY)

    (answer,) = answers_to(b"\x03", assembly)
    assert (answer.status, answer.data, answer.identifier) == (CORRUPT, b"", b"")


def test_several_pids_become_an_answer_each_in_any_order() -> None:
    assembly = said("7E8 10 08 41 0D 22 0C 0A F8", "7E8 21 05 50 AA AA AA AA AA")
    found = answers_to(bytes.fromhex("010C0D05"), assembly)

    assert {answer.identifier.hex(): answer.data.hex() for answer in found} == {"0d": "22", "0c": "0af8", "05": "50"}


def test_a_pid_that_a_unit_leaves_out_has_no_answer() -> None:
    assert brief("010C5E", said("7E8 04 41 0C 0A F8")) == [("7E8", "read", "0AF8")]


@pytest.mark.parametrize("trims", ["06 80", "06 80 7F"])
def test_trims_may_have_one_byte_or_two(trims: str) -> None:
    body = bytes.fromhex("41" + trims + "0C0AF8")
    found = answers_to(bytes.fromhex("01060C"), Assembly((EcuMessage("7E8", body),)))

    assert [(answer.identifier, answer.status) for answer in found] == [(b"\x06", READ), (b"\x0c", READ)]


@pytest.mark.parametrize("payload", ["410C0A", "410C0AF80D", "410C0AF81122", "410C0AF80D050D06"])
def test_an_answer_that_cannot_be_split_is_corrupt_for_what_is_unclear(payload: str) -> None:
    found = answers_to(bytes.fromhex("010C0D"), Assembly((EcuMessage("7E8", bytes.fromhex(payload)),)))

    assert CORRUPT in {answer.status for answer in found}
    assert all(len(answer.data) == {0x0C: 2, 0x0D: 1}[answer.identifier[0]] for answer in found if answer.data)


def test_padding_behind_several_pids_is_passed_over() -> None:
    found = answers_to(bytes.fromhex("010C0D"), Assembly((EcuMessage("", bytes.fromhex("410C0AF80D05000000")),)))

    assert [answer.status for answer in found] == [READ, READ]


def test_a_request_without_a_rule_is_our_bug() -> None:
    with pytest.raises(ValueError, match="no rule"):
        answers_to(b"\x04", Assembly())


@given(
    st.lists(st.binary(min_size=1, max_size=20)),
    st.lists(st.binary(max_size=4)),
    st.sampled_from(["03", "010C", "010C0D06", "0902", "22F190", "1902FF", "020C00"]),
    st.sampled_from(LinkFormat),
)
def test_any_messages_give_answers_of_their_unit(
    payloads: list[bytes], heads: list[bytes], request_hex: str, link: LinkFormat
) -> None:
    messages = tuple(EcuMessage(f"7E{index % 8}", payload) for index, payload in enumerate(payloads))
    damaged = tuple(Damaged("7E8", "cut", head) for head in heads)
    found = answers_to(bytes.fromhex(request_hex), Assembly(messages, damaged, link))

    assert all(answer.status is READ or not answer.data for answer in found)


def test_several_identifiers_are_told_apart_like_several_pids() -> None:
    assembly = said("7E8 10 0B 62 F4 0C 0B B8 F4", "7E8 21 0D 28 F4 05 5A 00 00", "7E9 04 62 F4 0D 28 00 00 00")
    found = answers_to(bytes.fromhex("22F405F40CF40D"), assembly)

    assert {(answer.ecu, answer.identifier.hex(), answer.data.hex()) for answer in found} == {
        ("7E8", "f40c", "0bb8"),
        ("7E8", "f40d", "28"),
        ("7E8", "f405", "5a"),
        ("7E9", "f40d", "28"),
    }


@pytest.mark.parametrize(
    "lines",
    [
        ("7E8 05 62 F4 0C 0B B8", "7E8 03 62 F4 0D"),  # the second value has lost its byte
        ("7E8 06 62 F4 0C 0B B8 F4",),
        ("7E8 07 62 F4 0C 0B B8 F1 90",),  # an identifier that was not asked for
    ],
)
def test_identifiers_that_cannot_be_told_apart_are_corrupt(lines: tuple[str, ...]) -> None:
    assert ("7E8", "corrupt", "") in brief("22F40CF40D", said(*lines))


def test_late_answers_with_one_identifier_of_another_request_are_dropped() -> None:
    assert brief("22F40CF40D", said("7E8 05 62 F4 05 5A 00")) == []
    assert brief("22F40CF40D", said("7E8 05 62 F1 90 41 42")) == []


@pytest.mark.parametrize(
    ("request_hex", "line", "data"),
    [
        ("0601", "7E8 04 46 01 0A 0B", "0A0B"),
        ("07", "7E8 04 47 01 01 43", "010143"),
        ("0A", "7E8 04 4A 01 01 43", "010143"),
        ("190A", "7E8 03 59 0A FF", "FF"),
        ("3E00", "7E8 02 7E 00", ""),
    ],
)
def test_every_service_repeats_so_many_bytes_of_its_request(request_hex: str, line: str, data: str) -> None:
    assert brief(request_hex, said(line)) == [("7E8", "read", data)]


@pytest.mark.parametrize(("request_hex", "line"), [("0601", "7E8 04 46 02 0A 0B"), ("190A", "7E8 03 59 02 FF")])
def test_an_answer_with_another_parameter_is_somebody_elses(request_hex: str, line: str) -> None:
    assert brief(request_hex, said(line)) == []


@pytest.mark.parametrize(("request_hex", "answer"), [("03", "43"), ("07", "47"), ("0A", "4A")])
def test_a_list_that_one_unit_says_twice_is_one_list(request_hex: str, answer: str) -> None:
    line = f"7E8 04 {answer} 01 01 43"

    assert brief(request_hex, said(line, line)) == [("7E8", "read", "010143")]


def test_a_value_that_one_unit_says_twice_is_shown_twice() -> None:
    assert brief("010D", said("7E8 03 41 0D 28", "7E8 03 41 0D 28")) == [("7E8", "read", "28")] * 2


@pytest.mark.parametrize(
    ("filler", "status"), [("00", READ), ("55", READ), ("AA", READ), ("FF", READ), ("12", CORRUPT)]
)
def test_only_padding_may_follow_the_last_value(filler: str, status: ItemStatus) -> None:
    found = answers_to(bytes.fromhex("010C0D"), said(f"7E8 07 41 0C 0B B8 0D 28 {filler}"))

    assert {answer.status for answer in found} == {status}


def test_two_kinds_of_padding_are_none() -> None:
    found = answers_to(bytes.fromhex("010D0F"), said("7E8 07 41 0D 28 0F 32 00 55"))

    assert {answer.status for answer in found} == {CORRUPT}


@pytest.mark.parametrize(
    ("request_hex", "line", "answers"),
    [
        ("22F40CF40D", "7E8 10 0B 62 F4 0C 0B B8 F4", [("7E8", "corrupt", "")]),
        ("22F40CF40D", "7E8 10 0B 62 F4 05 0B B8 F4", []),
        ("22F40CF40D", "7E8 10 0B 62 F1 90 4C 53 47", []),
        ("22F40CF40D", "7E8 10 0B 41 F4 0C 0B B8 F4", []),
        ("010C0D", "7E8 10 0B 41 0D 28 0C 0B B8", [("7E8", "corrupt", "")]),
        ("010C0D", "7E8 10 0B 41 05 28 0C 0B B8", []),
    ],
)
def test_damage_counts_only_where_it_may_have_been_an_answer(
    request_hex: str, line: str, answers: list[tuple[str, str, str]]
) -> None:
    assert brief(request_hex, said(line)) == answers
