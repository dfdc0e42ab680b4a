"""What a VIN's seventeen characters say by themselves (ISO 3779, GB 16735, 49 CFR 565)."""

import re
import unicodedata
from dataclasses import dataclass

from config.makes import make_of_vin, manufacturer_of_vin
from evidence.snapshot import CheckDigit

_VIN = re.compile(r"^[A-HJ-NPR-Z0-9]{17}$")
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = {**{str(digit): digit for digit in range(10)}, **dict(zip("ABCDEFGH", range(1, 9), strict=True))}
_VALUES |= (
    dict(zip("JKLMN", range(1, 6), strict=True)) | {"P": 7, "R": 9} | dict(zip("STUVWXYZ", range(2, 10), strict=True))
)
# GB 16735 (L) and 49 CFR 565 (North America 1-5) require the check digit; elsewhere position 9 is free
_REQUIRED = frozenset("L12345")
_NORTH_AMERICA = frozenset("12345")
# dashboards show miles in the USA (1, 4, 5 and 7 without New Zealand's 7A to 7E) and the United Kingdom (SA to SM)
_MILES = re.compile(r"[145]|7[^A-E]|S[A-M]")
_YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789"
_FIRST_CYCLE = 1980
_CYCLE = len(_YEAR_CODES)


class VinError(ValueError):
    """A text is not a VIN; ``reason`` is a catalogue key under ``vin``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class VinFacts:
    """What the VIN says offline. ``model_year`` is None where the maker does not code it."""

    vin: str
    check_digit: CheckDigit
    make: str
    manufacturer: str
    model_year: int | None


def normalise_vin(text: str) -> str:
    """``text`` as a VIN: full-width, spaces, dashes, dots and case undone; raise VinError with the reason."""
    folded = unicodedata.normalize("NFKC", text[:200]).upper()
    vin = re.sub(r"[\s\-._·*]", "", folded)
    if len(vin) != 17:
        raise VinError("vin.wrong_length")
    if re.search(r"[IOQ]", vin):
        raise VinError("vin.has_ioq")
    if not _VIN.fullmatch(vin):
        raise VinError("vin.wrong_characters")
    if not names_a_car(vin):
        raise VinError("vin.one_character")
    return vin


def is_vin(text: str) -> bool:
    """Whether ``text`` is written exactly as a VIN is."""
    return bool(_VIN.fullmatch(text))


def names_a_car(text: str) -> bool:
    """Whether ``text`` is a VIN and no filler: a unit that was never given one tells one character throughout."""
    return is_vin(text) and len(set(text)) > 1


def market_shows_miles(vin: str) -> bool:
    """Whether ``vin`` comes from a market whose dashboards show miles; one that cannot be right comes from none."""
    return names_a_car(vin) and bool(_MILES.match(vin)) and check_digit(vin) is not CheckDigit.INVALID


def expected_check_digit(vin: str) -> str:
    """The character position 9 should hold (weighted sum modulo 11, ten is X)."""
    total = sum(_VALUES[character] * weight for character, weight in zip(vin, _WEIGHTS, strict=True))
    return "0123456789X"[total % 11]


def check_digit(vin: str) -> CheckDigit:
    """Whether position 9 fits. A mismatch is an error only where the digit is required; elsewhere it says nothing."""
    if not is_vin(vin):
        return CheckDigit.NOT_CHECKED
    if vin[8] == expected_check_digit(vin):
        return CheckDigit.VALID
    return CheckDigit.INVALID if vin[0] in _REQUIRED else CheckDigit.NOT_CHECKED


def model_year(vin: str, *, this_year: int) -> int | None:
    """Model year of position 10, at most next year; None when the character codes no year.

    The code repeats every 30 years. In North America a digit in position 7 means the first cycle, to 2009
    (49 CFR 565.15(d)(2)); otherwise the newest possible year is taken.
    """
    if not is_vin(vin) or vin[9] not in _YEAR_CODES:
        return None
    years = range(_FIRST_CYCLE + _YEAR_CODES.index(vin[9]), this_year + 2, _CYCLE)
    if vin[0] in _NORTH_AMERICA and vin[6].isdigit():
        years = years[:1]
    return max(years, default=None)


def describe_vin(vin: str, *, this_year: int) -> VinFacts:
    """Everything the VIN says without asking anybody."""
    return VinFacts(
        vin=vin,
        check_digit=check_digit(vin),
        make=make_of_vin(vin),
        manufacturer=manufacturer_of_vin(vin),
        model_year=model_year(vin, this_year=this_year),
    )


def tail(vin: str) -> str:
    """The last four characters: the only part that may leave the house."""
    return vin[-4:]
