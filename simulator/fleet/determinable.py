"""What could have been concluded from what was visible: the checks of an intake, with margins wider than honest noise.

Written from the published thresholds, a second time and apart from the product, whose verdicts it is held against.
"""

from typing import Any

from simulator.fleet.tampering import METHODS, Tampering
from simulator.fleet.visits import METRES_PER_MILE

# Nobody can be blamed for seeing nothing below this: 100 km or 1 %.
MARGIN_M = 100_000
MARGIN_SHARE = 0.01
SURE_SHARE = 0.03
RECENT_M = 322_000
RECENT_WARMUPS = 15
RECENT_S = 11 * 3600
SLOWEST_KMH = 10.0
FASTEST_KMH = 90.0
LEAST_RUN_S = 50 * 3600
LEAST_DRIVEN_M = 1_000_000
SLOW_MONITOR = "evaporative_system"

Line = dict[str, Any]


def determinable(done: Tampering, visits: list[Line]) -> list[str]:
    """The checks that show this tampering at the last visit; empty for an honest car, or when nothing visible tells."""
    if done.method == "none":
        return []
    return [check for check in METHODS[done.method] if _SEEN[check](visits)]


def _dash(visits: list[Line]) -> bool:
    last = visits[-1]
    dash_m, best_m = _dash_m(last), _best_m(last)
    return dash_m is not None and best_m is not None and _below(dash_m, best_m) and not _miles(dash_m, best_m)


def _units(visits: list[Line]) -> bool:
    values = list(_witnesses(visits[-1]).values())
    return len(values) > 1 and _below(min(values), max(values))


def _counter(visits: list[Line]) -> bool:
    last = visits[-1]
    whole_m = _best_m(last) or _dash_m(last)
    if whole_m is None:
        return False
    names = ("distance_since_clear_m", "distance_with_mil_m", "distance_since_reflash_m")
    values = [value for name in names for value in _values(last, name)]
    return any(value - whole_m > max(MARGIN_M, SURE_SHARE * whole_m) for value in values)


def _cleared(visits: list[Line]) -> bool:
    last = visits[-1]
    limits = {"distance_since_clear_m": RECENT_M, "warmups_since_clear": RECENT_WARMUPS, "time_since_clear_s": RECENT_S}
    counted = [(_values(last, name), limit) for name, limit in limits.items()]
    known = [(values[0], limit) for values, limit in counted if values]
    states = last["snapshot"].get("readiness", {})
    missing = [name for name, state in states.items() if state == "incomplete" and name != SLOW_MONITOR]
    return bool(known and missing) and all(value <= limit for value, limit in known)


def _left_over(visits: list[Line]) -> bool:
    codes = visits[-1]["snapshot"].get("dtcs", [])
    standing = {code["code"] for code in codes if code["class"] != "permanent"}
    return any(code["code"] not in standing for code in codes if code["class"] == "permanent")


def _hours(visits: list[Line]) -> bool:
    """Outside what cars do over their life, or since the unit that counts the hours came from elsewhere."""
    last = visits[-1]
    hours, whole_m = _values(last, "engine_run_time_s"), _best_m(last) or _dash_m(last)
    if not hours or not whole_m or last["snapshot"]["vehicle"]["fuel"] in ("hybrid", "plug-in", "electric"):
        return False
    began_s, began_m = 0, 0
    if any(_other_engine_unit(visit, last) for visit in visits):
        since = next((visit for visit in _since_exchanged(visits) if _values(visit, "engine_run_time_s")), last)
        began_s, began_m = _values(since, "engine_run_time_s")[0], _best_m(since) or _dash_m(since) or whole_m
    run_s, driven_m = hours[0] - began_s, whole_m - began_m
    enough = run_s >= LEAST_RUN_S and driven_m >= LEAST_DRIVEN_M
    return enough and not SLOWEST_KMH <= driven_m * 3.6 / run_s <= FASTEST_KMH


def _since_exchanged(visits: list[Line]) -> list[Line]:
    others = [place for place, visit in enumerate(visits) if _other_engine_unit(visit, visits[-1])]
    return visits[others[-1] + 1 :]


def _other_engine_unit(visit: Line, last: Line) -> bool:
    then, now = _checksums(visit), _checksums(last)
    return bool(then and now) and then != now


def _checksums(visit: Line) -> list[str]:
    return next((list(ecu["cvns"]) for ecu in visit["snapshot"].get("ecus", []) if ecu["address"] == "7E8"), [])


def _vin(visits: list[Line]) -> bool:
    snap = visits[-1]["snapshot"]
    return any(ecu["vin"] not in ("", snap["vehicle"]["vin"]) for ecu in snap["ecus"])


def _past(visits: list[Line]) -> bool:
    """Lower than the same witness before; typed values against typed ones only, unless they differ as miles do."""
    *earlier, last = visits
    now, dash_m = _witnesses(last), _dash_m(last)
    for before in earlier:
        then = _witnesses(before)
        if any(_below(now[name], then[name]) for name in now.keys() & then.keys()):
            return True
        old_m = _dash_m(before)
        if dash_m is not None and old_m is not None and _below(dash_m, old_m) and not _miles(dash_m, old_m):
            return True
    return False


def _witnesses(visit: Line) -> dict[tuple[str, str], int]:
    """What units said that somebody can stand for."""
    parts = visit["snapshot"].get("odometer", [])
    return {(part["source"], part["ecu"]): part["odometer_m"] for part in parts if part["trust"] != "hint"}


def _best_m(visit: Line) -> int | None:
    found = _witnesses(visit)
    standard = [value for (source, _), value in found.items() if source == "01A6"]
    return next(iter(standard or found.values()), None)


def _dash_m(visit: Line) -> int | None:
    shown = visit.get("dash_km")
    return None if shown is None else int(shown) * 1000


def _values(visit: Line, name: str) -> list[int]:
    return [part["value"] for part in visit["snapshot"].get("counters", {}).get(name, [])]


def _below(low_m: int, high_m: int) -> bool:
    return high_m - low_m > max(MARGIN_M, MARGIN_SHARE * high_m)


def _miles(low_m: int, high_m: int) -> bool:
    return abs(low_m * METRES_PER_MILE / 1000 - high_m) <= max(MARGIN_M, MARGIN_SHARE * high_m)


_SEEN = {
    "K1": _dash,
    "K2": _units,
    "K3": _counter,
    "K4": _cleared,
    "K5": _left_over,
    "K6": _hours,
    "K7": _vin,
    "K8": _past,
}
