"""What a person adds to a reading: a drive with both distances counted, and a look at what wears."""

from dataclasses import dataclass

from simulator.car import METRES_PER_KM, Car, Ecu
from simulator.pids import pid_data, whole_km
from simulator.toml_reader import Table

ODOMETER, DISTANCE_SINCE_CLEAR = 0xA6, 0x31
A6_STEP_M = 100
DRIVEN_AT_KMH = 40.0
WEAR = ("none", "light", "heavy")
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class RoadTest:
    """A drive of ``driven_m`` by the wheels' speed; ``by`` is the odometer watched, ``01A6`` or ``dash``."""

    driven_m: int
    by: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a person saw; tyres by the digits WWYY of their date, wear as none, light or heavy; "" if not looked at."""

    tyre_dots: tuple[str, ...] = ()
    tread_mm: float | None = None
    pedals: str = ""
    steering_wheel: str = ""
    driver_seat: str = ""
    sticker_km: int | None = None


def road_test_of(visit: Table) -> RoadTest | None:
    """``[visit.road_test]``, if the file has one."""
    table = visit.table("road_test")
    if table is None:
        return None
    driven_m = round(table.number("driven_km", low=0.1, high=500) * METRES_PER_KM)
    found = RoadTest(driven_m, table.text("by", "01A6", among=("01A6", "dash")))
    table.finish()
    return found


def inspection_of(visit: Table) -> Inspection | None:
    """``[visit.inspection]``, if the file has one."""
    table = visit.table("inspection")
    if table is None:
        return None
    dots = table.texts("tyre_dots", ())
    if any(len(dot) != 4 or not dot.isdigit() or not 1 <= int(dot[:2]) <= 53 for dot in dots):
        raise table.fail("tyre_dots", "wanted week and year as four digits, such as 2319")
    found = Inspection(
        tyre_dots=dots,
        tread_mm=table.number("tread_mm", high=20) if table.has("tread_mm") else None,
        pedals=table.text("pedals", "", among=("", *WEAR)),
        steering_wheel=table.text("steering_wheel", "", among=("", *WEAR)),
        driver_seat=table.text("driver_seat", "", among=("", *WEAR)),
        sticker_km=table.whole("sticker_km", high=4_000_000) if table.has("sticker_km") else None,
    )
    table.finish()
    return found


def driven(car: Car, test: RoadTest, dash_km: int) -> Json:
    """Drive the car and tell both distances, as the field ``road_test`` of ``forecourt.snapshot/1``."""
    before, arrived_m = _watched(car, test.by), car.shown_m
    car.speed_kmh = DRIVEN_AT_KMH
    car.travel(test.driven_m * car.counted_share)
    car.speed_kmh = 0.0
    after = _watched(car, test.by)
    if test.by == "dash":
        before["odometer"] = dash_km * METRES_PER_KM
        after["odometer"] = (dash_km + whole_km(arrived_m % METRES_PER_KM + car.shown_m - arrived_m)) * METRES_PER_KM
    return {
        "source": test.by,
        "odometer_start_m": before["odometer"],
        "odometer_end_m": after["odometer"],
        "odometer_step_m": A6_STEP_M if test.by == "01A6" else METRES_PER_KM,
        "speed_distance_m": test.driven_m,
        "counter_start_m": before["counter"],
        "counter_end_m": after["counter"],
    }


def seen(inspection: Inspection) -> Json:
    """The field ``inspection`` of ``forecourt.snapshot/1``."""
    sticker_m = None if inspection.sticker_km is None else inspection.sticker_km * METRES_PER_KM
    return {
        "tyre_dots": list(inspection.tyre_dots),
        "tread_mm": inspection.tread_mm,
        "pedals": inspection.pedals or None,
        "steering_wheel": inspection.steering_wheel or None,
        "driver_seat": inspection.driver_seat or None,
        "sticker_odometer_m": sticker_m,
    }


def _watched(car: Car, by: str) -> dict[str, int | None]:
    return {
        "odometer": _told(car, ODOMETER, A6_STEP_M) if by == "01A6" else None,
        "counter": _told(car, DISTANCE_SINCE_CLEAR, METRES_PER_KM),
    }


def _told(car: Car, pid: int, worth_m: int) -> int | None:
    """What the first unit that knows the PID says, in metres."""
    for data in (pid_data(car, ecu, pid) for ecu in car.ecus if _answers(ecu)):
        if data is not None:
            return int.from_bytes(data, "big") * worth_m
    return None


def _answers(ecu: Ecu) -> bool:
    return ecu.obd and not ecu.uds_only
