"""Trouble codes out of the bytes of every service that tells them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.dtc import code_of, decode_dtcs
from protocols.errors import DecodeError
from protocols.messages import LinkFormat

CAN, LEGACY = LinkFormat.CAN_11, LinkFormat.LEGACY


@pytest.mark.parametrize(
    ("raw", "code"), [("0143", "P0143"), ("4123", "C0123"), ("92AB", "B12AB"), ("C100", "U0100"), ("3FFF", "P3FFF")]
)
def test_two_bytes_are_a_code(raw: str, code: str) -> None:
    assert code_of(*bytes.fromhex(raw)) == code


def test_can_puts_the_number_of_codes_first() -> None:
    assert decode_dtcs(0x03, bytes.fromhex("0201020113"), CAN) == ("P0102", "P0113")
    assert decode_dtcs(0x07, b"\x00", CAN) == ()


def test_the_older_links_have_no_number_and_fill_with_zeros() -> None:
    assert decode_dtcs(0x07, bytes.fromhex("014301960234"), LEGACY) == ("P0143", "P0196", "P0234")
    assert decode_dtcs(0x03, bytes(6), LEGACY) == ()


@pytest.mark.parametrize("filler", ["00", "55", "AA", "CC", "FF"])
def test_padding_behind_the_announced_codes_is_no_code(filler: str) -> None:
    assert decode_dtcs(0x03, bytes.fromhex("010102" + filler * 4), CAN) == ("P0102",)


@pytest.mark.parametrize(
    ("data", "link"),
    [("", CAN), ("020143", CAN), ("02014301", CAN), ("0101430196", CAN), ("0143019602", LEGACY), ("FF0143", CAN)],
)
def test_a_list_that_does_not_add_up_is_refused(data: str, link: LinkFormat) -> None:
    with pytest.raises(DecodeError):
        decode_dtcs(0x03, bytes.fromhex(data), link)


def test_other_services_list_no_codes() -> None:
    with pytest.raises(ValueError, match="lists no codes"):
        decode_dtcs(0x01, b"\0", CAN)


@given(st.binary(max_size=60), st.sampled_from(LinkFormat))
def test_any_bytes_give_codes_or_a_decode_error(data: bytes, link: LinkFormat) -> None:
    try:
        codes = decode_dtcs(0x03, data, link)
    except DecodeError:
        return
    assert all(len(code) == 5 and code[0] in "PCBU" for code in codes)
