"""Reads ``forecourt.history/1`` from elsewhere: what is odd in a line is left out and named, the rest is judged."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evidence.snapshot import Snapshot
from protocols.readings import Trust

LINE_MAX = 16 * 1024 * 1024
BLANK = b" \t\r\n\xef\xbb\xbf"
VISITS_MAX = 2_000
KM_MAX = 1e7
LEFT_OUT_MAX = 50
# one round takes out all that is wrong at the depth reached; nothing in the contract is nested deeper
ROUNDS_MAX = 12
_TRUSTS = {"01A6": Trust.STANDARD, "0917": Trust.STANDARD, "dash": Trust.TYPED, "papers": Trust.PAPER}
_TRUSTS |= {"photo": Trust.PHOTO, "upstream": Trust.UPSTREAM, "manual": Trust.TYPED}
# how programs write the two standard odometers, and the state of a monitor
_FILLING = re.compile(r"service|mode|obd2?|pid|sae|infotype|[\s._:/-]")
_STANDARD = {"01a6": "01A6", "1a6": "01A6", "a6": "01A6", "0xa6": "01A6", "0917": "0917", "917": "0917"}
_STATES = {"ready": "complete", "not_ready": "incomplete", "not_supported": "unsupported", "completed": "complete"}
_STATES |= {"not_complete": "incomplete", "true": "complete", "false": "incomplete"}
_LISTS = ("ecus", "odometer", "dtcs", "freeze_frames", "live", "items")
# the judgement that came with the file is not ours
_NOT_EVIDENCE = ("checks", "findings", "verdict", "timing")

Json = dict[str, Any]


class Line(BaseModel):
    """Base of the file's own parts: unknown keys are left out."""

    model_config = ConfigDict(extra="ignore")


class VisitLine(Line):
    """A visit as the file says it; missing is "not known"."""

    at: datetime | None = None
    dash_km: float | None = Field(None, ge=0, le=KM_MAX, allow_inf_nan=False)
    papers_km: float | None = Field(None, ge=0, le=KM_MAX, allow_inf_nan=False)
    snapshot: Snapshot = Snapshot()


class ServiceLine(Line):
    """Recorded work; ``items`` as in our own service records."""

    at: datetime
    odometer_km: float | None = Field(None, ge=0, le=KM_MAX, allow_inf_nan=False)
    items: tuple[str, ...] = ("oil_and_filter",)


class EventLine(Line):
    """A replaced cluster (both values), or a dashboard that was switched to miles or to kilometres."""

    at: datetime
    kind: str = Field(pattern="^(cluster_replaced|shows_miles|shows_km)$")
    before_km: float | None = Field(None, ge=0, le=KM_MAX, allow_inf_nan=False)
    after_km: float | None = Field(None, ge=0, le=KM_MAX, allow_inf_nan=False)
    person: str = Field("file", min_length=1, max_length=80)


