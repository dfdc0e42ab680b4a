"""What the set-up says to the person who waits, and the one error that ends it."""

import sys


class SetupError(Exception):
    """The set-up cannot go on; the message is one line that says what to do."""


def say(line: str) -> None:
    """One line for the person who waits; on stderr, so that a command's own output stays clean."""
    print(f"run: {line}", file=sys.stderr, flush=True)


def last_line(text: str) -> str:
    """The last line a program said: usually its reason."""
    lines = text.strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
