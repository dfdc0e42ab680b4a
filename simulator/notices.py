"""Tells the person at the terminal, in one line each, what a client did that a real adapter would not have taken."""

import sys
from contextlib import suppress


def tell(text: str) -> None:
    """One line on standard error; nothing when nobody reads that any more."""
    with suppress(OSError, ValueError):
        print(f"forecourt-sim: {text}", file=sys.stderr, flush=True)