class HistoryLine(Line):
    """One car of the file."""

    id: str
    market: str = Field("CN", pattern="^[A-Z]{2}$")
    visits: tuple[VisitLine, ...] = ()
    services: tuple[ServiceLine, ...] = ()
    events: tuple[EventLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadLine:
    """One line of a file. ``history`` is None when the whole line is no history, and then ``why`` says why."""

    path: Path
    number: int
    history: HistoryLine | None
    why: str = ""
    left_out: tuple[str, ...] = ()


def lines_of(path: Path) -> Iterator[ReadLine]:
    """Every history of the file that is not blank: one a line, or all of it one object, or a list of them.

    Raise OSError when the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(LINE_MAX)
        if (whole := _written_at_large(head)) is not None:
            yield from (_told(path, number, one) for number, one in enumerate(whole, 1))
            return
        for number, line in enumerate(_pieces(_continued(head, file)), 1):
            if line.strip(BLANK):
                yield _read(path, number, line)


def _written_at_large(head: bytes) -> list[object] | None:
    """The histories of a file written for people, over several lines or in a list; None where each line is one."""
    first = next((line for line in head.splitlines() if line.strip(BLANK)), b"")
    if isinstance(_json(first), dict):
        return None
    told = _json(head)
    many = told if isinstance(told, list) else [told]
    return many if any(isinstance(one, dict) for one in many) else None


def _json(text: bytes) -> object:
    """What the text says; None when it is no JSON."""
    try:
        return json.loads(text.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return None


def _continued(head: bytes, file: BinaryIO) -> Callable[[int], bytes]:
    """How to read lines of what was read already and then of the rest: a pipe cannot be read twice."""
    held = BytesIO(head)

    def readline(limit: int) -> bytes:
        line = held.readline(limit)
        return line if line.endswith(b"\n") or len(line) == limit else line + file.readline(limit - len(line))

    return readline


def _pieces(readline: Callable[[int], bytes]) -> Iterator[bytes]:
    """Lines, cut at the longest we hold; what a longer one has left over is skipped, not kept."""
    while line := readline(LINE_MAX + 1):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = readline(LINE_MAX)
        yield line


def _read(path: Path, number: int, line: bytes) -> ReadLine:
    if len(line) > LINE_MAX:
        return ReadLine(path, number, None, f"longer than {LINE_MAX} bytes")
    try:
        return _told(path, number, json.loads(line.decode("utf-8-sig", errors="replace")))
    except (ValueError, RecursionError) as error:
        return ReadLine(path, number, None, f"no JSON: {_short(error)}")


def _told(path: Path, number: int, told: object) -> ReadLine:
    if not isinstance(told, dict):
        return ReadLine(path, number, None, "no JSON object")
    left_out: list[str] = []
    history = _kept(_plain(_writable(told), f"{path.name}:{number}", left_out), left_out)
    return ReadLine(path, number, history, "" if history else "no history", tuple(left_out[:LEFT_OUT_MAX]))


def _writable(told: Json) -> Json:
    """``told`` with half a character pair (an escape cut in two) replaced: nothing could print it."""
    text = json.dumps(told, ensure_ascii=False)
    known: Json = told if text.isascii() else json.loads(text.encode(errors="replace"))
    return known


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def _kept(told: Json, left_out: list[str]) -> HistoryLine | None:
    """Validate; take out what is wrong and validate again, until the rest is right."""
    for _ in range(ROUNDS_MAX):
        try:
            return HistoryLine.model_validate(told)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
            thinned = [_take_out(told, fault["loc"], left_out) for fault in faults]
            for holder in (one for one in thinned if one is not None):
                holder[:] = [one for one in holder if one is not _GONE]
    return None


_GONE = object()


def _take_out(told: Json, place: tuple[int | str, ...], left_out: list[str]) -> list[Any] | None:
    """Remove what stands at ``place``; in a list, which is returned, only mark it: the others keep their numbers."""
    left_out.append(".".join(str(part) for part in place))
    holder: Any = told
    for part in place[:-1]:
        try:
            holder = holder[part]
        except (LookupError, TypeError):
            return None
    if isinstance(holder, list):
        return _marked(holder, place[-1])
    if isinstance(holder, dict) and place[-1] in holder:
        del holder[place[-1]]
        return None
    # a part that lacks what it needs goes as a whole
    return _take_out(told, place[:-1], left_out) if place[:-1] else None


def _marked(holder: list[Any], place: int | str) -> list[Any]:
    if isinstance(place, int) and place < len(holder):
        holder[place] = _GONE
    return holder


def _plain(told: Json, stand_in: str, left_out: list[str]) -> Json:
    """The line with what people and programs write differently brought into the contract's form."""
    name = told.get("id")
    known = {**told, "id": str(name)[:200] if isinstance(name, str | int | float) and str(name).strip() else stand_in}
    for part in ("visits", "services", "events"):
        known[part] = [dict(one) for one in _items(told.get(part)) if isinstance(one, Mapping)]
    if isinstance(told.get("visits"), list) and len(told["visits"]) != len(known["visits"]):
        left_out.append("visits")
    known["market"] = str(told.get("market") or "CN").strip().upper()[:2]
    known["visits"] = [_visit(visit) for visit in known["visits"][:VISITS_MAX]]
    _without_shared_names(known["visits"])
    return known


def _without_shared_names(visits: list[Json]) -> None:
    """An id that several visits carry names none: each then goes by its number, as one without an id does."""
    names = Counter(str(visit["snapshot"].get("id", "")) for visit in visits)
    for visit in visits:
        if names[str(visit["snapshot"].get("id", ""))] > 1:
            visit["snapshot"].pop("id", None)


def _items(value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, Mapping) else []


def _visit(visit: Json) -> Json:
    for name in ("dash_km", "papers_km"):
        visit[name] = _number(visit.get(name))
    snapshot = visit.get("snapshot")
    visit["snapshot"] = _snapshot(dict(snapshot)) if isinstance(snapshot, Mapping) else {}
    return visit


def _number(value: object) -> object:
    """A number written as text (``"123,456 km"``) as a number; True is none."""
    if isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(-?\d[\d,  ]*(?:\.\d+)?)\s*(?:km|公里)?\s*", value[:40], re.IGNORECASE)
    return float(re.sub(r"[,  ]", "", found[1])) if found else (value if value.strip() else None)


def _snapshot(snapshot: Json) -> Json:
    """A field that is null is a field that is missing."""
    known = {name: value for name, value in snapshot.items() if value is not None and name not in _NOT_EVIDENCE}
    known["schema"] = "forecourt.snapshot/1"
    for name in _LISTS:
        if name in known:
            known[name] = [_without_nulls(one) for one in _items(known[name])]
    if "odometer" in known:
        known["odometer"] = [_witness(one) for one in known["odometer"] if isinstance(one, dict)]
    if "dtcs" in known:
        known["dtcs"] = [{"code": one, "class": "stored"} if isinstance(one, str) else one for one in known["dtcs"]]
    if "counters" in known:
        known["counters"] = _counters(known["counters"])
    if isinstance(known.get("readiness"), Mapping):
        known["readiness"] = {str(name): _state(state) for name, state in known["readiness"].items()}
    if isinstance(known.get("vehicle"), Mapping):
        known["vehicle"] = _vehicle(_without_nulls(known["vehicle"]))
    return known


def _without_nulls(part: object) -> object:
    return {name: value for name, value in part.items() if value is not None} if isinstance(part, Mapping) else part


def _state(value: object) -> object:
    """A monitor's state in the contract's words; a truth value says whether it has run."""
    if not isinstance(value, str | bool):
        return value
    word = re.sub(r"[\s-]+", "_", str(value).strip().lower())
    return _STATES.get(word, word)


def _vehicle(vehicle: object) -> object:
    if isinstance(vehicle, dict) and isinstance(vehicle.get("vin"), str):
        vehicle["vin"] = vehicle["vin"].strip().upper()[:64]
    return vehicle


def _witness(part: Json) -> Json:
    """Trust follows from the source where nobody says it; metres are whole."""
    source = part["source"] = _source(str(part.get("source", "")).strip())
    if "trust" not in part and source in _TRUSTS:
        part["trust"] = _TRUSTS[source]
    if "odometer_m" not in part and "odometer_km" in part:
        kilometres = _number(part["odometer_km"])
        part["odometer_m"] = kilometres * 1000 if isinstance(kilometres, int | float) else None
    part["odometer_m"] = _whole(part.get("odometer_m"))
    return part


def _source(told: str) -> str:
    return _STANDARD.get(_FILLING.sub("", told.lower()), told)


def _whole(value: object) -> object:
    value = _number(value)
    return round(value) if isinstance(value, float) and math.isfinite(value) else value


def _counters(counters: object) -> Json:
    """Each counter is a list of parts with their control unit; a lone part or a bare number is a list of one."""
    if not isinstance(counters, Mapping):
        return {}
    return {str(name): [_counter(one) for one in _parts(told)] for name, told in counters.items() if told is not None}


def _parts(told: object) -> list[Any]:
    if isinstance(told, list):
        return told
    if isinstance(told, Mapping) and "value" not in told and "status" not in told:
        return [{"ecu": str(ecu), "value": value} for ecu, value in told.items()]
    return [told]


def _counter(part: object) -> object:
    if not isinstance(part, Mapping):
        return {"value": _whole(part)}
    known = {name: value for name, value in part.items() if value is not None}
    return known | {"value": _whole(part.get("value"))}


def aware(at: datetime | None) -> datetime | None:
    """A time without a zone is UTC; one that no clock can mean is not known."""
    if at is None:
        return None
    told = at if at.tzinfo else at.replace(tzinfo=UTC)
    try:
        return told.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
