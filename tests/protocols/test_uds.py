"""ISO 14229 responses: values, codes with their status, and refusals."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import DecodeError
from protocols.uds import StatusDtc, decode_permanent_dtcs, decode_severity_dtcs, decode_status_dtcs, nrc_name


def test_codes_with_their_status() -> None:
    data = bytes.fromhex("FF 0143 00 08 C100 87 04 0000 00 00")

    assert decode_status_dtcs(data) == (
        StatusDtc("P0143", 0x00, 0x08),
        StatusDtc("U0100", 0x87, 0x04),
    )


def test_a_mask_alone_means_no_codes() -> None:
    assert decode_status_dtcs(b"\xff") == ()


def test_every_bit_of_the_status_byte_is_kept() -> None:
    stored, healed = decode_status_dtcs(bytes.fromhex("FF 0143 00 AF 0300 00 50"))

    assert (stored.status, stored.confirmed, stored.pending) == (0xAF, True, True)
    assert (healed.status, healed.confirmed, healed.pending) == (0x50, False, False)
    assert not StatusDtc("P0143", 0x00, 0xF3).confirmed
    assert not StatusDtc("P0143", 0x00, 0xFB).pending


def test_codes_with_their_severity() -> None:
    data = bytes.fromhex("33 FF FF 04 42 0143 1C 09 20 C100 87 04 00 0000 00 00")

    assert decode_severity_dtcs(data) == (
        StatusDtc("P0143", 0x1C, 0x09, 0x42),
        StatusDtc("U0100", 0x87, 0x04, 0x20),
    )


def test_permanent_codes() -> None:
    assert decode_permanent_dtcs(bytes.fromhex("33 FF 04 0143 00 08")) == (StatusDtc("P0143", 0x00, 0x08),)
    assert decode_permanent_dtcs(bytes.fromhex("33 FF 04")) == ()


@pytest.mark.parametrize("data", ["", "33FFFF", "33FFFF0420014300", "D0FFFF04", "33FFFF02", "33FFFF01 20 0143 00 08"])
def test_a_severity_list_that_is_cut_or_another_groups_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        decode_severity_dtcs(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["", "33FF", "33FF04014300", "FFFF04", "33FF02"])
def test_a_permanent_list_that_is_cut_or_another_groups_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        decode_permanent_dtcs(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["", "FF0143", "FF01430008C1"])
def test_a_cut_list_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        decode_status_dtcs(bytes.fromhex(data))


# Negative response codes of ISO 14229-1, annex A, and 80 of KWP2000, each with a word of its name.
REFUSALS = """
10 general | 11 service | 12 sub-function | 13 length | 14 too long | 21 busy | 22 conditions | 24 sequence | 25 sub-net
26 failure | 31 out of range | 33 security | 34 authentication | 35 key | 36 attempts | 37 delay | 70 not accepted
71 suspended | 72 programming | 73 block | 78 pending | 7E sub-function | 7F service | 80 KWP2000 | 81 speed too high
82 speed too low | 83 is running | 84 is not running | 85 run time | 86 temperature too high | 87 temperature too low
88 vehicle speed too high | 89 vehicle speed too low | 8A pedal too high | 8B pedal too low | 8C neutral | 8D gear
8F brake | 90 park | 91 clutch | 92 voltage too high | 93 voltage too low
"""


@pytest.mark.parametrize("row", [row.strip() for row in REFUSALS.replace("\n", "|").split("|") if row.strip()])
def test_refusals_have_the_words_of_the_standard(row: str) -> None:
    nrc, _, word = row.partition(" ")

    assert word in nrc_name(int(nrc, 16))


def test_a_code_without_a_name_is_told_by_its_number() -> None:
    assert nrc_name(0x33) == "security access denied"
    assert nrc_name(0xFA) == "code FA"
    assert nrc_name(0x0A) == "code 0A"


@given(st.sampled_from([decode_status_dtcs, decode_severity_dtcs, decode_permanent_dtcs]), st.binary(max_size=40))
def test_any_bytes_give_codes_or_a_decode_error(decode: Callable[[bytes], tuple[StatusDtc, ...]], data: bytes) -> None:
    try:
        codes = decode(data)
    except DecodeError:
        return
    assert len(codes) <= len(data) // 4
