"""A command line speaks the reader's language, and refuses in one line."""

import re

import pytest
import typer

from agent.cli import app as agent_app
from backoffice.cli import app as office_app
from config.command_line import run_spoken, texts_of
from config.command_words import language_asked_for, said_in_chinese

HAN = re.compile(r"[\u4e00-\u9fff]")
CHINESE = {"LANG": "zh_CN.UTF-8"}
ENGLISH = {"LANG": "en_US.UTF-8"}


@pytest.mark.parametrize("app", [agent_app, office_app])
def test_every_text_of_the_help_exists_in_chinese(app: typer.Typer) -> None:
    texts = set(texts_of(typer.main.get_command(app)))

    assert not [text for text in texts if not HAN.search(said_in_chinese(text))]


@pytest.mark.parametrize("words", [["--help"], ["scan", "--help"], ["sync", "--help"], ["sync", "verify", "--help"]])
def test_help_in_chinese_holds_no_english_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_spoken(agent_app, "forecourt", words, CHINESE)

    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert said.startswith("用法：forecourt")
    assert not re.search(r"[A-Za-z]+ [a-z]+ [a-z]+", said.partition("\n")[2])


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (["scan"], "Missing option '--adapter'. See: forecourt scan", "缺少选项 --adapter。用法见：forecourt scan"),
        (["judge"], "Missing argument 'FILE...'. See", "缺少参数 FILE...。用法见：forecourt judge --help"),
        (["demo", "x"], "Got unexpected extra argument(s) (x). See", "多余的参数：x。用法见"),
        (["scna"], "No such command 'scna'. Did you mean 'scan'? See", "没有“scna”这个命令，是不是 'scan'？用法见"),
        (["scan", "--adapter"], "Option '--adapter' requires an argument. See", "选项 --adapter 后面缺少内容。用法见"),
        (["scan", "--save=3"], "Option '--save' does not take a value. See", "选项 --save 后面不能跟内容。用法见"),
        (["demo", "--seconds", "x"], "Input should be a valid integer", "'--seconds' 的内容不对：要填整数。用法见"),
        (["scan", "--frob"], "No such option: --frob", "没有 --frob 这个选项"),
    ],
)  # fmt: skip
def test_words_that_cannot_be_taken_are_refused_in_one_line(
    words: list[str], english: str, chinese: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for environment, expected in ((ENGLISH, english), (CHINESE, chinese)):
        with pytest.raises(SystemExit) as ended:
            run_spoken(agent_app, "forecourt", words, environment)

        said = capsys.readouterr()
        assert ended.value.code == 2
        assert said.out == ""
        assert said.err.startswith("forecourt")
        assert said.err.count("\n") == 1
        assert expected in said.err


@pytest.mark.parametrize("words", [[], ["sync"]])
def test_a_group_without_a_command_shows_its_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_spoken(agent_app, "forecourt", words, CHINESE)

    assert ended.value.code == 2
    assert "命令：" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "environment", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "C.UTF-8"}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LC_ALL": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ([], {"LC_ALL": "", "LC_MESSAGES": "zh_CN", "LANG": "en_US"}, "zh"),
        (["scan", "--lang", "zh"], {"LANG": "en_US"}, "zh"),
        (["scan", "--lang=en"], {"LANG": "zh_CN"}, "en"),
        (["scan", "--lang"], {"LANG": "zh_CN"}, "zh"),
        (["scan", "--lang", "fr"], {"LANG": "zh_CN"}, "zh"),
    ],
)
def test_the_language_is_the_one_asked_for(words: list[str], environment: dict[str, str], language: str) -> None:
    assert language_asked_for(words, environment) == language
