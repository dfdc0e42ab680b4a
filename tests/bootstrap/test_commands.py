"""What ./run makes of its arguments."""

import pytest

from bootstrap.commands import main


@pytest.mark.parametrize("word", ["help", "-h", "--help"])
def test_help_is_an_answer(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    assert "./run test" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["tests"], ["--"], ["check", "more"], ["-x"]])
def test_a_word_it_does_not_know_is_the_users_mistake(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().out == ""
