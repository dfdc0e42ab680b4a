"""What the set-up says."""

import pytest

from bootstrap.speech import last_line, say


def test_it_speaks_on_stderr_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("making .venv")

    assert capsys.readouterr() == ("", "run: making .venv\n")


@pytest.mark.parametrize(("text", "line"), [("a\nb\n\n", "b"), ("", "it said nothing"), ("x" * 400, "x" * 300)])
def test_the_last_line_is_the_reason_and_is_bounded(text: str, line: str) -> None:
    assert last_line(text) == line
