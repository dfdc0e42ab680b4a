"""Words on standard input that act on a running simulator; each is answered with one JSON line."""

from simulator.errors import SimulatorError
from simulator.station import Station

WORDS = (
    "unplug | plug [SCENARIO [VISIT]] | drop | engine on|off | ignition on|off | speed KMH | battery V"
    " | fault NAME[=P]|none | dash | state"
)


async def obey(station: Station, line: str) -> dict[str, object]:
    """Carry out one line; the answer has ``ok`` and, when that is false, ``error``."""
    words = line.split()
    if not words:
        return {"ok": False, "error": f"nothing to do; known: {WORDS}"}
    try:
        return {"ok": True, "did": words[0], **await _act(station, words[0], words[1:])}
    except SimulatorError as error:
        return {"ok": False, "error": str(error)}


async def _act(station: Station, verb: str, words: list[str]) -> dict[str, object]:
    if verb == "unplug" and not words:
        await station.unplug()
        return {}
    if verb == "plug" and len(words) <= 2:
        await station.plug(words[0] if words else "", _visit(words))
        return {"truth": station.truth(), "reads": station.maker_reads()}
    if verb == "drop" and not words:
        station.drop()
        return {}
    if verb == "dash" and not words:
        return {"dash_km": station.dash_km()}
    if verb == "fault" and len(words) == 1:
        station.set_faults([] if words[0] == "none" else [words[0]])
        return {"fault": words[0]}
    if verb == "state" and not words:
        return _state(station)
    if len(words) == 1:
        return _set(station, verb, words[0])
    raise SimulatorError(f"{verb!r} is not understood; known: {WORDS}")


def _visit(words: list[str]) -> int:
    if len(words) < 2:
        return 0
    if not words[1].isdigit() or int(words[1]) < 1:
        raise SimulatorError(f"plug: {words[1]!r} is not a visit number")
    return int(words[1])


def _set(station: Station, verb: str, word: str) -> dict[str, object]:
    car = station.car_now()
    if verb not in ("engine", "ignition", "speed", "battery"):
        raise SimulatorError(f"{verb!r} is not understood; known: {WORDS}")
    if car is None:
        raise SimulatorError(f"{verb}: no car is plugged in")
    if verb == "engine":
        car.engine_on = _on(word)
    elif verb == "ignition":
        car.ignition_on = _on(word)
    elif verb == "speed":
        car.speed_kmh = _number(word, 255)
    else:
        car.battery_v, car.arrived_running = _number(word, 40), car.engine_on
    return {verb: word}


def _on(word: str) -> bool:
    if word not in ("on", "off"):
        raise SimulatorError(f"{word!r} is neither on nor off")
    return word == "on"


def _number(word: str, high: float) -> float:
    try:
        value = float(word)
    except ValueError:
        raise SimulatorError(f"{word!r} is not a number") from None
    if not 0 <= value <= high:
        raise SimulatorError(f"{word} is outside 0 to {high:g}")
    return value


def _state(station: Station) -> dict[str, object]:
    car = station.car_now()
    if car is None:
        return {"plugged": False, **station.journal.summary()}
    return {
        "plugged": True,
        "odometer_m": int(car.odometer_m),
        "speed_kmh": car.speed_kmh,
        "engine_on": car.engine_on,
        **station.journal.summary(),
    }
