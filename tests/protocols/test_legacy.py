"""Lines of KWP, ISO 9141 and J1850: headers, check bytes, and lists over several messages."""

import pytest

from protocols.messages import LinkFormat, assemble
from tests.protocols import encoder
from tests.protocols.lines import payloads

CAN_11, CAN_29, LEGACY = LinkFormat.CAN_11, LinkFormat.CAN_29, LinkFormat.LEGACY


@pytest.mark.parametrize(
    ("line", "ecu"),
    [
        ("48 6B 1A 41 00 88 18 00 10 BE", "1A"),
        ("86 F1 7A 41 00 00 00 00 00 32", "7A"),
        (encoder.kwp_line(bytes.fromhex("41008818001" + "0"), 0x28, length_byte=True), "28"),
        (encoder.j1850_line(bytes.fromhex("410088180010"), 0x40), "40"),
        ("83 F1 10 7F 01 11 15", "10"),
    ],
)
def test_legacy_headers_and_checksums(line: str, ecu: str) -> None:
    (message,) = assemble([line], LEGACY).messages

    assert message.ecu == ecu
    assert message.payload[0] in (0x41, 0x7F)


@pytest.mark.parametrize(
    "line", ["48 6B 1A 41 00 88 18 00 10 BF", "48 6B 1A 41 00 88 18 00 BE", "86 F1 7A 41 00 00 00 00 32", "41 0C 000"]
)
def test_a_legacy_line_whose_checksum_fails_is_damaged(line: str) -> None:
    assembly = assemble([line], LEGACY)

    assert assembly.messages == ()
    assert assembly.damaged


def test_legacy_code_lines_of_one_unit_are_one_list() -> None:
    lines = [encoder.iso9141_line(bytes.fromhex(text)) for text in ("43010202030304", "43040500000000")]

    assert payloads(assemble(lines, LEGACY)) == [("10", "43010202030304040500000000")]


def test_legacy_vehicle_information_is_written_as_can_does() -> None:
    ids = [bytes([0x49, 0x04, index + 1]) + b"ABCD" for index in range(8)]
    lines = [encoder.kwp_line(payload) for payload in ids]

    assert payloads(assemble(lines, LEGACY)) == [("10", "490402" + b"ABCD".hex().upper() * 8)]
    assert payloads(assemble([encoder.kwp_line(bytes.fromhex("49000155400000"))], LEGACY)) == [("10", "490055400000")]


def test_calibration_ids_of_which_the_last_lines_are_missing_are_damaged() -> None:
    lines = [encoder.kwp_line(bytes((0x49, 0x04, index + 1)) + b"ABCD") for index in range(5)]

    assert assemble(lines, LEGACY).messages == ()
    assert assemble(lines, LEGACY).damaged[0].head == b"\x49\x04"


def test_verification_numbers_are_one_line_each() -> None:
    lines = [encoder.kwp_line(bytes.fromhex(text)) for text in ("490601DEADBEEF", "49060201020304")]

    assert payloads(assemble(lines, LEGACY)) == [("10", "490602DEADBEEF01020304")]


def test_a_control_units_name_is_five_lines_of_four_characters() -> None:
    name = b"ECM\0-EngineControl\0\0"
    parts = [bytes((0x49, 0x0A, index + 1)) + name[4 * index : 4 * index + 4] for index in range(5)]
    lines = [encoder.kwp_line(part) for part in parts]

    assert payloads(assemble(lines, LEGACY)) == [("10", "490A01" + name.hex().upper())]
    assert assemble(lines[:4], LEGACY).damaged[0].head == b"\x49\x0a"


def test_a_value_as_long_as_the_numbered_line_of_4900_is_kept_whole() -> None:
    assert payloads(assemble([encoder.kwp_line(bytes.fromhex("41660344003312"))], LEGACY)) == [("10", "41660344003312")]


def test_an_answer_of_one_byte_is_the_shortest_line_there_is() -> None:
    assert payloads(assemble([encoder.kwp_line(b"\x7e")], LEGACY)) == [("10", "7E")]


def test_a_number_without_an_item_is_no_vehicle_information() -> None:
    assembly = assemble([encoder.kwp_line(bytes.fromhex("490201"))], LEGACY)

    assert (assembly.messages, assembly.damaged[0].head) == ((), b"\x49\x02")
