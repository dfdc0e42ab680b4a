"""Odometers out of the answers of every profile, with their empty and saturated patterns."""

from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import DecodeError
from protocols.odometer import decode_odometer, fits_coding


@dataclass(frozen=True)
class Coding:
    offset: int = 0
    length: int = 3
    byte_order: Literal["big", "little"] = "big"
    multiplier: float = 1
    divisor: float = 1
    add: float = 0
    unit: Literal["km", "mi", "m"] = "km"
    response_data_length: int | None = None
    not_available: tuple[str, ...] = ()
    saturates_at: int | None = None


@pytest.mark.parametrize(
    ("coding", "data", "odometer_m", "step_m"),
    [
        (Coding(response_data_length=3), "01DB09", 121_609_000, 1000),
        (Coding(length=2, multiplier=10), "2F7F", 121_590_000, 10_000),
        (Coding(length=4, divisor=10), "0001E240", 12_345_600, 100),
        (Coding(length=4, divisor=10, byte_order="little"), "40E20100", 12_345_600, 100),
        (Coding(offset=6), "D0000000FFAD010F26AABB", 69_414_000, 1000),
        (Coding(unit="mi"), "0186A0", 160_934_400, 1609),
        (Coding(length=4, unit="m"), "056CB9E9", 91_011_561, 1),
        (Coding(length=4, divisor=64), "00640000", 102_400_000, 16),
        (Coding(length=2, multiplier=8.192, unit="mi"), "0064", 1_318_375, 13184),
        (Coding(), "1E8480", 2_000_000_000, 1000),
    ],
)
def test_bytes_to_metres(coding: Coding, data: str, odometer_m: int, step_m: int) -> None:
    value = decode_odometer(coding, bytes.fromhex(data))

    assert value is not None
    assert (value.odometer_m, value.step_m, value.saturated) == (odometer_m, step_m, False)
    assert value.raw == bytes.fromhex(data)[coding.offset : coding.offset + coding.length]


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        (Coding(), "000000"),
        (Coding(), "FFFFFF"),
        (Coding(not_available=("0FFFFF",)), "0FFFFF"),
        (Coding(length=4), "7735940000"),
        (Coding(length=4, byte_order="little"), "000927C0"),
    ],
)
def test_zero_no_value_and_the_impossible_are_no_reading(coding: Coding, data: str) -> None:
    assert decode_odometer(coding, bytes.fromhex(data)) is None


def test_a_full_field_means_at_least_this_much() -> None:
    value = decode_odometer(Coding(length=2, saturates_at=131_068, multiplier=2), bytes.fromhex("FFFE"))

    assert value is not None
    assert value.saturated


@pytest.mark.parametrize(
    ("coding", "data"),
    [(Coding(), "0102"), (Coding(response_data_length=3), "01020304"), (Coding(offset=2), "01020304")],
)
def test_an_answer_of_another_length_is_refused(coding: Coding, data: str) -> None:
    assert not fits_coding(coding, bytes.fromhex(data))
    with pytest.raises(DecodeError):
        decode_odometer(coding, bytes.fromhex(data))


@given(st.binary(max_size=12), st.integers(0, 4), st.integers(1, 4), st.sampled_from(["big", "little"]))
def test_any_bytes_give_a_plausible_distance_or_none(
    data: bytes, offset: int, length: int, order: Literal["big", "little"]
) -> None:
    try:
        value = decode_odometer(Coding(offset, length, order), data)
    except DecodeError:
        assert len(data) < offset + length
        return
    assert value is None or 0 < value.odometer_m <= 2_000_000_000


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_every_bit_set_is_no_value_whatever_the_length(length: int) -> None:
    assert decode_odometer(Coding(length=length), b"\xff" * length) is None
    assert decode_odometer(Coding(length=length, unit="m", divisor=4), b"\xff" * (length - 1) + b"\xfe") is not None


@pytest.mark.parametrize(("add", "unit", "odometer_m"), [(5, "km", 15_000), (-5, "km", 5000), (-1, "mi", 14_484)])
def test_what_is_added_is_in_the_unit_of_the_value(add: float, unit: Literal["km", "mi"], odometer_m: int) -> None:
    value = decode_odometer(Coding(add=add, unit=unit), b"\x00\x00\x0a")

    assert value is not None
    assert value.odometer_m == odometer_m
