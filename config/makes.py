"""Which maker a VIN's first three characters belong to (ISO 3780), offline; the table is ``makes.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "makes.toml"


@dataclass(frozen=True, slots=True)
class Maker:
    """``make`` is the brand by which vehicle profiles are chosen; ``manufacturer`` names the factory."""

    make: str
    manufacturer: str


def maker_of_vin(vin: str) -> Maker | None:
    """The maker of the VIN, or None when its WMI is not in the table.

    A row of two characters stands for all codes of a maker (``JT`` is Toyota in Japan); a longer one goes before it.
    """
    table = _table()
    return table.get(vin[:3]) or table.get(vin[:2])


def make_of_vin(vin: str) -> str:
    """The brand, or an empty text."""
    maker = maker_of_vin(vin)
    return maker.make if maker else ""


def manufacturer_of_vin(vin: str) -> str:
    """The factory or company, or an empty text."""
    maker = maker_of_vin(vin)
    return maker.manufacturer if maker else ""


def spoken_make(make: str, language: str) -> str:
    """The brand as a reader of ``language`` knows it; ``make`` itself where no other name is usual."""
    return _tables()["chinese"].get(make, make) if language == "zh" else make


def wmis() -> frozenset[str]:
    """All codes of the table."""
    return frozenset(_table())


@cache
def _table() -> Mapping[str, Maker]:
    rows: dict[str, Maker] = {}
    for make, codes in _tables()["make"].items():
        for code, manufacturer in codes.items():
            rows[code] = Maker(make, manufacturer)
    return rows


@cache
def _tables() -> dict[str, dict[str, Any]]:
    with TABLE.open("rb") as file:
        return tomllib.load(file)
