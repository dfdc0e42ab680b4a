"""Why something was not read is said in the reader's words; what a car or an adapter said itself is repeated."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.catalogue import Language
from evidence.sheet.words import detail_words

COLLECTOR = Path(__file__).parent.parent.parent / "collector"


def reasons() -> Iterator[str]:
    """Every fixed reason that a reading gives for an item."""
    for file in sorted(COLLECTOR.glob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in ("note", "note_all"):
                yield from (str(arg.value) for arg in call.args[2:] if isinstance(arg, ast.Constant) and arg.value)


@pytest.mark.parametrize("reason", sorted(set(reasons())))
def test_every_reason_of_ours_has_chinese_words(reason: str) -> None:
    assert detail_words(reason, Language.ZH) != reason
    assert detail_words(reason, Language.EN)


def test_what_an_adapter_said_is_repeated() -> None:
    assert detail_words("7E8: CAN ERROR", Language.ZH) == "7E8: CAN ERROR"
