"""Replies without headers: which lines belong together when nothing names their sender."""

import pytest

from protocols.messages import LinkFormat, assemble
from tests.protocols.lines import payloads

CAN_11, CAN_29, LEGACY = LinkFormat.CAN_11, LinkFormat.CAN_29, LinkFormat.LEGACY


def test_without_headers_numbered_lines_are_joined() -> None:
    lines = ["00A", "0:430401020113", "1:01230222000000"]

    assert payloads(assemble(lines, CAN_11, headers=False)) == [("", "43040102011301230222")]


@pytest.mark.parametrize(
    "lines",
    [
        ["00A", "0:430401020113"],
        ["00A", "1:01230222000000", "0:430401020113"],
        ["00A", "00A", "0:430401020113", "0:430401020113", "1:01230222000000", "1:01230222000000"],
        ["0:430401020113", "1:01230222000000"],
        ["00A", "0:4304010201", "1:01230222000000"],
    ],
)
def test_numbered_lines_that_cannot_be_told_apart_are_damaged(lines: list[str]) -> None:
    assembly = assemble(lines, CAN_11, headers=False)

    assert assembly.messages == ()
    assert assembly.damaged


def test_a_list_that_breaks_in_its_last_line_is_damaged_and_its_beginning_is_kept() -> None:
    assembly = assemble(["00A", "0:430401020113", "2:01230222000000"], CAN_11, headers=False)

    assert assembly.messages == ()
    assert [damage.head.hex() for damage in assembly.damaged] == ["430401020113"]


def test_without_headers_every_plain_line_is_a_message() -> None:
    assert payloads(assemble(["4300 ", "4300 "], CAN_11, headers=False)) == [("", "4300"), ("", "4300")]
