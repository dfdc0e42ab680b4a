"""Vehicle profiles: where each make keeps its odometer. Facts from ``config/vehicles/*.toml``, loaded strictly."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from config.errors import SettingsError

DIRECTORY = Path(__file__).parent / "vehicles"

_HeaderId = Annotated[str, Field(pattern=r"^([0-9A-F]{3}|[0-9A-F]{8})$")]
_HexBytes = Annotated[str, Field(pattern=r"^([0-9A-F]{2})+$")]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class _Coding(_Row):
    """Where a value stands in the bytes, and what one step means.

    ``makes`` are asked; ``also_in`` names makes of which single models carry such a unit: only decoded, never asked.
    ``models`` decides between rows of one request where the model is known; () fits every model.
    """

    id: str = Field(min_length=1)
    makes: tuple[str, ...] = ()
    also_in: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    offset: int = Field(ge=0, le=4094)
    length: int = Field(ge=1, le=8)
    byte_order: Literal["big", "little"] = "big"
    multiplier: float = Field(1, gt=0)
    divisor: float = Field(1, gt=0)
    add: float = 0
    unit: Literal["km", "mi", "m"]
    unit_certain: bool = True
    response_data_length: int | None = Field(None, ge=1)
    not_available: tuple[_HexBytes, ...] = ()
    saturates_at: int | None = Field(None, gt=0)
    trust: Literal["standard", "confirmed", "hint"]
    sources: tuple[str, ...] = Field(min_length=1)
    note: str = ""


_AnyRow = TypeVar("_AnyRow", bound=_Coding)


class OdometerRow(_Coding):
    """One read of an odometer.

    ``request`` (hex) goes to ``request_id``, which is empty for reads that every unit may be asked; value = raw bytes
    ``[offset, offset + length)`` behind the positive echo x multiplier / divisor + add, in ``unit``.
    ``unit_certain`` is false where the unit follows the display or sources disagree. ``askable`` is false where asking
    would need a session change: such rows only decode recordings.
    """

    unit_name: str = ""
    link: Literal["can11", "can29", "any"]
    request_id: _HeaderId | Literal[""] = ""
    response_id: _HeaderId | Literal[""] = ""
    extended_address: Annotated[str, Field(pattern=r"^([0-9A-F]{2})?$")] = ""
    request: Annotated[str, Field(pattern=r"^(01[0-9A-F]{2}|22[0-9A-F]{4}|21[0-9A-F]{2}|1A[0-9A-F]{2})$")]
    flow_control: bool = False
    askable: bool = True

    @model_validator(mode="after")
    def _maker_reads_have_an_address(self) -> "OdometerRow":
        if self.request[:2] != "01" and not self.request_id:
            raise ValueError("request_id is missing: the same identifier means other things on other units")
        return self


class BroadcastRow(_Coding):
    """An odometer in a frame that a unit sends by itself. Never listened for (it floods the link): recordings only."""

    frame_id: _HeaderId


class IdentityUnit(_Row):
    """A unit that tells the VIN by 22 F190 (ISO 14229-1) in cars that answer no OBD request."""

    unit_name: str = Field(min_length=1)
    link: Literal["can11", "can29"]
    request_id: _HeaderId
    response_id: _HeaderId
    sources: tuple[str, ...] = Field(min_length=1)


class PidPage(_Row):
    """A first byte behind 22 under which units of ``makes`` tell the PIDs of SAE J1979, coded as in service 01."""

    makes: tuple[str, ...] = Field(min_length=1)
    page: Annotated[str, Field(pattern=r"^[0-9A-F]{2}$")]
    sources: tuple[str, ...] = Field(min_length=1)


class Trap(_Row):
    """A read that looks like an odometer and is none; kept so that nobody adds it again."""

    id: str = Field(min_length=1)
    request_id: _HeaderId
    request: _HexBytes
    reason: str = Field(min_length=1)


class _FileHead(_Row):
    licence: Literal["CC-BY-SA-4.0", "CC0-1.0", "GPL-3.0-or-later"]
    attribution: str = Field(min_length=1)


class _VehicleFile(_Row):
    file: _FileHead
    odometer: tuple[OdometerRow, ...] = ()
    broadcast: tuple[BroadcastRow, ...] = ()
    identity: tuple[IdentityUnit, ...] = ()
    pid_page: tuple[PidPage, ...] = ()
    not_an_odometer: tuple[Trap, ...] = ()


class Profiles:
    """All rows. Immutable; rows keep the order of their files."""

    def __init__(
        self,
        rows: tuple[OdometerRow, ...],
        traps: tuple[Trap, ...] = (),
        broadcasts: tuple[BroadcastRow, ...] = (),
        identity_units: tuple[IdentityUnit, ...] = (),
        pid_pages: tuple[PidPage, ...] = (),
    ) -> None:
        self.rows = rows
        self.traps = traps
        self.broadcasts = broadcasts
        self.identity_units = identity_units
        self.pid_pages = pid_pages

    def rows_for(self, make: str) -> tuple[OdometerRow, ...]:
        """What to ask a car of ``make``, in this order: standard reads, confirmed rows of the make, hints."""
        mine = [row for row in self.rows if row.askable and (not row.makes or _same(make, row.makes))]
        order = {"standard": 0, "confirmed": 1, "hint": 2}
        return tuple(sorted(mine, key=lambda row: (order[row.trust], bool(row.makes))))

    def find(
        self, request_header: str, request: str, extended_address: str = "", make: str = "", model: str = ""
    ) -> tuple[OdometerRow, ...]:
        """Rows that explain an answer to ``request`` sent on ``request_header``; () if nothing is known there.

        With ``make`` only its rows: the same identifier means other things in other makes.
        """
        asked = (request.upper(), extended_address.upper())
        rows = tuple(
            row
            for row in self.rows
            if (row.request, row.extended_address) == asked and row.request_id in ("", request_header.upper())
        )
        return _of_model(_of_make(rows, make), model)

    def answered_by(self, response_id: str, request: str, make: str = "", model: str = "") -> tuple[OdometerRow, ...]:
        """Rows that explain an answer by the unit that gave it, for recordings without the request's header."""
        rows = tuple(row for row in self.rows if row.request == request.upper() and row.response_id == response_id)
        return _of_model(_of_make(rows, make), model)

    def pid_behind(self, identifier: bytes, make: str) -> int | None:
        """The PID that a data identifier stands for in cars of ``make``; None for every other identifier."""
        page = identifier[:1].hex().upper()
        if len(identifier) != 2 or not any(row.page == page and _same(make, row.makes) for row in self.pid_pages):
            return None
        return identifier[1]

    def heard(self, frame_id: str, make: str, model: str = "") -> tuple[BroadcastRow, ...]:
        """Rows that explain a frame that a car of ``make`` sends by itself."""
        rows = tuple(row for row in self.broadcasts if row.frame_id == frame_id and _same(make, row.makes))
        return _of_model(rows, model)


