"""What a person may type, and the one sentence each mistake becomes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.answers import Answers, parse_answers
from agent.errors import AnswerError
from config.catalogue import Language, render
from evidence.snapshot import Purpose
from tests.agent.cars import CAR_A

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["plate", "stock_number", "dash_km", "operator", "vin", "purpose", "model", "colour"])


def test_everything_a_form_posts_is_understood() -> None:
    answers = parse_answers(
        {
            "plate": "沪a·12345",
            "stock_number": " s-17 ",
            "dash_km": "52,340",
            "operator": "李 雷",
            "purpose": "delivery",
        }
    )

    assert answers == Answers(
        plate="沪A12345", stock_number="S-17", dash_m=52_340_000, operator="李 雷", purpose=Purpose.DELIVERY
    )


@pytest.mark.parametrize("typed", [52340, "52340", "52 340", "52,340", "52,340"])
def test_the_dash_may_be_typed_with_separators(typed: object) -> None:
    assert parse_answers({"dash_km": typed}).dash_m == 52_340_000


def test_a_dash_that_counts_miles_is_converted_once_and_for_all() -> None:
    assert parse_answers({"dash_km": "32500", "dash_unit": "mi"}).dash_m == 52_303_680


def test_zero_kilometres_are_an_answer() -> None:
    assert parse_answers({"dash_km": 0}).dash_m == 0
    assert Answers(dash_m=5000).merged(Answers(dash_m=0)).dash_m == 0


@pytest.mark.parametrize("scanned", [CAR_A, CAR_A.lower(), f" {CAR_A[:8]}-{CAR_A[8:]} ", f"*{CAR_A}*"])
def test_a_vin_may_come_from_a_barcode_scanner(scanned: str) -> None:
    assert parse_answers({"vin": scanned}).vin == CAR_A


@pytest.mark.parametrize(
    ("posted", "key"),
    [
        ({}, "answers.nothing"),
        ([], "answers.nothing"),
        ("plate", "answers.nothing"),
        ({"colour": "red"}, "answers.unknown_field"),
        ({"dash_km": "52.3"}, "answers.dash_km"),
        ({"dash_km": -1}, "answers.dash_km"),
        ({"dash_km": True}, "answers.dash_km"),
        ({"dash_km": "x" * 5000}, "answers.dash_km"),
        ({"dash_km": "²"}, "answers.dash_km"),
        ({"dash_km": 2_000_001}, "answers.dash_km"),
        ({"vin": "LFM"}, "vin.wrong_length"),
        ({"vin": "LFMAP22C0L0000I01"}, "vin.has_ioq"),
        ({"plate": 5}, "answers.not_text"),
        ({"plate": "x" * 21}, "answers.not_text"),
        ({"operator": "a\x00b"}, "answers.not_text"),
        ({"dash_km": 5, "dash_unit": "li"}, "answers.dash_unit"),
        ({"dash_unit": []}, "answers.dash_unit"),
        ({"purpose": "theft"}, "answers.purpose"),
    ],
)
def test_each_mistake_is_one_sentence_in_both_languages(posted: object, key: str) -> None:
    with pytest.raises(AnswerError) as refused:
        parse_answers(posted)

    assert refused.value.key == key
    assert all("\n" not in render(key, language, **refused.value.params) for language in Language)


def test_later_answers_take_the_place_of_earlier_ones_and_keep_the_rest() -> None:
    first = Answers(plate="沪A12345", dash_m=1000, operator="A")

    merged = first.merged(Answers(dash_m=2000, operator="B"))

    assert merged == Answers(plate="沪A12345", dash_m=2000, operator="B")


def test_what_is_missing_is_named_as_it_is_posted() -> None:
    assert Answers().missing("") == ("vin", "plate", "dash_km", "operator")
    assert Answers(stock_number="S-1", dash_m=1, operator="A").missing(CAR_A) == ()


@given(st.dictionaries(FIELDS, JSON, max_size=4))
def test_whatever_is_posted_is_parsed_or_refused_and_survives_storing(posted: dict[str, object]) -> None:
    try:
        answers = parse_answers(posted)
    except AnswerError:
        return

    assert Answers.from_dict(json.loads(json.dumps(answers.as_dict()))) == answers
