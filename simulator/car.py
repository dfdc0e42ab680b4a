"""A car in physical units: its state, its ECUs and what time and driving do to them.

Encoding is elsewhere (``pids``, ``services``); everything that changes a car's state is here.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.codes import Code
from simulator.counting import METRES_PER_KM, Counters
from simulator.links import Link
from simulator.physics import (
    CRANKING_S,
    CRANKING_V,
    DRAIN_V_PER_S,
    FLAT_V,
    OPERATING_C,
    WARM_C,
    WARM_UP_RISE_C,
    charge_after,
    coolant_after,
    fuel_after,
)
from simulator.trouble import Troubles

__all__ = ["METRES_PER_KM", "Car", "Counters", "Ecu", "MakerRead"]

CHARGING_V = 14.1
RESTING_V = 12.5

# The longest piece of driving that is reckoned at once; a very long drive takes longer ones.
STEP_S = 10.0
MOST_STEPS = 20_000
# A monitor of a fault needs a minute of running engine to judge; a hybrid drives away without its engine.
JUDGED_AFTER_S = 60.0
HYBRIDS = ("hybrid", "plug-in")
ENGINE_FROM_KMH = 40.0
ENGINE_BELOW_C = 50.0


@dataclass(frozen=True, slots=True)
class Leg:
    """A piece of driving at one speed."""

    speed_kmh: float
    seconds: float


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
    # Whether it tells how often its monitors have run (service 09, info type 08 or 0B).
    in_use: bool = False
    reads: tuple[MakerRead, ...] = ()
    dids: dict[int, bytes] = field(default_factory=dict)
    # Whole answers by request, as a real unit gave them; no message: it stays silent. They go before all else.
    answers: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    odometer_offset_m: int = 0
    odometer_scale: float = 1.0
    # Share of a distance that reaches this unit's odometer (a filter before it), and what it has missed by that.
    counted_share: float = 1.0
    missed_m: float = 0.0
    counters: Counters | None = None
    pending_replies: int = 0
    uds_only: bool = False
    obd: bool = True
    padding: int | None = 0x00
    # First data byte of requests to this ECU under ISO-TP extended addressing; its answers begin with the tester's F1.
    extended: int | None = None

    def own_odometer_m(self, odometer_m: float) -> float:
        """What this unit's odometer says in a car that counts ``odometer_m``."""
        return max(odometer_m * self.odometer_scale + self.odometer_offset_m - self.missed_m, 0.0)


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
    # Called when a code is confirmed while there is no freeze frame.
    freezes: Callable[["Car"], None] | None = None
    legs: deque[Leg] = field(default_factory=deque)
    # Share of the driven distance that reaches the modules: 1 unless something blocks it.
    counted_share: float = 1.0
    # What is broken, by code and ECU role, whether or not any unit has noticed.
    defects: set[tuple[str, str]] = field(default_factory=set)
    drained_v: float = 0.0
    started_c: float = OPERATING_C
    warmed_up: bool = True
    # A driving cycle that began here, not elsewhere, and whether its monitors have judged.
    in_cycle: bool = False
    judged: bool = True
    awake_s: float = CRANKING_S
    _sag_v: float = 0.0
    _sag_left_s: float = 0.0
    _leg_left_s: float = 0.0
    _seen_s: float | None = None

    @property
    def moving(self) -> bool:
        """Whether a maker request or a search would now be dangerous."""
        return self.speed_kmh > 0

    @property
    def shown_m(self) -> float:
        """What the dashboard follows: the distance counted, less what a filter before the cluster kept from it."""
        return self.odometer_m - max((ecu.missed_m for ecu in self.ecus), default=0.0)

    @property
    def has_engine(self) -> bool:
        """False for an electric car."""
        return self.fuel != "electric"

    @property
    def burning(self) -> bool:
        """Whether the engine turns: a warm hybrid stops it below 40 km/h although it is switched on."""
        if not (self.engine_on and self.has_engine and self.ignition_on):
            return False
        resting = self.fuel in HYBRIDS and self.speed_kmh < ENGINE_FROM_KMH and self.coolant_c >= ENGINE_BELOW_C
        return not resting

    def start(self) -> None:
        """Turn the key: the battery sags while it cranks, and a driving cycle begins."""
        self.ignition_on = True
        if self.engine_on or not self.has_engine:
            return
        self.engine_on = True
        self.run_s = self.awake_s = 0.0
        self.started_c = self.coolant_c
        self.warmed_up = self.judged = False
        self.in_cycle = True

    def stop(self) -> None:
        """Switch the engine off; a driving cycle that got to judge ends, and what stayed sound heals by one."""
        if not self.engine_on:
            return
        self.engine_on = False
        self.keep_speed(0.0)
        if self.in_cycle and self.judged:
            self.pass_cycles(1)
        self.in_cycle = False

    def sag(self, voltage_v: float, seconds: float) -> None:
        """Pull the supply down to a voltage for some time."""
        self._sag_v, self._sag_left_s = voltage_v, seconds

    def drive_next(self, legs: list[Leg]) -> None:
        """Drive these legs one after the other, beginning now, and stand still after the last."""
        self.legs = deque(legs)
        self._begin_leg()

    def keep_speed(self, speed_kmh: float) -> None:
        """Drive at this speed until told otherwise; legs that were still to come are dropped."""
        self.legs.clear()
        self.speed_kmh = speed_kmh

    def advance(self, now_s: float) -> None:
        """Let the time since the last call pass: distance, run time and the counters that follow them."""
        passed_s = now_s - self._seen_s if self._seen_s is not None else 0.0
        self._seen_s = max(now_s, self._seen_s or now_s)
        if passed_s > 0:
            self.pass_time(passed_s)

    def pass_time(self, passed_s: float) -> None:
        """Let so much time pass, leg by leg, in steps that are short against the warming of an engine."""
        if passed_s <= STEP_S and not self.legs:
            self._live(passed_s)
            return
        longest_s = max(STEP_S, passed_s / MOST_STEPS)
        while passed_s > 0:
            step_s = min(passed_s, longest_s) if self.burning or self.legs else passed_s
            if self.legs:
                step_s = min(step_s, self._leg_left_s)
            self._live(step_s)
            passed_s -= step_s
            if self.legs:
                self._leg_left_s -= step_s
                if self._leg_left_s <= 0:
                    self.legs.popleft()
                    self._begin_leg(stops=True)

    def _begin_leg(self, *, stops: bool = False) -> None:
        if self.legs:
            self.speed_kmh, self._leg_left_s = self.legs[0].speed_kmh, self.legs[0].seconds
        elif stops:
            self.speed_kmh = 0.0

    def _live(self, step_s: float) -> None:
        burning = self.burning
        self.coolant_c = coolant_after(self.coolant_c, self.ambient_c, step_s, burning=burning)
        self._sag_left_s = max(self._sag_left_s - step_s, 0.0)
        if not self.ignition_on:
            return
        distance_m = self.speed_kmh / 3.6 * step_s
        self._spend(step_s, distance_m, burning=burning)
        if self.engine_on:
            self.run_s += step_s
            self.run_engine(step_s, step_s if self.speed_kmh == 0 else 0.0)
            self._note_cycle()
        if distance_m > 0:
            self.travel(distance_m * self.counted_share)

    def _spend(self, step_s: float, distance_m: float, *, burning: bool) -> None:
        self.awake_s += step_s
        if burning:
            self.fuel_level_pct = fuel_after(self.fuel_level_pct, step_s, distance_m)
        elif not self.has_engine or self.engine_on:
            self.charge_pct = charge_after(self.charge_pct, step_s, distance_m)
        else:
            self.drained_v += DRAIN_V_PER_S * step_s

    def _note_cycle(self) -> None:
        """What a driving cycle brings: one warm-up, and a judgement on what is broken."""
        if not self.warmed_up and self.coolant_c >= max(WARM_C, self.started_c + WARM_UP_RISE_C):
            self.warmed_up = True
            self.warm_up(1)
        if not self.judged and self.run_s >= JUDGED_AFTER_S:
            self.judged = True
            for code, role in sorted(self.defects):
                self.fail(code, role)

    def run_engine(self, run_s: float, idle_s: float) -> None:
        """Let the engine run, ``idle_s`` of it standing."""
        for counters in self._kept():
            counters.run(run_s, idle_s, mil=self.mil)

    def travel(self, distance_m: float) -> None:
        """Cover a distance as the modules see it; monitors whose conditions are met by it complete."""
        open_before = self._awaited()
        self.odometer_m += distance_m
        for ecu in self.ecus:
            ecu.missed_m += distance_m * (1 - ecu.counted_share)
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
        if self.freezes is not None and not self.frozen_code:
            self.freezes(self)

    def pass_cycles(self, cycles: int) -> None:
        """Driving cycles without any other fault than what is still broken: codes heal."""
        if self.codes:
            ran = not self.incomplete - {"evap"}
            self.mil = self.troubles.pass_cycles(cycles, monitors_ran=ran, present=self.defects)

    def _kept(self) -> list[Counters]:
        return [self.counters, *[ecu.counters for ecu in self.ecus if ecu.counters is not None]]

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
        self.stop()
        self.clear_codes()
        self.battery_v, self.arrived_running = voltage_v, False
        self.drained_v = 0.0

    @property
    def codes(self) -> list[Code]:
        """All codes of all units, in the order they appeared."""
        return self.troubles.codes

    def codes_of(self, ecu: Ecu, kind: str) -> list[str]:
        """The codes one ECU reports in one list, in the scenario's order."""
        return [code.code for code in self.codes if code.kind == kind and code.ecu == ecu.role]

    @property
    def supply_v(self) -> float:
        """Voltage at the socket: as the car arrived, until its engine is started or stopped, less what was drawn."""
        if self._sag_left_s > 0:
            return self._sag_v
        if self.engine_on and self.awake_s < CRANKING_S:
            return CRANKING_V
        if self.engine_on:
            return self.battery_v if self.arrived_running else CHARGING_V
        resting_v = RESTING_V if self.arrived_running else self.battery_v
        return max(resting_v - self.drained_v, FLAT_V)

    @property
    def rpm(self) -> float:
        """Engine speed: idle, or 50 km/h at 1900 rpm and so on in proportion."""
        return max(780.0, self.speed_kmh * 38.0) if self.burning else 0.0
