"""Numbers and dates as readers of each language write them."""

from datetime import UTC, datetime

import pytest

from backoffice.wording import DASH, Wording
from config.catalogue import Language
from config.zones import zone_of
from evidence.snapshot import Text

AT = datetime(2026, 5, 19, 18, 5, tzinfo=UTC)
SHANGHAI = zone_of("Asia/Shanghai")


def words(language: str) -> Wording:
    return Wording(Language(language), SHANGHAI)


@pytest.mark.parametrize(("language", "km"), [("en", "61,204 km"), ("zh", "61,204 公里")])
def test_distances_are_kilometres_with_their_unit(language: str, km: str) -> None:
    assert words(language).km(61_204_400) == km


def test_what_is_unknown_is_a_dash_and_never_a_zero() -> None:
    w = words("en")

    assert (w.km(None), w.volts(None)) == (DASH, DASH)
    assert w.km(0) == "0 km"


def test_a_moment_is_told_in_the_readers_zone() -> None:
    assert words("zh").moment(AT) == "2026-05-20 02:05"
    assert words("en").day(AT) == "20 May 2026"
    assert words("zh").day(AT) == "2026年5月20日"


def test_a_time_without_a_zone_is_taken_as_utc() -> None:
    assert words("en").moment(AT.replace(tzinfo=None)) == words("en").moment(AT)


def test_an_unknown_time_is_said() -> None:
    assert words("en").moment(None) == "time not known"


def test_a_sentence_in_the_other_language_is_better_than_none() -> None:
    assert words("zh").text(Text(en="only")) == "only"
    assert words("en").text(Text(en="a", zh="b")) == "a"
