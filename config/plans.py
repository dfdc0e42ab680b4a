"""Service plans an owner may change: one TOML row per item, with market, fuel, severity and the figures' source."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.errors import SettingsError

PLANS = Path(__file__).parent / "plans"
ANY = "*"
# PID 51 words that drive by wire alone: no engine oil to change
WITHOUT_ENGINE_OIL = frozenset({"electric"})

_Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One thing to be done every ``repeat_m`` metres or ``repeat_months``, whichever comes first."""

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


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: _Name
    market: Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]
    fuel: Annotated[str, Field(pattern=r"^([a-z][a-z -]{0,19}|\*)$")]
    severity: Literal["normal", "severe"]
    item: _Name
    repeat_km: Annotated[int, Field(gt=0, le=1_000_000)] | None = None
    repeat_months: Annotated[int, Field(gt=0, le=600)] | None = None
    lead_km: list[Annotated[int, Field(gt=0, le=100_000)]] = Field(default=[1000, 500], min_length=2, max_length=2)
    lead_days: list[Annotated[int, Field(gt=0, le=3650)]] = Field(default=[30, 14], min_length=2, max_length=2)
    source: Annotated[str, Field(min_length=3, max_length=400)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    plan: list[_Row] = Field(max_length=1000)


def load_plans(directory: Path = PLANS) -> tuple[PlanItem, ...]:
    """All plans of a directory; SettingsError names file and key. A directory with one bad file is refused whole."""
    rows = [item for path in sorted(directory.glob("*.toml")) for item in _read(path)]
    _refuse_ties(rows, directory)
    return tuple(rows)


@cache
def default_plans() -> tuple[PlanItem, ...]:
    """The plans that come with the program."""
    return load_plans()


def plan_for(plans: Iterable[PlanItem], *, market: str, fuel: str, severity: str = "normal") -> tuple[PlanItem, ...]:
    """One row per item, the most specific that fits (market before fuel).

    A fuel nobody read is treated as petrol, the shortest interval we know; an electric car has no engine oil.
    """
    wanted = fuel if fuel else "petrol"
    fitting = [row for row in plans if _fits(row, market, wanted, severity)]
    best: dict[str, PlanItem] = {}
    for row in sorted(fitting, key=_specificity):
        best[row.item] = row
    return tuple(best.values())


def _fits(row: PlanItem, market: str, fuel: str, severity: str) -> bool:
    if fuel in WITHOUT_ENGINE_OIL and row.item == "oil_and_filter":
        return False
    return row.market in (market, ANY) and row.fuel in (fuel, ANY) and row.severity == severity


def _specificity(row: PlanItem) -> tuple[bool, bool]:
    return row.market != ANY, row.fuel != ANY


def _read(path: Path) -> list[PlanItem]:
    try:
        table: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: not readable as TOML: {error}") from error
    try:
        rows = _File.model_validate(table).plan
    except ValidationError as error:
        raise SettingsError(_first_reason(error, path)) from error
    return [_plan_item(row, path) for row in rows]


def _plan_item(row: _Row, path: Path) -> PlanItem:
    if row.repeat_km is None and row.repeat_months is None:
        raise SettingsError(f"{path}: plan '{row.id}': give repeat_km, repeat_months or both")
    for name, (early, late) in (("lead_km", row.lead_km), ("lead_days", row.lead_days)):
        if early <= late:
            raise SettingsError(f"{path}: plan '{row.id}': {name} must name the earlier stage first")
    return PlanItem(
        id=row.id,
        market=row.market,
        fuel=row.fuel,
        severity=row.severity,
        item=row.item,
        repeat_m=None if row.repeat_km is None else row.repeat_km * 1000,
        repeat_months=row.repeat_months,
        lead_m=(row.lead_km[0] * 1000, row.lead_km[1] * 1000),
        lead_days=(row.lead_days[0], row.lead_days[1]),
        source=row.source,
    )


def _refuse_ties(rows: Iterable[PlanItem], directory: Path) -> None:
    seen: dict[tuple[str, str, str, str], str] = {}
    for row in rows:
        place = (row.market, row.fuel, row.severity, row.item)
        if place in seen:
            raise SettingsError(f"{directory}: plans '{seen[place]}' and '{row.id}' fit the same cars; keep one")
        seen[place] = row.id


def _first_reason(error: ValidationError, path: Path) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{path}: unknown key '{key}'; remove it or correct its name"
    return f"{path}: key '{key}': {first['msg'].lower()}"
