"""Chinese number plates as people type them, brought to one form."""

import re
import unicodedata
from dataclasses import dataclass

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
# GA 36-2018: small new-energy plates start their serial with one of these, large ones end with it (D/A/B/C/E electric)
NEW_ENERGY = "DABCEFGHJK"
_ELECTRIC = frozenset("DABCE")
LONGEST = 16
_ENDINGS = "警学挂港澳使领"
_LETTER = "A-HJ-NP-Z"
_ORDINARY = re.compile(rf"^[{PROVINCES}][{_LETTER}][{_LETTER}0-9]{{4}}[{_LETTER}0-9{_ENDINGS}]$")
_SMALL = re.compile(rf"^[{PROVINCES}][{_LETTER}][{NEW_ENERGY}][{_LETTER}0-9][0-9]{{4}}$")
_LARGE = re.compile(rf"^[{PROVINCES}][{_LETTER}][0-9]{{5}}[{NEW_ENERGY}]$")


@dataclass(frozen=True, slots=True)
class Plate:
    """A plate in its one form; ``known_form`` is False for foreign, temporary or mistyped plates, which are kept."""

    text: str
    known_form: bool
    new_energy: bool = False
    electric: bool = False


def normalise_plate(text: str) -> str:
    """Letters and digits of ``text``, upper case, half width; empty stays empty (lot cars have no plate)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text[:40]).upper())
    return "".join(character for character in folded if character.isalnum())[:LONGEST]


def read_plate(text: str) -> Plate:
    """The plate and its kind."""
    plate = normalise_plate(text)
    if _ORDINARY.match(plate):
        return Plate(plate, known_form=True)
    if _SMALL.match(plate):
        return Plate(plate, known_form=True, new_energy=True, electric=plate[2] in _ELECTRIC)
    if _LARGE.match(plate):
        return Plate(plate, known_form=True, new_energy=True, electric=plate[-1] in _ELECTRIC)
    return Plate(plate, known_form=False)
