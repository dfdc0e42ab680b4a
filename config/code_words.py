"""Trouble-code sentences in Chinese, composed from English ones by a glossary that was checked word by word.

Chinese puts the parts of such a compound in the same order as English, so phrases are replaced where they stand; the
few sentences built around a preposition are turned first. A sentence with an unknown word is not translated at all.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "code_words.toml"
MAX_LENGTH = 200
FAULT = "故障"

_TURNED = tuple(
    (re.compile(pattern, re.IGNORECASE), order)
    for pattern, order in (
        (r"lost communication with (.+)", "与{0}失去通信"),
        (r"software incompatibility with (.+)", "与{0}的软件不兼容"),
        (r"invalid data received from (.+)", "从{0}收到的数据无效"),
        (r"vin not programmed or incompatible - (.+)", "{0}中的车架号未写入或不匹配"),
        (r"air leak between (.+) and (.+)", "{0}与{1}之间漏气"),
        (r"(.+)/air leak between (.+) and (.+)", "{0}，或{1}与{2}之间漏气"),
        (r"(.+) \(?shorted to ([^)]+)\)?", "{0}与{1}短路"),
        (r"(.+) to (.+) correlation", "{0}与{1}相关性异常"),
        (r"(.+) - (.+) correlation", "{0}与{1}相关性异常"),
    )
)
_NUMBERED = tuple(
    (re.compile(pattern), order)
    for pattern, order in (
        (r"cylinder #?(\d{1,2})\b", "第 {0} 缸"),
        (r"bank (\d)\b", "第 {0} 列"),
        (r"gear (\d{1,2})\b", "{0} 挡"),
    )
)
_LETTER = re.compile(r"['\"]?([a-lxy])['\"]?(?![a-z0-9'])")
_NUMBER = re.compile(r"\d+(?:-\d+)*")
_MARKS = {"(": "（", ")": "）", "/": "/", "-": "：", ",": "，"}


def in_chinese(english: str) -> str:
    """The sentence in Chinese; "" if any of its words is not in the glossary."""
    sentence = re.sub(r" ?/ ?", "/", re.sub(r"\s+", " ", english[:MAX_LENGTH]).strip())
    for pattern, order in _TURNED:
        if turned := pattern.fullmatch(sentence):
            parts = [_compose(part.strip("'"))[0] for part in turned.groups()]
            return _joined([order.format(*(f" {part} " for part in parts))]) if all(parts) else ""
    text, says_fault = _compose(sentence)
    return _joined([text, " ", FAULT]) if text and not says_fault else text


def _compose(sentence: str) -> tuple[str, bool]:
    """The words in their order, and whether one of them says what is wrong."""
    rest, parts, says_fault = sentence.lower(), [], False
    while rest := rest.lstrip():
        length, chinese, is_state = _first(rest)
        if length == 0:
            return "", False
        parts.append(chinese)
        says_fault |= is_state
        rest = rest[length:]
    return _joined(parts), says_fault


def _first(rest: str) -> tuple[int, str, bool]:
    """How many characters the first phrase of ``rest`` takes, what it means, and whether it says what is wrong."""
    for pattern, order in _NUMBERED:
        if found := pattern.match(rest):
            return found.end(), order.format(found[1]), False
    for length in range(min(len(rest), _longest()), 0, -1):
        if (entry := _glossary().get(rest[:length])) and not (
            rest[length - 1].isalnum() and rest[length:][:1].isalnum()
        ):
            return length, *entry
    if found := _LETTER.match(rest):
        return found.end(), f" {found[1].upper()} ", False
    if found := _NUMBER.match(rest):
        return found.end(), f" {found[0]} ", False
    mark = _MARKS.get(rest[0], "")
    return (1, mark, False) if mark else (0, "", False)


def _joined(parts: list[str]) -> str:
    """One text, with a space only between Chinese and a letter or digit."""
    text = re.sub(r" +", " ", "".join(parts)).strip()
    text = re.sub(r" ?([（）/：，]) ?", r"\1", text)
    return re.sub(r"(?<![A-Za-z0-9-]) (?![A-Za-z0-9])", "", text)


@cache
def _glossary() -> dict[str, tuple[str, bool]]:
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    things = {english: (chinese, False) for english, chinese in table["thing"].items()}
    return things | {english: (chinese, True) for english, chinese in table["state"].items()}


@cache
def _longest() -> int:
    return max(map(len, _glossary()))
