"""VINs out of service 09 and identifier F190: what is the number, what is padding, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import DecodeError
from protocols.vin import (
    decode_calibration_ids,
    decode_cvns,
    decode_ecu_name,
    decode_vin_did,
    decode_vin_info,
    find_vin,
    is_vin,
)

VIN = "WP0ZZZ99ZTS000856"


@pytest.mark.parametrize(
    "data",
    [b"\x01" + VIN.encode(), VIN.encode(), b"\x01\0\0\0" + VIN.encode(), b"\x01" + VIN.encode() + b"\0\0\0"],
)
def test_a_vin_of_service_09(data: bytes) -> None:
    assert decode_vin_info(data) == VIN


@pytest.mark.parametrize(
    "data",
    [VIN.encode(), VIN.encode() + bytes(7), b"\x11" + VIN.encode(), b"\0\0" + VIN.encode(), VIN.encode() + b"\xff\xaa"],
)
def test_a_vin_of_identifier_f190(data: bytes) -> None:
    assert decode_vin_did(data) == VIN


@pytest.mark.parametrize("filler", [b"0", b"1", b"X", b"F", b"?", b"\0"])
def test_a_unit_that_was_never_given_a_vin_holds_none(filler: bytes) -> None:
    assert decode_vin_info(b"\x01" + filler * 17) == ""
    assert decode_vin_did(filler * 17) == ""


@pytest.mark.parametrize("vin", ["1HGCM82633A000352", "2T1BURHE5JC000021", "UU1DJF00000000120", "WVWZZZ1JZXW000UUU"])
def test_first_and_last_characters_are_never_taken_for_padding(vin: str) -> None:
    assert decode_vin_info(b"\x01" + vin.encode()) == vin
    assert decode_vin_did(vin.encode()) == vin


def test_a_chassis_number_is_an_identity_too() -> None:
    assert decode_vin_info(b"\x01" + b"NHW20-0000123".rjust(17, b"\0")) == "NHW20-0000123"


@pytest.mark.parametrize("data", [b"\x01" + bytes(17), b"\x01" + b"\xff" * 17])
def test_a_unit_without_a_vin_says_nothing(data: bytes) -> None:
    assert decode_vin_info(data) == ""


@pytest.mark.parametrize(
    "data",
    [b"", b"\x01WP0ZZZ99ZTS00085", b"\x01WP0ZZZ99ZTS0008567", b"\x01WP0ZZZ99ZTS00085I", b"\x01WP0ZZZ99\x80TS000856"],
)
def test_what_is_no_vin_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_vin_info(data)


@pytest.mark.parametrize("text", ["", VIN + "\n", VIN.lower(), VIN[:16], "O" * 17])
def test_the_form_of_a_vin(text: str) -> None:
    assert not is_vin(text)


def test_several_calibration_ids_of_one_unit() -> None:
    data = b"\x02" + b"37806-RAA-A110".ljust(16, b"\0") + b"0120".ljust(16, b"\0")

    assert decode_calibration_ids(data) == ("37806-RAA-A110", "0120")


def test_verification_numbers_are_hex() -> None:
    assert decode_cvns(bytes.fromhex("0212345678009ABCDE")) == ("12345678", "009ABCDE")


@pytest.mark.parametrize("data", [b"", b"\x02" + b"A" * 16])
def test_fewer_items_than_announced_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_calibration_ids(data)


def test_a_unit_says_its_name() -> None:
    assert decode_ecu_name(b"\x01ECM\0-Engine Control\0\0") == "ECM-Engine Control"


@given(st.binary(max_size=40))
def test_any_bytes_give_a_vin_or_a_decode_error(data: bytes) -> None:
    for decode in (decode_vin_info, decode_vin_did):
        try:
            vin = decode(data)
        except DecodeError:
            continue
        assert vin == "" or is_vin(vin) or 8 <= len(vin) <= 16


@pytest.mark.parametrize(
    ("data", "vin"),
    [
        (b"\x01\x02" + VIN.encode() + b"\x00\x12ABC", VIN),
        (VIN.encode() + b"\xff", VIN),
        (b"A" + VIN.encode(), ""),
        (VIN.encode() + b" " + b"WVWZZZ1JZXW000120", ""),
        (b"", ""),
    ],
)
def test_a_vin_inside_an_identification_block(data: bytes, vin: str) -> None:
    assert find_vin(data) == vin


def test_identifiers_may_come_without_their_number() -> None:
    ids = b"37806-RAA-A110\0\0" + b"0120".ljust(16, b"\0")

    assert decode_calibration_ids(ids, counted=False) == decode_calibration_ids(b"\x02" + ids, counted=False)
    assert decode_cvns(bytes.fromhex("12345678"), counted=False) == ("12345678",)
    assert decode_cvns(bytes.fromhex("0112345678"), counted=False) == ("12345678",)
