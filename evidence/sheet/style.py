"""The style that stands inside a sheet's HTML, and what a browser must be told to allow it."""

import base64
import hashlib
from functools import cache
from pathlib import Path

STYLE = Path(__file__).parent / "sheet.css"


@cache
def style() -> str:
    """The sheet's own style, which stands inside the file."""
    return STYLE.read_text(encoding="utf-8")


def style_source() -> str:
    """What a Content-Security-Policy must allow for it (CSP 3, hash source)."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(style().encode()).digest()).decode() + "'"
