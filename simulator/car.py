"""A car in physical units: its state, its ECUs and what time and driving do to them.

Encoding is elsewhere (``pids``, ``services``); everything that changes a car's state is here.
"""

from dataclasses import dataclass, field

from simulator.codes import Code
from simulator.links import Link

METRES_PER_KM = 1000
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
    """One control unit. Ids are CAN ids, or on K-line and J1850 the unit's address twice."""

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
    odometer_offset_m: int = 0
    pending_replies: int = 0
    uds_only: bool = False
    obd: bool = True
    padding: int | None = 0x00
    # First data byte of requests to this ECU under ISO-TP extended addressing; its answers begin with the tester's F1.
    extended: int | None = None


@dataclass(slots=True)
class Counters:
    """What service 01 counts since the last clear (SAE J1979: 21, 30, 31, 4D, 4E) and ever (7F)."""

    distance_since_clear_km: float = 0.0
    warmups_since_clear: int = 0
    minutes_since_clear: float = 0.0
    distance_with_mil_km: float = 0.0
    minutes_with_mil: float = 0.0
    engine_run_s: float = 0.0
    idle_run_s: float = 0.0


@dataclass(slots=True)
class Car:
    """One vehicle at one moment. ``odometer_m`` is what its modules count, whatever the dashboard shows."""

    link: Link
    vin: str
    fuel: str
    ecus: list[Ecu]
    odometer_m: float
    battery_v: float
    codes: list[Code] = field(default_factory=list)
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
            self._run(passed_s)
        if self.speed_kmh > 0:
            self._drive(self.speed_kmh / 3.6 * passed_s)

    def _run(self, passed_s: float) -> None:
        self.run_s += passed_s
        counters = self.counters
        counters.engine_run_s += passed_s
        counters.idle_run_s += passed_s if self.speed_kmh == 0 else 0.0
        counters.minutes_since_clear += passed_s / 60
        counters.minutes_with_mil += passed_s / 60 if self.mil else 0.0

    def _drive(self, distance_m: float) -> None:
        self.odometer_m += distance_m
        self.counters.distance_since_clear_km += distance_m / METRES_PER_KM
        self.counters.distance_with_mil_km += distance_m / METRES_PER_KM if self.mil else 0.0

    def clear_codes(self) -> None:
        """What service 04 does: codes, freeze frame, readiness and counters go; permanent codes stay."""
        self.codes = [code for code in self.codes if code.kind == "permanent"]
        self.mil = False
        self.frozen = {}
        self.frozen_code = ""
        kept = self.counters
        self.counters = Counters(engine_run_s=kept.engine_run_s, idle_run_s=kept.idle_run_s)
        self.incomplete = set(self.monitors - {"misfire", "fuel_system", "components"})

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
