"""Writes a recording as a scenario: physical units where they give the recorded bytes again, the bytes where not."""

import json
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path

from simulator.car import Car, Ecu
from simulator.codes import Code
from simulator.library import checked
from simulator.pids import ENCODERS, PID_SETS, is_mask
from simulator.recording.asking import Recording, Unit
from simulator.recording.identity import Disguise
from simulator.recording.meaning import UnitMeaning, first_number, fuel_of, identities, in_order, open_monitors
from simulator.services import answer
from simulator.toml_reader import Table, locate

NO_VIN = "0" * 17
MODEL_YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"
FIRST_YEAR = 1980
FULL = 0xFFFF
HOUR_MINUTES, HOUR_S = 60, 3600
# No car keeps a higher mean speed: what it drove took at least so long.
FASTEST_KMH = 200
# Beyond these a scenario has no words; the recorded bytes stand for themselves.
MOST_KM = 4_000_000
MOST_OFFSET_M = 10_000_000
MOST_CODES = 100
MOST_RUN_S = 3_599_999_999

RawAnswers = dict[str, dict[bytes, list[bytes]]]


def disguised(recording: Recording, seed: int = 0) -> Disguise:
    """Replace every VIN in all answers of the recording; the replacements made."""
    disguise = Disguise((vin for unit in recording.units.values() for vin in identities(unit)), seed)
    for unit in recording.units.values():
        for answers in (unit.answers, unit.own):
            for request, said in answers.items():
                # Before CAN a VIN comes in pieces of four bytes behind service, info type and number.
                lead = 3 if len(said) > 1 and request[0] == 0x09 else 0
                answers[request] = disguise.message_parts(said, lead)
    return disguise


def scenario_text(recording: Recording, *, name: str, this_year: int, dash_km: int | None = None) -> str:
    """The scenario of a recording whose VINs are replaced already. ``this_year`` decides between 30-year cycles."""
    units = in_order(recording)
    raw: RawAnswers = {unit.role: {} for unit in units}
    while True:
        text = "\n".join(_lines(recording, units, name, this_year, dash_km, raw)) + "\n"
        more = _differences(text, units)
        # Bytes given for one answer may change what the model says to another, as a freeze frame does; it ends because
        # each round adds answers that then agree.
        if not any(more.values()):
            return text
        for role, answers in more.items():
            raw[role] |= answers


def _differences(text: str, units: list[UnitMeaning]) -> RawAnswers:
    """By role, the recorded answers that the model would not give by itself."""
    scenario = checked(Table(Path("recording"), locate(text), tomllib.loads(text)))
    found: RawAnswers = {}
    for unit, ecu in zip(units, scenario.ecus_at(1), strict=True):
        car = scenario.car(1)
        found[unit.role] = {
            request: said
            for answers, functional in ((unit.unit.answers, True), (unit.unit.own, False))
            for request, said in answers.items()
            if _modelled(car, ecu, request, functional=functional) != said
        }
    return found


def _modelled(car: Car, ecu: Ecu, request: bytes, *, functional: bool) -> list[bytes]:
    if functional and not ecu.functional:
        return []
    return answer(car, ecu, request, functional=functional)


def _lines(
    recording: Recording,
    units: list[UnitMeaning],
    name: str,
    this_year: int,
    dash_km: int | None,
    raw: RawAnswers,
) -> Iterator[str]:
    vin = next((unit.vin for unit in units if unit.vin), NO_VIN)
    fuel = fuel_of(units)
    yield "# Recorded from a car; its VIN is replaced by a generated one. What the model gives by itself is in words,"
    yield "# everything else byte by byte under answers."
    yield f"title = {_text(name)}"
    yield ""
    yield "[car]"
    yield 'make = "unknown"'
    yield f"model_year = {_model_year(vin, this_year)}"
    yield f"vin = {_text(vin)}"
    yield f"fuel = {_text(fuel)}"
    yield f"link = {_text(recording.link.name)}"
    for unit in units:
        yield from _unit(unit, recording, vin, _offset_m(unit, units))
        yield from _answers(raw.get(unit.role, {}))
    yield from _visit(recording, units, fuel, dash_km)


def _unit(unit: UnitMeaning, recording: Recording, vin: str, offset_m: int) -> Iterator[str]:
    yield ""
    yield "[[car.ecu]]"
    yield f"role = {_text(unit.role)}"
    if unit.title:
        yield f"name = {_text(unit.title)}"
    width = {11: 3, 29: 8}.get(_id_bits(unit.unit, recording), 2)
    yield f'request = "{unit.unit.place.request_id:0{width}X}"'
    if recording.link.is_can:
        yield f'answer = "{unit.unit.place.answer_id:0{width}X}"'
    if unit.vin != vin:
        yield f"vin = {_text(unit.vin or 'none')}"
    if not unit.unit.answers:
        yield "functional = false"
        yield "obd = false"
    if recording.uds_only and unit.unit.answers:
        yield "uds_only = true"
    nearest = _nearest_set(_known(unit))
    if nearest != "none":
        yield f"pids = {_text(nearest)}"
    yield from (f"{key} = {_texts(texts)}" for key, texts in _lists(unit) if texts)
    if unit.unit.padding != 0x00:
        yield f'padding = "{"none" if unit.unit.padding is None else f"{unit.unit.padding:02X}"}"'
    if offset_m:
        yield f"odometer_offset_m = {offset_m}"


def _lists(unit: UnitMeaning) -> Iterator[tuple[str, list[str]]]:
    yield "calibration_ids", unit.calibration_ids
    yield "cvns", unit.cvns
    known = _known(unit)
    yield "more_pids", [f"{pid:02X}" for pid in sorted(known - PID_SETS[_nearest_set(known)])]
    yield "without_pids", [f"{pid:02X}" for pid in sorted(PID_SETS[_nearest_set(known)] - known)]


