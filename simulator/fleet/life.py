"""One car's life, driven by the day: what honest years do to it. Counting is the car's own (``simulator.car``)."""

from collections.abc import Callable
from random import Random

from simulator.car import Car, Counters, Ecu
from simulator.fleet.drawing import Drawn, donor, vin_of

# Between events days are alike, so that a month is counted in one step; the sum is the same as day by day.
STEP_DAYS = 30
FAULTS = ("P0301", "P0420", "P0171", "P0442", "P0128", "P0011", "P0741")
REPAIR_DAYS = 45.0
REPLACED_SPAN = 10**6

# Events a year of an ordinary car. Assumptions: no published rates were found for most of them.
RATES: dict[str, float] = {
    "fault": 0.2,
    "battery_change": 0.2,
    "workshop_clear": 0.12,
    "reflash": 0.06,
    "cluster_replaced": 0.008,
    "gearbox_unit_replaced": 0.012,
    "engine_unit_replaced": 0.008,
    "unit_changed": 0.005,
}


class Life:
    """A car from its first day. ``true_m`` is what it really has covered, whatever its modules count."""

    def __init__(
        self, random: Random, drawn: Drawn, days: int, *, without: frozenset[str] = frozenset(), sure: str = ""
    ) -> None:
        """``without`` names events that do not happen; ``sure`` is one of them that certainly does."""
        self.drawn = drawn
        self.random = random
        self.day = 0
        self.true_m = drawn.car.odometer_m
        self.noise = drawn.noise
        self.fault = ""
        # Of each kilometre, the part that no module sees (blocker) and that the cluster is not told (CAN filter).
        self.blocked = 0.0
        self.filtered = 0.0
        self.mirrors = random.random() < 0.3
        self.sure = sure
        # What a workshop's bill says of the instrument: day, kind, shown before and after.
        self.told: list[tuple[int, str, float, float]] = []
        if drawn.dash_in_miles:
            self.told.append((0, "shows_miles", 0.0, 0.0))
        self._warm = 0.0
        drawn_events = [event for event in _draw_events(random, days) if event[1] not in without]
        self._events = sorted(drawn_events, key=lambda event: event[0])

    @property
    def car(self) -> Car:
        """The car as its modules know it."""
        return self.drawn.car

    def at(self, day: int, act: Callable[[], None]) -> None:
        """Have something happen on ``day``, after what is drawn for it already."""
        self._events.append((day, act.__name__, act))
        self._events.sort(key=lambda event: event[0])

    def make_sure(self, random: Random, last_day: int) -> None:
        """Have the sure event happen on some day, early enough for a visit to follow."""
        if self.sure:
            self.at(random.randrange(1, max(last_day, 2)), getattr(self, f"_{self.sure}"))

    def live_to(self, day: int) -> None:
        """Let the days pass until the evening of ``day``, with all that happens on them."""
        while self._events and self._events[0][0] <= day:
            due, name, act = self._events.pop(0)
            self._pass(due - self.day)
            act() if act is not None else getattr(self, f"_{name}")()
        self._pass(day - self.day)

    def _pass(self, days: int) -> None:
        while days > 0:
            step = min(days, STEP_DAYS)
            self.drive_days(step, self.random.uniform(0.6, 1.4))
            days -= step

    def drive_days(self, days: int, season: float = 1.0) -> None:
        """Ordinary days, all alike; ``season`` scales their distance."""
        car, habits = self.car, self.drawn.habits
        distance_m = days * habits.daily_m * season
        self.day += days
        self.true_m += distance_m
        car.travel(distance_m * (1.0 - self.blocked))
        if self.filtered:
            self.shift_cluster(-distance_m * self.filtered)
        if habits.engine_counts:
            moving_s = distance_m * 3.6 / habits.mean_kmh * habits.engine_share
            run_s = moving_s / (1.0 - habits.idle_share)
            car.run_engine(run_s, run_s - moving_s)
        self._warm += days * habits.warmups_a_day
        warmups = int(self._warm)
        self._warm -= warmups
        car.warm_up(warmups)
        self._diagnose(warmups)

    def _diagnose(self, cycles: int) -> None:
        """A fault is seen once its monitor has run; otherwise codes heal."""
        car = self.car
        if self.fault:
            if "catalyst" not in car.incomplete:
                for _ in range(min(cycles, 2)):
                    car.fail(self.fault, car.ecus[0].role)
        elif car.codes:
            car.pass_cycles(cycles)

    def shift_cluster(self, by_m: float) -> None:
        """Change what the cluster shows, and with it 01 A6 where the engine unit takes it from there."""
        units = [self.drawn.ecu("cluster"), self.drawn.ecu("engine") if self.mirrors else None]
        for ecu in units:
            if ecu is not None:
                ecu.odometer_offset_m += round(by_m)

    @property
    def shown_m(self) -> float:
        """What the dashboard's odometer stands at."""
        cluster = self.drawn.ecu("cluster")
        return (cluster or self.car.ecus[0]).own_odometer_m(self.car.odometer_m)

    def _fault(self) -> None:
        if self.drawn.habits.engine_counts:
            self.fault = self.random.choice(FAULTS)
            repaired = self.day + 1 + int(self.random.expovariate(1 / REPAIR_DAYS))
            self.at(repaired, self._repaired_and_cleared if self.random.random() < 0.7 else self._repaired)

    def _repaired(self) -> None:
        self.fault = ""

    def _repaired_and_cleared(self) -> None:
        self.fault = ""
        self._workshop_clear()

    def _workshop_clear(self) -> None:
        self.noise.add("workshop_clear")
        self.car.clear_codes()

    def _battery_change(self) -> None:
        if self.random.random() < 0.4:
            self.noise.add("battery_change")
            self.car.change_battery()

    def _reflash(self) -> None:
        for counters in (self.car.counters, *(ecu.counters for ecu in self.car.ecus if ecu.counters)):
            counters.distance_since_reflash_km = 0.0

    def _cluster_replaced(self) -> None:
        self.noise.add("cluster_replaced")
        if self.random.random() < 0.3 or self.sure == "cluster_replaced":
            before_m = self.shown_m
            self.shift_cluster(self.random.uniform(0.0, 150_000_000.0) - before_m)
            self.told.append((self.day, "cluster_replaced", before_m, self.shown_m))

    def _gearbox_unit_replaced(self) -> None:
        gearbox = self.drawn.ecu("gearbox")
        if gearbox is not None:
            self.noise.add("gearbox_unit_replaced")
            gearbox.counters = donor(self.random, self.car) if self.random.random() < 0.5 else Counters()

    def _engine_unit_replaced(self) -> None:
        engine = self.drawn.ecu("engine")
        if engine is None:
            return
        self.noise.add("engine_unit_replaced")
        self.replace_unit(engine, donor(self.random, self.car), foreign_vin=self.random.random() < 0.3)
        counters = engine.counters or self.car.counters
        if self.random.random() < 0.4 and not self.mirrors:
            lived_m = counters.distance_since_reflash_km * 1000
            engine.odometer_offset_m += round(lived_m - engine.own_odometer_m(self.car.odometer_m))
            return
        # Coded to this car: its odometer is the car's; counters since the last clear stay unless cleared too.
        counters.distance_since_reflash_km = 0.0
        if self.random.random() < 0.7:
            counters.clear()

    def replace_unit(self, unit: Ecu, counters: Counters, *, foreign_vin: bool) -> None:
        """Put another unit of the same kind in its place: its own past, another calibration, perhaps another VIN."""
        unit.counters = counters
        cvn = f"{self.random.getrandbits(32):08X}"
        unit.cvns = (cvn,)
        unit.calibration_ids = (f"ECU-{cvn[:4]}",)
        if foreign_vin:
            unit.vin = vin_of(self.car.vin[:3], REPLACED_SPAN + self.random.randrange(REPLACED_SPAN), 2010)

    def _unit_changed(self) -> None:
        self.noise.add("unit_changed")
        self.drawn.dash_in_miles = not self.drawn.dash_in_miles
        kind = "shows_miles" if self.drawn.dash_in_miles else "shows_km"
        self.told.append((self.day, kind, self.shown_m, self.shown_m))


def _draw_events(random: Random, days: int) -> list[tuple[int, str, Callable[[], None] | None]]:
    events: list[tuple[int, str, Callable[[], None] | None]] = []
    for name, a_year in RATES.items():
        day = random.expovariate(a_year / 365.25)
        while day < days:
            events.append((int(day), name, None))
            day += random.expovariate(a_year / 365.25)
    return events
