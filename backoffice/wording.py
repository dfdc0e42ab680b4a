"""Numbers, distances and dates as a reader of each language expects them (CLDR rules through Babel)."""

from datetime import UTC, datetime, tzinfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from config.catalogue import Language, render
from evidence.snapshot import Text

LOCALES = {"en": "en_GB", "zh": "zh_CN"}
HTML_LANGUAGE = {"en": "en", "zh": "zh-CN"}
DASH = "–"


class Wording:
    """The words of one page in one language; ``zone`` is where the reader is."""

    def __init__(self, language: Language, zone: tzinfo) -> None:
        self.language = language
        self.zone = zone
        self.locale = LOCALES[str(language)]
        self.html_language = HTML_LANGUAGE[str(language)]

    def __call__(self, key: str, **params: str | int | float) -> str:
        """The sentence ``office.<key>``."""
        return render(f"office.{key}", self.language, **params)

    def text(self, text: Text) -> str:
        """Our half of a sentence kept in both languages; the other half rather than nothing."""
        ours, other = (text.zh, text.en) if str(self.language) == "zh" else (text.en, text.zh)
        return ours or other

    def number(self, value: float, digits: int = 0) -> str:
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, format=pattern, locale=self.locale)

    def km(self, distance_m: int | None) -> str:
        """Metres as whole kilometres; a dash when unknown."""
        return DASH if distance_m is None else self("km", value=self.number(round(distance_m / 1000)))

    def volts(self, voltage_v: float | None) -> str:
        return DASH if voltage_v is None else f"{self.number(voltage_v, 1)} V"

    def moment(self, at: datetime | None) -> str:
        """Date and minute in the reader's zone."""
        if at is None:
            return self("time_unknown")
        return format_datetime(self._local(at), format="yyyy-MM-dd HH:mm", locale=self.locale)

    def day(self, at: datetime | None) -> str:
        """The long date, used to group what happened on one day."""
        return self("time_unknown") if at is None else format_date(self._local(at), format="long", locale=self.locale)

    def date(self, at: datetime) -> str:
        """The short date of a chart's axis."""
        return format_date(self._local(at), format="yyyy-MM-dd", locale=self.locale)

    def clock(self, at: datetime | None) -> str:
        return "" if at is None else format_datetime(self._local(at), format="HH:mm", locale=self.locale)

    def _local(self, at: datetime) -> datetime:
        """Times without a zone are UTC: SQLite keeps none."""
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(self.zone)
