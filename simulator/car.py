"""A car in physical units: its state, its ECUs and what time and driving do to them.

Encoding is elsewhere (``pids``, ``services``); everything that changes a car's state is here.
"""

from dataclasses import dataclass, field

from simulator.codes import Code
from simulator.counting import METRES_PER_KM, Counters
from simulator.links import Link
from simulator.trouble import Troubles

__all__ = ["METRES_PER_KM", "Car", "Counters", "Ecu", "MakerRead"]

CHARGING_V = 14.1
RESTING_V = 12.5

MONITORS_SPARK = (
    "misfire", "fuel_system", "components",
    "catalyst", "heated_catalyst", "evap", "secondary_air", "ac", "oxygen_sensor", "oxygen_heater", "egr",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MakerRead:
    """A maker's own distance read: raw value = metres // ``unit_m``, in ``size`` bytes after ``lead`` filler bytes."""

    request: bytes
    size: int
    unit_m: int
    lead: int = 0
    trail: int = 0
    little: bool = False

    def raw(self, metres: float) -> int:
        """The raw value for a distance: whole units, within what the bytes can hold."""
        return min(max(int(metres) // self.unit_m, 0), (1 << 8 * self.size) - 1)


@dataclass(slots=True)
class Ecu:
    """One control unit. Ids are CAN ids, or on K-line and J1850 the unit's address twice.

    Its own odometer is the car's times ``odometer_scale`` plus ``odometer_offset_m``. A unit from elsewhere has
    ``counters`` of its own; otherwise it counts with the car.
    """

    role: str
    title: str
    request_id: int
    answer_id: int
    functional: bool = True
    latency_s: float | None = None
    vin: str = ""
    calibration_ids: tuple[str, ...] = ()
    cvns: tuple[str, ...] = ()
    pids: frozenset[int] = frozenset()
    reads: tuple[MakerRead, ...] = ()
    dids: dict[int, bytes] = field(default_factory=dict)
    # Whole answers by request, as a real unit gave them; no message: it stays silent. They go before all else.
    answers: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    odometer_offset_m: int = 0
    odometer_scale: float = 1.0
    counters: Counters | None = None
    pending_replies: int = 0
    uds_only: bool = False
    obd: bool = True
    padding: int | None = 0x00
    # First data byte of requests to this ECU under ISO-TP extended addressing; its answers begin with the tester's F1.
    extended: int | None = None

    def own_odometer_m(self, odometer_m: float) -> float:
        """What this unit's odometer says in a car that counts ``odometer_m``."""
        return max(odometer_m * self.odometer_scale + self.odometer_offset_m, 0.0)


@dataclass(slots=True)
class Car:
    """One vehicle at one moment. ``odometer_m`` is what its modules count, whatever the dashboard shows."""

    link: Link
    vin: str
    fuel: str
    ecus: list[Ecu]
    odometer_m: float
    battery_v: float
    troubles: Troubles = field(default_factory=Troubles)
    counters: Counters = field(default_factory=Counters)
    incomplete: set[str] = field(default_factory=set)
    monitors: frozenset[str] = frozenset()
    mil: bool = False
    engine_on: bool = True
    arrived_running: bool = True
    ignition_on: bool = True
    speed_kmh: float = 0.0
    coolant_c: float = 88.0
    intake_c: float = 31.0
    ambient_c: float = 22.0
    barometer_kpa: float = 101.0
    fuel_level_pct: float = 54.0
    charge_pct: float = 71.0
    run_s: float = 240.0
    frozen: dict[int, bytes] = field(default_factory=dict)
    frozen_code: str = ""
    _seen_s: float | None = None

    @property
    def moving(self) -> bool:
        """Whether a maker request or a search would now be dangerous."""
        return self.speed_kmh > 0

    @property
    def has_engine(self) -> bool:
        """False for an electric car."""
        return self.fuel != "electric"

    def advance(self, now_s: float) -> None:
        """Let the time since the last call pass: distance, run time and the counters that follow them."""
        passed_s = now_s - self._seen_s if self._seen_s is not None else 0.0
        self._seen_s = max(now_s, self._seen_s or now_s)
        if passed_s <= 0 or not self.ignition_on:
            return
        if self.engine_on:
            self.run_s += passed_s
            self.run_engine(passed_s, passed_s if self.speed_kmh == 0 else 0.0)
        if self.speed_kmh > 0:
            self.travel(self.speed_kmh / 3.6 * passed_s)

    def run_engine(self, run_s: float, idle_s: float) -> None:
        """Let the engine run, ``idle_s`` of it standing."""
        for counters in self._kept():
            counters.run(run_s, idle_s, mil=self.mil)

    def travel(self, distance_m: float) -> None:
        """Cover a distance as the modules see it; monitors whose conditions are met by it complete."""
        open_before = self._awaited()
        self.odometer_m += distance_m
        for counters in self._kept():
            counters.drive(distance_m, mil=self.mil)
        self._complete(open_before)

    def warm_up(self, times: int) -> None:
        """Start cold and get warm so many times."""
        open_before = self._awaited()
        for counters in self._kept():
            counters.warm_up(times)
        self._complete(open_before)

    def fail(self, code: str, role: str) -> None:
        """One driving cycle that saw a fault (pending, then confirmed with the lamp)."""
        self.mil = self.troubles.fail(code, role) or self.mil

    def pass_cycles(self, cycles: int) -> None:
        """Driving cycles without any fault: codes heal."""
        if self.codes:
            self.mil = self.troubles.pass_cycles(cycles, monitors_ran=not self.incomplete - {"evap"})

    def _kept(self) -> list[Counters]:
        return [self.counters, *(ecu.counters for ecu in self.ecus if ecu.counters is not None)]

    def _awaited(self) -> list[str]:
        """Open monitors that driving can still complete; one that missed its conditions stays open, as on real cars."""
        return [name for name in self.incomplete if not self.counters.has_run(name)] if self.incomplete else []

    def _complete(self, awaited: list[str]) -> None:
        for name in awaited:
            if self.counters.has_run(name):
                self.incomplete.discard(name)

    def clear_codes(self) -> None:
        """What service 04 does: codes, freeze frame, readiness and counters go; permanent codes stay."""
        self.troubles.clear()
        self.mil = False
        self.frozen = {}
        self.frozen_code = ""
        for counters in self._kept():
            counters.clear()
        self.incomplete = set(self.monitors - {"misfire", "fuel_system", "components"})

    def change_battery(self, voltage_v: float = RESTING_V) -> None:
        """A battery taken off long enough: the same is lost as by a clear, on cars that keep it in powered memory."""
        self.clear_codes()
        self.battery_v = voltage_v

    @property
    def codes(self) -> list[Code]:
        """All codes of all units, in the order they appeared."""
        return self.troubles.codes

    def codes_of(self, ecu: Ecu, kind: str) -> list[str]:
        """The codes one ECU reports in one list, in the scenario's order."""
        return [code.code for code in self.codes if code.kind == kind and code.ecu == ecu.role]

    @property
    def supply_v(self) -> float:
        """Voltage at the socket: as the car arrived, until its engine is started or stopped."""
        if self.engine_on == self.arrived_running:
            return self.battery_v
        return CHARGING_V if self.engine_on else RESTING_V

    @property
    def rpm(self) -> float:
        """Engine speed: idle, or 50 km/h at 1900 rpm and so on in proportion."""
        if not self.engine_on or not self.has_engine:
            return 0.0
        return max(780.0, self.speed_kmh * 38.0)
