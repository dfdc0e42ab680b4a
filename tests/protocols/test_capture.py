"""The format of recorded captures, and what a broken file is told."""

import pytest

from protocols.capture import cases_of, is_capture
from protocols.errors import DecodeError
from protocols.messages import LinkFormat

CASE = {
    "id": "example:1",
    "kind": "odometer",
    "protocol": "CAN 29-bit",
    "request": {"header": "18da10f1", "receive": None, "extended_address": None, "data": "01A6"},
    "response_lines": ["18DAF1100641A60001E240"],
    "headers_in_lines": True,
    "expected": [
        {"signal": "ODO", "value": 1, "corrected_value": 12345.6, "unit": "km", "assessment": "source_formula_wrong"}
    ],
    "flags": ["spaces"],
}


def test_a_case_becomes_values() -> None:
    (case,) = cases_of({"vehicle": {"make": "Honda", "model": "Civic"}, "cases": [CASE]})

    assert (case.make, case.model) == ("Honda", "Civic")
    assert (case.link, case.header, case.request) == (LinkFormat.CAN_29, "18DA10F1", b"\x01\xa6")
    assert case.lines == ("18DAF1100641A60001E240",)
    assert case.expected[0].value == 12345.6
    assert case.flags == {"spaces"}


@pytest.mark.parametrize(
    ("protocol", "link"),
    [
        ("CAN 11-bit", LinkFormat.CAN_11),
        ("ISO 9141-2", LinkFormat.LEGACY),
        ("ISO 14230-4 KWP fast", LinkFormat.LEGACY),
        ("legacy (not stated)", LinkFormat.LEGACY),
    ],
)
def test_the_protocol_tells_the_link(protocol: str, link: LinkFormat) -> None:
    (case,) = cases_of({"cases": [{**CASE, "protocol": protocol}]})

    assert case.link is link


def test_a_frame_that_was_only_listened_to_has_no_request() -> None:
    (case,) = cases_of({"cases": [{**CASE, "request": {"header": None, "data": None}}]})

    assert case.request is None


@pytest.mark.parametrize("missing", ["id", "request", "response_lines"])
def test_a_case_without_a_field_is_named(missing: str) -> None:
    broken = {key: value for key, value in CASE.items() if key != missing}

    with pytest.raises(DecodeError, match=r"^case (example:1|0): "):
        list(cases_of({"cases": [broken]}))


@pytest.mark.parametrize(
    "change", [{"request": {"data": "0G"}}, {"request": 3}, {"expected": [3]}, {"response_lines": 7}]
)
def test_a_case_of_another_shape_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(DecodeError):
        list(cases_of({"cases": [CASE | change]}))


def test_other_documents_are_no_captures() -> None:
    assert is_capture({"cases": []})
    assert not is_capture({"visits": []})
    assert not is_capture([])


@pytest.mark.parametrize(
    "shown",
    [["  18DAF110 06 41 A6 \t"], ["18DAF110\x00 06 41 A6\r\n"], ["18DAF110 06 41 A6>"], ["", "18DAF110 06 41 A6\r\r>"]],
)
def test_what_stands_around_a_recorded_line_is_taken_off(shown: list[str]) -> None:
    (case,) = cases_of({"cases": [{**CASE, "response_lines": shown}]})

    assert case.lines == ("18DAF110 06 41 A6",)


def test_lines_that_were_recorded_as_one_are_parted() -> None:
    (case,) = cases_of({"cases": [{**CASE, "response_lines": ["014\r0:490201\r\n1:57\r\r>"]}]})

    assert case.lines == ("014", "0:490201", "1:57")
