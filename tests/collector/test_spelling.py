"""How requests are written: the count digit for every chip, STPX where a chip knows it and it saves something."""

import pytest

from collector.spelling import spelled

VIN = b"\x09\x02"


@pytest.mark.parametrize(
    ("lines", "written"), [(None, "0902"), (0, "0902"), (1, "09021"), (10, "0902A"), (15, "0902F"), (16, "0902")]
)
def test_a_count_that_one_digit_holds_stands_behind_the_request(lines: int | None, written: str) -> None:
    assert spelled(VIN, lines, stpx=False) == written


def test_what_only_stpx_can_say_is_left_out_without_it() -> None:
    assert spelled(VIN, 20, stpx=False, unit="714", wait_ms=50) == "0902"


@pytest.mark.parametrize(
    ("lines", "unit", "wait_ms", "written"),
    [
        (3, "", 0, "09023"),
        (15, "", 0, "0902F"),
        (16, "", 0, "STPXD:0902,R:16"),
        (99, "", 0, "STPXD:0902,R:99"),
        (100, "", 0, "0902"),
        (None, "714", 0, "STPXH:714,D:0902"),
        (2, "714", 0, "STPXH:714,D:0902,R:2"),
        (None, "", 1020, "STPXD:0902,T:1020"),
        (None, "18DA10F1", 50, "STPXH:18DA10F1,D:0902,T:50"),
        (100, "714", 0, "STPXH:714,D:0902"),
    ],
)
def test_stpx_carries_unit_count_and_wait_where_one_is_needed(
    lines: int | None, unit: str, wait_ms: int, written: str
) -> None:
    assert spelled(VIN, lines, stpx=True, unit=unit, wait_ms=wait_ms) == written
