"""What a trouble code means in one sentence, in both languages (SAE J2012 groups; maker's own codes are said to be)."""

from collections.abc import Callable

from config.catalogue import has, texts
from config.code_words import in_chinese
from evidence.snapshot import Text

_CYLINDERS = {f"P03{number:02d}": number for number in range(1, 13)}


def code_text(code: str, english: Callable[[str], str] | None = None) -> Text:
    """A sentence for ``code`` in both languages; ``english`` may know a better English one, or answer nothing.

    A better English sentence is said in Chinese too, unless the catalogue has a Chinese one for this very code.
    """
    key, params = _place(code)
    said = texts(key, **params)
    better = english(code).strip() if english else ""
    is_exact = key.startswith("code.exact.") or key == "code.misfire_cylinder"
    chinese = in_chinese(better) if better and not is_exact else ""
    return Text(en=better or said["en"], zh=chinese or said["zh"])


def _place(code: str) -> tuple[str, dict[str, int]]:
    """The narrowest entry of the catalogue that covers the code."""
    if has(f"code.exact.{code}"):
        return f"code.exact.{code}", {}
    if code in _CYLINDERS:
        return "code.misfire_cylinder", {"cylinder": _CYLINDERS[code]}
    if code[:1] not in "PCBU" or len(code) < 3:
        return "code.unknown", {}
    if _is_makers_own(code):
        return f"code.maker.{code[0]}", {}
    for key in (f"code.group.{code[:3]}", f"code.system.{code[0]}"):
        if has(key):
            return key, {}
    return "code.unknown", {}


def _is_makers_own(code: str) -> bool:
    """J2012: second character 1 is the maker's; P30-P33 too; in C, B and U also 2."""
    if code[1] == "1":
        return True
    if code[0] == "P":
        return code[1] == "3" and code[2] in "0123"
    return code[1] == "2"
