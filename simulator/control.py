"""Obeys the words that act on a running simulator; each line is answered with one JSON line.

Of such a line ``error`` alone is for people, in the language that was chosen.
"""

from collections.abc import Awaitable, Callable

from simulator.car import Car
from simulator.errors import SimulatorError
from simulator.orders import WORDS, check_order
from simulator.pids import whole_km
from simulator.station import Station
from simulator.words import said

__all__ = ["WORDS", "follow", "obey"]

Outcome = dict[str, object]

DRIVE_KMH = "50"
SAG_S = "1"


async def obey(station: Station, line: str) -> Outcome:
    """Carry out one line; the answer has ``ok`` and, when that is false, ``error``."""
    outcome = follow(station, line)
    return outcome if isinstance(outcome, dict) else await outcome


def follow(station: Station, line: str) -> Outcome | Awaitable[Outcome]:
    """The same at this very moment, except for the plug, which takes a while."""
    try:
        verb, *words = check_order(line)
        if verb in ("unplug", "plug"):
            return _plug(station, verb, words)
        return {"ok": True, "did": verb, **_act(station, verb, words)}
    except SimulatorError as error:
        return {"ok": False, "error": said(str(error))}


async def _plug(station: Station, verb: str, words: list[str]) -> Outcome:
    try:
        if verb == "unplug":
            await station.unplug()
            return {"ok": True, "did": verb}
        await station.plug(words[0] if words else "", int(words[1]) if len(words) > 1 else 0)
    except SimulatorError as error:
        return {"ok": False, "error": said(str(error))}
    return {"ok": True, "did": verb, "truth": station.truth(), "reads": station.maker_reads()}


def _act(station: Station, verb: str, words: list[str]) -> Outcome:
    if verb in _STATION:
        return _STATION[verb](station, words)
    car = station.car_now()
    if car is None:
        raise SimulatorError(f"{verb}: no car is plugged in")
    _CAR[verb](car, words)
    return {verb: " ".join(words)} if words else {}


def _drop(station: Station, words: list[str]) -> Outcome:
    station.drop()
    return {}


def _fault(station: Station, words: list[str]) -> Outcome:
    station.set_faults([] if words[0] == "none" else [words[0]])
    return {"fault": words[0]}


def _wait(station: Station, words: list[str]) -> Outcome:
    station.wait(float(words[0]))
    return {"waited_s": float(words[0])}


def _drive(station: Station, words: list[str]) -> Outcome:
    speed_kmh = float(words[1] if len(words) > 1 else DRIVE_KMH)
    if speed_kmh <= 0:
        raise SimulatorError("drive: at 0 km/h nobody arrives")
    station.drive(float(words[0]) * 1000, speed_kmh)
    return {**_state(station, []), "dash_km": station.dash_km()}


def _state(station: Station, words: list[str]) -> Outcome:
    car = station.car_now()
    if car is None:
        return {"plugged": False, **station.journal.summary()}
    return {
        "plugged": True,
        "clock_s": round(station.clock.now_s(), 3),
        "odometer_m": round(car.odometer_m),
        "speed_kmh": car.speed_kmh,
        "engine_on": car.engine_on,
        "supply_v": round(car.supply_v, 2),
        "coolant_c": round(car.coolant_c, 1),
        "fuel_pct": round(car.fuel_level_pct, 1),
        "charge_pct": round(car.charge_pct, 1),
        "since_clear_km": whole_km(car.counters.distance_since_clear_km * 1000),
        "warmups": car.counters.warmups_since_clear,
        "incomplete": sorted(car.incomplete),
        "codes": [f"{code.code} {code.kind} {code.ecu}" for code in car.codes],
        "mil": car.mil,
        **station.journal.summary(),
    }


_STATION: dict[str, Callable[[Station, list[str]], Outcome]] = {
    "drop": _drop,
    "fault": _fault,
    "wait": _wait,
    "drive": _drive,
    "dash": lambda station, words: {"dash_km": station.dash_km()},
    "state": _state,
}


def _engine(car: Car, words: list[str]) -> None:
    if words[0] == "on":
        car.start()
    else:
        car.stop()


def _ignition(car: Car, words: list[str]) -> None:
    if words[0] == "off":
        car.stop()
    car.ignition_on = words[0] == "on"


def _battery(car: Car, words: list[str]) -> None:
    car.battery_v, car.arrived_running, car.drained_v = float(words[0]), car.engine_on, 0.0


def _sets(name: str) -> Callable[[Car, list[str]], None]:
    return lambda car, words: setattr(car, name, float(words[0]))


def _role(car: Car, words: list[str]) -> str:
    """The ECU meant: the one named, else the first."""
    roles = [ecu.role for ecu in car.ecus]
    wanted = words[1] if len(words) > 1 else next(iter(roles), "")
    if wanted not in roles:
        raise SimulatorError(f"{wanted!r} is not one of: {', '.join(roles)}")
    return wanted


def _repair(car: Car, words: list[str]) -> None:
    car.defects = {(code, role) for code, role in car.defects if words and code != words[0]}


_CAR: dict[str, Callable[[Car, list[str]], None]] = {
    "engine": _engine,
    "ignition": _ignition,
    "speed": lambda car, words: car.keep_speed(float(words[0])),
    "battery": _battery,
    "sag": lambda car, words: car.sag(float(words[0]), float(words[1] if len(words) > 1 else SAG_S)),
    "fuel": _sets("fuel_level_pct"),
    "charge": _sets("charge_pct"),
    "coolant": _sets("coolant_c"),
    "ambient": _sets("ambient_c"),
    "counted": _sets("counted_share"),
    "break": lambda car, words: car.defects.add((words[0], _role(car, words))),
    "repair": _repair,
    "fail": lambda car, words: car.fail(words[0], _role(car, words)),
    "heal": lambda car, words: car.pass_cycles(int(words[0])),
    "warm-up": lambda car, words: car.warm_up(int(words[0])),
    "clear": lambda car, words: car.clear_codes(),
    "change-battery": lambda car, words: car.change_battery(),
}