def load_profiles(directory: Path = DIRECTORY) -> Profiles:
    """Read every profile; raise SettingsError that names file, row and key. The result for a folder is kept."""
    return _load(directory)


@cache
def _load(directory: Path) -> Profiles:
    rows: list[OdometerRow] = []
    traps: list[Trap] = []
    broadcasts: list[BroadcastRow] = []
    identity_units: list[IdentityUnit] = []
    pid_pages: list[PidPage] = []
    for path in sorted(directory.glob("*.toml")):
        loaded = _read_file(path)
        rows += loaded.odometer
        traps += loaded.not_an_odometer
        broadcasts += loaded.broadcast
        identity_units += loaded.identity
        pid_pages += loaded.pid_page
    _refuse_repeated_ids([row.id for row in (*rows, *broadcasts)], directory)
    return Profiles(tuple(rows), tuple(traps), tuple(broadcasts), tuple(identity_units), tuple(pid_pages))


def _read_file(path: Path) -> _VehicleFile:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: not readable as TOML: {error}") from error
    try:
        return _VehicleFile.model_validate(content)
    except ValidationError as error:
        raise SettingsError(f"{path}: {_first_reason(error, content)}") from error


def _first_reason(error: ValidationError, content: Mapping[str, Any]) -> str:
    first = error.errors()[0]
    table, *rest = first["loc"]
    key = ".".join(str(part) for part in rest if not isinstance(part, int))
    row = content.get(str(table))
    index = next((part for part in rest if isinstance(part, int)), None)
    if isinstance(row, list) and index is not None and isinstance(row[index], dict):
        table = f"{table} '{row[index].get('id', index)}'"
    if first["type"] == "extra_forbidden":
        return f"{table}: unknown key '{key}'; remove it or correct its name"
    return f"{table}: {f'{key!r}: ' if key else ''}{first['msg']}"


def _refuse_repeated_ids(ids: list[str], directory: Path) -> None:
    repeated = sorted({row_id for row_id in ids if ids.count(row_id) > 1})
    if repeated:
        raise SettingsError(f"{directory}: the id '{repeated[0]}' is used twice")


def _of_make(rows: tuple[OdometerRow, ...], make: str) -> tuple[OdometerRow, ...]:
    """The rows of ``make``; all of them if the make is not known."""
    return tuple(row for row in rows if not make or not row.makes or _same(make, row.makes + row.also_in))


def _of_model(rows: tuple[_AnyRow, ...], model: str) -> tuple[_AnyRow, ...]:
    """The rows that name ``model``; all of them if none does."""
    return tuple(row for row in rows if model and _same(model, row.models)) or rows


def _same(make: str, makes: tuple[str, ...]) -> bool:
    wanted = re.sub(r"[\s-]", "", make).casefold()
    return any(re.sub(r"[\s-]", "", name).casefold() == wanted for name in makes)
