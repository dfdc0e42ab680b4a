"""The manual: one Markdown file a section and language, shown beside the page it explains."""

from functools import cache
from pathlib import Path

from config.catalogue import Language

SECTIONS = ("getting-started", "bay", "vehicles", "vehicle", "file", "alerts")
"""All sections, in the order of a working day."""

_FILES = Path(__file__).parent / "manual"


class UnknownSectionError(LookupError):
    """The manual has no such section."""


def manual_html(section: str, language: Language | str) -> str:
    """The section as HTML (raw HTML in the source is escaped); raise UnknownSectionError."""
    return _html(_known(section), Language(language))


def manual_title(section: str, language: Language | str) -> str:
    """The section's heading; raise UnknownSectionError."""
    return _source(_known(section), Language(language)).splitlines()[0].removeprefix("#").strip()


def _known(section: str) -> str:
    """Only names of the list reach the file system."""
    if section not in SECTIONS:
        raise UnknownSectionError(section)
    return section


@cache
def _html(section: str, language: Language) -> str:
    from markdown_it import MarkdownIt  # a box that nobody asks for its manual does not hold it in memory

    rendered: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(_source(section, language))
    return rendered


@cache
def _source(section: str, language: Language) -> str:
    return (_FILES / str(language) / f"{section}.md").read_text(encoding="utf-8")
