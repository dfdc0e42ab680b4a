"""Which car a record speaks of: the keys it offers, and what follows when they name none, one or two known cars.

VIN first, then stock number, then the intake. A plate is an attribute: it changes hands, so it is never a key.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evidence.vin import names_a_car
from sync.records import VehicleRef

MAX_KEY = 200


class KeyKind(StrEnum):
    """What identifies a car, strongest first."""

    VIN = "vin"
    STOCK = "stock"
    INTAKE = "intake"


@dataclass(frozen=True, slots=True)
class IdentityKey:
    kind: KeyKind
    value: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """``vehicle_id`` None asks for a new car; ``absorb`` are provisional cars that turn out to be this one."""

    vehicle_id: str | None
    absorb: tuple[str, ...] = ()


def normalise(text: str) -> str:
    """Upper case, half width, no separators: ``沪a·12345`` and ``沪Ａ 12345`` become ``沪A12345``."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
    return unicodedata.normalize("NFKC", "".join(letter for letter in folded if letter.isalnum()))


def identity_keys(ref: VehicleRef) -> tuple[IdentityKey, ...]:
    """Keys that ``ref`` offers, strongest first; an incomplete VIN identifies nothing."""
    vin = normalise(ref.vin)
    offered = (
        (KeyKind.VIN, vin if names_a_car(vin) else ""),
        (KeyKind.STOCK, normalise(ref.stock_number)[:MAX_KEY]),
        (KeyKind.INTAKE, ref.intake_id[:MAX_KEY]),
    )
    return tuple(IdentityKey(kind, value) for kind, value in offered if value)


def resolve(
    keys: tuple[IdentityKey, ...], owners: Mapping[IdentityKey, str], vins: Mapping[str, str], *, told: bool = False
) -> Resolution:
    """Decide whose record it is.

    ``owners`` maps known keys to vehicle ids, ``vins`` each of those ids to its VIN ("" while provisional).
    A car with another VIN is never absorbed: then the stock number was used twice and the VIN decides. A VIN that
    somebody said was a mistake leads to the car it was typed for, unless a car has ``told`` it by itself.
    """
    vin_key = next((key for key in keys if key.kind is KeyKind.VIN), None)
    vin = vin_key.value if vin_key else ""
    of_vin = owners.get(vin_key) if vin_key and not told else None
    by_claim = sorted((key for key in keys if key in owners), key=lambda key: _CLAIM[key.kind])
    named = list(dict.fromkeys(owners[key] for key in by_claim))
    fitting = [vehicle for vehicle in named if not vin or vehicle == of_vin or vins.get(vehicle, "") in ("", vin)]
    if not fitting:
        return Resolution(None)
    keeper = next((vehicle for vehicle in fitting if vins.get(vehicle)), fitting[0])
    absorbed = tuple(vehicle for vehicle in fitting if vehicle != keeper and not vins.get(vehicle))
    return Resolution(keeper, absorbed)


# An answer that names a known intake belongs to that intake's car, whatever stock number was mistyped with it.
_CLAIM = {KeyKind.VIN: 0, KeyKind.INTAKE: 1, KeyKind.STOCK: 2}
