"""Sentences about a snapshot, for the bay page and the terminal; all words come from the catalogue."""

from config.catalogue import Language, has, render
from evidence.sheet.words import verdict_sentence
from evidence.snapshot import DtcPart, Snapshot

_COLONS = ":\N{FULLWIDTH COLON}"


def said(key: str, language: Language) -> str:
    """The sentence of ``key``; the key itself where the catalogue has none, so that a page is never broken by it."""
    return render(key, language) if has(key) else key


def verdict_text(snapshot: Snapshot, language: Language) -> str:
    """What the verdict means: the checks that speak against the car, or those that could not be made."""
    return verdict_sentence(snapshot.verdict, snapshot.checks, language)


def words_of(part: DtcPart, language: Language) -> str:
    """The code's meaning without the code, which stands beside it already."""
    text: str = getattr(part.text, language)
    return text.removeprefix(part.code).lstrip(_COLONS).strip()