def _known(unit: UnitMeaning) -> set[int]:
    return {pid for pid in unit.pids if pid in ENCODERS and not is_mask(pid)}


def _nearest_set(pids: Collection[int]) -> str:
    """The set of the scenario language that needs the fewest corrections."""
    return min(PID_SETS, key=lambda name: (len(PID_SETS[name] ^ set(pids)), name))


def _id_bits(unit: Unit, recording: Recording) -> int:
    if not recording.link.is_can:
        return 0
    return 11 if unit.place.answer_id <= 0x7FF else 29


def _offset_m(unit: UnitMeaning, units: list[UnitMeaning]) -> int:
    own, first = first_number([unit], 0xA6, 0, 4), first_number(units, 0xA6, 0, 4)
    offset_m = 0 if own is None or first is None else (own - first) * 100
    return offset_m if abs(offset_m) <= MOST_OFFSET_M else 0


def _answers(raw: dict[bytes, list[bytes]]) -> Iterator[str]:
    if raw:
        yield ""
        yield "[car.ecu.answers]"
    for request in sorted(raw, key=lambda one: (one[0], one)):
        texts = [message.hex().upper() for message in raw[request]]
        yield f"{request.hex().upper()} = {_text(texts[0]) if len(texts) == 1 else _texts(texts)}"


def _visit(recording: Recording, units: list[UnitMeaning], fuel: str, dash_km: int | None) -> Iterator[str]:
    hundreds_m = first_number(units, 0xA6, 0, 4)
    odometer_km = min(hundreds_m / 10 if hundreds_m is not None else float(dash_km or 0), MOST_KM)
    yield ""
    yield "[[visit]]"
    yield f"odometer_km = {odometer_km:.1f}"
    counted_km = max(first_number(units, 0x31, 0, 2) or 0, first_number(units, 0xC7, 0, 2) or 0)
    if counted_km > odometer_km:
        yield f"true_odometer_km = {counted_km}"
    if dash_km is not None:
        yield f"dash_km = {dash_km}"
    yield from (f'{key} = ""' for key in ("plate", "stock_number", "operator"))
    yield f"battery_v = {_battery_v(recording, units):.3f}"
    if not first_number(units, 0x0C, 0, 2):
        yield "engine_on = false"
    codes = list(dict.fromkeys(code for unit in units for code in unit.codes))[:MOST_CODES]
    status = first_number(units, 0x01, 0, 1)
    if any(code.kind == "stored" for code in codes) and not (status or 0) & 0x80:
        yield "mil = false"
    yield from _counters(units)
    data = next((unit.pids[0x01] for unit in units if len(unit.pids.get(0x01, b"")) >= 4), b"")
    yield f"incomplete_monitors = {_texts(open_monitors(data, fuel, recording.link))}"
    yield "# what a reader should conclude: yours to fill in"
    yield 'verdict = "not_determinable"'
    yield "findings = []"
    for code in codes:
        yield from _code(code)


def _battery_v(recording: Recording, units: list[UnitMeaning]) -> float:
    millivolts = first_number(units, 0x42, 0, 2)
    return min(millivolts / 1000, 40.0) if millivolts else recording.supply_v


def _counters(units: list[UnitMeaning]) -> Iterator[str]:
    """The counters since the last clear. What a unit left out, or what cannot be, is filled in plausibly here: the
    recorded bytes go before it."""
    driven_km = first_number(units, 0x31, 0, 2) or 0
    minutes = max(first_number(units, 0x4E, 0, 2) or 0, min(driven_km * HOUR_MINUTES // FASTEST_KMH, FULL))
    yield f"distance_since_clear_km = {driven_km}"
    yield f"warmups_since_clear = {first_number(units, 0x30, 0, 1) or 0}"
    yield f"hours_since_clear = {_hours(minutes, HOUR_MINUTES)}"
    yield from _nonzero("distance_with_mil_km", min(first_number(units, 0x21, 0, 2) or 0, driven_km))
    yield from _nonzero("distance_since_reflash_km", first_number(units, 0xC7, 0, 2))
    lit = min(first_number(units, 0x4D, 0, 2) or 0, minutes)
    yield from _nonzero("hours_with_mil", _hours(lit, HOUR_MINUTES))
    run_s = min(first_number(units, 0x7F, 1, 5) or 0, MOST_RUN_S)
    yield from _nonzero("engine_run_h", _hours(run_s, HOUR_S))
    yield from _nonzero("idle_run_h", _hours(min(first_number(units, 0x7F, 5, 9) or 0, run_s), HOUR_S))


def _nonzero(key: str, value: float | None) -> Iterator[str]:
    if value:
        yield f"{key} = {value}"


def _hours(count: int | None, an_hour: int) -> float:
    """Hours that count down to ``count`` again: half a step above, except where the counter is full."""
    if not count:
        return 0.0
    return round((count + (0.5 if count != FULL else 0.0)) / an_hour, 6)


def _code(code: Code) -> Iterator[str]:
    yield from ("", "[[visit.code]]", f"code = {_text(code.code)}")
    yield from (f"class = {_text(code.kind)}", f"ecu = {_text(code.ecu)}")


def _model_year(vin: str, this_year: int) -> int:
    """The tenth place of the VIN: letters repeat every 30 years, so the latest that is not after next year."""
    place = MODEL_YEARS.find(vin[9])
    if place < 0:
        return this_year
    years = range(FIRST_YEAR + place, this_year + 2, len(MODEL_YEARS))
    return years[-1]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _texts(values: list[str]) -> str:
    return json.dumps(values, ensure_ascii=False)
