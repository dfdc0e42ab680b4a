"""Sentences about a snapshot, for the bay page and the terminal; all words come from the catalogue."""

from config.catalogue import Language, has, render
from evidence.snapshot import CheckPart, DtcPart, Result, Snapshot

_COLONS = ":\N{FULLWIDTH COLON}"
_AGAINST = (Result.SUSPICIOUS, Result.IMPOSSIBLE)


def said(key: str, language: Language) -> str:
    """The sentence of ``key``; the key itself where the catalogue has none, so that a page is never broken by it."""
    return render(key, language) if has(key) else key


def verdict_text(snapshot: Snapshot, language: Language) -> str:
    """What the verdict means: the checks that speak against the car, or those that could not be made."""
    unchecked = [_title(check, language) for check in snapshot.checks if check.result is Result.NOT_DETERMINABLE]
    against = [_title(check, language) for check in snapshot.checks if check.result in _AGAINST]
    everything = snapshot.verdict is Result.CONSISTENT and not unchecked
    key = f"verdict.{snapshot.verdict}.{'text_all_checked' if everything else 'text'}"
    return render(key, language, unchecked=unchecked, checks=against)


def words_of(part: DtcPart, language: Language) -> str:
    """The code's meaning without the code, which stands beside it already."""
    text: str = getattr(part.text, language)
    return text.removeprefix(part.code).lstrip(_COLONS).strip()


def _title(check: CheckPart, language: Language) -> str:
    return said(f"check.{check.check}.title", language)
