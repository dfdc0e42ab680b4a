"""What a person reads, in English or Chinese: the English text is the key, ``words.zh.toml`` holds the rest.

Texts are written in English where they arise and turned on their way out, so nothing else needs to know a language.
What programs read (the JSON lines, the names of scenarios, faults and options) is the same in both.
"""

import re
import tomllib
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh")
OPTION = "--language"
CATALOGUE = Path(__file__).with_name("words.zh.toml")

# By which variable a POSIX system tells the language of messages, the first that is set (setlocale).
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
# What argparse writes around our texts.
_FRAME = {"usage: ": "用法：", "positional arguments:": "命令：", "options:": "选项："}
_DEEPEST = 3

_spoken = ["en"]


def speak(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Choose the language for this process: by ``--language`` among the words, else by the environment."""
    _spoken[0] = _asked_for(words) or _usual(environment)


def chinese() -> bool:
    """Whether Chinese was chosen."""
    return _spoken[0] == "zh"


def said(text: str) -> str:
    """The text in the chosen language; what the catalogue does not know stays English."""
    return (_translated(text, 0) or text) if chinese() else text


def add_language(parser: ArgumentParser) -> None:
    """The option by which a person chooses."""
    parser.add_argument(OPTION, choices=LANGUAGES, help="of texts for people (default: as LANG says)")


def help_of(text: str) -> str:
    """The text of ``--help`` with argparse's own words in the chosen language; ours are said by ``localise``."""
    if chinese():
        for english, own in _FRAME.items():
            text = text.replace(english, own, 1)
    return text


def localise(parser: ArgumentParser) -> None:
    """Put all texts of a parser into the chosen language."""
    if not chinese():
        return
    parser.description = said(parser.description or "")
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to its options
        action.help = said(action.help or "")
    for group in parser._action_groups:  # noqa: SLF001
        group.description = said(group.description) if group.description else None


def _asked_for(words: Sequence[str]) -> str:
    for place, word in enumerate(words):
        option, _, value = word.partition("=")
        if option == OPTION:
            wanted = value or (words[place + 1] if place + 1 < len(words) else "")
            return wanted if wanted in LANGUAGES else ""
    return ""


def _usual(environment: Mapping[str, str]) -> str:
    told = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    return "zh" if told.lower().startswith("zh") else "en"


@cache
def catalogue() -> dict[str, str]:
    """English texts and the Chinese ones; ``{}`` stands for what is filled in."""
    tables: dict[str, dict[str, str]] = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {english: own for table in tables.values() for english, own in table.items()}


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Texts with something to fill in, the longest first: the most particular is tried before a general one."""
    filled = sorted((text for text in catalogue() if "{}" in text), key=len, reverse=True)
    return [(re.compile(re.escape(text).replace(r"\{\}", "(.*?)"), re.DOTALL), catalogue()[text]) for text in filled]


def _translated(text: str, depth: int) -> str:
    """The Chinese text; nothing when neither the whole nor what stands behind a colon is known."""
    if text in catalogue():
        return catalogue()[text]
    for pattern, own in _patterns():
        match = pattern.fullmatch(text)
        if match is not None:
            return own.format(*(_part(part, depth) for part in match.groups()))
    head, colon, tail = text.partition(": ")
    known = _translated(tail, depth) if colon else ""
    return f"{head}：{known}" if known else ""


def _part(text: str, depth: int) -> str:
    return (_translated(text, depth + 1) or text) if depth < _DEEPEST else text
