"""A scenario: one car, its visits to the bay, and what a reader should conclude at each of them."""

from dataclasses import dataclass, replace

from simulator.car import Car, Counters, Ecu, Leg
from simulator.codes import Code
from simulator.links import Link
from simulator.people import Inspection, RoadTest
from simulator.pids import MONITORS_BY_IGNITION, pid_data
from simulator.profiles import DEFAULT_PROFILE
from simulator.trouble import Troubles

_FROZEN = (0x03, 0x04, 0x05, 0x06, 0x07, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x1F)


@dataclass(frozen=True, slots=True)
class Step:
    """An order on standard input that gives itself: ``after_s`` after arrival, or after so many requests on the bus."""

    order: str
    after_s: float | None = None
    after_requests: int | None = None


@dataclass(frozen=True, slots=True)
class LastService:
    """The service a dealer's records already know."""

    done_days_ago: int
    odometer_m: int
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitState:
    """One control unit at one visit where it differs from the car: another offset, VIN or past. None leaves it."""

    role: str
    odometer_offset_m: int | None = None
    vin: str | None = None
    counters: Counters | None = None

    def applied(self, ecu: Ecu) -> Ecu:
        """The unit as it is at that visit."""
        return replace(
            ecu,
            odometer_offset_m=ecu.odometer_offset_m if self.odometer_offset_m is None else self.odometer_offset_m,
            vin=ecu.vin if self.vin is None else self.vin,
            counters=ecu.counters if self.counters is None else replace(self.counters),
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit: what the modules hold, what the dashboard and the papers show, and what should be concluded.

    ``true_odometer_m`` is the distance the car has really driven, ``tampering`` how what it shows was falsified, if so.
    """

    odometer_m: int
    dash_km: int
    plate: str
    stock_number: str
    operator: str
    battery_v: float
    engine_on: bool
    ignition_on: bool
    speed_kmh: float
    mil: bool
    codes: tuple[Code, ...]
    counters: Counters
    incomplete: frozenset[str]
    verdict: str
    findings: tuple[str, ...]
    last_service: LastService | None
    papers_km: int | None = None
    units: tuple[UnitState, ...] = ()
    true_odometer_m: int = 0
    tampering: str = ""
    road_test: RoadTest | None = None
    inspection: Inspection | None = None
    legs: tuple[Leg, ...] = ()
    counted_share: float = 1.0
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class UsualAdapter:
    """What the car is read with unless somebody chooses otherwise; 0 leaves the pace to the profile."""

    profile: str = DEFAULT_PROFILE
    baud: int = 0
    ecu_ms: float = 0.0
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One car, its visits in order, and the adapter it is usually read with.

    ``checks`` are those it is made for (K1 to K10); an honest twin names in ``twin_of`` whom it resembles.
    """

    name: str
    title: str
    make: str
    model: str
    model_year: int
    vin: str
    fuel: str
    link: Link
    silent: bool
    ecus: tuple[Ecu, ...]
    visits: tuple[Visit, ...]
    adapter: UsualAdapter = UsualAdapter()
    title_zh: str = ""
    checks: tuple[str, ...] = ()
    twin_of: str = ""

    def ecus_at(self, number: int) -> list[Ecu]:
        """The control units as they are at visit ``number`` (from 1); new ones each time."""
        states = {unit.role: unit for unit in self.visits[number - 1].units}
        return [states.get(ecu.role, UnitState(ecu.role)).applied(ecu) for ecu in self.ecus]

    def car(self, number: int) -> Car:
        """The car as it comes to visit ``number`` (from 1); a new one each time."""
        visit = self.visits[number - 1]
        car = Car(
            link=self.link,
            vin=self.vin,
            fuel=self.fuel,
            ecus=[] if self.silent else self.ecus_at(number),
            odometer_m=float(visit.odometer_m),
            battery_v=visit.battery_v,
            troubles=Troubles(list(visit.codes)),
            counters=replace(visit.counters),
            incomplete=set(visit.incomplete),
            monitors=monitors_of(self.fuel),
            mil=visit.mil,
            engine_on=visit.engine_on and self.fuel != "electric",
            arrived_running=visit.engine_on and self.fuel != "electric",
            ignition_on=visit.ignition_on,
            speed_kmh=visit.speed_kmh,
            counted_share=visit.counted_share,
        )
        car.freezes = freeze
        freeze(car)
        if visit.legs:
            car.drive_next(list(visit.legs))
        return car


def monitors_of(fuel: str) -> frozenset[str]:
    """The readiness monitors a car of this fuel has (SAE J1979, PID 01)."""
    if fuel == "electric":
        return frozenset(("components",))
    if fuel == "diesel":
        return MONITORS_BY_IGNITION["compression"]
    return frozenset(
        ("misfire", "fuel_system", "components", "catalyst", "evap", "oxygen_sensor", "oxygen_heater", "egr")
    )


def freeze(car: Car) -> None:
    """The freeze frame belongs to the first stored code of the first ECU that has one."""
    stored = next((code for code in car.codes if code.kind == "stored"), None)
    ecu = next((ecu for ecu in car.ecus if stored is not None and ecu.role == stored.ecu), None)
    if stored is None or ecu is None:
        return
    car.frozen_code = stored.code
    car.frozen = {pid: data for pid in _FROZEN if (data := pid_data(car, ecu, pid)) is not None}
