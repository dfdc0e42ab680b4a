"""The counters of one control unit: what a kilometre, a second of running, a warm-up and a clear do to them.

The same arithmetic serves a car that is driven by the second and one that is driven by the day.
"""

from dataclasses import dataclass

METRES_PER_KM = 1000

# Kilometres and warm-ups after a clear until a monitor has usually run (makers' drive cycles need 5 to 300 km;
# the evaporative monitor wants cold starts and a part-full tank). What is not listed runs at once.
MONITOR_NEEDS: dict[str, tuple[float, int]] = {
    "oxygen_heater": (5.0, 1),
    "oxygen_sensor": (25.0, 1),
    "exhaust_sensor": (25.0, 1),
    "egr": (60.0, 2),
    "boost": (60.0, 2),
    "catalyst": (80.0, 3),
    "heated_catalyst": (80.0, 3),
    "secondary_air": (80.0, 3),
    "ac": (80.0, 3),
    "nmhc_catalyst": (120.0, 4),
    "nox": (150.0, 5),
    "pm_filter": (250.0, 6),
    "evap": (300.0, 8),
}


@dataclass(slots=True)
class Counters:
    """What service 01 counts since the last clear (SAE J1979: 21 30 31 4D 4E), since programming (C7), ever (7F)."""

    distance_since_clear_km: float = 0.0
    warmups_since_clear: int = 0
    minutes_since_clear: float = 0.0
    distance_with_mil_km: float = 0.0
    minutes_with_mil: float = 0.0
    engine_run_s: float = 0.0
    idle_run_s: float = 0.0
    distance_since_reflash_km: float = 0.0

    def drive(self, distance_m: float, *, mil: bool) -> None:
        """Count a distance; with the lamp on, that of the lamp too."""
        distance_km = distance_m / METRES_PER_KM
        self.distance_since_clear_km += distance_km
        self.distance_since_reflash_km += distance_km
        self.distance_with_mil_km += distance_km if mil else 0.0

    def run(self, run_s: float, idle_s: float, *, mil: bool) -> None:
        """Count engine running time, ``idle_s`` of it standing."""
        self.engine_run_s += run_s
        self.idle_run_s += idle_s
        self.minutes_since_clear += run_s / 60
        self.minutes_with_mil += run_s / 60 if mil else 0.0

    def warm_up(self, times: int) -> None:
        """Count warm-ups: the coolant rose by 22 K and reached 70 C (SAE J1979, PID 30)."""
        self.warmups_since_clear += times

    def clear(self) -> None:
        """What a clear takes: everything but the distance since programming and the hours."""
        self.distance_since_clear_km = 0.0
        self.warmups_since_clear = 0
        self.minutes_since_clear = 0.0
        self.distance_with_mil_km = 0.0
        self.minutes_with_mil = 0.0

    def has_run(self, monitor: str) -> bool:
        """Whether a monitor has usually completed by now."""
        needs_km, needs_warmups = MONITOR_NEEDS.get(monitor, (0.0, 0))
        return self.distance_since_clear_km >= needs_km and self.warmups_since_clear >= needs_warmups
