"""Every sentence exists in both languages, with the same parameters and without forbidden words."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.catalogue import Language, MessageError, has, keys, placeholders, render, shown, text_of, texts

FORBIDDEN = ("fraud", "调表", "造假", "正常车况", "tamper", "guaranteed", "作假")
RULES = (
    "odometer.dash_differs",
    "odometer.witnesses_differ",
    "odometer.counter_exceeds",
    "odometer.below_earlier",
    "odometer.typed_doubtful",
    "codes.cleared_recently",
    "codes.permanent_without_stored",
    "codes.new",
    "engine_hours.implausible",
    "identity.vin_mismatch",
    "road_test.differs",
    "inspection.differs",
    "service.due",
    "service.overdue",
    "service.unknown",
    "vin.check_digit",
    "vin.changed_while_plugged",
    "vin.same_at_two_bays",
    "battery.low",
    "car.silent",
)


def test_both_languages_have_the_same_keys() -> None:
    assert keys(Language.EN) == keys(Language.ZH)


def test_both_languages_need_the_same_parameters() -> None:
    differing = [key for key in keys() if placeholders(key, Language.EN) != placeholders(key, Language.ZH)]

    assert differing == []


@pytest.mark.parametrize("language", list(Language))
def test_no_sentence_accuses_or_promises(language: Language) -> None:
    for key in keys(language):
        sentence = render(key, language, **dict.fromkeys(placeholders(key, language), "x")).lower()
        assert not [word for word in FORBIDDEN if word in sentence], key


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_says_what_happened_and_what_to_do(rule: str) -> None:
    assert all(has(f"rule.{rule}.{part}") for part in ("title", "text", "advice"))


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(MessageError, match=r"no\.such\.key"):
        render("no.such.key", "en")


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(MessageError, match="gap_m"):
        render("check.K1.consistent", "en", dash_m=1000, read_m=1000)


def test_distances_are_kilometres_with_thousands_separators() -> None:
    assert shown("odometer_m", 135_879_100, "en") == "135,879 km"
    assert shown("odometer_m", 135_879_100, "zh") == "135,879 公里"
    assert shown("gap_m", 1_400, "en") == "1.4 km"
    assert shown("gap_m", 0, "en") == "0 km"


def test_each_unit_is_shown_as_people_write_it() -> None:
    assert shown("elapsed_s", 12, "en") == "12 s"
    assert shown("elapsed_s", 3_600, "en") == "60 min"
    assert shown("elapsed_s", 36_000, "zh") == "10 小时"
    assert shown("battery_v", 12.44, "en") == "12.4 V"
    assert shown("gap_pct", 5.25, "en") == "5.2 %"
    assert shown("remaining_days", 1, "en") == "1 day"
    assert shown("remaining_days", -3, "zh") == "-3 天"
    assert shown("model_year", 2019, "en") == "2019"


def test_dates_are_iso_and_lists_follow_the_language() -> None:
    moment = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)

    assert shown("earlier_date", moment, "en") == "2026-03-01"
    assert shown("taken_at", moment, "en") == "2026-03-01 09:05+00:00"
    assert shown("earlier_date", date(2026, 3, 1), "zh") == "2026-03-01"
    assert shown("codes", ["P0301", "P0171"], "en") == "P0301, P0171"
    assert shown("codes", ["P0301", "P0171"], "zh") == "P0301、P0171"


def test_a_parameter_may_be_an_entry_itself() -> None:
    assert shown("reason", "@reason.no_dash", "en") == "nobody typed the dashboard's value"
    assert shown("reason", None, "zh") == "未知"


def test_texts_gives_every_language() -> None:
    assert texts("severity.stop") == {"en": "Stop", "zh": "停"} == text_of("severity.stop")


@given(st.text(max_size=40).filter(lambda text: not text.startswith("@")))
@example("@check.K1.consistent")
@example("{vin_tail}")
def test_what_a_peer_says_is_never_a_pattern(text: str) -> None:
    assert text in render("check.K7.suspicious", "en", ecu=text, other_tail="1", vin_tail="2")
