"""The words that act on a running simulator: how each is spelt, and whether a line makes sense before it is obeyed."""

import re
from collections.abc import Callable

from simulator.codes import is_code
from simulator.errors import SimulatorError
from simulator.faults import parse_fault

# verb: what may follow it, one pattern a word, those in brackets optional.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "unplug": (),
    "plug": ("[SCENARIO]", "[VISIT]"),
    "drop": (),
    "engine": ("on|off",),
    "ignition": ("on|off",),
    "speed": ("KMH",),
    "drive": ("KM", "[KMH]"),
    "wait": ("SECONDS",),
    "battery": ("V",),
    "sag": ("V", "[SECONDS]"),
    "fuel": ("PERCENT",),
    "charge": ("PERCENT",),
    "coolant": ("C",),
    "ambient": ("C",),
    "counted": ("SHARE",),
    "break": ("CODE", "[ROLE]"),
    "repair": ("[CODE]",),
    "fail": ("CODE", "[ROLE]"),
    "heal": ("CYCLES",),
    "warm-up": ("TIMES",),
    "clear": (),
    "change-battery": (),
    "fault": ("FAULT",),
    "dash": (),
    "state": (),
}
WORDS = " | ".join(" ".join((verb, *following)) for verb, following in SPELLINGS.items())

# What a number may be, by its name in a spelling.
RANGES: dict[str, tuple[float, float]] = {
    "KMH": (0, 255),
    "KM": (0, 10_000),
    "SECONDS": (0, 31_536_000),
    "V": (0, 40),
    "PERCENT": (0, 100),
    "C": (-40, 215),
    "SHARE": (0, 1),
    "CYCLES": (1, 1000),
    "TIMES": (1, 255),
    "VISIT": (1, 1000),
}
WHOLE = frozenset(("CYCLES", "TIMES", "VISIT"))


def check_order(line: str) -> list[str]:
    """The words of an order; SimulatorError when it is not one, or a number in it is out of range."""
    words = line.split()
    if not words:
        raise SimulatorError(f"nothing to do; known: {WORDS}")
    spelling = SPELLINGS.get(words[0])
    if spelling is None:
        raise SimulatorError(f"{words[0]!r} is not understood; known: {WORDS}")
    least = sum(not word.startswith("[") for word in spelling)
    if not least <= len(words) - 1 <= len(spelling):
        raise SimulatorError(f"{words[0]}: wanted {' '.join((words[0], *spelling))}")
    for word, name in zip(words[1:], spelling, strict=False):
        _check_word(words[0], word, name.strip("[]"))
    return words


def _check_word(verb: str, word: str, name: str) -> None:
    if name in RANGES:
        number(verb, word, name)
    elif not CHECKS.get(name, _anything)(word):
        raise SimulatorError(f"{verb}: {word!r} is not {_MEANT[name]}")
    elif name == "FAULT" and word != "none":
        parse_fault(word)


def number(verb: str, word: str, name: str) -> float:
    """A number of an order; SimulatorError when it is none or out of its range."""
    low, high = RANGES[name]
    pattern = r"\d+" if name in WHOLE else r"-?\d+(?:\.\d*)?"
    if not re.fullmatch(pattern, word, re.ASCII):
        raise SimulatorError(f"{verb}: {word!r} is not {'a whole number' if name in WHOLE else 'a number'}")
    value = float(word)
    if not low <= value <= high:
        raise SimulatorError(f"{verb}: {word} is outside {low:g} to {high:g}")
    return value


def _anything(word: str) -> bool:
    return True


CHECKS: dict[str, Callable[[str], bool]] = {"on|off": lambda word: word in ("on", "off"), "CODE": is_code}
_MEANT = {"on|off": "on or off", "CODE": "a trouble code such as P0301"}
