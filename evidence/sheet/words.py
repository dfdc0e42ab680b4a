"""The words of a sheet: its times in the office's zone, its names from the catalogue."""

import re
from datetime import UTC, datetime

from config.catalogue import Language, has, render, shown
from config.zones import zone_of
from evidence.snapshot import CheckPart, Result, Text

DASH = "–"
NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_AGAINST = (Result.SUSPICIOUS, Result.IMPOSSIBLE)


def verdict_sentence(verdict: Result, checks: tuple[CheckPart, ...], language: Language) -> str:
    """What the verdict means: the checks that speak against the car, or those that could not be made."""
    unchecked = [check_title(check, language) for check in checks if check.result is Result.NOT_DETERMINABLE]
    against = [check_title(check, language) for check in checks if check.result in _AGAINST]
    everything = verdict is Result.CONSISTENT and not unchecked
    key = f"verdict.{verdict}.{'text_all_checked' if everything else 'text'}"
    return render(key, language, unchecked=unchecked, checks=against or DASH)


def check_title(check: CheckPart, language: Language) -> str:
    """The check's name; its number where the catalogue has none."""
    key = f"check.{check.check}.title"
    return render(key, language) if has(key) else check.check


def detail_words(detail: str, language: Language) -> str:
    """Why an item was not read, in the reader's words; what an adapter or a car said itself stays as it was said."""
    key = f"detail.{NOT_A_WORD.sub('_', detail.lower()).strip('_')}"
    return render(key, language) if has(key) else detail


class Words:
    """What one reader of one sheet is told, in ``language``, with times in ``zone``."""

    def __init__(self, language: Language, timezone: str) -> None:
        self.language = language
        self._zone = zone_of(timezone)

    def __call__(self, key: str, /, **params: object) -> str:
        """The sentence ``sheet.<key>``."""
        return render(f"sheet.{key}", self.language, **params)

    def named(self, group: str, name: str) -> str:
        """The catalogue's word for ``name``; the name itself where it has none (a maker's row), a dash for nothing."""
        key = f"{group}.{name}"
        return render(key, self.language) if name and has(key) else name or DASH

    def item(self, name: str) -> str:
        """What was asked; a maker's odometer keeps the name of its row."""
        group, _, row = name.partition(".")
        if has(f"item.{name}") or not row or not has(f"item.{group}"):
            return self.named("item", name)
        return f"{self.named('item', group)} {row}"

    def text(self, text: Text) -> str:
        """Our half of a sentence kept in both languages; the other half rather than nothing."""
        ours, other = (text.zh, text.en) if self.language is Language.ZH else (text.en, text.zh)
        return ours or other

    def km(self, odometer_m: float | None) -> str:
        return DASH if odometer_m is None else shown("odometer_m", odometer_m, self.language)

    def moment(self, at: datetime | None) -> str:
        """Date and minute in the office's zone."""
        return self("time_unknown") if at is None else self._local(at).strftime("%Y-%m-%d %H:%M")

    def day(self, at: datetime) -> str:
        return self._local(at).date().isoformat()

    def _local(self, at: datetime) -> datetime:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(self._zone)
