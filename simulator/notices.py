"""Tells the person at the terminal what went wrong, one line each, in the language that was chosen."""

import sys
from contextlib import suppress

from simulator.words import said


def tell(text: str) -> None:
    """One line on standard error; nothing when nobody reads that any more."""
    line = f"forecourt-sim: {said(text)}"
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
