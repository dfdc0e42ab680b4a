"""What a person types about a plugged car: parsed once, at the page's edge; wrong input becomes one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from agent.errors import AnswerError
from evidence.plate import normalise_plate
from evidence.snapshot import Purpose
from evidence.vin import VinError, normalise_vin

KM_MAX = 2_000_000
STOCK_NUMBER_MAX = 32
NAME_MAX = 40
_SEPARATORS = " ,'\N{FULLWIDTH COMMA}"
METRES = 1000
METRES_PER_UNIT = {"km": 1000.0, "mi": 1609.344}  # the international mile
_FIELDS = ("dash_unit", "plate", "stock_number", "dash_km", "dash_after_km", "operator", "vin", "purpose", "model")


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known from a person so far; "" and None mean nobody said. Distances in metres.

    ``dash_after_m`` is what the dashboard showed after a road test.
    """

    plate: str = ""
    stock_number: str = ""
    dash_m: int | None = None
    papers_m: int | None = None
    operator: str = ""
    vin: str = ""
    purpose: Purpose | None = None
    model: str = ""
    dash_after_m: int | None = None

    def merged(self, later: "Answers") -> "Answers":
        """These answers, with each one that ``later`` gives taking its place."""
        given = {name: getattr(later, name) or getattr(self, name) for name in _names()}
        for name in ("dash_m", "papers_m", "dash_after_m"):  # 0 km is an answer
            value = getattr(later, name)
            given[name] = getattr(self, name) if value is None else value
        return Answers(**given)

    def missing(self, vin_read: str) -> tuple[str, ...]:
        """The questions still open, by their posted names. A lot car needs a plate or a stock number, not both."""
        known = {
            "vin": vin_read or self.vin,
            "plate": self.plate or self.stock_number,
            "dash_km": "" if self.dash_m is None else "given",
            "operator": self.operator,
        }
        return tuple(name for name, value in known.items() if not value)

    def as_dict(self) -> dict[str, Any]:
        """Only what was given, ready for JSON."""
        return {name: value for name in _names() if (value := getattr(self, name)) not in ("", None)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The inverse of ``as_dict``; names of another version are ignored."""
        known = {name: stored[name] for name in _names() if name in stored}
        if "purpose" in known:
            known["purpose"] = Purpose(known["purpose"])
        return cls(**known)


NOTHING_SAID = Answers()


def parse_answers(posted: object) -> Answers:
    """Check what the page posted; raise AnswerError naming the one thing to correct. Nothing given is an error too."""
    if not isinstance(posted, dict) or not posted:
        raise AnswerError("answers.nothing")
    for name in posted:
        if name not in _FIELDS:
            raise AnswerError("answers.unknown_field", field=str(name)[:NAME_MAX])
    return Answers(
        plate=_plate(_text(posted, "plate", 20)),
        stock_number=_text(posted, "stock_number", STOCK_NUMBER_MAX).upper(),
        dash_m=_dash_m(posted.get("dash_km"), posted.get("dash_unit", "km")),
        operator=_text(posted, "operator", NAME_MAX),
        vin=_vin(_text(posted, "vin", 64)),
        purpose=_purpose(posted.get("purpose")),
        model=_text(posted, "model", NAME_MAX),
        dash_after_m=_dash_m(posted.get("dash_after_km"), posted.get("dash_unit", "km")),
    )


def _text(posted: Mapping[str, object], name: str, longest: int) -> str:
    value = posted.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise AnswerError("answers.not_text", field=name, longest=longest)
    return " ".join(value.split())


def _dash_m(value: object, unit: object) -> int | None:
    """What the dash shows, digits with or without separators, to metres; ``unit`` is ``km`` or ``mi``."""
    if not isinstance(unit, str) or unit not in METRES_PER_UNIT:
        raise AnswerError("answers.dash_unit")
    if value is None or value == "":
        return None
    digits = str(value).translate({ord(mark): None for mark in _SEPARATORS})
    if isinstance(value, bool | float) or not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise AnswerError("answers.dash_km", longest=KM_MAX)
    if int(digits) > KM_MAX:
        raise AnswerError("answers.dash_km", longest=KM_MAX)
    return round(int(digits) * METRES_PER_UNIT[unit])


def _vin(value: str) -> str:
    if not value:
        return ""
    try:
        return normalise_vin(value)
    except VinError as error:
        raise AnswerError(error.reason) from error


def _plate(value: str) -> str:
    return normalise_plate(value) if value else ""


def _purpose(value: object) -> Purpose | None:
    if value is None or value == "":
        return None
    try:
        return Purpose(str(value))
    except ValueError:
        raise AnswerError("answers.purpose") from None


def _names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Answers))
