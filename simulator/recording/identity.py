"""Replaces vehicle identification numbers by generated ones of the same kind, wherever their bytes stand."""

import random
import re
from collections.abc import Iterable

# ISO 3779: values of the letters and weights of the places for the check digit in the ninth place.
_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", "12345678123457923456789" + "0123456789", strict=True))
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
CHECK_PLACE = 8
SERIAL_DIGITS = 6
# A maker of few cars has 9 in the third place and the rest of its name in places 12 to 14 (ISO 3780).
SMALL_MAKER_PLACE = 2
SMALL_SERIAL_DIGITS = 3

VIN_LETTERS = 17
SHORTEST = 8
_RUN = re.compile(rb"[A-Za-z0-9]+")


def is_identity(text: str) -> bool:
    """Whether a text is worth hiding: a VIN, or what a unit holds in its place; not one letter repeated."""
    return len(text) >= SHORTEST and text.isascii() and text.isalnum() and len(set(text)) > 1


def told_in_place_of(content: bytes) -> str:
    """The VIN in the answer to a question for it: its run of 17, or whatever longest run stands there instead."""
    runs = [run.decode("ascii") for run in _RUN.findall(content)]
    return max(runs, key=lambda run: (len(run) == VIN_LETTERS, len(run)), default="")[-VIN_LETTERS:]


def told_elsewhere(content: bytes) -> list[str]:
    """Runs of exactly 17 letters and digits, which may be a VIN that nobody asked for."""
    runs = (run.decode("ascii") for run in _RUN.findall(content) if len(run) == VIN_LETTERS)
    return [run for run in runs if check_digit(run) and any(letter.isdigit() for letter in run[-SERIAL_DIGITS:])]


def check_digit(vin: str) -> str:
    """What belongs in the ninth place (ISO 3779); nothing for what is no VIN: 17 of the letters that one may hold."""
    if len(vin) != VIN_LETTERS or any(letter not in _VALUES for letter in vin):
        return ""
    total = sum(int(_VALUES[letter]) * weight for letter, weight in zip(vin, _WEIGHTS, strict=True))
    return "0123456789X"[total % 11]


def generated(vin: str, chance: random.Random) -> str:
    """Another VIN of the same maker, model, year and plant, whose check digit is right exactly if this one's is."""
    small = vin[SMALL_MAKER_PLACE] == "9" and len(vin) == VIN_LETTERS
    digits = SMALL_SERIAL_DIGITS if small else SERIAL_DIGITS
    made = vin
    while made[-digits:] == vin[-digits:]:
        made = vin[:-digits] + f"{chance.randrange(1, 1000):0{digits}d}"
    right = check_digit(made)
    if not right:
        return made
    was_right = vin[CHECK_PLACE] == check_digit(vin)
    if was_right == (made[CHECK_PLACE] == right):
        return made
    digit = right if was_right else "0123456789X"[(("0123456789X".index(right)) + 1) % 11]
    return made[:CHECK_PLACE] + digit + made[CHECK_PLACE + 1 :]


class Disguise:
    """The replacements of one recording: the same VIN becomes the same generated one everywhere."""

    def __init__(self, vins: Iterable[str], seed: int = 0) -> None:
        chance = random.Random(seed)
        self._made = {vin: generated(vin, chance) for vin in sorted(set(vins)) if is_identity(vin)}

    def vin(self, vin: str) -> str:
        """The generated VIN for a real one; what is none stays."""
        return self._made.get(vin, vin)

    def message_parts(self, parts: list[bytes], lead: int) -> list[bytes]:
        """Messages with each VIN and each serial number in them replaced, also across their borders.

        ``lead`` bytes at the start of each message (service, identifier, message number) do not count as content.
        """
        content = self._replaced(b"".join(part[lead:] for part in parts))
        made, start = [], 0
        for part in parts:
            size = max(len(part) - lead, 0)
            made.append(part[:lead] + content[start : start + size])
            start += size
        return made

    def holds(self, data: bytes) -> bool:
        """Whether anything of a real VIN's identity is still in there."""
        return self._replaced(data) != data

    def _replaced(self, data: bytes) -> bytes:
        for real, made in self._made.items():
            for size in (len(real), SERIAL_DIGITS):
                data = data.replace(real[-size:].encode("ascii"), made[-size:].encode("ascii"))
        return data
