"""Colours and pictures of the pages: contrast is computed from the tokens, and every picture that is named exists."""

import re
from pathlib import Path

import pytest

import backoffice

FOLDER = Path(backoffice.__file__).parent
CSS = (FOLDER / "static" / "office.css").read_text(encoding="utf-8")
SCRIPT = (FOLDER / "static" / "office.js").read_text(encoding="utf-8")
TEXT_CONTRAST = 4.5  # WCAG 2.2 AA, 1.4.3
SHAPE_CONTRAST = 3.0  # 1.4.11: borders of controls, marks of the chart
ON_GROUNDS = [("ink", ("paper", "card", "sunk", "accent-wash")), ("soft", ("paper", "card", "sunk"))]
STATUS = ("stop", "soon", "note", "ok", "unknown")
PAIRS = [
    *((text, ground) for text, grounds in ON_GROUNDS for ground in grounds),
    *((name, ground) for name in STATUS for ground in (f"{name}-wash", "card")),
    *(("accent", ground) for ground in ("paper", "card", "accent-wash")),
    ("accent-ink", "accent"),
    ("card", "ink"),
    ("card", "stop"),
]


def tokens(scheme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", CSS, re.S)[:2]
    values = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", light))
    return values | (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", dark)) if scheme == "dark" else {})


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_on_white_is_what_the_standard_says() -> None:
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_every_text_can_be_read_on_its_ground(scheme: str, text: str, ground: str) -> None:
    known = tokens(scheme)

    assert contrast(known[text], known[ground]) >= TEXT_CONTRAST


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_edges_of_controls_can_be_seen(scheme: str) -> None:
    known = tokens(scheme)

    assert min(contrast(known["edge"], known[ground]) for ground in ("card", "paper")) >= SHAPE_CONTRAST


def test_no_rule_has_a_colour_of_its_own() -> None:
    rules = re.sub(r"--[a-z-]+: #[0-9a-f]{6};", "", CSS)

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", rules) == []


def test_every_picture_that_a_template_names_exists() -> None:
    pictures = set(re.findall(r'<symbol id="([a-z_]+)"', (FOLDER / "static" / "icons.svg").read_text(encoding="utf-8")))
    templates = "".join(path.read_text(encoding="utf-8") for path in (FOLDER / "templates").glob("*.html"))
    named = set(re.findall(r"icons\.svg#([a-z_]+)\"", templates)) | set(re.findall(r"icon\('([a-z_]+)'\)", templates))

    assert named <= pictures
    assert {"stop", "soon", "note", "consistent", "not_determinable"} <= pictures


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert not re.search(r"https?://|//cdn|@import|url\(", CSS)
    assert not re.search(r"https?://|eval\(|innerHTML", SCRIPT)
