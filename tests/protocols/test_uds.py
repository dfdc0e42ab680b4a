import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import DecodeError
from protocols.uds import StatusDtc, decode_status_dtcs, nrc_name


def test_codes_with_their_status() -> None:
    data = bytes.fromhex("FF 0143 00 08 C100 87 04 0000 00 00")

    assert decode_status_dtcs(data) == (
        StatusDtc("P0143", 0x00, confirmed=True, pending=False),
        StatusDtc("U0100", 0x87, confirmed=False, pending=True),
    )


def test_a_mask_alone_means_no_codes() -> None:
    assert decode_status_dtcs(b"\xff") == ()


@pytest.mark.parametrize("data", ["", "FF0143", "FF01430008C1"])
def test_a_cut_list_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        decode_status_dtcs(bytes.fromhex(data))


def test_refusals_have_the_words_of_the_standard() -> None:
    assert nrc_name(0x33) == "security access denied"
    assert nrc_name(0xFA) == "code FA"


@given(st.binary(max_size=40))
def test_any_bytes_give_codes_or_a_decode_error(data: bytes) -> None:
    try:
        codes = decode_status_dtcs(data)
    except DecodeError:
        return
    assert len(codes) <= len(data) // 4
