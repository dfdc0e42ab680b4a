"""Service plans an owner may change: one TOML row per item, with market, fuel, oil, use and the figures' source."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from config.errors import SettingsError
from config.rule_files import files_of, line_of, read_rules

PLANS = Path(__file__).parent / "plans"
ANY = "*"
NORMAL, SEVERE = "normal", "severe"
# PID 51 words that drive by wire alone: nothing of an engine to look after
WITHOUT_ENGINE = frozenset({"electric"})
ENGINE_ITEMS = frozenset({"oil_and_filter", "air_filter", "spark_plugs", "timing_belt", "coolant", "drive_belts"})

_Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
_Fuel = Annotated[str, Field(pattern=r"^([a-z][a-z -]{0,19}|\*)$")]
_Km = Annotated[int, Field(gt=0, le=1_000_000)]
_Months = Annotated[int, Field(gt=0, le=600)]
_Hours = Annotated[int, Field(gt=0, le=100_000)]
_LeadKm = Annotated[int, Field(gt=0, le=100_000)]
_LeadDays = Annotated[int, Field(gt=0, le=3650)]
_LeadHours = Annotated[int, Field(gt=0, le=10_000)]


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One thing to be done every ``repeat_m`` metres, ``repeat_months``, engine hours or HEV metres: what comes first.

    ``first_...`` is the interval from new, where it differs. Leads are the two stages before it is due, earlier first.
    """

    id: str
    market: str
    fuel: str
    severity: str
    item: str
    repeat_m: int | None
    repeat_months: int | None
    lead_m: tuple[int, int]
    lead_days: tuple[int, int]
    source: str
    make: str = ANY
    oil: str = ANY
    repeat_hours: int | None = None
    repeat_hev_m: int | None = None
    first_m: int | None = None
    first_months: int | None = None
    first_hours: int | None = None
    first_hev_m: int | None = None
    lead_hours: tuple[int, int] = (40, 20)

    @property
    def is_default(self) -> bool:
        """Whether the row fits any car: what is used where nothing is known to fit better."""
        return self.market == self.fuel == self.make == ANY

    @property
    def fits_which(self) -> tuple[str, str, str, str, str, str]:
        """Which cars it is for; two rows may not agree in it."""
        return (self.market, self.make, self.fuel, self.oil, self.severity, self.item)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    id: _Name
    market: Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]
    make: Annotated[str, Field(min_length=1, max_length=40)] = ANY
    fuel: _Fuel | list[_Fuel]
    oil: Literal["mineral", "semi_synthetic", "full_synthetic", "*"] = "*"
    severity: Literal["normal", "severe"]
    item: _Name
    first_km: _Km | None = None
    first_months: _Months | None = None
    first_hours: _Hours | None = None
    first_hev_km: _Km | None = None
    repeat_km: _Km | None = None
    repeat_months: _Months | None = None
    repeat_hours: _Hours | None = None
    repeat_hev_km: _Km | None = None
    lead_km: list[_LeadKm] = Field(default=[1000, 500], min_length=2, max_length=2)
    lead_days: list[_LeadDays] = Field(default=[30, 14], min_length=2, max_length=2)
    lead_hours: list[_LeadHours] = Field(default=[40, 20], min_length=2, max_length=2)
    source: Annotated[str, Field(min_length=3, max_length=400)]

    @field_validator("lead_km", "lead_days", "lead_hours")
    @classmethod
    def _earlier_first(cls, stages: list[int]) -> list[int]:
        if stages[0] <= stages[1]:
            raise ValueError("must name the earlier stage first")
        return stages


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    plan: list[_Row] = Field(max_length=1000)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A row, and where it stands: looked up only for a mistake, since a file is read at every start."""

    item: PlanItem
    path: Path
    text: str
    place: int

    @property
    def where(self) -> str:
        return f"{self.path}:{line_of(self.text, 'plan', self.place)}"


def load_plans(directory: Path = PLANS) -> tuple[PlanItem, ...]:
    """All plans of a directory; SettingsError names file, line and key of the mistake that refuses all of them."""
    rows = [placed for path in files_of(directory) for placed in _read(path)]
    _refuse_endless(rows)
    _refuse_ties(rows)
    return tuple(row.item for row in rows)


@cache
def default_plans() -> tuple[PlanItem, ...]:
    """The plans that come with the program."""
    return load_plans()


def plan_for(
    plans: Iterable[PlanItem], *, market: str, fuel: str, severity: str = NORMAL, make: str = "", oil: str = ""
) -> tuple[PlanItem, ...]:
    """One row per item, the most specific that fits: severe use first, then market, make, fuel, oil.

    A fuel nobody read is treated as petrol, the shortest interval we know; a car without an engine has nothing to do
    for one. Severe use falls back to the ordinary row where no severe one is known.
    """
    wanted = fuel if fuel else "petrol"
    fitting = [row for row in plans if _fits(row, market, wanted, severity, make, oil)]
    best: dict[str, PlanItem] = {}
    for row in sorted(fitting, key=_specificity):
        best[row.item] = row
    return tuple(best[item] for item in dict.fromkeys(row.item for row in fitting))


def _fits(row: PlanItem, market: str, fuel: str, severity: str, make: str, oil: str) -> bool:
    if fuel in WITHOUT_ENGINE and row.item in ENGINE_ITEMS:
        return False
    return (
        row.market in (market, ANY)
        and row.make in (make, ANY)
        and row.fuel in (fuel, ANY)
        and row.oil in (oil, ANY)
        and row.severity in (severity, NORMAL)
    )


def _specificity(row: PlanItem) -> tuple[bool, bool, bool, bool, bool]:
    return row.severity == SEVERE, row.market != ANY, row.make != ANY, row.fuel != ANY, row.oil != ANY


def _read(path: Path) -> list[_Placed]:
    file, text = read_rules(path, _File)
    placed = []
    for place, row in enumerate(file.plan):
        fuels = [row.fuel] if isinstance(row.fuel, str) else row.fuel
        placed += [_Placed(_plan_item(row, fuel), path, text, place) for fuel in fuels]
    return placed


def _plan_item(row: _Row, fuel: str) -> PlanItem:
    known: dict[str, Any] = {name: getattr(row, name) for name in _SAME}
    return PlanItem(
        fuel=fuel,
        repeat_m=_metres(row.repeat_km),
        repeat_hev_m=_metres(row.repeat_hev_km),
        first_m=_metres(row.first_km),
        first_hev_m=_metres(row.first_hev_km),
        lead_m=(row.lead_km[0] * 1000, row.lead_km[1] * 1000),
        lead_days=(row.lead_days[0], row.lead_days[1]),
        lead_hours=(row.lead_hours[0], row.lead_hours[1]),
        **known,
    )


_SAME = (
    "id",
    "market",
    "make",
    "oil",
    "severity",
    "item",
    "source",
    "first_months",
    "first_hours",
    "repeat_months",
    "repeat_hours",
)


def _metres(kilometres: int | None) -> int | None:
    return None if kilometres is None else kilometres * 1000


def _refuse_endless(rows: Iterable[_Placed]) -> None:
    for row in rows:
        item = row.item
        if all(axis is None for axis in (item.repeat_m, item.repeat_months, item.repeat_hours, item.repeat_hev_m)):
            missing = "give repeat_km, repeat_months, repeat_hours or repeat_hev_km"
            raise SettingsError(f"{row.where}: plan '{item.id}': {missing}")


def _refuse_ties(rows: Iterable[_Placed]) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for row in rows:
        which, name = row.item.fits_which, row.item.id
        if which in seen:
            raise SettingsError(f"{row.where}: plans '{seen[which]}' and '{name}' fit the same cars; keep one")
        seen[which] = name
