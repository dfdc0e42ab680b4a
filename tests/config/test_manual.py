"""The manual: the same sections in both languages, and nothing in it that leads nowhere."""

import re

import pytest

from config.catalogue import Language
from config.manual import SECTIONS, UnknownSectionError, manual_html, manual_title

BOTH = pytest.mark.parametrize("section", SECTIONS)


@BOTH
def test_a_section_says_as_much_in_each_language(section: str) -> None:
    english, chinese = (manual_html(section, language) for language in Language)

    for tag in ("h1", "h2", "li", "tr"):
        assert english.count(f"<{tag}>") == chinese.count(f"<{tag}>"), tag
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert not re.search(r"[\u4e00-\u9fff]", english.replace("中文", "").replace("沪", ""))


@BOTH
@pytest.mark.parametrize("language", list(Language))
def test_every_link_leads_to_a_section(section: str, language: Language) -> None:
    links = re.findall(r'href="([^"]+)"', manual_html(section, language))

    assert all(link.removeprefix("/manual/") in SECTIONS for link in links)
    assert manual_title(section, language)


@pytest.mark.parametrize("section", ["", "none", "../messages/en", "bay.md"])
def test_only_known_sections_are_read(section: str) -> None:
    with pytest.raises(UnknownSectionError):
        manual_html(section, Language.EN)
    with pytest.raises(UnknownSectionError):
        manual_title(section, Language.ZH)


@BOTH
def test_chinese_has_chinese_punctuation(section: str) -> None:
    text = re.sub(r"<[^>]+>", "", manual_html(section, Language.ZH))

    assert re.findall(r"[\u4e00-\u9fff][,;:?!]", text) == []
