"""The format of adapter transcripts, and what a broken one is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import DecodeError
from protocols.transcript import Exchange, is_transcript, parse_transcript

TEXT = r"""# vehicle: Nissan Leaf
# line ends: exact
> ATZ
< \xfcATZ\r\r\rELM327 v1.5\r\r>
> 0100
<
> 010C
< 410C\\0AF4\n>
"""


def test_exchanges_keep_every_byte() -> None:
    transcript = parse_transcript(TEXT)

    assert transcript.exchanges == (
        Exchange("ATZ", b"\xfcATZ\r\r\rELM327 v1.5\r\r>"),
        Exchange("0100", b""),
        Exchange("010C", b"410C\\0AF4\n>"),
    )
    assert transcript.about == {"vehicle": "Nissan Leaf", "line ends": "exact"}


def test_an_answer_before_anything_was_sent_is_refused() -> None:
    with pytest.raises(DecodeError, match="line 1"):
        parse_transcript("< OK\\r>")


def test_other_text_is_no_transcript() -> None:
    assert is_transcript(TEXT)
    assert not is_transcript("hello\n")


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse_transcript(text)
    except DecodeError:
        assert "<" in text
