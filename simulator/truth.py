"""What is true of a simulated car at one visit: the first line a simulator prints, for readers to be judged by."""

from simulator.car import METRES_PER_KM, Ecu
from simulator.links import Kind
from simulator.people import driven, seen
from simulator.scenario import Scenario, Visit


def truth(scenario: Scenario, number: int) -> dict[str, object]:
    """All that a perfect reader would find at visit ``number`` (from 1), and what it should conclude."""
    visit = scenario.visits[number - 1]
    counters = visit.counters
    papers = {} if visit.papers_km is None else {"papers_km": visit.papers_km}
    return {
        "scenario": scenario.name,
        "visit": number,
        "visits": len(scenario.visits),
        "vin": scenario.vin,
        "make": scenario.make,
        "model_year": scenario.model_year,
        "fuel": None if scenario.silent else scenario.fuel,
        "odometer_m": _odometer_m(scenario, number),
        "dtcs": _codes(scenario, visit),
        "mil": None if scenario.silent else visit.mil,
        "battery_v": round(visit.battery_v, 1),
        "distance_since_clear_m": None if scenario.silent else int(counters.distance_since_clear_km) * METRES_PER_KM,
        "warmups_since_clear": None if scenario.silent else counters.warmups_since_clear,
        "plate": visit.plate,
        "stock_number": visit.stock_number,
        "dash_km": visit.dash_km,
        "operator": visit.operator,
        "verdict": visit.verdict,
        "findings": list(visit.findings),
        "last_service": _last_service(visit),
        "true_odometer_m": visit.true_odometer_m,
        "tampering": visit.tampering or None,
        "checks": list(scenario.checks),
        **papers,
        **_by_people(scenario, number),
    }


def _odometer_m(scenario: Scenario, number: int) -> int | None:
    """What 01 A6 says, in steps of 100 m; None where no ECU answers it."""
    units = [] if scenario.silent else scenario.ecus_at(number)
    answering = (ecu for ecu in units if 0xA6 in ecu.pids and ecu.obd and not ecu.uds_only)
    found = [ecu.own_odometer_m(scenario.visits[number - 1].odometer_m) for ecu in answering]
    return int(found[0]) // 100 * 100 if found else None


def _codes(scenario: Scenario, visit: Visit) -> list[dict[str, str]]:
    addresses = {ecu.role: _address(scenario, ecu) for ecu in scenario.ecus}
    found = [{"code": code.code, "class": code.kind, "ecu": addresses[code.ecu]} for code in visit.codes]
    return sorted(found, key=lambda code: (code["code"], code["class"], code["ecu"]))


def _address(scenario: Scenario, ecu: Ecu) -> str:
    width = {Kind.CAN11: 3, Kind.CAN29: 8}.get(scenario.link.kind, 2)
    return f"{ecu.answer_id:0{width}X}"


def maker_reads(scenario: Scenario, number: int) -> list[dict[str, object]]:
    """The distances that makers' own requests tell at visit ``number``, rounded down to what the answer can hold."""
    odometer_m = scenario.visits[number - 1].odometer_m
    return [
        {
            "ecu": _address(scenario, ecu),
            "request": read.request.hex().upper(),
            "odometer_m": read.raw(ecu.own_odometer_m(odometer_m)) * read.unit_m,
        }
        for ecu in scenario.ecus_at(number)
        for read in ecu.reads
    ]


def _last_service(visit: Visit) -> dict[str, object] | None:
    last = visit.last_service
    if last is None:
        return None
    items = {"items": list(last.items)} if last.items else {}
    return {"done_days_ago": last.done_days_ago, "odometer_m": last.odometer_m, **items}


def _by_people(scenario: Scenario, number: int) -> dict[str, object]:
    """What a drive and a look would tell at this visit, where the scenario has them."""
    visit = scenario.visits[number - 1]
    found: dict[str, object] = {}
    if visit.road_test is not None:
        found["road_test"] = driven(scenario.car(number), visit.road_test, visit.dash_km)
    if visit.inspection is not None:
        found["inspection"] = seen(visit.inspection)
    return found
