"""What a perfect reader would write down of a car at this moment: ``forecourt.snapshot/1`` as plain JSON values.

Values come from the bytes the car would send, so they are rounded and saturate as on the bus.
"""

from collections.abc import Iterator, Mapping

from simulator.car import METRES_PER_KM, Car, Ecu
from simulator.codes import CLASSES
from simulator.pids import pid_data

Json = dict[str, object]

ODOMETER = 0xA6
STATUS = 0x01
# name in the snapshot: PID, first and last data byte, worth of one count
COUNTERS: dict[str, tuple[int, int, int, int]] = {
    "distance_with_mil_m": (0x21, 0, 2, METRES_PER_KM),
    "warmups_since_clear": (0x30, 0, 1, 1),
    "distance_since_clear_m": (0x31, 0, 2, METRES_PER_KM),
    "time_with_mil_s": (0x4D, 0, 2, 60),
    "time_since_clear_s": (0x4E, 0, 2, 60),
    "engine_run_time_s": (0x7F, 1, 5, 1),
    "distance_since_reflash_m": (0xC7, 0, 2, METRES_PER_KM),
}
_MONITOR_TITLES = {
    "evap": "evaporative_system",
    "ac": "ac_refrigerant",
    "oxygen_heater": "oxygen_sensor_heater",
    "egr": "egr_vvt",
    "nox": "nox_scr",
    "boost": "boost_pressure",
    "exhaust_sensor": "exhaust_gas_sensor",
}


def snapshot(car: Car, identity: str, taken_at: str, *, clock: str = "ntp", trusts: Mapping[str, str] = {}) -> Json:
    """One visit. ``taken_at`` is ISO 8601; ``trusts`` says by ECU role how far a maker's own read is trusted."""
    standard = [ecu for ecu in car.ecus if ecu.obd and ecu.pids and not ecu.uds_only]
    odometers = [*_standard_odometers(car, standard), *_maker_odometers(car, trusts)]
    return {
        "schema": "forecourt.snapshot/1",
        "id": identity,
        "taken_at": taken_at,
        "clock": clock,
        "link": {"protocol": car.link.title},
        "vehicle": _vehicle(car),
        "ecus": [_ecu(ecu) for ecu in standard],
        "odometer": odometers,
        "dtcs": [{"code": code.code, "class": code.kind, "ecu": _address(car, code.ecu)} for code in car.codes],
        "mil": car.mil if standard else None,
        "readiness": _readiness(car) if standard else {},
        "counters": _counters(car, standard),
        "battery_v": round(car.battery_v, 1),
        "items": _items(odometers, answered=bool(standard)),
    }


def _items(odometers: list[Json], *, answered: bool) -> list[Json]:
    lists: list[Json] = [{"item": f"{kind}_dtcs", "status": "read" if answered else "timeout"} for kind in CLASSES]
    witnesses: list[Json] = [{"item": f"odometer.{one['source']}", "status": "read"} for one in odometers]
    return [*lists, *witnesses]


def _vehicle(car: Car) -> Json:
    told = any(ecu.vin for ecu in car.ecus)
    # PID 51 has one word for both kinds of hybrid.
    fuel = "hybrid" if car.fuel == "plug-in" else car.fuel
    return {"vin": car.vin, "vin_status": "read" if told else "typed", "fuel": fuel}


def _ecu(ecu: Ecu) -> Json:
    return {
        "address": f"{ecu.answer_id:03X}",
        "vin": ecu.vin,
        "calibration_ids": list(ecu.calibration_ids),
        "cvns": list(ecu.cvns),
    }


def _address(car: Car, role: str) -> str:
    return next((f"{ecu.answer_id:03X}" for ecu in car.ecus if ecu.role == role), "")


def _standard_odometers(car: Car, ecus: list[Ecu]) -> Iterator[Json]:
    for ecu in ecus:
        data = pid_data(car, ecu, ODOMETER)
        if data is not None:
            yield _witness("01A6", ecu, int.from_bytes(data, "big") * 100, data, "standard")


def _maker_odometers(car: Car, trusts: Mapping[str, str]) -> Iterator[Json]:
    for ecu in car.ecus:
        for read in ecu.reads:
            raw = read.raw(ecu.own_odometer_m(car.odometer_m))
            data = raw.to_bytes(read.size, "little" if read.little else "big")
            trust = trusts.get(ecu.role, "confirmed")
            yield _witness(f"maker-{ecu.role}", ecu, raw * read.unit_m, data, trust)


def _witness(source: str, ecu: Ecu, odometer_m: int, data: bytes, trust: str) -> Json:
    return {
        "source": source,
        "ecu": f"{ecu.answer_id:03X}",
        "odometer_m": odometer_m,
        "raw": data.hex().upper(),
        "status": "read",
        "trust": trust,
    }


def _readiness(car: Car) -> dict[str, str]:
    return {
        _MONITOR_TITLES.get(name, name): "incomplete" if name in car.incomplete else "complete"
        for name in sorted(car.monitors)
    }


def _counters(car: Car, ecus: list[Ecu]) -> Json:
    found: Json = {}
    for name, (pid, first, last, worth) in COUNTERS.items():
        parts = []
        for ecu in ecus:
            data = pid_data(car, ecu, pid)
            if data is not None:
                raw = int.from_bytes(data[first:last], "big")
                full = raw == (1 << 8 * (last - first)) - 1
                parts.append({"ecu": f"{ecu.answer_id:03X}", "value": raw * worth, "status": "read", "saturated": full})
        if parts:
            found[name] = parts
    return found
