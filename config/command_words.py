"""What a command line says, in Chinese: the English texts stand in the commands and are the keys of a file."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

CHINESE = Path(__file__).with_name("messages") / "commands.zh.toml"
LANGUAGES = ("en", "zh")
# By which variable a POSIX system tells the language of messages, the first that is set (setlocale).
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def language_asked_for(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """``--lang`` among the words, else the language of the environment, else English."""
    for place, word in enumerate(words):
        option, _, value = word.partition("=")
        wanted = value or "".join(words[place + 1 : place + 2])
        if option == "--lang" and wanted in LANGUAGES:
            return wanted
    return language_told(environment) or "en"


def language_told(environment: Mapping[str, str]) -> str:
    """``en`` or ``zh`` as the environment says; empty where it says neither."""
    told = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    return told[:2] if told[:2] in LANGUAGES else ""


def said_in_chinese(text: str) -> str:
    """The Chinese text; what is not in the list stays English."""
    if text in _listed():
        return _listed()[text]
    for pattern, own in _patterns():
        match = pattern.fullmatch(text)
        if match is not None:
            return own.format(*(said_in_chinese(part) for part in match.groups()))
    return text


def frame_in_chinese(text: str) -> str:
    """A page of help with the words around our own texts in Chinese."""
    for english, own in _tables()["frame"].items():
        text = text.replace(english, own)
    return text


@cache
def _listed() -> dict[str, str]:
    return {english: own for table in _tables().values() for english, own in table.items()}


@cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(CHINESE.read_text(encoding="utf-8"))


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Texts with something to fill in, the longest first: the most particular is tried before a general one."""
    spoken = {**_tables()["refusals"], **_tables()["failures"]}
    filled = sorted((text for text in spoken if "{}" in text), key=len, reverse=True)
    return [(re.compile(re.escape(text).replace(r"\{\}", "(.*?)"), re.DOTALL), _listed()[text]) for text in filled]
